import { protocolNumber } from '../../filter/protocols.ts';
import { type Address, formatAddress, parseAddress } from '../../util/address.ts';
import { WeirError } from '../../util/errors.ts';
import { parseSpan, parseStep, parseTime, type TimeContext } from '../time.ts';

/** An address and, where it is known, a port of it. */
export interface Endpoint {
  readonly address: Address;
  readonly port: number | undefined;
}

/** Which side of a translation is known: who was behind this public endpoint, or what did this inside endpoint use. */
export type Side = 'public' | 'inside';

/** A question to `traceNat` or `traceInside`. Times are µs since the epoch. */
export interface TraceQuestion {
  readonly side: Side;
  readonly endpoint: Endpoint;
  /** The other end of the connection, as the public side sees it; undefined for any. */
  readonly peer: Endpoint | undefined;
  /** IP protocol number; undefined for any. */
  readonly proto: number | undefined;
  /** The time asked about, both ends in it; the same twice for a moment. */
  readonly from: bigint;
  readonly to: bigint;
  /** How far from that time a translation may have begun or ended. */
  readonly tolerance: bigint;
  /** How long a translation lasts whose end (or beginning) was not seen. */
  readonly ttl: bigint;
}

/** A question as people write it: the flags of `weir trace`. */
export interface TraceFlags {
  readonly inside?: string | undefined;
  readonly at?: string | undefined;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
  readonly to?: string | undefined;
  readonly proto?: string | undefined;
  readonly tolerance?: string | undefined;
  readonly ttl?: string | undefined;
}

const TOLERANCE = 5_000_000n;
/** One week, after which nfflowd gives a connection up whose end it has not seen. */
const TTL = 604_800_000_000n;

/**
 * Reads a question: `asked` is the public endpoint, unless `flags.inside` has an inside one. Throws WEIR_USAGE and WEIR_TIME, each with what is
 * missing or wrong.
 */
export function readTraceQuestion(asked: string | undefined, flags: TraceFlags, context: TimeContext): TraceQuestion {
  const side: Side = flags.inside === undefined ? 'public' : 'inside';
  const text = flags.inside ?? asked;
  if (text === undefined) {
    throw usage('whom to trace is missing', 'For example: weir trace 198.51.100.7:62380 --at "2026-11-21 09:30:15Z"');
  }
  if (flags.inside !== undefined && asked !== undefined) {
    throw usage(
      `'${asked.slice(0, 60)}' and --inside are two questions`,
      'Leave the address out to ask what an inside host used; --to is the other end.',
    );
  }
  const endpoint = readEndpoint(text, side === 'inside' ? '--inside' : 'the address');
  return {
    side,
    endpoint,
    peer: flags.to === undefined ? undefined : readEndpoint(flags.to, '--to'),
    proto: flags.proto === undefined ? undefined : readProtocol(flags.proto),
    ...readTimes(text, side, flags, context),
    tolerance: flags.tolerance === undefined ? TOLERANCE : readLength('--tolerance', flags.tolerance, '5s'),
    ttl: flags.ttl === undefined ? TTL : readLength('--ttl', flags.ttl, '7d'),
  };
}

function readTimes(text: string, side: Side, flags: TraceFlags, context: TimeContext): { from: bigint; to: bigint } {
  const { at, from, until } = flags;
  if (at !== undefined && (from !== undefined || until !== undefined)) {
    throw usage('--at is a moment, --from and --until are a range', 'Leave one of them out.');
  }
  if (at !== undefined) {
    const time = parseTime(at, context);
    return { from: time, to: time };
  }
  if (from === undefined) {
    const what = side === 'inside' ? '--from -1d' : '--at "2026-11-21 09:30:15Z"';
    throw usage('the time is missing: an address is shared over time, too', `weir trace ${sample(side, text)} ${what}`);
  }
  const span = parseSpan(from, until ?? 'now', context);
  return { from: span.from as bigint, to: (span.to as bigint) - 1n };
}

function sample(side: Side, text: string): string {
  return side === 'inside' ? `--inside ${text.slice(0, 60)}` : text.slice(0, 60);
}

/** Reads `192.0.2.1:443`, `192.0.2.1`, `[2001:db8::1]:443` or `2001:db8::1`; undefined when it is none. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim()) ?? [];
  const address = parseAddress(bracketed ?? plain ?? text.trim());
  if (address === undefined) return undefined;
  if (digits === undefined) return { address, port: undefined };
  const port = Number(digits);
  return port > 65_535 ? undefined : { address, port };
}

/** The text that `parseEndpoint` reads. */
export function formatEndpoint({ address, port }: Endpoint): string {
  const text = formatAddress(...address);
  if (port === undefined) return text;
  return text.includes(':') ? `[${text}]:${port}` : `${text}:${port}`;
}

function readEndpoint(text: string, what: string): Endpoint {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  throw usage(
    `${what}: '${text.slice(0, 60)}' is no address with a port`,
    'Write 192.0.2.1:443 or [2001:db8::1]:443, or the address alone.',
  );
}

/** Reads `tcp` or `6`. Throws WEIR_USAGE. */
function readProtocol(text: string): number {
  const number = /^\d{1,3}$/.test(text) ? Number(text) : protocolNumber(text);
  if (number !== undefined && number <= 255) return number;
  throw usage(`--proto: there is no protocol '${text.slice(0, 60)}'`, 'For example --proto tcp or --proto 17');
}

function readLength(flag: string, text: string, example: string): bigint {
  const length = text === '0' ? 0n : parseStep(text);
  if (length !== undefined && length <= LONGEST) return length;
  throw usage(`${flag} ${text.slice(0, 60)} is no length of time up to ten years`, `For example ${flag} ${example}`);
}

const LONGEST = 10n * 366n * 86_400_000_000n;

function usage(message: string, hint: string): WeirError {
  return new WeirError('WEIR_USAGE', message, { hint });
}
