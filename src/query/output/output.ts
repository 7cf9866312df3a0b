import type { ColumnDefinition } from '../../flow/schema.ts';
import type { Rows } from '../duck.ts';
import type { AnswerColumn } from '../plan.ts';
import type { QuerySpec, Stat } from '../spec.ts';
import type { Totals } from '../totals.ts';
import type { Write } from './format.ts';
import type { PeopleOptions } from './people.ts';
import type { SummaryFacts } from './summary.ts';

/** What every form of an answer is made with. */
export interface OutputOptions extends PeopleOptions {
  readonly spec: QuerySpec;
  /** Rows alone, for people as well: no header and no summary. */
  readonly quiet?: boolean;
  /** Of the terminal; undefined when it is none. */
  readonly width: number | undefined;
  /** Of the terminal; undefined when it is none. */
  readonly height?: number | undefined;
  /** Charts may be drawn with blocks and braille. */
  readonly unicode?: boolean;
  readonly colour: boolean;
  readonly write: Write;
}

/**
 * Turns an answer into text as it comes. Each call resolves to false when the reader has gone. `begin` is called once before rows, also when there
 * will be none, or once for each of several statistics; `end` once after them.
 */
export interface Output {
  /** Columns of a listing that was not told which; without it, all that the files have. */
  readonly listed?: readonly ColumnDefinition[];
  /** Whether it is read by people: it gets the totals of a listing at `begin`, and what is to be noted at `end`. */
  readonly forPeople: boolean;
  begin(columns: readonly AnswerColumn[], totals: Totals, stat?: Stat): Promise<boolean>;
  /** Rows from `first` on. */
  rows(rows: Rows, first: number): Promise<boolean>;
  /** The first of these rows is what the groups that are not shown come to. */
  other?(rows: Rows): Promise<boolean>;
  end(facts: SummaryFacts): Promise<boolean>;
}
