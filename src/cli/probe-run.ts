import { rm, writeFile } from 'node:fs/promises';
import { Probe, type ProbeOptions } from '../app/probe.ts';
import { createServiceNotifier } from '../app/service-notify.ts';
import { DEFAULT_TIMEOUTS } from '../meter/timeouts.ts';
import type { StoreLog } from '../store/flow-store.ts';
import type { ImportTarget } from '../store/import.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { EXIT, type Io, write } from './io.ts';
import { ProbeControl } from './probe-control.ts';
import type { ProbeFlags } from './probe-flags.ts';
import { openPrinting, type Printing } from './probe-printing.ts';
import { checkFlags, meterOptions, sflowOptions, targetOptions } from './probe-settings.ts';
import { fileSource, liveSource, sizeOf } from './probe-sources.ts';
import { hasLost, statusLine, summaryJson, summaryText } from './probe-summary.ts';
import { createProgress } from './sending.ts';

/**
 * Octets of messages that may wait for a collector, and of batches that may wait for the store. All flows of the cache may end at once: their messages, at two
 * records of IPv6 each, and their rows must have room besides.
 */
const MESSAGES = { most: 16 << 20, ofFlow: 256 } as const;
const ROWS = { most: 128 << 20, ofFlow: 512 } as const;
/** How often the status is shown and printed flows are written, ms. */
const TICK = 1000;

/** Meters packets until they end or somebody says stop. Resolves to the exit code. */
export async function runProbe(filter: string, flags: ProbeFlags, io: Io): Promise<number> {
  checkFlags(flags);
  const { read, data, pid } = flags;
  const stopping = new AbortController();
  // From the first moment to the last: a signal must not end the process in the middle.
  const stopListening = io.onSignal((kind) => {
    if (kind === 'stop') stopping.abort();
  });
  try {
    if (pid !== undefined) await writePid(pid);
    const run = { filter, flags, stopping, io };
    if (read === undefined || data === undefined) return await meterPackets(run, undefined);
    // A capture is stored whole or not at all, also while a collector writes to the folder.
    const { importInto } = await import('../store/import.ts');
    return await importInto(data, io.now, (into) => meterPackets(run, into));
  } finally {
    stopListening();
    if (pid !== undefined) await rm(pid, { force: true });
  }
}

interface Run {
  readonly filter: string;
  readonly flags: ProbeFlags;
  readonly stopping: AbortController;
  readonly io: Io;
}

async function meterPackets({ filter, flags, stopping, io }: Run, into: ImportTarget | undefined): Promise<number> {
  const { read } = flags;
  const printing = openPrinting(flags, io);
  const progress = createProgress(io);
  const ready = async (): Promise<void> => {
    await probe.ready();
    if ((await printing?.flush()) === false) stopping.abort();
  };
  const files = read === undefined ? undefined : fileSource(read, flags, filter, io.stdin, ready);
  const log = logTo(io, flags.quiet === true, () => progress.clear());
  const source = files ?? liveSource(flags, filter, io, log);
  const options = await probeOptions(flags, into, printing, io, log);
  const probe = new Probe({ source, ...options });
  const control = new ProbeControl(probe, options.meter?.timeouts ?? DEFAULT_TIMEOUTS, () => stopping.abort(), io);
  const total = await sizeOf(read ?? []);
  let before = probe.status();
  const notifier = createServiceNotifier({ env: io.env });
  const timer = setInterval(() => {
    if (read === undefined && printing !== undefined) void ready();
    const now = probe.status();
    const line = () => statusLine(now, before, TICK / 1000, total);
    if (control.debugLevel > 0) io.stderr.write(`${line()}\n`);
    else if (flags.quiet !== true) progress.show(line);
    notifier.status(line());
    before = now;
  }, TICK);
  try {
    await probe.start();
    await control.start(flags, log);
    notifier.ready('metering');
    await Promise.race([probe.ended, aborted(stopping.signal)]);
    await notifier.stopping();
  } finally {
    clearInterval(timer);
    progress.clear();
    await control.close();
    await probe.close({ isDiscarding: control.isDiscarding });
  }
  await printing?.flush();
  for (const note of files?.notes ?? []) io.stderr.write(`warning: ${note}\n`);
  const status = probe.status();
  const text = flags.format === 'json' ? `${JSON.stringify(summaryJson(status))}\n` : summaryText(status);
  // Flows have standard output to themselves.
  if (flags.quiet !== true) await write(printing === undefined ? io.stdout : io.stderr, text);
  return hasLost(status, files === undefined) ? EXIT.failed : EXIT.ok;
}

async function probeOptions(
  flags: ProbeFlags,
  into: ImportTarget | undefined,
  printing: Printing | undefined,
  io: Io,
  log: StoreLog,
): Promise<Omit<ProbeOptions, 'source'>> {
  const { read, interface: interfaces = [], data, turns, maxFlows } = flags;
  const { flows, packets } = await targetOptions(flags);
  const isLive = read === undefined;
  // What comes over a pipe may be now.
  const isSlow = isLive || read.includes('-');
  const isMetering = packets.length === 0 || flows.length > 0 || data !== undefined || printing !== undefined;
  return {
    isLive,
    meter: isMetering ? meterOptions(flags, isLive) : undefined,
    outputs: {
      targets: flows,
      sharing: turns === true ? 'turns' : 'copies',
      mostWaiting: MESSAGES.most + maxFlows * MESSAGES.ofFlow,
      queueBytes: ROWS.most + maxFlows * ROWS.ofFlow,
      // Whoever gives a capture can wait, and wants to know at once that a collector is away.
      ...(isSlow ? {} : { isPatient: false, flushMillis: 0 }),
      ...(into === undefined ? { data } : { into }),
      watch: printing?.watch,
      now: io.now,
      log,
    },
    sflow: sflowOptions(flags, packets, interfaces.map(withoutIndex)),
  };
}

/** `eth0` of `3:eth0`. */
function withoutIndex(text: string): string {
  return text.replace(/^\d+:/, '');
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function writePid(file: string): Promise<void> {
  try {
    await writeFile(file, `${process.pid}\n`);
  } catch (error) {
    throw new WeirError('WEIR_USAGE', `The process id cannot be written: ${messageOf(error)}.`, {
      hint: 'Give another file with -p, or none.',
      cause: error,
    });
  }
}

/** Sentences on standard error; quiet ones are of what goes wrong. */
function logTo(io: Io, isQuiet: boolean, clear: () => void): StoreLog {
  const say =
    (prefix: string) =>
    (fields: object, text: string): void => {
      const { target, error } = fields as { target?: string; error?: string };
      clear();
      io.stderr.write(
        `${prefix}${target === undefined ? '' : `${target}: `}${text}${error === undefined ? '' : ` (${error})`}\n`,
      );
    };
  return { info: isQuiet ? () => {} : say(''), warn: say('warning: '), error: say('error: ') };
}
