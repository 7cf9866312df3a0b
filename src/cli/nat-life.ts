import { readFileSync, rmSync } from 'node:fs';
import { alreadyRuns, type DaemonFiles, daemonState, signal, startDetached, stopProcess } from '../app/daemon.ts';
import { WeirError } from '../util/errors.ts';
import { EXIT, type Io, write } from './io.ts';
import { type NatStatus, statusText } from './nat-summary.ts';

/** Exit codes of `status`, as init scripts have them (LSB). */
const LSB = { running: 0, stale: 1, stopped: 3 } as const;
/** How long the table may take to be read, and the last records to be sent, ms. */
const START = 60_000;
const STOP = 40_000;

/** Starts it in the background with these flags. Throws WEIR_RUNNING when it runs already. */
export async function startNat(files: DaemonFiles, words: readonly string[], io: Io): Promise<number> {
  const found = daemonState(files.pid, 'nat');
  if (found.state === 'running') throw alreadyRuns(found.pid, files.pid, 'nat');
  const own = [`--pid-file=${files.pid}`, `--log=${files.log}`, '--quiet'];
  const args = ['nat', 'start', '--foreground', ...words, ...own];
  const pid = await startDetached({ args, log: files.log, patience: START });
  await write(io.stdout, `started: process ${pid}, ${files.log} has what it says\n`);
  return EXIT.ok;
}

/** Ends it, and waits until all has been told. One that does not run has been stopped. */
export async function stopNat(files: DaemonFiles, io: Io): Promise<number> {
  const found = daemonState(files.pid, 'nat');
  if (found.state !== 'running') {
    if (found.state === 'stale') removeStale(files);
    await write(
      io.stdout,
      `not running${found.state === 'stale' ? `; ${files.pid} was left over and is removed` : ''}\n`,
    );
    return EXIT.ok;
  }
  const last = readStatus(files.status);
  if (!(await stopProcess(found.pid, 'nat', STOP)))
    throw new WeirError('WEIR_INPUT', `Process ${found.pid} still runs ${STOP / 1000} s after it was told to stop.`, {
      hint: `End it with kill -9 ${found.pid}; what it has not told yet is lost then.`,
    });
  const was = last === undefined ? '' : `, after ${span(last.at - last.started)}`;
  await write(io.stdout, `stopped: process ${found.pid}${was}\n`);
  return EXIT.ok;
}

/** Has it open its files anew. */
export async function reloadNat(files: DaemonFiles, io: Io): Promise<number> {
  const found = daemonState(files.pid, 'nat');
  if (found.state !== 'running') {
    await write(io.stderr, 'not running\n');
    return EXIT.failed;
  }
  signal(found.pid, 'SIGHUP');
  await write(io.stdout, `process ${found.pid} opens its files anew; other settings need a restart\n`);
  return EXIT.ok;
}

/** Tells whether it runs, and how it goes. Resolves to the exit codes of LSB: 0 running, 1 ended without cleaning up, 3 not running. */
export async function natStatus(files: DaemonFiles, format: 'text' | 'json', io: Io): Promise<number> {
  const found = daemonState(files.pid, 'nat');
  const status = found.state === 'running' ? readStatus(files.status) : undefined;
  if (format === 'json') {
    const uptime = status === undefined ? undefined : Math.round((io.now() - status.started) / 1000);
    await write(io.stdout, `${JSON.stringify({ ...found, uptime, ...status })}\n`);
  } else await write(io.stdout, describe(found, status, files, io.now()));
  return LSB[found.state];
}

function describe(
  found: ReturnType<typeof daemonState>,
  status: NatStatus | undefined,
  files: DaemonFiles,
  now: number,
): string {
  if (found.state === 'stopped') return 'not running\n';
  if (found.state === 'stale') return `not running: process ${found.pid} has ended and left ${files.pid} behind\n`;
  if (status === undefined) return `running: process ${found.pid}; it has no status yet\n`;
  const age = now - status.at;
  const note = age > 30_000 ? `; what follows is ${span(age)} old` : '';
  return `running: process ${found.pid}, for ${span(now - status.started)}${note}\n${statusText(status)}`;
}

function removeStale(files: DaemonFiles): void {
  rmSync(files.pid, { force: true });
  rmSync(files.status, { force: true });
}

function readStatus(file: string): NatStatus | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as NatStatus;
  } catch {
    return undefined;
  }
}

/** `3 d 4 h`, `12 min`, `5 s`: the two largest units. */
function span(millis: number): string {
  const seconds = Math.max(0, Math.round(millis / 1000));
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first < 0 ? 3 : first)
    .slice(0, 2)
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ');
}
