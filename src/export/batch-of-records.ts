import { parseTimeLiteral } from '../filter/time-literal.ts';
import { FlowBatch } from '../flow/batch.ts';
import { createLayout, type Layout } from '../flow/layout.ts';
import type { FlowRecord } from '../flow/record.ts';
import { COLUMNS, COMMON_COLUMNS, type ColumnDefinition, columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import { parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import type { ElementNumbers } from './element-numbers.ts';
import { type ExtraOctets, extraOctets, keepExtra } from './extra-values.ts';

/** Columns that every batch has; a record without them has 0 there, or 0.0.0.0. */
const ALWAYS = COMMON_COLUMNS.map(columnIndex);
const EXTRA = columnIndex('extra');
const MOST_LAYOUTS = 1024;
const LARGEST = { u8: 0xff, u16: 0xffff, u32: 0xffff_ffff } as const;

/**
 * Records as `records` (flow/record.ts) gives them, as a batch: the way back. `time_start` is needed; `time_end` is the same without. Names that are no
 * column are left out. `elements` says what `extra` is; `layouts` keeps layouts from one call to the next. Throws WEIR_INPUT, which says what is wrong with which record.
 */
export function batchOfRecords(
  records: readonly FlowRecord[],
  elements: ElementNumbers,
  layouts: Map<string, Layout> = new Map(),
): FlowBatch {
  const batch = new FlowBatch(Math.max(1, records.length));
  records.forEach((record, row) => {
    const start = record['time_start'];
    if (start === undefined) throw wrong(row, 'time_start', undefined, 'a time');
    const whole: FlowRecord = { time_end: start, ...record };
    const columns = Object.keys(whole)
      .filter((name) => whole[name] !== undefined && name !== 'extra')
      .flatMap((name) => COLUMNS.findIndex((column) => column.name === name))
      .filter((column) => column >= 0);
    const extra = extraOf(record, row, elements);
    batch.beginRun(layoutOf(columns, extra, layouts));
    if (extra !== undefined) keepExtra(batch, row, extra);
    for (const column of ALWAYS) clear(batch, column, row);
    for (const column of columns) {
      const definition = COLUMNS[column] as ColumnDefinition;
      put(batch, column, definition, row, whole[definition.name]);
    }
    batch.rows++;
  });
  return batch;
}

function extraOf(record: FlowRecord, row: number, elements: ElementNumbers): ExtraOctets | undefined {
  const value = record['extra'];
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value))
    throw wrong(row, 'extra', value, 'values by names of elements');
  return extraOctets(value, elements);
}

function layoutOf(columns: readonly number[], extra: ExtraOctets | undefined, layouts: Map<string, Layout>): Layout {
  const all = [...new Set([...ALWAYS, ...columns, ...(extra === undefined ? [] : [EXTRA])])].sort((a, b) => a - b);
  const key = `${all.join(' ')} ${extra?.key ?? ''}`;
  let layout = layouts.get(key);
  if (layout === undefined) {
    if (layouts.size >= MOST_LAYOUTS) layouts.clear();
    layout = createLayout(all, extra?.fields);
    layouts.set(key, layout);
  }
  return layout;
}

function clear(batch: FlowBatch, column: number, row: number): void {
  const slot = FIRST_SLOT[column] as number;
  const { type } = COLUMNS[column] as ColumnDefinition;
  // 0.0.0.0 as ::ffff:0.0.0.0.
  if (type === 'address') putWords(batch, slot + 1, row, 0xffff_0000_0000n);
  if (type === 'address' || type === 'time') putWords(batch, slot, row, 0n);
  else (batch.arrays[slot] as Uint32Array)[row] = 0;
}

function put(batch: FlowBatch, column: number, definition: ColumnDefinition, row: number, value: unknown): void {
  const slot = FIRST_SLOT[column] as number;
  const { name, type } = definition;
  switch (type) {
    case 'u8':
    case 'u16':
    case 'u32': {
      const number = typeof value === 'string' ? codeOf(definition, value) : value;
      if (!Number.isInteger(number) || (number as number) < 0 || (number as number) > LARGEST[type])
        throw wrong(row, name, value, `a whole number up to ${LARGEST[type]}`);
      (batch.arrays[slot] as Uint32Array)[row] = number as number;
      return;
    }
    case 'u64': {
      const number = typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value;
      if (typeof number !== 'bigint' || number < 0n || number >= 1n << 64n)
        throw wrong(row, name, value, 'a whole number below 2⁶⁴');
      return putWords(batch, slot, row, number);
    }
    case 'time': {
      const micros = typeof value === 'string' ? parseTimeLiteral(value) : undefined;
      if (micros === undefined || micros < 0n) throw wrong(row, name, value, 'a time such as 2026-11-21T09:30:00.5Z');
      return putWords(batch, slot, row, micros);
    }
    case 'mac': {
      if (typeof value !== 'string' || !/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(value))
        throw wrong(row, name, value, 'a MAC address');
      return putWords(batch, slot, row, BigInt(`0x${value.replaceAll(':', '')}`));
    }
    case 'address': {
      const address = typeof value === 'string' ? parseAddress(value) : undefined;
      if (address === undefined) throw wrong(row, name, value, 'an IPv4 or IPv6 address');
      const [w0, w1, w2, w3] = address.map(BigInt) as [bigint, bigint, bigint, bigint];
      putWords(batch, slot, row, (w0 << 32n) | w1);
      return putWords(batch, slot + 1, row, (w2 << 32n) | w3);
    }
    case 'text':
      if (typeof value !== 'string') throw wrong(row, name, value, 'text');
      (batch.arrays[slot] as Uint32Array)[row] = batch.textCode(value);
      return;
    default:
  }
}

function codeOf({ words }: ColumnDefinition, text: string): number | undefined {
  const code = Object.entries(words ?? {}).find(([, word]) => word === text)?.[0];
  return code === undefined ? undefined : Number(code);
}

function putWords(batch: FlowBatch, slot: number, row: number, value: bigint): void {
  const words = batch.arrays[slot] as Uint32Array;
  words[row * 2] = Number(value & 0xffff_ffffn);
  words[row * 2 + 1] = Number(value >> 32n);
}

function wrong(row: number, name: string, value: unknown, expected: string): WeirError {
  const found = typeof value === 'bigint' ? String(value) : JSON.stringify(value);
  return new WeirError('WEIR_INPUT', `record ${row}: ${name} is ${found ?? 'missing'}, expected ${expected}`, {
    details: { row, column: name },
  });
}
