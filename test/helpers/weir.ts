import { freeUdpPort } from './free-port.ts';
import { type Finished, type Running, runProcess, type SpawnOptions, spawnProcess } from './processes.ts';
import { repositoryPath } from './repository.ts';
import { tempFolder } from './temp.ts';

const COMMAND = repositoryPath('bin/weir.js');

/** Runs `bin/weir.js` with `args` to its end: `{ code, stdout, stderr }`. */
export function weir(
  args: readonly string[],
  options: SpawnOptions & { readonly ms?: number } = {},
): Promise<Finished> {
  return runProcess(process.execPath, [COMMAND, ...args], options);
}

export interface Collector extends Running {
  readonly host: string;
  readonly port: number;
  /** `udp://HOST:PORT`, as `weir generate` and `weir replay` take it. */
  readonly url: string;
  /** The data folder. */
  readonly data: string;
}

export interface CollectorOptions extends SpawnOptions {
  readonly host?: string;
  readonly port?: number;
  /** Data folder; without it a temporary one that goes with the test. */
  readonly data?: string;
  /** More arguments of `weir collect`. */
  readonly args?: readonly string[];
  /** How long it may take to be ready. */
  readonly ms?: number;
}

/**
 * Starts `weir collect` on a free port for the running test and waits until its listeners are bound. Killed when the test ends; a test
 * that looks at what was stored calls `stop()` first or asks while it runs.
 */
export async function startCollector(options: CollectorOptions = {}): Promise<Collector> {
  const { host = '127.0.0.1', args = [], ms, ...rest } = options;
  const port = options.port ?? (await freeUdpPort(host));
  const data = options.data ?? tempFolder('data').path;
  const url = `udp://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const child = spawnProcess(process.execPath, [COMMAND, 'collect', '--listen', url, '--data', data, ...args], rest);
  await child.waitFor(READY, ms);
  return { ...child, host, port, url, data };
}

/** The log line (JSON, as there is no terminal) that `weir collect` writes once every listener is bound. */
const READY = '"msg":"collecting"';

/** Objects of newline-delimited JSON (`--format ndjson`). */
export function parseNdjson<T = Record<string, unknown>>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
