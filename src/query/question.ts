import { nearest } from '../elements/nearest.ts';
import { type ParseOptions, parseFilter } from '../filter/parser.ts';
import type { Zone } from '../filter/time-literal.ts';
import { parseNetwork, parseNumber } from '../filter/values.ts';
import { COLUMNS, findColumn } from '../flow/schema.ts';
import { WeirError } from '../util/errors.ts';
import type { Prefix } from '../util/prefix.ts';
import { DURATION, type Key, keysWithNames, parseColumns, parseKeys } from './key.ts';
import { COUNTERS, MEASURES, type Measure, parseMeasures } from './measure.ts';
import { NAME_COLUMNS } from './name-columns.ts';
import type { Order, QuerySpec } from './spec.ts';
import { parseSpan } from './time.ts';

/** A question as people write it: the flags of `weir query`. Each text is read by the function of its name below. */
export interface Question {
  readonly filter?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly by?: string | undefined;
  readonly measures?: string | undefined;
  readonly top?: string | undefined;
  readonly order?: string | undefined;
  readonly min?: string | undefined;
  readonly own?: string | undefined;
  readonly columns?: string | undefined;
  readonly names?: boolean | undefined;
  readonly raw?: boolean | undefined;
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
  const by = question.names === true ? keysWithNames(asked) : asked;
  if (by.length > 0 && question.columns !== undefined) {
    throw new WeirError('WEIR_USAGE', '--columns is for lists of flows, and --by asks for sums', {
      hint: 'Leave one of them out.',
    });
  }
  for (const flag of ['measures', 'min', 'own'] as const) {
    if (by.length > 0 || question[flag] === undefined) continue;
    throw new WeirError('WEIR_USAGE', `--${flag} is for sums`, { hint: 'Say what to sum up by: --by src_addr' });
  }
  const measures = question.measures === undefined ? [] : parseMeasures(question.measures);
  const hasBuckets = by.some(({ kind }) => kind === 'bucket');
  const fallback = hasBuckets ? undefined : by.length > 0 ? tops?.groups : tops?.flows;
  return {
    span: parseSpan(question.from, question.to, { now, zone }),
    filter: parseFilter(question.filter ?? '', { zone, columns: NAME_COLUMNS.map(({ column }) => column), ...filters }),
    by,
    measures,
    limit: question.top === undefined ? fallback : parseTop(question.top),
    order: parseOrder(question.order, by, measures),
    least: question.min === undefined ? undefined : parseLeast(question.min),
    own: parseOwn(question.own),
    zone,
    raw: question.raw === true,
    splitBiflows: question.splitBiflows === true,
    columns: question.columns === undefined ? [] : parseColumns(question.columns),
    names: question.names === true,
  };
}

/**
 * Reads `bytes`, `src_port`, `bytes:asc`, `time_start:desc`, or several with commas, the first of which counts most. Measures come largest first and
 * everything else smallest first unless said otherwise. Without a text: `bytes` for aggregates, after the time where that is a key, and
 * `time_start` for a listing. Throws WEIR_USAGE for a name that the answer does not have.
 */
export function parseOrder(text: string | undefined, by: readonly Key[], measures: readonly Measure[] = []): Order[] {
  if (text === undefined) {
    const times = by.filter(({ kind }) => kind === 'bucket').map(({ name }): Order => ({ name, descending: false }));
    if (by.length === 0) return [{ name: 'time_start', descending: false }];
    return [...times, { name: 'bytes', descending: true }];
  }
  const parts = text.split(',').filter((part) => part.trim() !== '');
  if (parts.length === 0) throw wrongOrder('', []);
  return parts.map((part) => parseOne(part, by, measures));
}

function parseOne(text: string, by: readonly Key[], measures: readonly Measure[]): Order {
  const [name = '', direction, ...rest] = text.trim().toLowerCase().split(':');
  if (rest.length > 0 || (direction !== undefined && direction !== 'asc' && direction !== 'desc')) {
    throw new WeirError('WEIR_USAGE', `--order ${text}: after the colon comes asc or desc`, {
      hint: 'For example --order bytes:asc',
    });
  }
  const figures = [...COUNTERS, ...measures.map((measure) => measure.name)];
  const descending = direction === undefined ? figures.includes(name) || name === DURATION.name : direction === 'desc';
  if (by.length > 0) {
    const names = [...figures, ...by.map((key) => key.name)];
    if (!names.includes(name)) throw wrongOrder(name, names);
  } else if (name !== DURATION.name && findColumn(name) < 0) {
    throw wrongOrder(name, [...COLUMNS.map((column) => column.name), DURATION.name]);
  }
  return { name, descending };
}

function wrongOrder(name: string, names: readonly string[]): WeirError {
  if (MEASURES.some((measure) => measure.name === name)) {
    return new WeirError('WEIR_USAGE', `--order ${name}: the answer has no ${name}`, {
      hint: `Ask for it, too: --measures ${name}`,
    });
  }
  const suggestion = nearest(name, names);
  return new WeirError('WEIR_USAGE', `--order: the answer has no '${name.slice(0, 60)}'`, {
    hint:
      suggestion === undefined
        ? `It has ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}.`
        : `Did you mean '${suggestion}'?`,
  });
}

/** Reads a count of rows; 0 means all. Throws WEIR_USAGE. */
export function parseTop(text: string): number | undefined {
  if (/^(?:0|all)$/i.test(text)) return undefined;
  const count = /^[1-9]\d{0,14}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(count))
    throw new WeirError('WEIR_USAGE', `--top ${text.slice(0, 60)} is no number of rows`, {
      hint: 'For example --top 20; --top 0 shows all.',
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
