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
