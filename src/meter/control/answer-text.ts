import { captureText, statisticsText } from '../statistics-text.ts';
import type { Timeouts } from '../timeouts.ts';
import type { ControlAnswer, ControlLine } from './answer.ts';

/** In softflowd's order, with its names. */
const TIMEOUT_LABELS = {
  tcp: 'TCP timeout',
  'tcp.rst': 'TCP post-RST timeout',
  'tcp.fin': 'TCP post-FIN timeout',
  udp: 'UDP timeout',
  icmp: 'ICMP timeout',
  general: 'General timeout',
  maxlife: 'Maximum lifetime',
  expint: 'Expiry interval',
} as const satisfies Readonly<Record<keyof Timeouts, string>>;

/** A line of an answer for people, as one or more lines, in the form that softflowd has for it. */
export function answerText(line: ControlLine): string[] {
  if (line.type === 'error') return [line.message];
  if (line.type === 'flow') return flowText(line);
  return [`weir probe[${line.pid}]: ${line.message}`, ...moreText(line)];
}

function moreText({ command, timeouts, status }: ControlAnswer): string[] {
  if (timeouts !== undefined) {
    return Object.entries(TIMEOUT_LABELS).map(
      ([name, label]) => `${label.padStart(22)}: ${timeouts[name as keyof Timeouts]}s`,
    );
  }
  if (command !== 'statistics' || status === undefined) return [];
  const { capture, flows, exported } = status;
  if (flows !== undefined) return [...statisticsText(flows, exported, capture), ''];
  return [...captureText(capture), ''];
}

function flowText(flow: Extract<ControlLine, { type: 'flow' }>): string[] {
  const hex = (flags: number) => flags.toString(16).padStart(2, '0');
  const direction = (sign: string, bytes: number, packets: number) =>
    `octets${sign}:${bytes} packets${sign}:${packets}`;
  return [
    [
      `ACTIVE [${flow.src_addr}]:${flow.src_port} <> [${flow.dst_addr}]:${flow.dst_port} proto:${flow.proto}`,
      direction('>', flow.bytes, flow.packets),
      direction('<', flow.reverse_bytes, flow.reverse_packets),
      `start:${clockText(flow.time_start)} finish:${clockText(flow.time_end)}`,
      `tcp>:${hex(flow.tcp_flags)} tcp<:${hex(flow.reverse_tcp_flags)}`,
      `timeout:${flow.timeout}${flow.time_timeout === '' ? '' : ` expires:${clockText(flow.time_timeout)}`}`,
    ].join(' '),
  ];
}

/** Milliseconds, in UTC, without its letter: as softflowd writes times. */
function clockText(iso: string): string {
  return iso.replace(/\.(\d{3})\d*Z$/, '.$1');
}
