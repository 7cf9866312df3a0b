import type { ColumnDefinition } from '../flow/schema.ts';
import type { CellKind } from './cells.ts';
import { DURATION } from './key.ts';
import { SQL_TIME_END, sqlName } from './sql-text.ts';

/** A column of the schema as expressions over the columns of the files, two for an address and one for others; and the columns they name. */
export function columnExpression(column: ColumnDefinition): [expressions: readonly string[], names: readonly string[]] {
  if (column.type === 'address') {
    const names = [`${column.name}_hi`, `${column.name}_lo`];
    return [names.map(sqlName), names];
  }
  if (column.name === 'time_end') return [[SQL_TIME_END], ['time_start', 'duration']];
  return [[sqlName(column.name)], [column.name]];
}

/** How a column's values are kept in a result. */
export function cellKind(column: ColumnDefinition): CellKind {
  if (column === DURATION) return 'i64';
  if (column.display === 'enum') return 'words';
  return column.type === 'extra' ? 'extra' : column.type;
}
