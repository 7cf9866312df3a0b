import { readFileSync } from 'node:fs';
import { styleText } from 'node:util';
import { Command, CommanderError } from 'commander';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import type { CommandModule } from './command.ts';
import { EXIT, type Io } from './io.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** Every command; its module is loaded only when it is the one asked for, so that a query starts fast. */
const COMMANDS: readonly Entry[] = [
  { name: 'collect', summary: 'receive flows and store them', load: () => import('./collect.ts') },
  { name: 'query', summary: 'list, count and rank stored flows', load: () => import('./query.ts') },
  { name: 'sql', summary: 'run SQL over stored flows', load: () => import('./sql.ts') },
  { name: 'decode', summary: 'print the flow records in a capture', load: () => import('./decode.ts') },
  { name: 'replay', summary: 'send the export datagrams of a capture again', load: () => import('./replay.ts') },
  { name: 'export', summary: 'send stored flows to a collector, or to a file', load: () => import('./export.ts') },
  { name: 'forward', summary: 'pass export datagrams on to several collectors', load: () => import('./forward.ts') },
  { name: 'generate', summary: 'send synthetic flows, as many exporters would', load: () => import('./generate.ts') },
  { name: 'check', summary: 'check the configuration and this machine', load: () => import('./check.ts') },
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

/** Runs one command line (without `node` and the script). Resolves to the exit code; never throws. */
export async function main(args: readonly string[], io: Io = processIo()): Promise<number> {
  let code: number = EXIT.ok;
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
  const wanted = args.find((arg) => !arg.startsWith('-'));
  const asked = wanted === 'help' ? args[args.indexOf('help') + 1] : wanted;
  for (const entry of COMMANDS) {
    const command = program.command(entry.name).description(entry.summary).exitOverride();
    command
      .copyInheritedSettings(program)
      .showHelpAfterError(`  weir ${entry.name} --help has all flags and examples.`);
    if (entry.name !== asked) continue;
    const module = await entry.load();
    module.build(command, io, (exitCode) => {
      code = exitCode;
    });
  }
  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    return report(error, io);
  }
  return code;
}

/** Prints what went wrong and what to do next; returns the exit code. */
function report(error: unknown, io: Io): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const colour = io.stderr.isTTY === true && io.env['NO_COLOR'] === undefined;
  const red = (text: string) => (colour ? styleText('red', text) : text);
  if (error instanceof WeirError) {
    io.stderr.write(`${red('error:')} ${error.message}\n`);
    if (error.hint !== undefined) io.stderr.write(`  ${error.hint}\n`);
    io.stderr.write(`  (${error.code})\n`);
    const usage: readonly string[] = [
      'WEIR_USAGE',
      'WEIR_CONFIG',
      'WEIR_FILTER',
      'WEIR_TIME',
      'WEIR_SQL',
      'WEIR_ALLOW_LIST',
    ];
    return usage.includes(error.code) ? EXIT.usage : EXIT.failed;
  }
  io.stderr.write(
    `${red('error:')} unexpected: ${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`,
  );
  io.stderr.write('  This is a fault of weir; please report it with the lines above.\n');
  return EXIT.failed;
}

/** The real process as a command sees it. */
function processIo(): Io {
  // The reader of a pipe may leave (`weir query | head`): writers see it by `write`, and what is written without looking is lost rightly.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (systemCode(error) !== 'EPIPE') throw error;
    });
  }
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    now: Date.now,
    onSignal: (listener) => {
      const stop = () => listener('stop');
      const reload = () => listener('reload');
      process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', reload);
      return () => void process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', reload);
    },
  };
}
