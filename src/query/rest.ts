import { type Cell, createCell } from './cells.ts';
import type { Rows } from './duck.ts';
import { type AnswerColumn, stepOf } from './plan.ts';
import type { QuerySpec } from './spec.ts';
import { sqlName } from './sql-text.ts';
import type { Totals } from './totals.ts';

/** A figure whose sum over groups is that of all: what is left of it when groups are taken away. */
interface Left {
  readonly column: AnswerColumn;
  readonly cell: Cell;
  value: number | bigint;
  /** That of all groups. */
  whole: number | bigint;
}

/** The groups of an answer that are not shown, taken together: everything that matches, less the groups that are. */
export class Rest {
  readonly #left: readonly Left[];
  readonly #step: number | undefined;

  constructor(columns: readonly AnswerColumn[]) {
    this.#step = stepOf(columns);
    this.#left = columns.filter(isAdditive).map((column) => {
      const value = column.kind === 'hugeint' ? 0n : 0;
      return { column, cell: createCell(column.kind, column.at), value, whole: value };
    });
  }

  /** Begins with the row of totals, which is the first of these. */
  begin(rows: Rows): void {
    this.#add(rows, 0, 1, 1);
    for (const left of this.#left) left.whole = left.value;
  }

  /** Begins with totals that were known beforehand; they are exact as doubles. */
  beginKnown(totals: Totals): void {
    for (const left of this.#left) {
      left.value = totals[left.column.name as 'flows' | 'packets' | 'bytes'];
      left.whole = left.value;
    }
  }

  /** Takes groups away, from row `first` on. */
  take(rows: Rows, first: number): void {
    this.#add(rows, first, rows.count, -1);
  }

  get isEmpty(): boolean {
    return this.#left.every(({ value }) => value <= 0);
  }

  /** The statement for one row in the shape of a group's, without keys, and without the figures that sums do not tell. */
  sql({ measures }: QuerySpec, { first, last }: Totals): string {
    const sums = new Map(this.#left.map(({ column, value }) => [column.name, `${value}::${SQL_TYPES[column.kind]}`]));
    const own = measures.map(({ name }, index) => `${sums.get(name) ?? 'NULL'} AS m${index}`);
    const whole = [
      ...this.#left
        .filter(({ column }) => column.measure === undefined)
        .map(({ column, whole: all }) => `${all}::DOUBLE AS total_${column.name}`),
      // What is left of several steps of time has no rate of one.
      `${this.#step === undefined ? Math.max(0, last - first) / 1e6 || 0 : 'NULL'}::DOUBLE AS seconds`,
    ];
    const figures = measures.map(({ inner, outer, additive, perInterval, name }, index) => {
      const isOfSums = inner === undefined && perInterval === undefined;
      const value = isOfSums || additive === true ? (outer?.(`m${index}`) ?? `m${index}`) : 'NULL';
      return `(${value})::DOUBLE AS ${sqlName(name)}`;
    });
    const keys = Array.from({ length: (this.#left[0]?.column.at ?? 1) - 1 }, () => 'NULL::UHUGEINT');
    const counters = ['flows', 'packets', 'bytes'];
    const group = [...counters.map((name) => `${sums.get(name) ?? '0'} AS ${name}`), ...own, ...whole];
    return `SELECT ${['2::UTINYINT', ...keys, ...counters, ...figures].join(', ')} FROM (SELECT ${group.join(', ')})`;
  }

  #add(rows: Rows, first: number, end: number, sign: 1 | -1): void {
    for (const left of this.#left) {
      left.cell.bind(rows);
      for (let row = first; row < end; row++) {
        if (typeof left.value === 'bigint') left.value += BigInt(sign) * BigInt(left.cell.text(row) ?? 0);
        else left.value += sign * (left.cell.number(row) || 0);
      }
    }
  }
}

const SQL_TYPES: Readonly<Partial<Record<AnswerColumn['kind'], string>>> = {
  i64: 'BIGINT',
  double: 'DOUBLE',
  hugeint: 'HUGEINT',
};

function isAdditive({ column, measure }: AnswerColumn): boolean {
  return column === undefined && (measure === undefined || measure.additive === true);
}
