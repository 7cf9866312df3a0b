import { spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';

/** Files of a program that runs in the background. */
export interface DaemonFiles {
  /** Its process number. */
  readonly pid: string;
  /** How it goes, as JSON, written anew every few seconds. */
  readonly status: string;
  /** What it says. */
  readonly log: string;
}

/** Where the files of the program `name` are unless it is said otherwise: where the user may write, and where they do not survive a restart of the machine. */
export function daemonFiles(
  name: string,
  { pid, log }: { readonly pid?: string | undefined; readonly log?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
): DaemonFiles {
  const isRoot = process.getuid?.() === 0;
  // A folder of its own, as systemd makes it for a service.
  const run = isRoot ? join('/run', name) : (env['XDG_RUNTIME_DIR'] ?? '/tmp');
  const logs = isRoot ? '/var/log' : run;
  const pidFile = pid ?? join(run, `${name}.pid`);
  return { pid: pidFile, status: `${pidFile.replace(/\.pid$/, '')}.status`, log: log ?? join(logs, `${name}.log`) };
}

/** What a pid file says: nothing, a program that runs, or one that has ended without taking its file away. */
export type DaemonState =
  | { readonly state: 'stopped' }
  | { readonly state: 'stale'; readonly pid: number }
  | { readonly state: 'running'; readonly pid: number };

/** Looks whether the process of a pid file runs, and is `weir WORD`: numbers of processes are used again. */
export function daemonState(file: string, word: string): DaemonState {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { state: 'stopped' };
    throw new WeirError('WEIR_INPUT', `Cannot read ${file}: ${messageOf(error)}.`, {
      hint: 'Use the rights of the user that runs it.',
    });
  }
  const pid = /^\s*(\d{1,10})\s*$/.exec(text)?.[1];
  if (pid === undefined) return { state: 'stale', pid: 0 };
  return { state: isOurs(Number(pid), word) ? 'running' : 'stale', pid: Number(pid) };
}

/** Writes our number into a pid file; returns what takes it away again. Throws WEIR_RUNNING when another one runs, WEIR_INPUT when it cannot be written. */
export function claimPidFile(file: string, word: string): () => void {
  for (let tries = 0; tries < 3; tries++) {
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST')
        throw new WeirError('WEIR_INPUT', `Cannot write ${file}: ${messageOf(error)}.`, {
          hint: 'Give another file with --pid-file FILE, or run as root.',
        });
      const found = daemonState(file, word);
      if (found.state === 'running') throw alreadyRuns(found.pid, file, word);
      rmSync(file, { force: true });
    }
  }
  throw new WeirError('WEIR_INPUT', `${file} is written by others at the same time.`, { hint: 'Try again.' });
}

/** Replaces a small file at once: whoever reads it sees the old or the new. */
export function replaceFile(file: string, text: string): void {
  const beside = `${file}.${process.pid}`;
  writeFileSync(beside, text);
  renameSync(beside, file);
}

export interface StartOptions {
  /** Arguments of weir. */
  readonly args: readonly string[];
  readonly log: string;
  /** How long it may take to be ready, ms. */
  readonly patience: number;
}

/** Starts weir in the background and waits until it says that it is ready (`tellParent`). Resolves with its number; throws WEIR_INPUT with what it said when it ended. */
export async function startDetached({ args, log, patience }: StartOptions): Promise<number> {
  const descriptor = openLog(log);
  const before = fstatSync(descriptor).size;
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...args], {
    detached: true,
    stdio: ['ignore', descriptor, descriptor, 'ipc'],
  });
  closeSync(descriptor);
  const outcome = await Promise.race([
    new Promise<string>((resolve) => child.once('message', () => resolve('ready'))),
    new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(messageOf(error)));
      child.once('exit', (code, signal) => resolve(`it ended (${signal ?? `exit code ${code}`})`));
    }),
    sleep(patience, 'late', { ref: false }),
  ]);
  if (child.connected) child.disconnect();
  child.unref();
  if (outcome === 'ready' && child.pid !== undefined) return child.pid;
  if (outcome === 'late') child.kill();
  const said = readFrom(log, before).trim().split('\n').slice(-10).join('\n  ');
  const what = outcome === 'late' ? `was not ready in ${patience / 1000} s` : outcome;
  throw new WeirError('WEIR_INPUT', `It was not started: ${what}.${said === '' ? '' : `\n  ${said}`}`, {
    hint: `${log} has all that it said.`,
  });
}

/** Tells the program that started us in the background that we are ready. Nothing happens where none did. */
export function tellParent(): void {
  if (process.send === undefined) return;
  process.send('ready', () => {
    if (process.connected) process.disconnect();
  });
}

/** Ends a process with SIGTERM. False when it still runs after `patience` ms. */
export async function stopProcess(pid: number, word: string, patience: number): Promise<boolean> {
  const end = performance.now() + patience;
  signal(pid, 'SIGTERM');
  while (isOurs(pid, word)) {
    if (performance.now() > end) return false;
    await sleep(50);
  }
  return true;
}

/** Sends a signal. Throws WEIR_INPUT where that is not permitted; a process that has ended is none's fault. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return;
    throw new WeirError('WEIR_INPUT', `Cannot send ${name} to process ${pid}: ${messageOf(error)}.`, {
      hint: 'Use the rights of the user that runs it: sudo.',
    });
  }
}

export function alreadyRuns(pid: number, file: string, word: string): WeirError {
  return new WeirError('WEIR_RUNNING', `weir ${word} runs already, as process ${pid} (${file}).`, {
    hint: `weir ${word} status tells how it goes. Another one needs a file of its own: --pid-file FILE.`,
    details: { pid, file },
  });
}

function openLog(file: string): number {
  try {
    return openSync(file, 'a');
  } catch (error) {
    throw new WeirError('WEIR_INPUT', `Cannot write ${file}: ${messageOf(error)}.`, {
      hint: 'Give another file with --log FILE, or run as root.',
    });
  }
}

/** What a file has from an octet on, 64 KiB of it at most. */
function readFrom(file: string, start: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const octets = Buffer.alloc(65_536);
    return octets.toString('utf8', 0, readSync(descriptor, octets, 0, octets.length, start));
  } finally {
    closeSync(descriptor);
  }
}

function isOurs(pid: number, word: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) !== 'EPERM') return false;
  }
  try {
    // A process that has ended and that nobody has waited for has no command line.
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return words.some((one) => /weir(?:\.js)?$/.test(one)) && words.includes(word);
  } catch {
    // No /proc here: whoever has that number is taken for ours.
    return process.platform !== 'linux';
  }
}
