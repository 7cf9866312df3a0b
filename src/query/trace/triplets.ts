import { type Source, sqlSource, sqlSpan } from '../source.ts';
import { sqlTime } from '../sql-text.ts';
import { JITTER, TRIPLET_TYPES } from '../triplet.ts';
import type { Endpoint, TraceQuestion } from './question.ts';
import { sqlIsAddress } from './records.ts';

/*
 * nfflowd tells of a translated connection by three records of NetFlow v5: the connection before translation, the same after it (another source
 * address, or another destination of a forwarded port, mostly the same port; everything else equal), and the way back, to or from the translated
 * address. The way back tells which of the first two is which. Of connections with both ends translated these records do not tell.
 */

const NEEDED: readonly string[] = [
  ...['exporter', 'src_addr', 'dst_addr'].flatMap((name) => [`${name}_hi`, `${name}_lo`]),
  'flow_type',
  'time_start',
  'duration',
  'src_port',
  'dst_port',
  'proto',
  'packets',
  'bytes',
];

/** Which end of a connection is translated: of one that begins inside its source, of a forwarded port its destination. */
interface Form {
  readonly own: 'src' | 'dst';
  readonly other: 'src' | 'dst';
  /** Whether a pair needs the way back, the very same time, and nothing of what nfflowd does not send. */
  readonly isStrict: boolean;
}

const FORMS: readonly Form[] = [
  { own: 'src', other: 'dst', isStrict: false },
  // One socket may well send the same to many at once, which looks like a pair otherwise.
  { own: 'dst', other: 'src', isStrict: true },
];

/** The same of both records of a connection, besides the end that is not translated. */
const SAME = ['exporter_hi', 'exporter_lo', 'duration', 'proto', 'packets', 'bytes'];
const BACK = ['exporter_hi', 'exporter_lo', 'duration', 'proto'];
/** Zero in what nfflowd sends. */
const ZERO = ['tcp_flags', 'tos', 'in_if', 'out_if'];
const endColumns = (end: Form['own']): string[] => [`${end}_addr_hi`, `${end}_addr_lo`, `${end}_port`];
const equal = (a: string, b: string, columns: readonly string[]): string =>
  columns.map((name) => `${a}."${name}" = ${b}."${name}"`).join(' AND ');
const sameTime = (a: string, b: string, jitter = JITTER): string =>
  `abs(epoch_us(${a}."time_start") - epoch_us(${b}."time_start")) <= ${jitter}`;
const goesBack = (back: string, flow: string): string =>
  `${equal(back, flow, BACK)} AND ${sameTime(back, flow)} AND ${back}."src_addr_hi" = ${flow}."dst_addr_hi" AND ${back}."src_addr_lo" = ${flow}."dst_addr_lo"
   AND ${back}."src_port" = ${flow}."dst_port" AND ${back}."dst_addr_hi" = ${flow}."src_addr_hi" AND ${back}."dst_addr_lo" = ${flow}."src_addr_lo"
   AND ${back}."dst_port" = ${flow}."src_port"`;

/**
 * SQL of the intervals that triplets tell of, in the form of `sqlFlowIntervals`. A pair counts when the way back goes to the translated end, or, of a
 * translated source, when there is none and the ports are equal; with equal ports, pairs with other ports do not count.
 */
export function sqlTriplets(source: Source, question: TraceQuestion): string {
  return FORMS.map((form) => `(${sqlTripletsOf(form, source, question)})`).join(' UNION ALL ');
}

function sqlTripletsOf({ own, other, isStrict }: Form, source: Source, question: TraceQuestion): string {
  const { side, endpoint, peer, proto, from, to, tolerance } = question;
  const scan = sqlSource(source, [...NEEDED, ...ZERO]);
  const all = [
    `"flow_type" IN (${TRIPLET_TYPES})`,
    ...(proto === undefined ? [] : [`"proto" = ${proto}`]),
    ...(isStrict ? ZERO.map((name) => `coalesce("${name}", 0) = 0`) : []),
  ];
  const span = `"time_start" <= ${sqlTime(to + tolerance)}`;
  const conditions = [
    ...endConditions(own, endpoint),
    ...(peer === undefined ? [] : endConditions(other, peer)),
    ...all,
    span,
  ];
  const known = `SELECT * FROM ${scan} WHERE ${[...conditions, ...sqlSpan(source)].join(' AND ')}`;
  // A source is public after translation, a destination before it.
  const [post, pre] = (side === 'public') === (own === 'src') ? ['a', 'b'] : ['b', 'a'];
  const [inside, outside] = own === 'src' ? [pre, post] : [post, pre];
  const jitter = isStrict ? 0 : JITTER;
  const pairs = `SELECT a."exporter_hi" AS exporter_hi, a."exporter_lo" AS exporter_lo, a."proto" AS "proto",
      ${inside}."${own}_addr_hi" AS inside_hi, ${inside}."${own}_addr_lo" AS inside_lo, ${inside}."${own}_port" AS inside_port,
      ${outside}."${own}_addr_hi" AS public_hi, ${outside}."${own}_addr_lo" AS public_lo, ${outside}."${own}_port" AS public_port,
      a."${other}_addr_hi" AS peer_hi, a."${other}_addr_lo" AS peer_lo, a."${other}_port" AS peer_port, a."packets" AS packets, a."bytes" AS bytes,
      epoch_us(a."time_start") AS t0, epoch_us(a."time_start") + a."duration" AS t1, a."${own}_port" = b."${own}_port" AS same_port,
      EXISTS (FROM back r WHERE ${goesBack('r', post)}) AS returns, EXISTS (FROM back r WHERE ${goesBack('r', pre)}) AS untranslated
    FROM known a JOIN (SELECT * FROM ${scan} WHERE ${all.join(' AND ')}) b
      ON ${equal('a', 'b', [...SAME, ...endColumns(other)])} AND ${sameTime('a', 'b', jitter)}
        AND (a."${own}_addr_lo" <> b."${own}_addr_lo" OR a."${own}_addr_hi" <> b."${own}_addr_hi")`;
  // The way back of a known record, or of one that was found for it: both begin at the same time at the same exporter.
  const back = `SELECT r.* FROM (SELECT * FROM ${scan} WHERE ${all.join(' AND ')}) r
    SEMI JOIN known a ON ${equal('r', 'a', BACK)} AND ${sameTime('r', 'a')} AND r."${own}_addr_hi" = a."${other}_addr_hi" AND r."${own}_addr_lo" = a."${other}_addr_lo"`;
  const counting = `SELECT *, bool_or(same_port) OVER (PARTITION BY exporter_hi, exporter_lo, t0, t1, public_hi, public_lo, public_port, peer_hi, peer_lo, peer_port) AS has_same_port
    FROM pairs WHERE NOT untranslated AND (returns${isStrict ? '' : ' OR same_port'})`;
  return `WITH known AS MATERIALIZED (${known}), back AS MATERIALIZED (${back}), pairs AS (${pairs})
    SELECT 'triplet' AS kind, *, NULL::UINTEGER AS ingress_vrf, NULL::VARCHAR AS user_name, NULL::INTEGER AS block_start,
      NULL::INTEGER AS block_end, NULL::INTEGER AS block_step, TRUE AS port_told, NULL::VARCHAR AS ended_by,
      t0 AS start, t1 AS "end", t0 AS from_, t1 AS until_, greatest(0, t0 - ${to}, ${from} - t1) AS distance
    FROM (${counting}) WHERE (same_port OR NOT has_same_port) AND t0 <= ${to + tolerance} AND t1 >= ${from - tolerance}`;
}

function endConditions(end: Form['own'], { address, port }: Endpoint): string[] {
  return [sqlIsAddress(`${end}_addr`, address), ...(port === undefined ? [] : [`"${end}_port" = ${port}`])];
}

/** SQL of the times next before and after the question's at which its endpoint was the source of a flow of such a format. */
export function sqlTripletTimes(source: Source, { endpoint, from, to }: TraceQuestion): string {
  const where = [...endConditions('src', endpoint), `"flow_type" IN (${TRIPLET_TYPES})`].join(' AND ');
  const needed = ['time_start', 'flow_type', 'src_addr_hi', 'src_addr_lo', 'src_port'];
  const time = (which: string, condition: string) =>
    `epoch_us(${which}("time_start") FILTER ("time_start" ${condition}))`;
  return `SELECT ${time('max', `< ${sqlTime(from)}`)} AS before, ${time('min', `> ${sqlTime(to)}`)} AS after FROM ${sqlSource(source, needed)} WHERE ${where}`;
}

/** SQL of the exporters with flows that are equal but for their source, which is how triplets look. */
export function sqlTripletExporters(source: Source): string {
  const where = [`"flow_type" IN (${TRIPLET_TYPES})`, ...sqlSpan(source)].join(' AND ');
  const same = ['time_start', ...SAME, ...endColumns('dst'), 'src_port'].map((name) => `"${name}"`).join(', ');
  return `SELECT DISTINCT addr(exporter_hi, exporter_lo) AS exporter FROM (SELECT exporter_hi, exporter_lo FROM ${sqlSource(source, NEEDED)}
    WHERE ${where} GROUP BY ${same} HAVING count(DISTINCT "src_addr_lo") > 1)`;
}
