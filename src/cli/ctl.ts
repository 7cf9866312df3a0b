import { type Command, Option } from 'commander';
import { answerText } from '../meter/control/answer-text.ts';
import { CONTROL_COMMANDS, type ControlCommand } from '../meter/control/commands.ts';
import { askProbe } from '../meter/control/control-client.ts';
import { findSocket } from '../meter/control/socket-path.ts';
import { EXIT, type Io, write } from './io.ts';

const EXAMPLES = `
A probe that captures live listens on a socket that only its user can open. softflowctl can use it too.

Examples:
  weir ctl statistics                            what the probe has done
  weir ctl statistics --format json | jq .status.capture
  weir ctl expire-all                            export all flows now
  weir ctl -c /run/probe-eth1.ctl shutdown       the probe that was started with -c /run/probe-eth1.ctl

See also: weir probe, docs/ctl.md
`;

interface Flags {
  readonly control?: string;
  readonly format?: 'text' | 'json';
}

/** Adds the flags and commands of `weir ctl`. Flags may stand before the command or behind it. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addFlags(command).addHelpText('after', EXAMPLES);
  for (const { name, about } of CONTROL_COMMANDS) {
    addFlags(command.command(name).description(about).copyInheritedSettings(command)).action(async (flags: Flags) => {
      exit(await control(name, { ...command.opts<Flags>(), ...flags }, io));
    });
  }
}

function addFlags(command: Command): Command {
  return command
    .option('-c, --control <socket>', 'socket of the probe, as its -c says')
    .addOption(new Option('--format <format>', 'text, or JSON objects, a line each').choices(['text', 'json']));
}

async function control(name: ControlCommand, flags: Flags, io: Io): Promise<number> {
  const path = flags.control ?? findSocket({ env: io.env, isRoot: process.getuid?.() === 0 });
  for await (const line of askProbe(path, name)) {
    const text = flags.format === 'json' ? JSON.stringify(line) : answerText(line).join('\n');
    // Nobody reads any more.
    if (!(await write(io.stdout, `${text}\n`))) break;
  }
  return EXIT.ok;
}
