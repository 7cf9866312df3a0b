import { type Command, Option } from 'commander';
import type { CaptureSettings } from '../meter/capture/capture-program.ts';
import { NAME_KINDS, type NameKind, parseNameKinds } from '../meter/names/name-kinds.ts';
import { type Sampling, TRACKING_LEVELS, type TrackingLevel } from '../meter/options.ts';
import { TIMEOUT_NAMES } from '../meter/timeouts.ts';
import { WeirError } from '../util/errors.ts';
import { EXPORT_VERSIONS, type ExportVersion, TRANSPORTS, type Transport } from './probe-targets.ts';
import { formatOption, positiveNumber, wholeNumber } from './sending.ts';
import { addZone, type ZoneFlags } from './zone.ts';

/** The flags of `weir probe` as commander gives them. */
export interface ProbeFlags extends ZoneFlags {
  readonly interface?: readonly string[];
  readonly read?: readonly string[];
  readonly to?: readonly string[];
  readonly exportVersion: ExportVersion;
  readonly transport: Transport;
  readonly times?: 'sec' | 'milli' | 'micro' | 'nano';
  readonly hopLimit?: number;
  readonly sendInterface?: string;
  readonly turns?: boolean;
  readonly rate?: number;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly data?: string;
  readonly exporter: string;
  readonly domain: number;
  readonly print?: boolean;
  readonly ndjson?: boolean;
  readonly track: string;
  readonly biflow?: boolean;
  readonly timeout?: readonly string[];
  readonly adjust?: boolean;
  readonly maxFlows: number;
  readonly maxMemory: number;
  readonly sampling?: Sampling;
  readonly names?: ReadonlySet<NameKind>;
  readonly tunnels: 'outer' | 'inner' | 'both';
  readonly headerLength: number;
  readonly counters: number;
  readonly captureLength?: number;
  readonly bufferSize?: number;
  readonly promiscuous: boolean;
  readonly direction: CaptureSettings['direction'];
  readonly delivery: CaptureSettings['delivery'];
  readonly captureProgram?: string;
  readonly captureUser?: string;
  readonly speed?: number;
  readonly pid?: string;
  readonly control?: string;
  readonly format: 'text' | 'json';
  readonly quiet?: boolean;
  readonly receivePort?: string;
}

const more = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

/** Octets that the flow cache may take unless it is said otherwise. */
const MEMORY = 1 << 30;

/** Adds the flags of `weir probe`: letters that softflowd has too mean what they mean there. */
export function addProbeFlags(command: Command): Command {
  return addZone(command, 'zone of printed times')
    .optionsGroup('Packets from:')
    .option('-i, --interface <name>', 'a network interface, or any; INDEX:NAME sets its number; may be repeated', more)
    .option('-r, --read <file>', 'a capture: pcap, pcapng, also gzipped, or -; may be repeated', more)
    .option('--speed <x>', 'read captures at their own speed, or x times as fast', positiveNumber('--speed'))
    .option('-N, --no-promiscuous', 'do not put interfaces into promiscuous mode')
    .option('-C, --capture-length <octets>', 'octets of each packet that are captured', wholeNumber('-C', 16, 262_144))
    .option('-B, --buffer-size <octets>', 'buffer of the capture in the kernel', wholeNumber('-B', 1024))
    .addOption(
      new Option('--direction <which>', 'packets that come in, go out, or both')
        .choices(['in', 'out', 'both'])
        .default('both'),
    )
    .addOption(
      new Option('--delivery <when>', 'packets come at once, after a second, or when there are many (costs least)')
        .choices(['immediate', 'second', 'full'])
        .default('second'),
    )
    .option('--capture-program <program>', 'tcpdump or dumpcap, by name or path (default: the one that there is)')
    .option('--capture-user <user>', 'whom tcpdump becomes once it captures, when root starts it (default: tcpdump)')
    .optionsGroup('Flows to:')
    .option('-n, --to <target>', 'collectors: HOST:PORT,… or ipfix+tcp://HOST:PORT …; may be repeated', more)
    .addOption(
      new Option('-v, --export-version <version>', 'of HOST:PORT: NetFlow version, 10 for IPFIX, or sflow')
        .choices(EXPORT_VERSIONS)
        .default('10'),
    )
    .addOption(new Option('-P, --transport <transport>', 'of HOST:PORT; IPFIX only').choices(TRANSPORTS).default('udp'))
    .addOption(
      new Option('-A, --times <form>', 'NetFlow v9 and IPFIX: form of times').choices([
        'sec',
        'milli',
        'micro',
        'nano',
      ]),
    )
    .option('-l, --turns', 'collectors take turns, instead of all flows to all of them')
    .option('-L, --hop-limit <n>', 'time to live of datagrams', wholeNumber('-L', 1, 255))
    .option('-S, --send-interface <name>', 'send from the address of this interface')
    .option(
      '--rate <n>',
      'messages per second to each collector, 0 for no bound (default: 10000 over UDP)',
      wholeNumber('--rate', 0),
    )
    .option('--tls-ca <file>', 'certificates that sign the collector’s, PEM')
    .option('--tls-cert <file>', 'our certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--data <dir>', 'a data folder, for weir query, without any network')
    .option('--exporter <address>', 'the exporter that stored flows are from, and the agent of sFlow', '127.0.0.1')
    .option('--domain <n>', 'observation domain', wholeNumber('--domain', 0, 0xffff_ffff), 0)
    .option('--print', 'flows to standard output, a line each')
    .option('--ndjson', 'the same as JSON objects')
    .optionsGroup('Metering:')
    .option('-T, --track <keys>', `flow key: ${Object.keys(TRACKING_LEVELS).join(', ')}, or names of columns`, 'full')
    .option('-b, --biflow', 'both directions in one record (RFC 5103)')
    .option('-t, --timeout <name=time>', `one of ${TIMEOUT_NAMES.join(', ')}; may be repeated`, more)
    .option('-a, --adjust', 'captures: flows end by their timeouts, in the time of the packets')
    .option(
      '-m, --max-flows <n>',
      'flows at the same time; the least recently active one leaves first',
      wholeNumber('-m', 1),
      262_144,
    )
    .option('--max-memory <octets>', 'memory of these flows at most', wholeNumber('--max-memory', 1 << 16), MEMORY)
    .option('-s, --sampling <n>', 'one packet in N: N, count:N or random:N', parseSampling)
    .addOption(
      new Option('--tunnels <which>', 'packet of a tunnel that is metered')
        .choices(['outer', 'inner', 'both'])
        .default('outer'),
    )
    .option(
      '--names <kinds>',
      `names in packets: ${Object.keys(NAME_KINDS).join(', ')}, with commas, or all`,
      parseNameKinds,
    )
    .optionsGroup('sFlow:')
    .option('--header-length <octets>', 'octets of each sampled packet', wholeNumber('--header-length', 16, 512), 128)
    .option('--counters <seconds>', 'how often counters of interfaces are told', wholeNumber('--counters', 1, 3600), 20)
    .optionsGroup('Running:')
    .option('-p, --pid <file>', 'write the process id there')
    .option('-c, --control <socket>', 'socket for weir ctl, or none (live captures: one in /run or $XDG_RUNTIME_DIR)')
    .addOption(formatOption(new Option('--format <format>', 'the summary at the end')))
    .option('-q, --quiet', 'no summary and no status')
    .addOption(new Option('-d', 'run in the foreground, as it always does').hideHelp())
    .addOption(new Option('-D', 'the same').hideHelp())
    .addOption(new Option('-6', 'meter IPv6, as it always does').hideHelp())
    .addOption(new Option('-x <labels>', 'MPLS labels: all are exported').hideHelp())
    .addOption(new Option('-R, --receive-port <port>', 'not there').hideHelp());
}

function parseSampling(text: string): Sampling {
  const found = /^(?:(count|random):)?(\d{1,10})$/.exec(text);
  const rate = Number(found?.[2]);
  if (found !== null && rate >= 1 && rate <= 0xffff_ffff)
    return { rate, method: found[1] === 'random' ? 'random' : 'count' };
  throw new WeirError('WEIR_USAGE', `-s ${text.slice(0, 40)}: expected one packet in how many.`, {
    hint: 'For instance 100 or count:100 for each hundredth packet, random:100 for one chosen at random of each hundred.',
  });
}

/** Reads `-T`: a level, or names of columns. Names are checked by the meter. */
export function parseTrack(text: string): TrackingLevel | readonly string[] {
  if (Object.hasOwn(TRACKING_LEVELS, text)) return text as TrackingLevel;
  return text.split(/[\s,]+/).filter((name) => name !== '');
}
