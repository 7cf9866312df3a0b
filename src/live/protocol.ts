import { parseFilter } from '../filter/parser.ts';
import type { FilterNode } from '../filter/tree.ts';
import { COLUMNS, findColumn } from '../flow/schema.ts';
import { type Key, parseKeys } from '../query/key.ts';
import { WeirError } from '../util/errors.ts';

/*
 * What goes over the collector's socket: requests and answers are objects of JSON, a line each. docs/tail.md describes them for other programs.
 */

/** Counts up when an old client would misread an answer. */
export const PROTOCOL = 1;
/** Longest request, octets: a filter may hold a list of thousands of addresses. */
export const MAX_REQUEST = 1 << 20;

export const TOP_ORDERS = ['bytes', 'packets', 'flows'] as const;
/** What groups are ranked by. */
export type TopOrder = (typeof TOP_ORDERS)[number];

/** Lengths of an interval, ms. */
export const INTERVAL = { least: 500, most: 300_000, usual: 1000 } as const;
/** Most groups in an answer. */
export const MAX_TOP = 1000;
const USUAL_TOP = 50;

export interface TailRequest {
  readonly op: 'tail';
  readonly id: string | number | undefined;
  readonly filter: FilterNode;
  /** Schema columns; undefined for all that a record has. */
  readonly columns: readonly number[] | undefined;
  /** Most flows a second. */
  readonly rate: number;
}

export interface TopRequest {
  readonly op: 'top';
  readonly id: string | number | undefined;
  readonly filter: FilterNode;
  readonly by: readonly Key[];
  readonly order: TopOrder;
  /** Groups in an answer. */
  readonly top: number;
  /** ms. */
  readonly interval: number;
  /** Counters as exported, not multiplied by the sampling rate. */
  readonly raw: boolean;
}

export interface StatusRequest {
  readonly op: 'status';
  readonly id: string | number | undefined;
}

export type LiveRequest = TailRequest | TopRequest | StatusRequest;

/** A request as a client writes it; see `parseRequest` for what each means. */
export interface RequestLine {
  readonly op: LiveRequest['op'];
  readonly id?: string | number;
  readonly filter?: string;
  readonly columns?: readonly string[];
  readonly rate?: number;
  readonly by?: readonly string[];
  readonly order?: TopOrder;
  readonly top?: number;
  readonly interval?: number;
  readonly raw?: boolean;
}

/** A value of a column as JSON has it. */
export type LiveValue = string | number | null;

export interface LiveCounters {
  readonly bytes: number;
  readonly packets: number;
  readonly flows: number;
}

export interface TopAnswer {
  readonly type: 'top';
  readonly id?: string | number;
  /** End of the time that it is about, ms since the epoch, and its length. */
  readonly at: number;
  readonly seconds: number;
  readonly by: readonly string[];
  readonly rows: readonly (LiveCounters & { readonly key: readonly LiveValue[] })[];
  /** What all flows that match come to. */
  readonly total: LiveCounters;
  /** Groups there were; at least so many when `pruned`. */
  readonly groups: number;
  /** Small groups were given up for want of room: the rows may lack up to so much of what they are ranked by. 0: they are exact. */
  readonly pruned: number;
  /** Flows that were not looked at, because receiving goes first. */
  readonly unseen: number;
}

/** An answer. A client leaves out types that it does not know. */
export type LiveAnswer =
  | { readonly type: 'hello'; readonly protocol: number; readonly pid: number }
  | { readonly type: 'flow'; readonly id?: string | number; readonly flow: Readonly<Record<string, LiveValue>> }
  | { readonly type: 'sampled'; readonly id?: string | number; readonly matched: number; readonly sent: number }
  | { readonly type: 'dropped'; readonly id?: string | number; readonly dropped: number }
  | { readonly type: 'unseen'; readonly id?: string | number; readonly unseen: number }
  | TopAnswer
  | { readonly type: 'status'; readonly id?: string | number; readonly status: unknown }
  | {
      readonly type: 'error';
      readonly id?: string | number;
      readonly code: string;
      readonly message: string;
      readonly hint?: string;
    }
  | { readonly type: 'end' };

/** Reads a request. Throws WEIR_LIVE for one that is none, WEIR_FILTER and WEIR_USAGE for what it asks. `maxRate` bounds what a `tail` is sent. */
export function parseRequest(line: string, { maxRate }: { readonly maxRate: number }): LiveRequest {
  const fields = parseObject(line);
  const id = typeof fields['id'] === 'string' || typeof fields['id'] === 'number' ? fields['id'] : undefined;
  const { op } = fields;
  if (op === 'status') return { op, id };
  if (op !== 'tail' && op !== 'top') throw wrong(`op is ${show(op)}, expected tail, top or status`);
  const filter = parseFilter(text(fields, 'filter', ''), { zone: 'utc' });
  if (op === 'tail') {
    const rate = number(fields, 'rate', 1, maxRate, maxRate);
    return { op, id, filter, columns: columnsOf(fields['columns']), rate };
  }
  const order = text(fields, 'order', 'bytes') as TopOrder;
  if (!TOP_ORDERS.includes(order)) throw wrong(`order is ${show(order)}, expected ${TOP_ORDERS.join(', ')}`);
  return {
    op,
    id,
    filter,
    by: parseKeys(texts(fields, 'by').join(','), 'by'),
    order,
    top: number(fields, 'top', 1, MAX_TOP, USUAL_TOP),
    interval: number(fields, 'interval', INTERVAL.least, INTERVAL.most, INTERVAL.usual),
    raw: fields['raw'] === true,
  };
}

function parseObject(line: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(`a line is ${show(line)}, expected an object of JSON`);
}

function columnsOf(value: unknown): number[] | undefined {
  if (value === undefined) return undefined;
  return texts({ columns: value }, 'columns').map((name) => {
    const column = findColumn(name);
    if (column < 0) throw wrong(`there is no column ${show(name)}`);
    if (COLUMNS[column]?.type === 'extra') throw wrong(`${name} cannot be chosen; without columns, all are sent`);
    return column;
  });
}

function text(fields: Readonly<Record<string, unknown>>, name: string, fallback: string): string {
  const value = fields[name] ?? fallback;
  if (typeof value === 'string') return value;
  throw wrong(`${name} is ${show(value)}, expected a text`);
}

function texts(fields: Readonly<Record<string, unknown>>, name: string): string[] {
  const value = fields[name];
  if (Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string')) return value;
  throw wrong(`${name} is ${show(value)}, expected a list of columns`);
}

function number(
  fields: Readonly<Record<string, unknown>>,
  name: string,
  least: number,
  most: number,
  fallback: number,
): number {
  const value = fields[name] ?? fallback;
  if (typeof value === 'number' && value >= least) return Math.min(value, most);
  throw wrong(`${name} is ${show(value)}, expected a number from ${least} to ${most}`);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, 60);
}

function wrong(message: string): WeirError {
  return new WeirError('WEIR_LIVE', `request: ${message}`, { hint: 'docs/tail.md describes requests.' });
}
