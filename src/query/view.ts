import { COLUMNS, type ColumnDefinition } from '../flow/schema.ts';
import { MACROS, NAME_MACRO, wordsCase } from './macros.ts';
import { type SmallFiles, smallTableViews } from './small-tables.ts';
import { ALL_FILE_COLUMNS, type Source, sqlSource, sqlSpan } from './source.ts';
import { SQL_TIME_END, sqlName } from './sql-text.ts';

/**
 * Statements that make the functions and views people use in SQL:
 * `flows` with the schema's columns, addresses and codes of ours as text; `flows_raw` with the columns of the files, addresses as two
 * numbers NAME_hi and NAME_lo, which is what searching and grouping is fast on; and those of the small tables.
 */
export function viewStatements(source: Source, small: SmallFiles): string[] {
  const scan = sqlSource(source, ALL_FILE_COLUMNS);
  const conditions = sqlSpan(source);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const raw = ALL_FILE_COLUMNS.flatMap((name) =>
    name === 'duration' ? [`${SQL_TIME_END} AS time_end`, 'duration'] : [sqlName(name)],
  );
  return [
    ...MACROS,
    `CREATE VIEW flows_raw AS SELECT ${raw.join(', ')} FROM ${scan}${where}`,
    `CREATE VIEW flows AS SELECT ${COLUMNS.flatMap(viewColumns).join(', ')} FROM flows_raw`,
    ...smallTableViews(small),
    NAME_MACRO,
  ];
}

function viewColumns(column: ColumnDefinition): string[] {
  const { name, type, display, words } = column;
  if (type === 'address') return [`addr(${name}_hi, ${name}_lo) AS ${sqlName(name)}`];
  if (type === 'mac') return [`mac(${sqlName(name)}) AS ${sqlName(name)}`];
  if (display === 'enum' && words !== undefined) return [`${wordsCase(sqlName(name), words)} AS ${sqlName(name)}`];
  return name === 'time_end' ? ['time_end', 'duration'] : [sqlName(name)];
}
