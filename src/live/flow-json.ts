import type { ColumnDefinition } from '../flow/schema.ts';
import { COLUMNS, findColumn } from '../flow/schema.ts';
import { DURATION } from '../query/key.ts';
import { isMade, type LiveRecord, liveCell } from './flow-cells.ts';

/** What the store makes of other columns: a flow as it comes has it where these tell it. */
const MADE: readonly ColumnDefinition[] = [
  DURATION,
  ...['icmp_type', 'icmp_code'].flatMap((name) => COLUMNS[findColumn(name)] ?? []),
];

/** A field of an object that has no others in it. */
const FIELD = /"(\w+)":("(?:[^"\\]|\\.)*"|[^,{}]+)/g;

/**
 * A function that makes of a flow as the collector writes it, an object in a line, the one that `weir query --format ndjson` shows: with `columns`, or
 * without them with all that the flow has and what is made of it. Values stay the text that they are, so that 64-bit numbers are exact.
 */
export function flowJson(columns: readonly ColumnDefinition[] | undefined): (line: string) => string {
  let record: LiveRecord = {};
  const cellOf = (column: ColumnDefinition) => ({ name: column.name, cell: liveCell(column, () => [record]) });
  if (columns === undefined) {
    const made = MADE.map(cellOf);
    return (line) => {
      record = JSON.parse(line) as LiveRecord;
      const more = made.flatMap(({ name, cell }) => {
        const text = Object.hasOwn(record, name) ? undefined : cell.text(0);
        return text === undefined ? [] : [`"${name}":${text}`];
      });
      return more.length === 0 ? line : `${line.slice(0, -1)}${line === '{}' ? '' : ','}${more.join(',')}}`;
    };
  }
  if (!columns.some(isMade)) return (line) => line;
  const cells = columns.map((column) => ({ ...cellOf(column), made: isMade(column) }));
  return (line) => {
    record = JSON.parse(line) as LiveRecord;
    const fields = new Map(Array.from(line.matchAll(FIELD), ([, name, value]) => [name, value]));
    const texts = cells.flatMap(({ name, cell, made }) => {
      const text = made ? cell.text(0) : fields.get(name);
      return text === undefined ? [] : [`"${name}":${text}`];
    });
    return `{${texts.join(',')}}`;
  };
}
