import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { onTestFinished } from 'vitest';

export interface SpawnOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Given to standard input, which is then closed; without it standard input is empty. */
  readonly input?: string | Uint8Array;
}

export interface Finished {
  /** Exit code, or null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process whose output is kept. It leads its own process group, so that what it started dies with it. */
export interface Running {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** Resolves with the first line, of either output, that `pattern` matches; rejects with all output when the process ends or `ms` pass before. */
  waitFor(pattern: RegExp | string, ms?: number): Promise<string>;
  /** Resolves when the process has ended and its output has been read to the end. */
  readonly finished: Promise<Finished>;
  /** Sends a signal to the process (not to what it started) and waits for its end; SIGKILL to all after `ms`, which rejects. */
  stop(signal?: NodeJS.Signals, ms?: number): Promise<Finished>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL to the process and all it started. Safe to call at any time. */
  kill(): void;
}

const running = new Set<Running>();
// A test file that is torn down in the middle must not leave a collector behind on a port.
const killAll = () => {
  for (const child of running) child.kill();
};
process.on('exit', killAll);
process.once('SIGTERM', () => {
  killAll();
  process.exit(143);
});

/** Starts a program; the caller stops it. For `beforeAll`/`afterAll`; it is killed at the latest when this test process ends. */
export function startProcess(command: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    detached: true,
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const output = { stdout: '', stderr: '' };
  const changed = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const call of changed) call();
    });
  }
  if (options.input !== undefined) {
    const stdin = (child as unknown as { stdin: NodeJS.WritableStream }).stdin;
    stdin.on('error', () => {}); // a program that ends without reading its input is no fault of the test
    stdin.end(options.input);
  }
  let failure: Error | undefined;
  let ended = false;
  child.on('error', (error) => {
    failure = error;
  });
  const closed = once(child, 'close').catch((error: unknown) => [null, null, error]);
  const finished = closed.then(([code, signal]): Finished => {
    ended = true;
    running.delete(self);
    for (const call of changed) call();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, ...output };
  });
  const describeEnd = () => {
    const how = failure === undefined ? `exit ${child.exitCode ?? child.signalCode ?? 'pending'}` : failure.message;
    return `${[command, ...args].join(' ')}: ${how}\n--- stdout\n${output.stdout}\n--- stderr\n${output.stderr}`;
  };
  const self: Running = {
    pid: child.pid ?? -1,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    finished,
    waitFor: (pattern, ms = 30_000) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          clearTimeout(timer);
          changed.delete(look);
          act();
        };
        const look = () => {
          const line = findLine(output.stdout, pattern) ?? findLine(output.stderr, pattern);
          if (line !== undefined) settle(() => resolve(line));
          else if (ended) settle(() => reject(new Error(`ended before it said ${String(pattern)}\n${describeEnd()}`)));
        };
        const timer = setTimeout(
          () => settle(() => reject(new Error(`has not said ${String(pattern)} in ${ms} ms\n${describeEnd()}`))),
          ms,
        );
        changed.add(look);
        look();
      }),
    signal: (signal) => {
      if (!ended) child.kill(signal);
    },
    stop: async (signal = 'SIGTERM', ms = 20_000) => {
      self.signal(signal);
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        self.kill();
      }, ms);
      const result = await finished;
      clearTimeout(timer);
      self.kill();
      if (late) throw new Error(`had not ended ${ms} ms after ${signal}\n${describeEnd()}`);
      return result;
    },
    kill: () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group is gone: nothing was left.
      }
    },
  };
  running.add(self);
  return self;
}

/** Starts a program for the test that is running; it and all it started are killed when that test ends, whatever its result. */
export function spawnProcess(command: string, args: readonly string[], options: SpawnOptions = {}): Running {
  const child = startProcess(command, args, options);
  onTestFinished(async () => {
    child.kill();
    await child.finished;
  });
  return child;
}

/** Runs a program to its end. After `ms` it is killed, and the promise rejects with what it had said. */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: SpawnOptions & { readonly ms?: number } = {},
): Promise<Finished> {
  const { ms = 60_000, ...rest } = options;
  const child = startProcess(command, args, rest);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill();
  }, ms);
  const result = await child.finished;
  clearTimeout(timer);
  child.kill();
  if (late)
    throw new Error(`${command} ${args.join(' ')} had not ended after ${ms} ms\n${result.stdout}\n${result.stderr}`);
  if (child.pid === -1) throw new Error(`${command} could not be started`);
  return result;
}

function findLine(text: string, pattern: RegExp | string): string | undefined {
  return text.split('\n').find((line) => (typeof pattern === 'string' ? line.includes(pattern) : pattern.test(line)));
}
