import { type ParseOptions, parseFilter } from '../filter/parser.ts';
import type { Zone } from '../filter/time-literal.ts';
import { parseNetwork, parseNumber } from '../filter/values.ts';
import { WeirError } from '../util/errors.ts';
import type { Prefix } from '../util/prefix.ts';
import { CONVERSATION_COLUMNS, CONVERSATION_FILE_COLUMNS } from './bidirectional.ts';
import { columnExpression } from './column-sql.ts';
import { distinctMeasure } from './distinct.ts';
import { classMeasures, parseHistogram } from './histogram.ts';
import { type Key, keysWithNames, listedColumn, parseColumns, parseKeys, parseStats } from './key.ts';
import { CONVERSATION_MEASURES, parseMeasures } from './measures.ts';
import { NAME_COLUMNS } from './name-columns.ts';
import { parseOrder } from './order.ts';
import { keyColumns } from './plan-key.ts';
import { hasIntervals, keysOf, type QuerySpec } from './spec.ts';
import { parseSpan } from './time.ts';

/** A question as people write it: the flags of `weir query`. Each text is read by the function of its name below. */
export interface Question {
  readonly filter?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly by?: string | undefined;
  readonly stat?: string | undefined;
  readonly histogram?: string | undefined;
  readonly measures?: string | undefined;
  readonly distinct?: string | undefined;
  readonly approximate?: boolean | undefined;
  readonly top?: string | undefined;
  readonly order?: string | undefined;
  readonly min?: string | undefined;
  readonly other?: boolean | undefined;
  readonly own?: string | undefined;
  readonly columns?: string | undefined;
  readonly names?: boolean | undefined;
  readonly raw?: boolean | undefined;
  readonly bidirectional?: boolean | undefined;
  readonly spread?: boolean | undefined;
  readonly splitBiflows?: boolean | undefined;
}

export interface QuestionContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly zone: Zone;
  /** What the filter may name besides columns: files and lists. */
  readonly filters?: Pick<ParseOptions, 'names' | 'readFile'>;
  /** Rows without `top`: of groups, and of a listing; undefined for all. Groups of time are always shown in full. */
  readonly tops?: { readonly groups: number; readonly flows: number } | undefined;
}

/** Reads a question. Throws WEIR_USAGE, WEIR_FILTER and WEIR_TIME, each with what is wrong and what could be meant. */
export function readQuestion(question: Question, { now, zone, tops, filters }: QuestionContext): QuerySpec {
  const asked = question.by === undefined ? [] : parseKeys(question.by);
  const histogram = question.histogram === undefined ? undefined : parseHistogram(question.histogram);
  if (histogram !== undefined) checkHistogram(question);
  const by = histogram !== undefined ? [histogram] : question.names === true ? keysWithNames(asked) : asked;
  const stats = question.stat === undefined ? [] : parseStats(question.stat);
  if (by.length > 0 && stats.length > 0) {
    throw new WeirError('WEIR_USAGE', '--by asks for one statistic, and --stat for several', {
      hint: 'Leave one of them out; --stat src_addr+dst_port,proto has one by two columns and one by a third.',
    });
  }
  const distinct = question.distinct === undefined ? [] : parseKeys(question.distinct, '--distinct');
  const sums = by.length > 0 || SUMMING.some((flag) => question[flag] !== undefined);
  if (sums && question.columns !== undefined) {
    throw new WeirError('WEIR_USAGE', `--columns is for lists of flows, and --${summing(question)} asks for sums`, {
      hint: 'Leave one of them out.',
    });
  }
  for (const flag of ['min', 'own', 'approximate', 'other'] as const) {
    if (sums || question[flag] === undefined) continue;
    throw new WeirError('WEIR_USAGE', `--${flag} is for sums`, { hint: 'Say what to sum up by: --by src_addr' });
  }
  const groups = [...by, ...stats.flatMap(({ keys }) => keys)];
  if (question.other === true && groups.some(({ kind }) => kind === 'either')) {
    throw new WeirError('WEIR_USAGE', '--other: flows count for both their ends, and so nothing is left over', {
      hint: 'Leave it out, or group by one end, such as src_addr.',
    });
  }
  const bidirectional = question.bidirectional === true;
  const told = [
    ...(histogram === undefined ? [] : classMeasures(histogram)),
    ...(bidirectional && sums ? CONVERSATION_MEASURES : []),
    ...(question.measures === undefined ? [] : parseMeasures(question.measures)),
    ...distinct.map((key) => distinctMeasure(key, question.approximate === true)),
  ];

  const measures = told.filter(({ name }, index) => told.findIndex((one) => one.name === name) === index);
  const hasBuckets = by.some(({ kind }) => kind === 'bucket' || kind === 'class');
  const fallback = hasBuckets ? undefined : sums ? tops?.groups : tops?.flows;
  const spec: QuerySpec = {
    span: parseSpan(question.from, question.to, { now, zone }),
    filter: parseFilter(question.filter ?? '', { zone, columns: NAME_COLUMNS.map(({ column }) => column), ...filters }),
    sums,
    by,
    stats,
    measures,
    distinct,
    limit: question.top === undefined ? fallback : parseTop(question.top),
    order: parseOrder(question.order, { sums, by, measures, bidirectional }),
    least: question.min === undefined ? undefined : parseLeast(question.min),
    other: question.other,
    own: parseOwn(question.own),
    zone,
    raw: question.raw === true,
    splitBiflows: question.splitBiflows === true,
    columns: question.columns === undefined ? [] : parseColumns(question.columns),
    bidirectional,
    spread: question.spread === true ? spreadOver(question, groups) : undefined,
    names: question.names === true,
  };
  if (bidirectional) checkConversations(spec);
  if (spec.spread !== undefined) checkSpread(spec);
  if (hasIntervals(spec)) checkIntervals(spec);
  return spec;
}

/** Throws WEIR_USAGE for what would tear classes apart. */
function checkHistogram(question: Question): void {
  const flag = (['by', 'stat', 'order', 'min', 'top'] as const).find((each) => question[each] !== undefined);
  if (flag === undefined) return;
  throw new WeirError('WEIR_USAGE', `--histogram and --${flag} do not go together`, {
    hint: 'It has all classes, in their order. A filter chooses the flows.',
  });
}

/** Throws WEIR_USAGE for what a conversation does not have. */
function checkConversations(spec: QuerySpec): void {
  const columns = [
    ...keysOf(spec).flatMap(keyColumns),
    ...spec.columns.flatMap((column) => columnExpression(column)[1]),
  ];
  const ordered = spec.sums ? [] : spec.order.flatMap(({ name }) => columnExpression(listedColumn(name))[1]);
  const needed = [...columns, ...ordered, ...spec.measures.flatMap(({ needs }) => needs)];
  const missing = needed.find((name) => !CONVERSATION_FILE_COLUMNS.has(name));
  if (missing === undefined) return;
  throw new WeirError('WEIR_USAGE', `--bidirectional: a conversation has no ${missing.replace(/_(?:hi|lo)$/, '')}`, {
    hint: `It has ${CONVERSATION_COLUMNS.map(({ name }) => name).join(', ')}, duration, and what is derived from these.`,
  });
}

/** The length of the buckets that flows are spread over, µs. Throws WEIR_USAGE unless there is just one. */
function spreadOver({ bidirectional }: Question, groups: readonly Key[]): bigint {
  if (bidirectional === true) {
    throw new WeirError('WEIR_USAGE', '--spread and --bidirectional do not go together', {
      hint: 'A conversation has no time of its directions to spread them over.',
    });
  }
  const lengths = new Set(
    groups.flatMap((key) => (key.kind === 'bucket' && key.of === 'time_start' ? [key.micros] : [])),
  );
  const [micros] = lengths;
  if (micros !== undefined && lengths.size === 1) return micros;
  const found = micros === undefined ? 'there is none' : `there are ${lengths.size}`;
  throw new WeirError('WEIR_USAGE', `--spread needs one length of time to spread flows over, and ${found}`, {
    hint: 'For example --spread --by time/5m,proto',
  });
}

/** Throws WEIR_USAGE where rates per interval have no meaning, or are too much. */
function checkIntervals(spec: QuerySpec): void {
  const name = spec.measures.find(({ perInterval }) => perInterval !== undefined)?.name ?? '';
  const key = spec.by.find((each) => each.kind === 'bucket' || keyColumns(each).includes('duration'));
  const other = spec.stats.length > 0 ? '--stat' : spec.bidirectional ? '--bidirectional' : key?.name;
  if (other === undefined) return;
  throw new WeirError('WEIR_USAGE', `${name} goes over all of the time, and not together with ${other}`, {
    hint: 'Leave one of them out.',
  });
}

/** Throws WEIR_USAGE for what only whole flows have. */
function checkSpread(spec: QuerySpec): void {
  const measure = spec.measures.find(({ perFlow }) => perFlow === true);
  const key = keysOf(spec).find((each) => keyColumns(each).includes('duration'));
  const name = measure?.name ?? key?.name;
  if (name === undefined) return;
  throw new WeirError('WEIR_USAGE', `--spread: ${name} is told of whole flows, not of their parts`, {
    hint: 'Leave one of them out.',
  });
}

/** Flags that ask for sums instead of flows. */
const SUMMING = ['by', 'stat', 'histogram', 'measures', 'distinct'] as const;

function summing(question: Question): string {
  return SUMMING.find((flag) => question[flag] !== undefined) ?? 'by';
}

/** Reads a count of rows; 0 means all. Throws WEIR_USAGE. */
export function parseTop(text: string, flag = '--top'): number | undefined {
  if (/^(?:0|all)$/i.test(text)) return undefined;
  const count = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count))
    throw new WeirError('WEIR_USAGE', `${flag} ${text.slice(0, 60)} is no number of rows`, {
      hint: `For example ${flag} 20; ${flag} 0 shows all.`,
    });
  return count;
}

/** Reads the least of what groups are ordered by: `1M`, `64Ki`, `1000`. Throws WEIR_USAGE. */
function parseLeast(text: string): bigint {
  const least = parseNumber(text);
  if (least !== undefined) return least;
  throw new WeirError('WEIR_USAGE', `--min ${text.slice(0, 60)} is no number`, { hint: 'For example --min 10M' });
}

/** Networks nobody else has: RFC 1918, RFC 6598 (shared, of carriers' NAT), RFC 4193, link-local. */
const PRIVATE = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,fc00::/7,fe80::/10';

/** Reads the networks that are one's own: `10.0.0.0/8,2001:db8::/32`; without a text the private ones. Throws WEIR_USAGE. */
function parseOwn(text = PRIVATE): Prefix[] {
  return text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => {
      const prefix = parseNetwork(part);
      if (prefix !== undefined) return prefix;
      throw new WeirError('WEIR_USAGE', `--own: '${part.slice(0, 60)}' is no network`, {
        hint: 'For example --own 192.0.2.0/24,2001:db8::/32',
      });
    });
}
