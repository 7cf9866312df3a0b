import { SERVICES } from '../filter/services.ts';
import { COLUMNS, type ColumnDefinition, columnIndex } from '../flow/schema.ts';
import { DURATION } from './key.ts';
import { TRIPLET_TYPES } from './triplet.ts';
import { sqlJoinTriplets } from './triplet-conversations.ts';

/*
 * Conversations: the flows of both directions between two ends (address and port) by one protocol, over all of the question's time, whichever segments
 * or exporters they came from. Biflow records (RFC 5103) have both directions already. The ends are the two of every flow in a fixed order, `a` the lower one; then
 * the side that began becomes the source. It is one aggregation, of as few columns as the flows allow: 10 M rows take 1.7 times as long as sums by the five
 * columns of the ends, and 2.3 times where triplets are looked for.
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
  'src_addr_hi src_addr_lo dst_addr_hi dst_addr_lo src_port dst_port post_nat_src_addr_hi post_nat_src_addr_lo post_nat_dst_addr_hi post_nat_dst_addr_lo proto time_start duration tcp_flags reverse_tcp_flags packets bytes reverse_packets reverse_bytes flows both_bytes'.split(
    ' ',
  ),
);

/** What is known of the flows that conversations are made of. */
export interface Pairing {
  /** Counters are multiplied by the sampling rate of each flow. */
  readonly scaled: boolean;
  /** The upper half of every address is 0. */
  readonly onlyV4: boolean;
  /** Some may be biflows. */
  readonly biflows: boolean;
  /** Some may be of a NAT's triplets; see triplet-conversations.ts. */
  readonly triplets: boolean;
}

/** Columns of the files that conversations are made of. */
export function pairedColumns({ scaled, onlyV4, biflows, triplets }: Pairing): string[] {
  return [
    ...(onlyV4 ? [] : ['src_addr_hi', 'dst_addr_hi']),
    ...FLOW_COLUMNS,
    ...(biflows ? BIFLOW_COLUMNS : []),
    ...(scaled ? ['sampling_rate'] : []),
    ...(triplets ? ['flow_type'] : []),
  ];
}

const COUNTERS = ['packets', 'bytes'] as const;
const FLOW_COLUMNS = [
  'src_addr_lo',
  'dst_addr_lo',
  'src_port',
  'dst_port',
  'proto',
  'time_start',
  'duration',
  'tcp_flags',
  ...COUNTERS,
];
const BIFLOW_COLUMNS = [
  'reverse_time_start',
  'reverse_time_end',
  'reverse_tcp_flags',
  'reverse_packets',
  'reverse_bytes',
];

/** Exporters put type and code of ICMP into ports, which differ between a request and its answer. */
const HAS_PORTS = `("proto" IS NULL OR "proto" NOT IN (1, 58))`;
const HAS_REVERSE = '(coalesce("reverse_packets", 0) > 0 OR coalesce("reverse_bytes", 0) > 0)';
/** Numbers are added and compared faster than times. */
const END = 'epoch_us("time_start") + greatest("duration", 0)';
const REVERSE_START = `coalesce("reverse_time_start", "time_start")`;
const REVERSE_END = `coalesce(epoch_us("reverse_time_end"), ${END})`;

/**
 * What to put behind FROM for conversations: rows with `CONVERSATION_FILE_COLUMNS`, made of `rows`, which have `pairedColumns`.
 *
 * The source is the side whose first packet came first; where both came at once, the source of a biflow record, then the side whose peer has a port of
 * a known service, then the one with the higher port.
 */
export function sqlConversations(rows: string, pairing: Pairing): string {
  const { onlyV4, triplets } = pairing;
  const pairs = triplets ? sqlJoinTriplets(sqlPairs(rows, pairing), onlyV4) : `(${sqlPairs(rows, pairing)})`;
  const begun = `SELECT *, ${begunByA(pairing)} AS by_a FROM ${pairs}`;
  const sides = ['src', 'dst'] as const;
  const from = (of: string, by: 'src' | 'dst') => {
    const [one, other] = by === 'src' ? ['a', 'b'] : ['b', 'a'];
    return `CASE WHEN by_a THEN ${one}_${of} ELSE ${other}_${of} END`;
  };
  const upper = (side: 'src' | 'dst') =>
    onlyV4 ? `CASE WHEN ${from('lo', side)} IS NOT NULL THEN 0::UBIGINT END` : from('hi', side);
  const translated = (half: string, side: 'src' | 'dst') => (triplets ? from(`public_${half}`, side) : 'NULL::UBIGINT');
  const columns = [
    ...sides.flatMap((side) => [
      `${upper(side)} AS ${side}_addr_hi`,
      `${from('lo', side)} AS ${side}_addr_lo`,
      `${from('port', side)} AS ${side}_port`,
      ...['hi', 'lo'].map((half) => `${translated(half, side)} AS post_nat_${side}_addr_${half}`),
    ]),
    'proto',
    'flows',
    'least(a_first, b_first) AS time_start',
    'last - epoch_us(least(a_first, b_first)) AS duration',
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

/** The statement for the conversations with the sides `a` and `b`. */
function sqlPairs(rows: string, { scaled, onlyV4, biflows, triplets }: Pairing): string {
  const rate = scaled ? ' * greatest(coalesce("sampling_rate", 1), 1)::HUGEINT' : '';
  const ofSide = (side: 'a' | 'b') => {
    const own = side === 'a' ? 'NOT swapped' : 'swapped';
    const value = (forth: string, back: string) => `CASE WHEN ${own} THEN ${forth}${biflows ? ` ${back}` : ''} END`;
    return [
      ...COUNTERS.map(
        (name) => `coalesce(sum(${value(`"${name}"`, `ELSE "reverse_${name}"`)}${rate}), 0) AS ${side}_${name}`,
      ),
      `min(${value('"time_start"', `WHEN ${HAS_REVERSE} THEN ${REVERSE_START}`)}) AS ${side}_first`,
      `bit_or(${value('"tcp_flags"', 'ELSE "reverse_tcp_flags"')}) AS ${side}_flags`,
      ...(biflows ? [`bool_or(${own} AND ${HAS_REVERSE}) AS ${side}_began`] : []),
    ];
  };
  const end = (side: 'a' | 'b') => {
    const [own, other] = side === 'a' ? ['src', 'dst'] : ['dst', 'src'];
    const pick = (what: string) => `CASE WHEN swapped THEN "${other}_${what}" ELSE "${own}_${what}" END`;
    return [
      ...(onlyV4 ? [] : [`${pick('addr_hi')} AS ${side}_hi`]),
      `${pick('addr_lo')} AS ${side}_lo`,
      `CASE WHEN ${HAS_PORTS} THEN ${pick('port')} END AS ${side}_port`,
    ];
  };
  const last = biflows ? `greatest(${END}, CASE WHEN ${HAS_REVERSE} THEN ${REVERSE_END} END)` : END;
  const columns = [
    ...end('a'),
    ...end('b'),
    '"proto"',
    'count(*) AS flows',
    ...ofSide('a'),
    ...ofSide('b'),
    `max(${last}) AS last`,
    ...(triplets ? [`bool_and("flow_type" IN (${TRIPLET_TYPES})) AS is_plain`] : []),
  ];
  return `SELECT ${columns.join(', ')} FROM (SELECT *, ${isSwapped(onlyV4)} AS swapped FROM ${rows}) GROUP BY ALL`;
}

/** Which of two ends is the greater one; an end without an address is none. */
function isSwapped(onlyV4: boolean): string {
  const upper = onlyV4 ? '' : 'WHEN "src_addr_hi" <> "dst_addr_hi" THEN "src_addr_hi" > "dst_addr_hi"';
  return `coalesce(CASE ${upper} WHEN "src_addr_lo" <> "dst_addr_lo" THEN "src_addr_lo" > "dst_addr_lo" ELSE "src_port" > "dst_port" END, FALSE)`;
}

/** Ports that servers have. DuckDB makes a join of a long IN, for every row; this is asked of those that need it. */
const isService = (port: string) =>
  `list_contains([${[...new Set(Object.values(SERVICES))].join(', ')}]::USMALLINT[], ${port})`;

/** Whether `a` began. Between two ports of equal rank the lower one is the server's. */
function begunByA({ biflows }: Pairing): string {
  return `CASE WHEN b_first IS NULL THEN TRUE WHEN a_first IS NULL THEN FALSE WHEN a_first <> b_first THEN a_first < b_first
    ${biflows ? 'WHEN a_began <> b_began THEN a_began' : ''}
    WHEN ${isService('a_port')} <> ${isService('b_port')} THEN ${isService('b_port')}
    ELSE coalesce(a_port >= b_port, TRUE) END`;
}
