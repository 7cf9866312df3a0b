import type { Zone } from '../filter/time-literal.ts';
import { type FilterNode, forEachLeaf } from '../filter/tree.ts';
import type { ColumnDefinition } from '../flow/schema.ts';
import type { Prefix } from '../util/prefix.ts';
import { endsOf, type Key } from './key.ts';
import type { Measure } from './measure.ts';
import { findNameColumn } from './name-columns.ts';
import type { TimeSpan } from './time.ts';

export interface Order {
  /** A measure, a key, or a column of a listing. */
  readonly name: string;
  readonly descending: boolean;
}

/** One of several statistics. */
export interface Stat {
  /** As it is written in `--stat`. */
  readonly name: string;
  readonly keys: readonly Key[];
}

/** A question. */
export interface QuerySpec {
  readonly span: TimeSpan;
  readonly filter: FilterNode;
  /** Whether it asks for sums, of groups or of all, and not for the flows themselves. */
  readonly sums: boolean;
  readonly by: readonly Key[];
  /** Statistics in place of `by`, each of which is answered by itself. */
  readonly stats: readonly Stat[];
  /** Figures of each group beside flows, packets and bytes. */
  readonly measures: readonly Measure[];
  /** What different values are counted of; there is a measure for each. */
  readonly distinct: readonly Key[];
  /** At most so many rows; undefined for all. */
  readonly limit: number | undefined;
  /** At least one; the first counts most. */
  readonly order: readonly Order[];
  /** Groups with less of what they are ordered by first are left out; undefined for all. */
  readonly least: bigint | undefined;
  /** Whether the groups that are not shown are one more row; undefined: where people read it. */
  readonly other: boolean | undefined;
  /** The networks that are one's own, for the columns that tell inside from outside. */
  readonly own: readonly Prefix[];
  /** How days begin in buckets. */
  readonly zone: Zone;
  /** Counters as exported, not multiplied by the sampling rate. */
  readonly raw: boolean;
  /** Each direction of a biflow is a flow of its own. */
  readonly splitBiflows?: boolean;
  /** The flows of both directions are taken together; see bidirectional.ts. */
  readonly bidirectional: boolean;
  /** Packets and bytes of a flow are spread over the buckets of so many µs that it spans; undefined: they are where it begins. */
  readonly spread: bigint | undefined;
  /** Columns of a listing; empty for all that the files have. */
  readonly columns: readonly ColumnDefinition[];
  /** Names beside the numbers of interfaces, applications … */
  readonly names: boolean;
}

/** Whether it asks for rates per interval. */
export function hasIntervals({ measures }: QuerySpec): boolean {
  return measures.some(({ perInterval }) => perInterval !== undefined);
}

/** Everything that is grouped by. */
export function groupKeys({ by, stats }: QuerySpec): readonly Key[] {
  return [...by, ...stats.flatMap(({ keys }) => keys)];
}

/** Everything whose values are told apart; of a key for either end those of both. */
export function keysOf(spec: QuerySpec): readonly Key[] {
  return [...groupKeys(spec), ...spec.distinct].flatMap(endsOf);
}

/** Whether flows are counted for both their ends, so that groups come to more than all. */
export function countsBothEnds(spec: QuerySpec): boolean {
  return groupKeys(spec).some(({ kind }) => kind === 'either');
}

/** Whether a question asks for names. */
export function asksForNames(spec: QuerySpec): boolean {
  const { columns, names, filter } = spec;
  const asked = new Set([...keysOf(spec).map(({ column }) => column), ...columns].map(({ name }) => name));
  forEachLeaf(filter, (leaf) => {
    if (leaf.kind !== 'any') for (const column of leaf.columns) asked.add(column);
  });
  return names || [...asked].some((name) => findNameColumn(name) !== undefined);
}

/** Whether a filter says itself which kinds of records it wants, so that aggregates do not choose for it. */
export function namesRecordKind(filter: FilterNode): boolean {
  let named = false;
  forEachLeaf(filter, (leaf) => {
    if (
      leaf.kind !== 'any' &&
      leaf.columns.some((column) => column === 'record_kind' || column === 'nat_event' || column === 'firewall_event')
    ) {
      named = true;
    }
  });
  return named;
}
