import { SERVICES } from '../filter/services.ts';
import { COLUMNS, type ColumnDefinition, columnIndex } from '../flow/schema.ts';
import { DURATION } from './key.ts';
import { SQL_TIME_END } from './sql-text.ts';

/*
 * Conversations: the flows of both directions between two ends (address and port) by one protocol, over all of the question's time, whichever segments
 * or exporters they came from. Biflow records (RFC 5103) have both directions already. The ends are the two of every flow in a fixed order, `a` the lower one; then
 * the side that began becomes the source.
 */

/** How many flow records a conversation has. */
export const FLOWS: ColumnDefinition = {
  name: 'flows',
  type: 'u64',
  unit: undefined,
  elements: [],
  label: 'flows',
  about: 'Flow records of a conversation.',
  display: 'number',
  words: undefined,
};

const named = (names: string): ColumnDefinition[] =>
  names.split(' ').map((name) => COLUMNS[columnIndex(name)] as ColumnDefinition);
const ENDS = named('proto src_addr src_port dst_addr dst_port');
const COUNTED = [FLOWS, ...named('packets bytes reverse_packets reverse_bytes')];

/** What a conversation is listed with, for programs and for people. */
export const CONVERSATION_COLUMNS: readonly ColumnDefinition[] = [
  ...named('time_start time_end'),
  ...ENDS,
  ...named('tcp_flags reverse_tcp_flags'),
  ...COUNTED,
];
export const CONVERSATION_LISTED: readonly ColumnDefinition[] = [...named('time_start'), DURATION, ...ENDS, ...COUNTED];

/** Columns of the files that conversations have. */
export const CONVERSATION_FILE_COLUMNS: ReadonlySet<string> = new Set(
  'src_addr_hi src_addr_lo dst_addr_hi dst_addr_lo src_port dst_port proto time_start duration tcp_flags reverse_tcp_flags packets bytes reverse_packets reverse_bytes flows both_bytes'.split(
    ' ',
  ),
);

/** Columns of the files that they are made of. */
export const PAIRED_COLUMNS: readonly string[] =
  'src_addr_hi src_addr_lo dst_addr_hi dst_addr_lo src_port dst_port proto time_start duration tcp_flags packets bytes reverse_time_start reverse_time_end reverse_tcp_flags reverse_packets reverse_bytes sampling_rate'.split(
    ' ',
  );

const COUNTERS = ['packets', 'bytes'] as const;

/** Which of two ends is the greater one; an end without an address is none. */
const IS_SWAPPED = `coalesce(CASE WHEN "src_addr_hi" <> "dst_addr_hi" THEN "src_addr_hi" > "dst_addr_hi"
  WHEN "src_addr_lo" <> "dst_addr_lo" THEN "src_addr_lo" > "dst_addr_lo" ELSE "src_port" > "dst_port" END, FALSE)`;

/** Exporters put type and code of ICMP into ports, which differ between a request and its answer. */
const HAS_PORTS = `("proto" IS NULL OR "proto" NOT IN (1, 58))`;
const HAS_REVERSE = '(coalesce("reverse_packets", 0) > 0 OR coalesce("reverse_bytes", 0) > 0)';
const REVERSE_START = `coalesce("reverse_time_start", "time_start")`;
const REVERSE_END = `coalesce("reverse_time_end", ${SQL_TIME_END})`;

/** Ports that servers have, between the two of equal rank the lower one is the server's. */
const SERVICE_PORTS = [...new Set(Object.values(SERVICES))].join(', ');

/**
 * What to put behind FROM for conversations: rows with `CONVERSATION_FILE_COLUMNS`, made of `rows`, which have `PAIRED_COLUMNS`. `scaled`: their counters
 * are multiplied by the sampling rate of each flow.
 *
 * The source is the side whose first packet came first; where both came at once, the source of a biflow record, then the side whose peer has a port of
 * a known service, then the one with the higher port.
 */
export function sqlConversations(rows: string, scaled: boolean): string {
  const rate = scaled ? ' * greatest(coalesce("sampling_rate", 1), 1)::HUGEINT' : '';
  const sent = (name: string, by: 'a' | 'b') =>
    `coalesce(sum(CASE WHEN swapped = ${by === 'b'} THEN "${name}" ELSE "reverse_${name}" END${rate}), 0) AS ${by}_${name}`;
  const sides = (['a', 'b'] as const).flatMap((side) => {
    const own = `swapped = ${side === 'b'}`;
    return [
      ...COUNTERS.map((name) => sent(name, side)),
      `min(CASE WHEN ${own} THEN "time_start" WHEN ${HAS_REVERSE} THEN ${REVERSE_START} END) AS ${side}_first`,
      `bit_or(CASE WHEN ${own} THEN "tcp_flags" ELSE "reverse_tcp_flags" END) AS ${side}_flags`,
      `bool_or(${own} AND ${HAS_REVERSE}) AS ${side}_began`,
    ];
  });
  const end = (side: 'a' | 'b') => {
    const [own, other] = side === 'a' ? ['src', 'dst'] : ['dst', 'src'];
    const pick = (what: string) => `CASE WHEN swapped THEN "${other}_${what}" ELSE "${own}_${what}" END`;
    return [
      `${pick('addr_hi')} AS ${side}_hi`,
      `${pick('addr_lo')} AS ${side}_lo`,
      `CASE WHEN ${HAS_PORTS} THEN ${pick('port')} END AS ${side}_port`,
    ];
  };
  const last = `greatest("time_start", ${SQL_TIME_END}, CASE WHEN ${HAS_REVERSE} THEN ${REVERSE_END} END)`;
  const directed = `SELECT *, ${IS_SWAPPED} AS swapped FROM ${rows}`;
  const pairs = `SELECT ${[...end('a'), ...end('b')].join(', ')}, "proto", count(*) AS flows, ${sides.join(', ')},
    min(least("time_start", CASE WHEN ${HAS_REVERSE} THEN ${REVERSE_START} END)) AS first, max(${last}) AS last FROM (${directed}) GROUP BY ALL`;
  const begun = `SELECT *, ${BEGUN_BY_A} AS by_a FROM (${pairs})`;
  const from = (of: string, by: 'src' | 'dst') => {
    const [one, other] = by === 'src' ? ['a', 'b'] : ['b', 'a'];
    return `CASE WHEN by_a THEN ${one}_${of} ELSE ${other}_${of} END`;
  };
  const columns = [
    ...(['src', 'dst'] as const).flatMap((side) => [
      `${from('hi', side)} AS ${side}_addr_hi`,
      `${from('lo', side)} AS ${side}_addr_lo`,
      `${from('port', side)} AS ${side}_port`,
    ]),
    'proto',
    'flows',
    'first AS time_start',
    'epoch_us(last) - epoch_us(first) AS duration',
    `${from('flags', 'src')} AS tcp_flags`,
    `${from('flags', 'dst')} AS reverse_tcp_flags`,
    '(a_bytes + b_bytes)::UBIGINT AS both_bytes',
    ...COUNTERS.flatMap((name) => [
      `${from(name, 'src')}::UBIGINT AS ${name}`,
      `${from(name, 'dst')}::UBIGINT AS reverse_${name}`,
    ]),
  ];
  return `(SELECT ${columns.join(', ')} FROM (${begun}))`;
}

const BEGUN_BY_A = `CASE WHEN b_first IS NULL THEN TRUE WHEN a_first IS NULL THEN FALSE WHEN a_first <> b_first THEN a_first < b_first
  WHEN a_began <> b_began THEN a_began
  WHEN (a_port IN (${SERVICE_PORTS})) <> (b_port IN (${SERVICE_PORTS})) THEN b_port IN (${SERVICE_PORTS})
  ELSE coalesce(a_port >= b_port, TRUE) END`;
