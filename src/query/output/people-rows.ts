import { COLUMNS, type ColumnDefinition, columnIndex } from '../../flow/schema.ts';
import { CONVERSATION_LISTED } from '../bidirectional.ts';
import { type Cell, createCell } from '../cells.ts';
import type { Rows } from '../duck.ts';
import { DURATION } from '../key.ts';
import { NAME_COLUMNS } from '../name-columns.ts';
import { type AnswerColumn, stepOf } from '../plan.ts';
import type { HostNames } from '../resolve.ts';
import type { QuerySpec } from '../spec.ts';
import type { Totals } from '../totals.ts';
import type { OutputOptions } from './output.ts';
import {
  columnForPeople,
  figureForPeople,
  isHost,
  lookUpHosts,
  measuresForPeople,
  type PeopleColumn,
} from './people.ts';

const START = COLUMNS[columnIndex('time_start')] as ColumnDefinition;
/** What a listing shows to people unless told otherwise. */
const LISTED = ['proto', 'src_addr', 'src_port', 'dst_addr', 'dst_port', 'tcp_flags', 'packets', 'bytes'].map(
  (name) => COLUMNS[columnIndex(name)] as ColumnDefinition,
);
/** What it shows besides with `--names`. */
const NAMES_LISTED = NAME_COLUMNS.map(({ column }) => column).filter(({ name }) =>
  ['in_if_name', 'out_if_name', 'app_label'].includes(name),
);

/** Stands in the place of the first key for the groups that are not shown. */
export const OTHER = 'other';

/** Columns of a listing for people that was not told which. */
export function peopleListing({ names, bidirectional }: QuerySpec): readonly ColumnDefinition[] {
  if (bidirectional) return CONVERSATION_LISTED;
  return [START, DURATION, ...LISTED, ...(names ? NAMES_LISTED : [])];
}

/** The rows of an answer as texts for people. */
export class PeopleRows {
  readonly columns: readonly PeopleColumn[];
  readonly #cells: readonly Cell[];
  readonly #keys: number;
  readonly #hosts: HostNames | undefined;
  readonly #addresses: readonly Cell[];
  readonly #step: number | undefined;

  constructor(answer: readonly AnswerColumn[], totals: Totals, options: OutputOptions) {
    const { spec } = options;
    this.#cells = answer.map(({ kind, at, column, lengths }) => createCell(kind, at, column, lengths));
    this.#hosts = options.hosts;
    this.#addresses = this.#cells.filter((_, index) => isHost(answer[index]));
    this.#keys = answer.filter(({ column }) => column !== undefined).length;
    this.#step = stepOf(answer);
    const columns: PeopleColumn[] = [];
    answer.forEach(({ column, measure }, index) => {
      const cell = this.#cells[index] as Cell;
      if (column !== undefined) columns.push(columnForPeople(column, cell, options));
      else if (measure !== undefined) columns.push(figureForPeople(measure, cell, options));
    });
    if (spec.sums) {
      const [flows, packets, bytes] = this.#cells.slice(this.#keys) as [Cell, Cell, Cell];
      const isChosen = spec.measures.length > 0;
      const order = spec.order[0]?.name;
      const seconds = this.#step ?? Math.max(0, totals.last - totals.first) / 1e6;
      const counters = measuresForPeople({ flows, packets, bytes }, { order, totals, seconds }, options);
      // Whoever chooses measures gets these beside the counters, and none that were not asked for.
      columns.splice(this.#keys, 0, ...(isChosen ? counters.slice(0, 3) : counters));
    }
    this.columns = columns;
  }

  /** Rows from `first` on. */
  async lines(rows: Rows, first: number): Promise<string[][]> {
    for (const cell of this.#cells) cell.bind(rows);
    await lookUpHosts(this.#hosts, this.#addresses, rows, first);
    const lines: string[][] = [];
    for (let row = first; row < rows.count; row++) lines.push(this.columns.map((column) => column.text(row)));
    return lines;
  }

  /** What the groups that are not shown come to, which is the first of these rows. */
  other(rows: Rows): string[] {
    for (const cell of this.#cells) cell.bind(rows);
    return this.columns.map((column, index) => {
      if (index < this.#keys) return index === 0 ? OTHER : '';
      // What is left of several steps of time has no rate of one.
      return column.isRate === true && this.#step !== undefined ? '' : column.text(0);
    });
  }
}
