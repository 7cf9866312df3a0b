import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { DatagramAnonymizer, type Withheld } from '../export/anonymize-datagram.ts';
import { pace } from '../export/pacer.ts';
import { createUdpSender, type UdpSender } from '../export/udp-sender.ts';
import { grouped } from '../query/output/humanize.ts';
import { WeirError } from '../util/errors.ts';
import type { Datagram } from '../wire/pcap/export-datagrams.ts';
import { type AnonymizeFlags, addAnonymizeFlags, readAnonymity } from './anonymize-flags.ts';
import { openDatagrams } from './datagrams.ts';
import { EXIT, type Io, write } from './io.ts';
import {
  checkRefused,
  counted,
  createProgress,
  DEFAULT_TARGET,
  formatOption,
  parseTarget,
  positiveNumber,
  sendingNotes,
  type Target,
  wholeNumber,
} from './sending.ts';

const EXAMPLES = `
FILE is pcap, pcapng, an IPFIX file (RFC 5655) or hex text, plain or gzipped, or - for standard input. Datagrams that look
like NetFlow v1, v5, v6, v7, v8, v9, IPFIX or sFlow are sent as they are, times included; all others are passed over, unless
--port chooses by port. Each exporter of the capture gets a source port of its own (towards 127.0.0.0/8 also an address), so
that a collector tells them apart. The rate is 10,000 datagrams a second unless --rate or --speed says otherwise.

Examples:
  weir replay export.pcap                                to udp://127.0.0.1:2055
  weir replay export.pcapng.gz udp://192.0.2.7:9995 --speed 1     with the gaps between datagrams that the capture has
  weir replay export.pcap --rate 0 --loop 100            a hundred times, as fast as possible
  weir replay export.pcap --anonymize --key-file weir.key     addresses replaced (docs/anonymize.md); a key: weir export --new-key
`;

/** A default that a collector with the kernel's usual receive buffer takes without loss. */
const DEFAULT_RATE = 10_000;
/** Source sockets at most; further exporters share them. */
const MAX_SOCKETS = 1000;
const EXPORT_VERSIONS: readonly number[] = [1, 5, 6, 7, 8, 9, 10];

interface Flags extends AnonymizeFlags {
  readonly rate?: number;
  readonly speed?: number;
  readonly loop: number;
  readonly port?: number;
  readonly keepGoing?: boolean;
  readonly format: 'text' | 'json';
}

/** Adds the flags of `weir replay` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addAnonymizeFlags(command)
    .argument('<file>', 'capture of export datagrams, or -')
    .argument('[target]', 'where to send to', DEFAULT_TARGET)
    .option(
      '--rate <n>',
      `datagrams per second, 0 for as fast as possible (default: ${DEFAULT_RATE})`,
      wholeNumber('--rate', 0),
    )
    .option('--speed <x>', 'keep the timing of the capture, x times as fast', positiveNumber('--speed'))
    .option('--loop <n>', 'send the capture so many times', wholeNumber('--loop'), 1)
    .option('--port <n>', 'send the datagrams to this port, whatever is in them', wholeNumber('--port', 1, 65_535))
    .option('--keep-going', 'go on when nobody listens at the target')
    .addOption(formatOption(new Option('--format <format>', 'totals as a line on stderr, or as JSON on stdout')))
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, target: string, flags: Flags) => {
      exit(await replay(file, parseTarget(target), flags, io));
    });
}

interface Totals {
  datagrams: number;
  octets: number;
  /** Datagrams that are no flow export, or not to the chosen port. */
  skipped: number;
  /** Datagrams of which the capture holds only a part: a collector would take them for damage. */
  truncated: number;
  exporters: number;
  /** Datagrams that could not be anonymized, by cause. */
  withheld?: Readonly<Record<Withheld, number>>;
}

async function replay(file: string, target: Target, flags: Flags, io: Io): Promise<number> {
  if (flags.rate !== undefined && flags.speed !== undefined) {
    throw new WeirError('WEIR_USAGE', '--rate and --speed contradict each other.', { hint: 'Give one of them.' });
  }
  if (file === '-' && flags.loop > 1) {
    throw new WeirError('WEIR_USAGE', 'Standard input can be read only once.', { hint: 'Give a file with --loop.' });
  }
  const anonymity = await readAnonymity(flags, io);
  const anonymizer = anonymity === undefined ? undefined : new DatagramAnonymizer(anonymity);
  const sender = createUdpSender(target);
  const totals: Totals = { datagrams: 0, octets: 0, skipped: 0, truncated: 0, exporters: 0 };
  if (anonymizer !== undefined) totals.withheld = anonymizer.withheld;
  const socketOf = createSocketChooser(sender, totals);
  const progress = createProgress(io);
  const clock = () => performance.now();
  const asked = { toStop: false };
  const stopListening = io.onSignal((kind) => {
    asked.toStop ||= kind === 'stop';
  });
  const begun = clock();
  const seconds = () => (clock() - begun) / 1000;
  let notes: string[] = [];
  const isInterrupted = () => {
    checkRefused(sender.counters, target, flags.keepGoing === true);
    progress.show(() => summary(totals, seconds()));
    return asked.toStop;
  };
  try {
    const sendBatch = flags.speed === undefined ? atRate(flags.rate ?? DEFAULT_RATE) : atSpeed(flags.speed);
    for (let lap = 0; lap < flags.loop && !asked.toStop; lap++) {
      const source = await openDatagrams(file, io.stdin);
      for await (const batch of source.batches) {
        const wanted = batch.filter((datagram) => isChosen(datagram, flags.port, totals));
        const chosen = anonymizer === undefined ? wanted : wanted.flatMap((one) => anonymized(one, anonymizer));
        const sockets: number[] = [];
        for (const datagram of chosen) sockets.push(await socketOf(datagram));
        const send = (index: number) => {
          const { payload } = chosen[index]!;
          sender.send(payload, sockets[index]!);
          totals.datagrams++;
          totals.octets += payload.length;
        };
        await sendBatch({
          times: chosen.map(({ time }) => time),
          lap,
          send,
          isInterrupted,
          backlog: () => sender.backlog(),
          clock,
        });
        if (asked.toStop) break;
      }
      notes = source.notes();
    }
    const elapsed = seconds();
    await sleep(20);
    checkRefused(sender.counters, target, flags.keepGoing === true);
    progress.clear();
    if (flags.format === 'json') {
      const { refused, failed } = sender.counters;
      await write(
        io.stdout,
        `${JSON.stringify({ ...totals, refused, failed, seconds: Number(elapsed.toFixed(3)) })}\n`,
      );
    } else {
      io.stderr.write(`sent ${summary(totals, elapsed)}\n`);
    }
    for (const note of [...notes, ...leftOut(totals), ...sendingNotes(sender.counters)]) io.stderr.write(`  ${note}\n`);
    return sender.counters.failed > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    progress.clear();
    stopListening();
    await sender.close();
  }
}

interface Batch {
  /** Capture times, µs; 0 where unknown. */
  readonly times: readonly number[];
  readonly lap: number;
  readonly send: (index: number) => void;
  readonly isInterrupted: () => boolean;
  readonly backlog: () => number;
  readonly clock: () => number;
}

/** Sends at so many datagrams per second, 0 for as fast as possible; carries on from batch to batch. */
function atRate(rate: number): (batch: Batch) => Promise<void> {
  return async ({ times, send, isInterrupted, backlog, clock }) => {
    let next = 0;
    const step = (due: number) => {
      const from = next;
      while (next < times.length && next - from < due) send(next++);
      return next - from;
    };
    await pace({
      rate: rate === 0 ? undefined : rate,
      step,
      isDone: () => isInterrupted() || next >= times.length,
      backlog,
      clock,
    });
  };
}

/** Sends with the capture's own gaps, `speed` times as fast; each lap begins when the one before has ended. */
function atSpeed(speed: number): (batch: Batch) => Promise<void> {
  let lapNow = -1;
  let firstTime = 0;
  let begun = 0;
  return async ({ times, lap, send, isInterrupted, backlog, clock }) => {
    for (const [index, time] of times.entries()) {
      if (lap !== lapNow) {
        lapNow = lap;
        firstTime = time;
        begun = clock();
      }
      // A datagram without a time, or one that the capture holds out of order, goes at once.
      const due = begun + (time - firstTime) / 1000 / speed;
      while ((clock() < due || backlog() > 512) && !isInterrupted())
        await sleep(Math.min(200, Math.max(1, due - clock())));
      if (isInterrupted()) return;
      send(index);
    }
  };
}

/** Finds the socket of a datagram's exporter: one per source address and port, with a loopback address per source address. */
function createSocketChooser(sender: UdpSender, totals: Totals): (datagram: Datagram) => Promise<number> {
  const addresses = new Map<string, number>();
  const sockets = new Map<string, number>();
  let opened = 0;
  return async ({ source, sourcePort }) => {
    const addressKey = source.join('.');
    const key = `${addressKey} ${sourcePort}`;
    const known = sockets.get(key);
    if (known !== undefined) return known;
    // Past the bound, exporters share sockets; the choice depends on the exporter alone, so that it stays with its socket.
    if (opened >= MAX_SOCKETS) return (((source[3] ^ source[1]) * 31 + sourcePort) >>> 0) % opened;
    const address = addresses.get(addressKey) ?? addresses.size;
    addresses.set(addressKey, address);
    const socket = await sender.open(address);
    sockets.set(key, socket);
    opened++;
    totals.exporters++;
    return socket;
  };
}

/** Whether a datagram is to be sent again; counts those that are not. */
function isChosen(
  { payload, destinationPort, truncated }: Datagram,
  port: number | undefined,
  totals: Totals,
): boolean {
  if (port === undefined ? !looksLikeExport(payload) : destinationPort !== port) {
    totals.skipped++;
    return false;
  }
  if (truncated) totals.truncated++;
  return !truncated;
}

/** The datagram anonymized, or nothing. */
function anonymized(datagram: Datagram, anonymizer: DatagramAnonymizer): Datagram[] {
  const payload = anonymizer.rewrite(datagram.payload, `${datagram.source.join('.')}:${datagram.sourcePort}`);
  return payload === undefined ? [] : [{ ...datagram, payload }];
}

/** Why datagrams were withheld, for people. */
const WITHHELD: Readonly<Record<Withheld, string>> = {
  sflow: 'of sFlow, which hold packets; collect them, then: weir export --anonymize',
  netflow8: 'of NetFlow v8, whose prefixes would not fit their masks; collect them, then: weir export --anonymize',
  no_template: 'whose template had not come before them',
  structured: 'with lists in their records (RFC 6313); collect them, then: weir export --anonymize',
  malformed: 'that are damaged',
  unknown: 'of no known format',
};

/** By its first bytes: NetFlow and IPFIX begin with a 16-bit version, sFlow (4 and 5) with a 32-bit one. */
function looksLikeExport(payload: Uint8Array): boolean {
  if (payload.length < 16) return false;
  const version = payload[0]! * 256 + payload[1]!;
  if (version !== 0) return EXPORT_VERSIONS.includes(version);
  return payload[2] === 0 && (payload[3] === 5 || payload[3] === 4);
}

function summary({ datagrams, octets, exporters }: Totals, seconds: number): string {
  const rate = seconds > 0 ? `: ${grouped(datagrams / seconds)} datagrams/s` : '';
  return `${counted(datagrams, 'datagram')} (${grouped(octets)} bytes) of ${counted(exporters, 'exporter')} in ${seconds.toFixed(1)} s${rate}`;
}

function leftOut({ datagrams, skipped, truncated, exporters, withheld }: Totals): string[] {
  const notes: string[] = [];
  if (skipped > 0) notes.push(`${counted(skipped, 'other datagram')} passed over`);
  if (truncated > 0)
    notes.push(`${counted(truncated, 'datagram')} passed over because the capture holds only a part of them`);
  for (const [cause, count] of Object.entries(withheld ?? {}) as [Withheld, number][])
    if (count > 0) notes.push(`not anonymized, and so not sent: ${counted(count, 'datagram')} ${WITHHELD[cause]}`);
  if (exporters >= MAX_SOCKETS)
    notes.push(`exporters beyond the first ${grouped(MAX_SOCKETS)} shared their source ports`);
  if (datagrams === 0) notes.push('nothing was sent: choose datagrams by their port with --port');
  return notes;
}
