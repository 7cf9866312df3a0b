import { Argument, Option } from 'commander';
import { SERVICES, type ServiceKind } from '../app/systemd-unit.ts';
import type { CommandModule } from './command.ts';
import { type Io } from './io.ts';
import { installService, serviceStatus, uninstallService } from './service-install.ts';

const ACTIONS = ['install', 'uninstall', 'status'] as const;
type Action = (typeof ACTIONS)[number];

const EXAMPLES = `
Flags of the service stand behind --. Without any that say where records go, they are kept in /var/lib/weir-collector, weir-probe or weir-nat.
The service has a user of its own and no rights but those that it needs; systemd starts it again when it fails, or hangs.

Examples:
  weir service install collector --print                      the unit, to be looked at first
  sudo weir service install collector -- --listen udp://[::]:2055
  sudo weir service install probe -- -i eth0 -n 192.0.2.7:4739
  sudo weir service install nat -- -n 192.0.2.7:4739 --syslog
  weir service status nat
  sudo weir service uninstall nat

See also: docs/service.md
`;

interface Flags {
  readonly print?: boolean;
  readonly user?: string;
  readonly write?: readonly string[];
  readonly unitDir?: string;
  readonly start: boolean;
}

/** Adds the flags of `weir service` and its action. */
export const build: CommandModule['build'] = (command, io, exit) => {
  command
    .addArgument(new Argument('<action>').choices(ACTIONS))
    .addArgument(new Argument('<service>').choices(SERVICES))
    .argument('[flags...]', 'behind --: flags of weir collect, weir probe or weir nat')
    .option('--print', 'print the unit, and change nothing')
    .option('--user <name>', 'run as this user of the system (default: one that systemd makes)')
    .option(
      '--write <dir>',
      'a folder outside of its own that it may write to; repeatable',
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    )
    .option('--no-start', 'write the unit, but do not start it')
    .addOption(new Option('--unit-dir <dir>', 'folder of units (default: /etc/systemd/system)').hideHelp())
    .addHelpText('after', EXAMPLES)
    .action(async (action: Action, service: ServiceKind, words: string[], flags: Flags) => {
      exit(await act(action, service, words, flags, io));
    });
};

async function act(action: Action, kind: ServiceKind, words: string[], flags: Flags, io: Io): Promise<number> {
  const { user, write: writes, unitDir, start, print } = flags;
  const place = { user, writes, unitDir, isStarted: start };
  switch (action) {
    case 'install':
      return await installService(kind, words, print === true, io, place);
    case 'uninstall':
      return await uninstallService(kind, io, place);
    default:
      return await serviceStatus(kind, io);
  }
}
