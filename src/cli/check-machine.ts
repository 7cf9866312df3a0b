import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { messageOf } from '../util/errors.ts';
import { type Finding, failure, ok, warning } from './check-finding.ts';

/** What the program itself needs of the machine: Node, DuckDB's binary, a clock that is right. */
export async function checkMachine(nowMs: number): Promise<Finding[]> {
  return [checkNode(), await checkDuckDb(), await checkClock(nowMs)];
}

function checkNode(): Finding {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const wanted = /\d+(?:\.\d+)*/.exec((JSON.parse(text) as { engines: { node: string } }).engines.node)?.[0] ?? '0';
  const has = process.versions.node;
  const [a, b] = [wanted.split('.').map(Number), has.split('.').map(Number)];
  const differing = a.findIndex((part, index) => part !== b[index]);
  if (differing < 0 || (b[differing] as number) > (a[differing] as number)) return ok('node', `version ${has}`);
  return failure(
    'node',
    `version ${has} is too old: ${wanted} or newer is needed`,
    'Install it from https://nodejs.org or your distribution.',
  );
}

async function checkDuckDb(): Promise<Finding> {
  try {
    const { version } = await import('@duckdb/node-api');
    return ok('duckdb', `version ${version().replace(/^v/, '')}`);
  } catch (error) {
    const [first = ''] = messageOf(error).split('\n');
    return failure(
      'duckdb',
      `cannot be loaded on ${process.platform} ${process.arch}: ${first}`,
      'npm ci   # on this machine: its binary is a package of its own for each platform',
    );
  }
}

/** Flow times are compared with the collector's clock, so it should be right; only the system knows whether it is. */
export async function checkClock(nowMs: number): Promise<Finding> {
  const name = 'clock';
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
  if (nowMs < Date.UTC(2025, 0, 1)) {
    return failure(
      name,
      `it says ${now}, which is in the past`,
      'Set it, and have it synchronised: timedatectl set-ntp true',
    );
  }
  switch (await isSynchronised()) {
    case true:
      return ok(name, `${now}, synchronised`);
    case false:
      return warning(name, `${now}, not synchronised`, 'timedatectl set-ntp true   # or install chrony');
    default:
      return warning(
        name,
        `${now}; whether it is synchronised cannot be seen here`,
        'timedatectl status   # in a container: on its host',
      );
  }
}

async function isSynchronised(): Promise<boolean | undefined> {
  if (existsSync('/run/systemd/timesync/synchronized')) return true;
  const systemd = await outputOf('timedatectl', ['show', '--property=NTPSynchronized', '--value']);
  if (systemd !== undefined) return systemd.trim() === 'yes';
  const chrony = await outputOf('chronyc', ['-c', 'tracking']);
  // The last field is the leap status.
  if (chrony !== undefined) return !/Not synchronised/i.test(chrony);
  return undefined;
}

/** What a program prints; undefined when it is missing, fails, or takes longer than two seconds. */
export function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: 2_000, encoding: 'utf8' }, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}
