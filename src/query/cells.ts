import { macText } from '../flow/record.ts';
import type { ColumnDefinition } from '../flow/schema.ts';
import { formatAddress } from '../util/address.ts';
import { viewOf } from '../util/octets.ts';
import { type Rows, stringAt } from './duck.ts';

/** How values are kept in a result, and so how they become text. */
export type CellKind =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'i64'
  | 'double'
  | 'hugeint'
  | 'time'
  | 'address'
  | 'mac'
  | 'text'
  | 'extra'
  | 'words';

/** How many bits of an IPv4 address (0–32) and of an IPv6 address (0–128) count. */
export interface PrefixLengths {
  readonly v4: number;
  readonly v6: number;
}

/** Reads one column of the rows it is bound to. */
export interface Cell {
  /** Whether its texts are numbers, which machine-readable formats leave unquoted. */
  readonly numeric: boolean;
  /** Whether its texts may hold characters that a format has to escape. */
  readonly free: boolean;
  /** Whether a row's text is JSON already. */
  json(row: number): boolean;
  bind(rows: Rows): void;
  /** Machine-readable text of a row's value; undefined when there is none. Valid after `bind`. */
  text(row: number): string | undefined;
  /** Its value as a number (exact to 2^53), for those that are; NaN when there is none. Times are in µs. */
  number(row: number): number;
}

const WIDTHS: Readonly<Record<CellKind, number>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  i64: 8,
  double: 8,
  hugeint: 16,
  time: 8,
  address: 8,
  mac: 8,
  text: 16,
  extra: 16,
  words: 1,
};

const WORD = 0x1_0000_0000;
/** Upper word from which a 64-bit number is no longer exact as a double. */
const EXACT_HIGH = 0x20_0000;

/** A reader for the column at vector `at` of a result; an address is in that and the next one. With `lengths`, addresses are networks. */
export function createCell(kind: CellKind, at: number, column?: ColumnDefinition, lengths?: PrefixLengths): Cell {
  const width = WIDTHS[kind];
  let octets: Uint8Array = new Uint8Array(0);
  let words: Uint32Array = new Uint32Array(0);
  let lower: Uint32Array = new Uint32Array(0);
  let view: DataView = new DataView(octets.buffer);
  let validity: Uint8Array | null = null;
  const bind = (rows: Rows): void => {
    const values = rows.values(at, width);
    octets = values.bytes;
    validity = values.validity;
    if (kind === 'address') {
      // The upper half may be a constant of the statement; the lower one says whether there is an address.
      const second = rows.values(at + 1, width);
      lower = words32(second.bytes);
      validity = second.validity;
    }
    if (width % 4 === 0) words = words32(octets);
    view = viewOf(octets);
  };
  const missing = (row: number): boolean =>
    validity !== null && ((validity[row >> 3] as number) & (1 << (row & 7))) === 0;
  const low = (row: number) => words[row * 2] as number;
  const high = (row: number) => words[row * 2 + 1] as number;
  const readers: Readonly<Record<CellKind, (row: number) => number>> = {
    u8: (row) => octets[row] as number,
    words: (row) => octets[row] as number,
    u16: (row) => view.getUint16(row * 2, true),
    u32: (row) => words[row] as number,
    u64: (row) => high(row) * WORD + low(row),
    mac: (row) => high(row) * WORD + low(row),
    i64: (row) => (high(row) | 0) * WORD + low(row),
    time: (row) => (high(row) | 0) * WORD + low(row),
    double: (row) => view.getFloat64(row * 8, true),
    hugeint: (row) =>
      Number(view.getBigInt64(row * 16 + 8, true)) * 2 ** 64 + Number(view.getBigUint64(row * 16, true)),
    address: () => Number.NaN,
    text: () => Number.NaN,
    extra: () => Number.NaN,
  };
  const read = readers[kind];
  const timeText = kind === 'time' ? createTimeText() : String;
  const texts: Readonly<Record<CellKind, (row: number) => string>> = {
    u8: (row) => String(octets[row]),
    u16: (row) => String(read(row)),
    u32: (row) => String(words[row]),
    u64: (row) => (high(row) < EXACT_HIGH ? String(read(row)) : String(view.getBigUint64(row * 8, true))),
    i64: (row) => String(view.getBigInt64(row * 8, true)),
    double: (row) => String(read(row)),
    hugeint: (row) => String((view.getBigInt64(row * 16 + 8, true) << 64n) | view.getBigUint64(row * 16, true)),
    time: (row) => timeText(read(row)),
    mac: (row) => macText(low(row), high(row)),
    address: (row) => {
      const text = formatAddress(high(row), low(row), lower[row * 2 + 1] as number, lower[row * 2] as number);
      return lengths === undefined ? text : networkText(text, lengths);
    },
    text: (row) => stringAt(octets, row),
    extra: (row) => stringAt(octets, row),
    words: (row) => column?.words?.[octets[row] as number] ?? String(octets[row]),
  };
  const toText = texts[kind];
  return {
    numeric: !['time', 'address', 'mac', 'text', 'extra', 'words'].includes(kind),
    free: kind === 'text' || kind === 'extra',
    json: (row) => kind === 'extra' && isJsonObject(stringAt(octets, row)),
    bind,
    text: (row) => (missing(row) ? undefined : toText(row)),
    number: (row) => (missing(row) ? Number.NaN : read(row)),
  };
}

/** A cell that has one text in every row. */
export function constantCell(text: string): Cell {
  return {
    numeric: false,
    free: true,
    json: () => false,
    bind: () => {},
    text: () => text,
    number: () => Number.NaN,
  };
}

/** A cell with the texts of several, joined by `+`; none where none of them has one. */
export function joinedCell(cells: readonly Cell[]): Cell {
  return {
    ...constantCell(''),
    bind: (rows) => {
      for (const cell of cells) cell.bind(rows);
    },
    text: (row) => {
      const texts = cells.map((cell) => cell.text(row));
      return texts.every((text) => text === undefined) ? undefined : texts.map((text) => text ?? '').join('+');
    },
  };
}

/** A network as text; an address that stayed whole is an address. */
function networkText(text: string, { v4, v6 }: PrefixLengths): string {
  const [length, whole] = text.includes(':') ? [v6, 128] : [v4, 32];
  return length === whole ? text : `${text}/${length}`;
}

function words32(octets: Uint8Array): Uint32Array {
  if (octets.byteOffset % 4 === 0) return new Uint32Array(octets.buffer, octets.byteOffset, octets.byteLength >> 2);
  const copy = octets.slice();
  return new Uint32Array(copy.buffer, 0, copy.byteLength >> 2);
}

/** ISO 8601 in UTC with microseconds. Rows in order of time mostly share their second, whose text is kept. */
function createTimeText(): (micros: number) => string {
  let second = Number.NaN;
  let prefix = '';
  return (micros) => {
    const found = Math.floor(micros / 1e6);
    if (found !== second) {
      second = found;
      const date = new Date(found * 1000);
      prefix = Number.isNaN(date.getTime()) ? String(found) : date.toISOString().slice(0, 19);
    }
    return `${prefix}.${String(micros - found * 1e6).padStart(6, '0')}Z`;
  };
}

/** The column `extra` is an object; a damaged one is shown as text. */
function isJsonObject(text: string): boolean {
  try {
    return text.startsWith('{') && typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
