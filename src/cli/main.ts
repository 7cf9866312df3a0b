import { styleText } from 'node:util';
import { CommanderError } from 'commander';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { EXIT, hasColour, type Io } from './io.ts';
import { createProgram } from './program.ts';

/** Runs one command line (without `node` and the script). Resolves to the exit code; never throws. */
export async function main(args: readonly string[], io: Io = processIo()): Promise<number> {
  let code: number = EXIT.ok;
  const wanted = args.find((arg) => !arg.startsWith('-'));
  const asked = wanted === 'help' ? args[args.indexOf('help') + 1] : wanted;
  const setCode = (exitCode: number): void => {
    code = exitCode;
  };
  const program = await createProgram(io, setCode, (name) => name === asked);
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
  const colour = hasColour(io.stderr, io.env);
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
