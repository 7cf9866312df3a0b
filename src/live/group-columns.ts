import { BatchView, RunCursor } from '../filter/batch-view.ts';
import type { Selection } from '../filter/predicate.ts';
import type { FlowBatch } from '../flow/batch.ts';
import { macText } from '../flow/record.ts';
import { COLUMNS, findColumn } from '../flow/schema.ts';
import type { SlotArray } from '../flow/slots.ts';
import type { PrefixLengths } from '../query/cells.ts';
import type { Key } from '../query/key.ts';
import { formatAddress, isV4 } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import { isoMicros } from '../util/time.ts';
import type { LiveValue } from './protocol.ts';

/** Different texts that are told apart until `clear`; further ones are one group. */
const MAX_TEXTS = 65_536;
const OTHER_TEXT = '…';

/** Rows of a batch as words by which they are grouped: column by column, `columns[word][n]` is of the n-th selected row. */
export interface GroupColumns {
  readonly width: number;
  readonly columns: readonly Uint32Array[];
  /** Fills `columns` for the rows that are selected. */
  bind(batch: FlowBatch, selection: Selection): void;
  /** The values of a group, in the order of the keys. */
  values(words: Uint32Array, at: number): LiveValue[];
  /** Forgets what it knows of texts, whose words then mean others. */
  clear(): void;
}

/** The values of one key as words. */
interface KeyReader {
  readonly width: number;
  /** Columns without one of which there is no value. */
  readonly needs: readonly string[];
  /** Writes the words of the selected rows; those of rows without a value do not matter. */
  read(view: BatchView, selection: Selection, to: readonly Uint32Array[]): void;
  value(words: Uint32Array, at: number): LiveValue;
  clear?(): void;
}

/** Keys of one view: each has a bit that says whether there is a value. */
const MOST_KEYS = 16;

/** Columns by which a live view groups. Throws WEIR_USAGE for keys that only queries can answer. */
export function groupColumns(keys: readonly Key[]): GroupColumns {
  if (keys.length > MOST_KEYS)
    throw new WeirError('WEIR_USAGE', `a live view groups by ${MOST_KEYS} columns at most, not by ${keys.length}`);
  const readers = keys.map(readerOf);
  const starts: number[] = [];
  let presenceWord = 0;
  for (const reader of readers) {
    starts.push(presenceWord);
    presenceWord += reader.width;
  }
  // The last word tells which of the keys have a value.
  const width = presenceWord + 1;
  const columns = Array.from({ length: width }, () => new Uint32Array(0));
  const view = new BatchView();
  const cursor = new RunCursor();
  return {
    width,
    columns,
    bind(batch, selection) {
      view.bind(batch);
      const { rows, count } = selection;
      for (let word = 0; word < width; word++) {
        if ((columns[word] as Uint32Array).length < count) columns[word] = new Uint32Array(batch.capacity);
      }
      const has = columns[presenceWord] as Uint32Array;
      const bits = presenceBits(view, readers);
      cursor.rewind(batch);
      for (let n = 0; n < count; n++) has[n] = bits[cursor.layoutAt(rows[n] as number)] as number;
      readers.forEach((reader, index) => {
        const start = starts[index] as number;
        const words = columns.slice(start, start + reader.width);
        reader.read(view, selection, words);
        const bit = 1 << index;
        if (bits.every((all) => (all & bit) !== 0)) return;
        for (let n = 0; n < count; n++) {
          if (((has[n] as number) & bit) === 0) for (const word of words) word[n] = 0;
        }
      });
    },
    values: (words, at) =>
      readers.map((reader, index) =>
        ((words[at + presenceWord] as number) & (1 << index)) === 0
          ? null
          : reader.value(words, at + (starts[index] as number)),
      ),
    clear() {
      for (const reader of readers) reader.clear?.();
    },
  };
}

/** For each layout of the batch a bit for each key whose columns its rows have, the first key's the lowest. */
function presenceBits(view: BatchView, readers: readonly KeyReader[]): Uint32Array {
  const bits = new Uint32Array(view.batch.layouts.length);
  readers.forEach(({ needs }, index) => {
    const found = needs.map((column) => view.presence(column).byLayout);
    for (let layout = 0; layout < bits.length; layout++) {
      if (found.every((byLayout) => byLayout[layout] === 1)) bits[layout] = (bits[layout] as number) | (1 << index);
    }
  });
  return bits;
}

function readerOf(key: Key): KeyReader {
  const { name, column } = key;
  if (key.kind === 'derived' && name === 'service_port') return servicePortReader();
  if (key.kind === 'prefix') return addressReader(column.name, key.lengths);
  const type = findColumn(column.name) < 0 ? undefined : column.type;
  if (key.kind !== 'column' || type === undefined || type === 'extra') {
    throw new WeirError('WEIR_USAGE', `${name} is for weir query; a live view cannot group by it`, {
      hint: 'It takes what flows carry: columns, networks such as src_addr/24, and service_port.',
    });
  }
  if (type === 'address') return addressReader(column.name, undefined);
  if (type === 'text') return textReader(column.name);
  return numberReader(column.name);
}

function numberReader(name: string): KeyReader {
  const { type, display, words: names } = COLUMNS[findColumn(name)] as (typeof COLUMNS)[number];
  const isWide = type === 'u64' || type === 'time' || type === 'mac';
  const value = (words: Uint32Array, at: number): LiveValue => {
    const low = words[at] as number;
    if (!isWide) return display === 'enum' ? (names?.[low] ?? low) : low;
    const high = words[at + 1] as number;
    if (type === 'mac') return macText(low, high);
    const number = high * 4_294_967_296 + low;
    return type === 'time' ? isoMicros(number) : number;
  };
  return {
    width: isWide ? 2 : 1,
    needs: [name],
    read(view, { rows, count }, [low, high]) {
      const array = view.array(name);
      const [first, second] = [low as Uint32Array, high as Uint32Array];
      if (!isWide) {
        for (let n = 0; n < count; n++) first[n] = array[rows[n] as number] as number;
        return;
      }
      for (let n = 0; n < count; n++) {
        const at = (rows[n] as number) * 2;
        first[n] = array[at] as number;
        second[n] = array[at + 1] as number;
      }
    },
    value,
  };
}

function addressReader(name: string, lengths: PrefixLengths | undefined): KeyReader {
  const masks = Array.from({ length: 4 }, (_, word) => mask((lengths?.v6 ?? 128) - word * 32));
  const v4Mask = mask(lengths?.v4 ?? 32);
  return {
    width: 4,
    needs: [name],
    read(view, { rows, count }, to) {
      const [upper, lower] = [view.array(name), view.lowerArray(name)];
      const [w0, w1, w2, w3] = to as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
      for (let n = 0; n < count; n++) {
        const at = (rows[n] as number) * 2;
        w0[n] = upper[at + 1] as number;
        w1[n] = upper[at] as number;
        w2[n] = lower[at + 1] as number;
        w3[n] = lower[at] as number;
      }
      if (lengths === undefined) return;
      for (let n = 0; n < count; n++) {
        if (isV4(w0[n] as number, w1[n] as number, w2[n] as number)) w3[n] = (w3[n] as number) & v4Mask;
        else to.forEach((words, word) => void (words[n] = (words[n] as number) & (masks[word] as number)));
      }
    },
    value(words, at) {
      const text = formatAddress(
        words[at] as number,
        words[at + 1] as number,
        words[at + 2] as number,
        words[at + 3] as number,
      );
      if (lengths === undefined) return text;
      const [length, whole] = text.includes(':') ? [lengths.v6, 128] : [lengths.v4, 32];
      return length === whole ? text : `${text}/${length}`;
    },
  };
}

/** The first `bits` bits of a word. */
function mask(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? 0xffff_ffff : (0xffff_ffff << (32 - bits)) >>> 0;
}

/** Codes of texts are those of their batch; here each gets one that stays. */
function textReader(name: string): KeyReader {
  const cursor = new RunCursor();
  let codes = new Map<string, number>();
  let texts: string[] = [];
  const codeOf = (text: string): number => {
    let code = codes.get(text);
    if (code === undefined) {
      if (texts.length >= MAX_TEXTS) return codeOf(OTHER_TEXT);
      code = texts.push(text) - 1;
      codes.set(text, code);
    }
    return code;
  };
  const clear = (): void => {
    texts = ['', OTHER_TEXT];
    codes = new Map([[OTHER_TEXT, 1]]);
  };
  clear();
  return {
    width: 1,
    // A row may have the column and no text: 0 says so, and the bit says nothing.
    needs: [],
    read(view, { rows, count }, [to]) {
      const array: SlotArray = view.array(name);
      const { byLayout } = view.presence(name);
      cursor.rewind(view.batch);
      const known = new Uint32Array(view.batch.texts.length);
      for (let n = 0; n < count; n++) {
        const row = rows[n] as number;
        // Where the layout has no such column the array holds anything.
        const code = byLayout[cursor.layoutAt(row)] === 1 ? (array[row] as number) : 0;
        if (code > 0 && known[code] === 0) known[code] = codeOf(view.batch.texts[code] as string);
        (to as Uint32Array)[n] = known[code] as number;
      }
    },
    value: (words, at) => (words[at] === 0 ? null : (texts[words[at] as number] ?? null)),
    clear,
  };
}

/** The lower of the two ports, as in queries. */
function servicePortReader(): KeyReader {
  return {
    width: 1,
    needs: ['src_port', 'dst_port'],
    read(view, { rows, count }, [to]) {
      const [src, dst] = [view.array('src_port'), view.array('dst_port')];
      for (let n = 0; n < count; n++) {
        const row = rows[n] as number;
        (to as Uint32Array)[n] = Math.min(src[row] as number, dst[row] as number);
      }
    },
    value: (words, at) => words[at] as number,
  };
}
