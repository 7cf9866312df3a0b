import { rmSync } from 'node:fs';
import { claimPidFile, type DaemonFiles, replaceFile, tellParent } from '../app/daemon.ts';
import { NatCopies } from '../app/nat-copies.ts';
import { NatExporter } from '../app/nat-exporter.ts';
import { createServiceNotifier } from '../app/service-notify.ts';
import type { NatConfig } from '../config/nat-config.ts';
import type { StoreLog } from '../store/flow-store.ts';
import { formatAddress } from '../util/address.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { jsonOutput } from './collect-output.ts';
import { EXIT, type Io, write } from './io.ts';
import { hasLost, type NatStatus, statusLine, statusText } from './nat-summary.ts';
import { createProgress } from './sending.ts';

export interface NatRun {
  readonly config: NatConfig;
  /** Files of a program in the background; none for one that just runs. */
  readonly files: DaemonFiles | undefined;
  readonly format: 'text' | 'json';
  readonly isQuiet: boolean;
}

/** How often the status is shown and written, ms. */
const TICK = 2000;

/** Throws WEIR_USAGE when nothing is to be told to anybody. */
export function requireOutput({ to, data, syslog, csv }: NatConfig): void {
  if (to.length + syslog.length + csv.length > 0 || data !== undefined) return;
  throw new WeirError('WEIR_USAGE', 'Nobody is to be told of connections.', {
    hint: 'Give a collector (-n 192.0.2.7:4739), a data folder (--data DIR), --syslog or --csv FILE; or a file with them: -c FILE.',
  });
}

/** Tells of connections until somebody says stop. Resolves to the exit code. */
export async function runNat({ config, files, format, isQuiet }: NatRun, io: Io): Promise<number> {
  requireOutput(config);
  const stop = new AbortController();
  const copies = natCopies(config, io);
  // From the first moment to the last: a signal must not end the process in the middle.
  const stopListening = io.onSignal((kind) => {
    if (kind === 'stop') stop.abort();
    else copies.reopen();
  });
  const free = files === undefined ? undefined : claimPidFile(files.pid, 'nat');
  const progress = createProgress(io);
  const log = createLog(io, () => progress.clear());
  const notifier = createServiceNotifier({ env: io.env });
  const exporter = natExporter(config, copies, io, log);
  const started = io.now();
  const status = (): NatStatus => ({ started, at: io.now(), ...exporter.counters(), lines: copies.counters() });
  const tick = (): void => {
    const now = status();
    if (!isQuiet) progress.show(() => statusLine(now));
    notifier.status(statusLine(now));
    if (files !== undefined) writeStatus(files.status, now, log);
  };
  let timer: NodeJS.Timeout | undefined;
  try {
    for (const note of config.notes) log.warn({}, note);
    await copies.start();
    try {
      await exporter.start();
      timer = setInterval(tick, TICK);
      tick();
      log.info({ open: exporter.counters().connections.open }, 'telling of connections');
      notifier.ready(statusLine(status()));
      tellParent();
      await aborted(stop.signal);
      await notifier.stopping();
    } finally {
      clearInterval(timer);
      progress.clear();
      await exporter.close();
      await copies.close();
    }
  } finally {
    stopListening();
    if (files !== undefined) rmSync(files.status, { force: true });
    free?.();
  }
  const last = status();
  const text = format === 'json' ? `${JSON.stringify(last)}\n` : statusText(last, { hasEnded: true });
  // Lines have standard output to themselves.
  const { conntrack, outputs, lines, connections } = last;
  if (isQuiet) log.info({ connections, conntrack, outputs, lines }, 'stopped');
  if (!isQuiet) await write(config.csv.includes('-') ? io.stderr : io.stdout, text);
  return hasLost(last) ? EXIT.failed : EXIT.ok;
}

function natCopies({ syslog, csv, exporter, hasIpv6Lines, tls }: NatConfig, { stdout, now }: Io): NatCopies {
  return new NatCopies({ syslog, csv, stdout, exporter: formatAddress(...exporter), hasIpv6: hasIpv6Lines, tls, now });
}

function natExporter(config: NatConfig, copies: NatCopies, io: Io, log: StoreLog): NatExporter {
  const { to, records, source, tls, data, exporter } = config;
  const localAddress = source === undefined ? undefined : formatAddress(...source);
  return new NatExporter({
    targets: to.map(({ text, target, forms }) => ({
      target: { text, target, transport: { tls: target.transport === 'tls' ? tls : undefined, localAddress } },
      forms: forms ?? records,
    })),
    data: data === undefined ? undefined : { dir: data, forms: records, retention: config.retention },
    listeners: [copies.lines],
    selection: config.selection,
    command: config.conntrack,
    bufferBytes: config.bufferBytes,
    exporter,
    observationDomain: config.domain,
    maxConnections: config.maxConnections,
    ttlSeconds: Math.ceil(config.ttlMs / 1000),
    activeSeconds: Math.ceil(config.activeMs / 1000),
    listingSeconds: Math.ceil(config.listingMs / 1000),
    now: io.now,
    log,
  });
}

/** Sentences on a terminal, JSON lines elsewhere; both on standard error, as standard output may have lines. */
function createLog(io: Io, clear: () => void): StoreLog {
  if (io.stderr.isTTY !== true) return jsonOutput({ ...io, stdout: io.stderr }, 'info');
  const say =
    (prefix: string) =>
    (fields: object, text: string): void => {
      clear();
      const details = Object.entries(fields)
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([name, value]) => `${name} ${String(value)}`);
      io.stderr.write(`${prefix}${text}${details.length > 0 ? ` (${details.join(', ')})` : ''}\n`);
    };
  return { info: say(''), warn: say('warning: '), error: say('error: ') };
}

function writeStatus(file: string, status: NatStatus, log: StoreLog): void {
  try {
    replaceFile(file, `${JSON.stringify(status)}\n`);
  } catch (error) {
    log.warn({ file, error: messageOf(error) }, 'the status cannot be written');
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
