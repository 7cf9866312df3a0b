import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import type { CommandModule } from './command.ts';
import type { Io } from './io.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  /** Not for people. */
  readonly hidden?: true;
  readonly load: () => Promise<CommandModule>;
}

/** Every command; its module is loaded only when it is the one asked for, so that a query starts fast. */
const COMMANDS: readonly Entry[] = [
  { name: 'collect', summary: 'receive flows and store them', load: () => import('./collect.ts') },
  { name: 'probe', summary: 'meter packets into flows, and export or store them', load: () => import('./probe.ts') },
  { name: 'ctl', summary: 'ask a running probe, and tell it what to do', load: () => import('./ctl.ts') },
  { name: 'nat', summary: 'tell of translated connections (Linux NAT)', load: () => import('./nat.ts') },
  { name: 'query', summary: 'list, count and rank stored flows', load: () => import('./query.ts') },
  { name: 'analyze', summary: 'tell who talked to whom, a line a conversation', load: () => import('./analyze.ts') },
  { name: 'tail', summary: 'show flows as they come', load: () => import('./tail.ts') },
  { name: 'top', summary: 'show what is large at the moment', load: () => import('./top.ts') },
  { name: 'sql', summary: 'run SQL over stored flows', load: () => import('./sql.ts') },
  { name: 'trace', summary: 'who was behind a translated address and port', load: () => import('./trace.ts') },
  { name: 'decode', summary: 'print the flow records in a capture', load: () => import('./decode.ts') },
  { name: 'replay', summary: 'send the export datagrams of a capture again', load: () => import('./replay.ts') },
  { name: 'export', summary: 'send stored flows to a collector, or to a file', load: () => import('./export.ts') },
  { name: 'forward', summary: 'pass export datagrams on to several collectors', load: () => import('./forward.ts') },
  { name: 'generate', summary: 'send synthetic flows, as many exporters would', load: () => import('./generate.ts') },
  { name: 'store', summary: 'look after the stored files: list, verify, repair …', load: () => import('./store.ts') },
  { name: 'check', summary: 'check the configuration and this machine', load: () => import('./check.ts') },
  { name: 'service', summary: 'run weir with systemd', load: () => import('./service.ts') },
  { name: 'completion', summary: 'print completions for a shell', load: () => import('./completion.ts') },
  { name: 'man', summary: 'print manual pages', load: () => import('./man.ts') },
  { name: 'complete', summary: 'what a word may go on with', hidden: true, load: () => import('./complete.ts') },
];

const EXAMPLES = `
Start here:
  weir collect                             collect on the standard ports into ./weir-data
  weir query --by src_addr --top 10        who uses the bandwidth
  weir query --from -1h 'dst port 443'     the flows of the last hour to port 443

Each command explains itself: weir query --help
`;

/** Version in package.json, two folders up in a checkout as in an installation. */
function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The command line: every command, with the flags and action of those that `wants` names. */
export async function createProgram(
  io: Io,
  exit: (code: number) => void,
  wants: (name: string) => boolean,
): Promise<Command> {
  const program = new Command('weir')
    .description('Collects network flows (NetFlow, IPFIX, sFlow), stores them as Parquet, answers questions.')
    .version(`weir ${version()}`, '-V, --version')
    .helpOption('-h, --help')
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
    })
    // Flags after a command's name are the command's: `weir generate --version 9` is not a question for ours.
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('  weir --help lists the commands.')
    .exitOverride();
  program.addHelpText('after', EXAMPLES);
  for (const entry of COMMANDS) {
    const command = program.command(entry.name, { hidden: entry.hidden === true }).description(entry.summary);
    command
      .exitOverride()
      .copyInheritedSettings(program)
      .showHelpAfterError(`  weir ${entry.name} --help has all flags and examples.`);
    if (!wants(entry.name)) continue;
    const module = await entry.load();
    module.build(command, io, exit, (some) => createProgram(io, () => {}, some));
  }
  return program;
}
