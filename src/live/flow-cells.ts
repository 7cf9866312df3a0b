import { parseTimeLiteral } from '../filter/time-literal.ts';
import { FLOW_TYPES } from '../flow/codes.ts';
import { ICMP_IN_PORT, ICMP_PROTOCOLS } from '../flow/icmp.ts';
import type { ColumnDefinition } from '../flow/schema.ts';
import type { Cell } from '../query/cells.ts';
import { DURATION } from '../query/key.ts';
import type { LiveValue } from './protocol.ts';

/** A flow, or a group, as the collector tells it: values by the names of their columns. */
export type LiveRecord = Readonly<Record<string, LiveValue | undefined>>;

/** Columns that the store makes of others when it writes flows. */
const MADE_OF: Readonly<Record<string, readonly string[]>> = {
  [DURATION.name]: ['time_start', 'time_end'],
  icmp_type: ['icmp_type', 'flow_type', 'proto', 'dst_port'],
  icmp_code: ['icmp_code', 'flow_type', 'proto', 'dst_port'],
};

/** Formats that carry ICMP's type and code in the destination port, by their words. */
const IN_PORT = new Set(
  Object.entries(FLOW_TYPES).flatMap(([code, word]) => (ICMP_IN_PORT.has(Number(code)) ? [word as string] : [])),
);

/** Whether a column is made of others. */
export function isMade({ name }: ColumnDefinition): boolean {
  return Object.hasOwn(MADE_OF, name);
}

/** The columns of a record from which `columns` are read. */
export function sourceColumns(columns: readonly ColumnDefinition[]): string[] {
  return [...new Set(columns.flatMap(({ name }) => MADE_OF[name] ?? [name]))];
}

/** Reads a column of the records that `rows` gives when it is called, as the cells of queries read theirs. */
export function liveCell(column: ColumnDefinition, rows: () => readonly LiveRecord[]): Cell {
  const { name, type, display } = column;
  const valueOf = reader(name);
  const value = (row: number): LiveValue | undefined => valueOf(rows()[row] ?? {}) ?? undefined;
  return {
    numeric: type.startsWith('u') && display !== 'enum',
    free: type === 'text' || type === 'extra',
    json: () => type === 'extra',
    bind: () => {},
    number: (row) => {
      const found = value(row);
      if (type === 'time') return micros(found);
      return typeof found === 'number' ? found : Number.NaN;
    },
    text: (row) => {
      const found = value(row);
      return found === undefined ? undefined : String(found);
    },
  };
}

function reader(name: string): (record: LiveRecord) => LiveValue | undefined {
  if (name === DURATION.name) {
    return (record) => {
      const lasted = micros(record['time_end']) - micros(record['time_start']);
      return Number.isNaN(lasted) ? undefined : lasted;
    };
  }
  if (name !== 'icmp_type' && name !== 'icmp_code') return (record) => record[name];
  const shift = name === 'icmp_type' ? 8 : 0;
  return (record) => {
    const { [name]: own, flow_type: format, proto, dst_port: port } = record;
    if (own !== undefined || typeof port !== 'number') return own;
    return IN_PORT.has(String(format)) && ICMP_PROTOCOLS.has(Number(proto)) ? (port >> shift) & 0xff : undefined;
  };
}

/** NaN for what is no time. */
function micros(text: LiveValue | undefined): number {
  const found = typeof text === 'string' ? parseTimeLiteral(text, 'utc') : undefined;
  return found === undefined ? Number.NaN : Number(found);
}
