import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import { pace } from '../export/pacer.ts';
import { createUdpSender } from '../export/udp-sender.ts';
import { createTraffic, type Traffic } from '../generate/traffic.ts';
import { parseAddress } from '../util/address.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { LINK } from '../wire/pcap/packet.ts';
import { PCAP_OVERHEAD, pcapFileHeader, writePcapRecord } from '../wire/pcap/writer.ts';
import { EXIT, type Io, write } from './io.ts';
import {
  checkRefused,
  createProgress,
  DEFAULT_TARGET,
  formatOption,
  grouped,
  parseTarget,
  pointInTime,
  positiveNumber,
  sendingNotes,
  type Target,
  timeSpan,
  wholeNumber,
} from './sending.ts';

const EXAMPLES = `
Without --rate or --rate-datagrams it sends as fast as it can, which a collector may not: see its drop counters.
The flows are those of a mid-size network: few busy hosts and many quiet ones, mostly web and DNS, most flows short and
most bytes in a few. The same --seed gives the same flows. A million different ones are made first (--distinct); then
they come again with new times.

Examples:
  weir generate --rate 10k --seconds 60                  10,000 flows a second for a minute, NetFlow v9, to 127.0.0.1:2055
  weir generate udp://192.0.2.7:4739 --version ipfix --ipv6 0.3 --flows 1M
  weir generate --version 5 --exporters 50 --rate-datagrams 60k
  weir generate --write day.pcap --flows 5M --duration 24h --from 2026-03-01T00:00:00Z
`;

interface Flags {
  readonly version: 5 | 9 | 10;
  readonly exporters: number;
  readonly domains: number;
  readonly seed: number;
  readonly records?: number;
  readonly ipv6: number;
  readonly sampling: number;
  readonly distinct?: number;
  readonly rate?: number;
  readonly rateDatagrams?: number;
  readonly flows?: number;
  readonly seconds?: number;
  readonly keepGoing?: boolean;
  readonly write?: string;
  readonly from?: number;
  readonly duration?: number;
  readonly format: 'text' | 'json';
}

/** Adds the flags of `weir generate` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  const flag = (flags: string, text: string, parse: (value: string) => unknown, fallback?: unknown) => {
    const option = new Option(flags, text).argParser(parse);
    command.addOption(fallback === undefined ? option : option.default(fallback));
  };
  command.argument('[target]', 'where to send to', DEFAULT_TARGET);
  flag('--version <version>', 'what to send: 5, 9, 10 or ipfix', parseVersion, 9);
  flag(
    '--exporters <n>',
    'exporters, each with its own source port (and address, on loopback)',
    wholeNumber('--exporters'),
    1,
  );
  flag('--domains <n>', 'observation domains (v5: engines) of each exporter', wholeNumber('--domains'), 1);
  flag(
    '--ipv6 <share>',
    'share of datagrams with IPv6 flows, 0 to 1',
    positiveNumber('--ipv6', { zero: true, most: 1 }),
    0,
  );
  flag('--sampling <n>', 'say that 1 in n packets is counted', wholeNumber('--sampling', 1, 2 ** 32 - 1), 1);
  flag('--records <n>', 'records per datagram (default: 30 for v5, 15 for v9 and IPFIX)', wholeNumber('--records'));
  flag('--seed <n>', 'the same seed gives the same flows', wholeNumber('--seed', 0), 1);
  flag(
    '--distinct <n>',
    'different flows, before they come again (memory: 56 to 115 bytes each)',
    wholeNumber('--distinct'),
  );
  flag('--rate <flows>', 'flows per second', wholeNumber('--rate'));
  flag('--rate-datagrams <n>', 'datagrams per second', wholeNumber('--rate-datagrams'));
  flag('--flows <n>', 'stop after exactly so many flows', wholeNumber('--flows'));
  flag('--seconds <s>', 'stop after so many seconds', positiveNumber('--seconds'));
  command.option('--keep-going', 'go on when nobody listens at the target');
  flag('--write <file>', 'write a pcap file (- for standard output) instead of sending', String);
  flag(
    '--from <time>',
    'with --write: time of the first datagram (default: so that the last is now)',
    pointInTime('--from', io.now),
  );
  flag(
    '--duration <span>',
    'with --write: time from the first to the last (default: 1h, or --flows at --rate)',
    timeSpan('--duration'),
  );
  command.addOption(formatOption(new Option('--format <format>', 'totals as a line on stderr, or as JSON on stdout')));
  command.addHelpText('after', EXAMPLES);
  command.action(async (target: string, flags: Flags) => {
    exit(
      flags.write === undefined
        ? await send(parseTarget(target), flags, io)
        : await writeFile(flags.write, target, flags, io),
    );
  });
}

function parseVersion(text: string): 5 | 9 | 10 {
  const version = ({ '5': 5, v5: 5, '9': 9, v9: 9, '10': 10, ipfix: 10 } as const)[text.toLowerCase()];
  if (version !== undefined) return version;
  throw new WeirError('WEIR_USAGE', `--version ${text}: expected 5, 9, 10 or ipfix.`);
}

async function send(target: Target, flags: Flags, io: Io): Promise<number> {
  if (flags.rate !== undefined && flags.rateDatagrams !== undefined) {
    throw new WeirError('WEIR_USAGE', '--rate and --rate-datagrams say the same thing twice.', {
      hint: 'Give one of them.',
    });
  }
  if (flags.from !== undefined || flags.duration !== undefined) {
    throw new WeirError('WEIR_USAGE', '--from and --duration are for --write.', {
      hint: 'Sent flows have the times of now; stop with --seconds.',
    });
  }
  const traffic = createTraffic(flags);
  const sender = createUdpSender(target);
  const clock = () => performance.now();
  const progress = createProgress(io);
  let isStopped = false;
  let isExhausted = false;
  const stopListening = io.onSignal((kind) => {
    isStopped ||= kind === 'stop';
  });
  try {
    for (let exporter = 0; exporter < flags.exporters; exporter++) await sender.open(exporter);
    const begun = clock();
    const deadline = flags.seconds === undefined ? Number.POSITIVE_INFINITY : begun + flags.seconds * 1000;
    const step = (due: number): number => {
      const { totals } = traffic;
      const before = flags.rate === undefined ? totals.datagrams : totals.flows;
      const now = io.now();
      for (let done = 0; done < due; ) {
        const datagram = traffic.next(now);
        if (datagram === undefined) {
          isExhausted = true;
          break;
        }
        sender.send(datagram, traffic.exporter);
        done = (flags.rate === undefined ? totals.datagrams : totals.flows) - before;
      }
      return (flags.rate === undefined ? totals.datagrams : totals.flows) - before;
    };
    await pace({
      rate: flags.rate ?? flags.rateDatagrams,
      step,
      isDone() {
        checkRefused(sender.counters, target, flags.keepGoing === true);
        progress.show(() => summary(traffic, (clock() - begun) / 1000));
        return isStopped || isExhausted || clock() >= deadline;
      },
      backlog: () => sender.backlog(),
      clock,
    });
    const seconds = (clock() - begun) / 1000;
    // "Port unreachable" comes after the datagram; a short run must wait for it.
    await sleep(20);
    checkRefused(sender.counters, target, flags.keepGoing === true);
    progress.clear();
    await tell(traffic, seconds, flags, io, { refused: sender.counters.refused, failed: sender.counters.failed });
    for (const note of sendingNotes(sender.counters)) io.stderr.write(`  ${note}\n`);
    return sender.counters.failed > 0 ? EXIT.failed : EXIT.ok;
  } finally {
    progress.clear();
    stopListening();
    await sender.close();
  }
}

const WRITE_CHUNK = 1024 * 1024;
/** Source addresses in a file: 198.18.0.1 on, the network for benchmarks (RFC 2544). */
const FIRST_SOURCE = 0xc6120001;

async function writeFile(path: string, target: string, flags: Flags, io: Io): Promise<number> {
  const { host, port } = parseTarget(target);
  const destination = parseAddress(host);
  if (destination === undefined) {
    throw new WeirError('WEIR_USAGE', `--write needs an IP address as the target, not ${host}.`, {
      hint: 'For instance udp://192.0.2.1:2055.',
    });
  }
  if (path === '-' && flags.format === 'json') {
    throw new WeirError('WEIR_USAGE', '--write - and --format json both want standard output.', {
      hint: 'Write to a file.',
    });
  }
  if (flags.rateDatagrams !== undefined || flags.seconds !== undefined) {
    throw new WeirError('WEIR_USAGE', '--rate-datagrams and --seconds are for sending.', {
      hint: 'With --write use --flows and --duration.',
    });
  }
  const { flows, duration } = plan(flags);
  const from = Math.floor(flags.from ?? io.now() - duration);
  const traffic = createTraffic({ ...flags, flows });
  const begun = performance.now();
  const output = await openOutput(path, io);
  const progress = createProgress(io);
  try {
    let buffer = Buffer.allocUnsafe(WRITE_CHUNK);
    buffer.set(pcapFileHeader(LINK.ethernet));
    let at = 24;
    const { totals } = traffic;
    for (;;) {
      const now = from + Math.floor((duration * totals.flows) / flows);
      const payload = traffic.next(now);
      if (payload === undefined) break;
      if (at + PCAP_OVERHEAD + payload.length > WRITE_CHUNK) {
        if (!(await output.write(buffer.subarray(0, at)))) break;
        buffer = Buffer.allocUnsafe(WRITE_CHUNK);
        at = 0;
        progress.show(() => summary(traffic, (performance.now() - begun) / 1000));
      }
      const source = [0, 0, 0xffff, FIRST_SOURCE + traffic.exporter] as const;
      const sourcePort = 50_000 + (traffic.exporter % 10_000);
      const datagram = { time: now * 1000, source, sourcePort, destination, destinationPort: port, payload };
      at = writePcapRecord(buffer, at, datagram, LINK.ethernet);
    }
    await output.write(buffer.subarray(0, at));
  } finally {
    progress.clear();
    await output.close();
  }
  await tell(traffic, (performance.now() - begun) / 1000, flags, io, {});
  return EXIT.ok;
}

/** How many flows a file gets, over how many ms. */
function plan({ flows, rate, duration }: Flags): { readonly flows: number; readonly duration: number } {
  if (flows === undefined && rate === undefined) {
    throw new WeirError('WEIR_USAGE', 'How many flows is the file to hold?', {
      hint: 'Give --flows, or --rate and --duration.',
    });
  }
  if (flows !== undefined)
    return { flows, duration: duration ?? (rate === undefined ? 3600e3 : (flows / rate) * 1000) };
  const span = duration ?? 3600e3;
  return { flows: Math.max(1, Math.round(((rate ?? 1) * span) / 1000)), duration: span };
}

interface Output {
  /** Resolves false when nobody reads any more. */
  write(bytes: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}

async function openOutput(path: string, io: Io): Promise<Output> {
  if (path === '-') return { write: (bytes) => write(io.stdout, bytes), close: () => Promise.resolve() };
  const failed = (error: unknown) =>
    new WeirError('WEIR_SEND', `Cannot write ${path}: ${messageOf(error)}.`, {
      hint: 'Is there such a folder, and room on the disk?',
      cause: error,
    });
  let file: FileHandle;
  try {
    file = await open(path, 'w');
  } catch (error) {
    throw failed(error);
  }
  return {
    async write(bytes) {
      try {
        await file.writeFile(bytes);
        return true;
      } catch (error) {
        throw failed(error);
      }
    },
    close: () => file.close(),
  };
}

function summary({ totals, version }: Traffic, seconds: number): string {
  const name = version === 10 ? 'IPFIX' : `NetFlow v${version}`;
  const rates =
    seconds > 0
      ? `: ${grouped(totals.datagrams / seconds)} datagrams/s, ${grouped(totals.flows / seconds)} flows/s`
      : '';
  return (
    `${grouped(totals.datagrams)} datagrams (${grouped(totals.octets)} bytes) of ${name}, ${grouped(totals.flows)} flows ` +
    `(${grouped(totals.packets)} packets, ${grouped(totals.bytes)} bytes) in ${seconds.toFixed(1)} s${rates}`
  );
}

async function tell(
  traffic: Traffic,
  seconds: number,
  flags: Flags,
  io: Io,
  extra: Record<string, number>,
): Promise<void> {
  const { datagrams, flows, packets, bytes, octets } = traffic.totals;
  if (flags.format === 'json') {
    const totals = { datagrams, flows, packets, bytes, octets, seconds: Number(seconds.toFixed(3)), ...extra };
    await write(io.stdout, `${JSON.stringify(totals)}\n`);
    return;
  }
  io.stderr.write(`${flags.write === undefined ? 'sent' : 'wrote'} ${summary(traffic, seconds)}\n`);
}
