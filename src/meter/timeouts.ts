import { WeirError } from '../util/errors.ts';

/**
 * When flows end, with the names, defaults and meaning of softflowd's timeouts. Seconds; 0 switches one off, and what it was for falls to the
 * more general one.
 */
export interface Timeouts {
  /** Idle time of everything that has no timeout of its own. */
  general: number;
  /** Idle time of open TCP connections. */
  tcp: number;
  /** Idle time of TCP connections that one side has reset. */
  'tcp.rst': number;
  /** Idle time of TCP connections that both sides have ended with FIN. */
  'tcp.fin': number;
  udp: number;
  /** ICMP over IPv4, ICMPv6 over IPv6. */
  icmp: number;
  /** A flow is told of after so long although it goes on (active timeout). */
  maxlife: number;
  /** Time between two looks for flows that have ended: the larger, the more records go into one message. 0: a look at each packet. */
  expint: number;
}

export const DEFAULT_TIMEOUTS: Readonly<Timeouts> = {
  general: 3600,
  tcp: 3600,
  'tcp.rst': 120,
  'tcp.fin': 300,
  udp: 300,
  icmp: 300,
  maxlife: 604_800,
  expint: 60,
};

/** Their names, in the order in which they are shown. */
export const TIMEOUT_NAMES = Object.keys(DEFAULT_TIMEOUTS) as readonly (keyof Timeouts)[];

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const LONGEST = 0x7fff_ffff;

/**
 * Reads `NAME=TIME`, TIME being whole numbers with a unit each (`s`, `m`, `h`, `d`, `w`, either case; none: seconds), added up: `tcp.fin=1m30s`.
 *
 * @throws WeirError WEIR_USAGE for an unknown name or a time that is none
 */
export function parseTimeout(text: string): { readonly name: keyof Timeouts; readonly seconds: number } {
  const [, given = text, time = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const name = TIMEOUT_NAMES.find((known) => known === given);
  if (name === undefined)
    throw new WeirError('WEIR_USAGE', `There is no timeout '${given}'.`, {
      hint: `Give NAME=TIME with one of ${TIMEOUT_NAMES.join(', ')}: tcp.fin=1m30s`,
    });
  const seconds = parseSeconds(time);
  if (seconds === undefined)
    throw new WeirError('WEIR_USAGE', `The timeout ${name} is no time: '${time}'.`, {
      hint: `Give seconds, or numbers with s, m, h, d or w: ${name}=90 or ${name}=1m30s`,
    });
  return { name, seconds };
}

function parseSeconds(text: string): number | undefined {
  if (!/^(?:\d+[smhdw])*(?:\d+[smhdw]?)$/i.test(text)) return undefined;
  let seconds = 0;
  for (const [, number, unit = 's'] of text.matchAll(/(\d+)([smhdw])?/gi))
    seconds += Number(number) * (SECONDS[unit.toLowerCase()] as number);
  return seconds <= LONGEST ? seconds : undefined;
}

/** Indexes of the idle classes: a flow is in one of them, by its protocol and what was seen of it. Their names are those of the timeouts. */
export const IDLE_CLASS = { tcp: 0, 'tcp.rst': 1, 'tcp.fin': 2, udp: 3, icmp: 4, general: 5 } as const;

const FIN = 1;
const RST = 4;
const TCP = 6;
const UDP = 17;
/** Protocol and IP version × 256, as in a flow key. */
const ICMP_IPV4 = 1 | (4 << 8);
const ICMP_IPV6 = 58 | (6 << 8);

/** The timeouts as µs, Infinity where there is none, and which of them holds for a flow. */
export class IdleTimeouts {
  /** By idle class. */
  readonly idle: Float64Array;
  readonly maxlife: number;
  readonly expint: number;
  readonly #has: readonly boolean[];

  constructor(timeouts: Readonly<Timeouts>) {
    const seconds = Object.keys(IDLE_CLASS).map((name) => timeouts[name as keyof typeof IDLE_CLASS]);
    this.idle = Float64Array.from(seconds, (given) => (given === 0 ? Infinity : given * 1e6));
    this.#has = seconds.map((given) => given !== 0);
    this.maxlife = timeouts.maxlife === 0 ? Infinity : timeouts.maxlife * 1e6;
    this.expint = timeouts.expint * 1e6;
  }

  /**
   * The class of a flow.
   *
   * @param protocol protocol + IP version × 256
   * @param flags TCP control bits of one direction
   * @param otherFlags those of the other one, or the same where the flow has one direction only
   */
  classOf(protocol: number, flags: number, otherFlags: number): number {
    const has = this.#has;
    const proto = protocol & 0xff;
    if (proto === TCP) {
      if (((flags | otherFlags) & RST) !== 0 && has[IDLE_CLASS['tcp.rst']] === true) return IDLE_CLASS['tcp.rst'];
      if ((flags & otherFlags & FIN) !== 0 && has[IDLE_CLASS['tcp.fin']] === true) return IDLE_CLASS['tcp.fin'];
      if (has[IDLE_CLASS.tcp] === true) return IDLE_CLASS.tcp;
    } else if (proto === UDP) {
      if (has[IDLE_CLASS.udp] === true) return IDLE_CLASS.udp;
    } else if ((protocol === ICMP_IPV4 || protocol === ICMP_IPV6) && has[IDLE_CLASS.icmp] === true) {
      return IDLE_CLASS.icmp;
    }
    return IDLE_CLASS.general;
  }
}
