import duckdb, { type Vector } from '@duckdb/node-bindings';

/**
 * DuckDB's string cells: 16 octets, the length in the first four; up to 12 octets of text follow in place, of a longer one the first four and
 * a pointer. Short texts are therefore copied like numbers; a long one is handed over once for each chunk and its cell copied to the other rows.
 */
const CELL_WORDS = 4;
const IN_PLACE = 12;
const encoder = new TextEncoder();

/** The dictionary of one batch as cells. */
export interface TextCells {
  /** Four words for each code; of a long text they hold only within the chunk that `chunks` names. */
  readonly words: Uint32Array;
  readonly octets: Uint8Array;
  /** The octets of the long texts by code. */
  readonly long: ReadonlyMap<number, Uint8Array>;
  readonly chunks: Int32Array;
}

export function createTextCells(texts: readonly string[]): TextCells {
  const words = new Uint32Array(texts.length * CELL_WORDS);
  const octets = new Uint8Array(words.buffer);
  const long = new Map<number, Uint8Array>();
  for (let code = 1; code < texts.length; code++) {
    const text = encoder.encode(texts[code]);
    if (text.length > IN_PLACE) long.set(code, text);
    else {
      words[code * CELL_WORDS] = text.length;
      octets.set(text, code * 16 + 4);
    }
  }
  return { words, octets, long, chunks: new Int32Array(texts.length).fill(-1) };
}

/**
 * Writes the texts of rows [from, to) of the chunk (whose codes begin at `codes[at]`) into `cells`, and marks rows without text in `valid`, a
 * bit a row. `mark` is a number that no other chunk and column has.
 */
export function fillTexts(
  vector: Vector,
  dictionary: TextCells,
  codes: ArrayLike<number>,
  at: number,
  rows: { readonly from: number; readonly to: number },
  into: { readonly cells: Uint32Array<ArrayBuffer>; readonly valid: Uint8Array },
  mark: number,
): void {
  const { words, chunks, long } = dictionary;
  for (let row = rows.from; row < rows.to; row++) {
    const code = codes[at + row] as number;
    if (code === 0 || code >= chunks.length) {
      into.valid[row >> 3] = (into.valid[row >> 3] as number) & ~(1 << (row & 7));
      continue;
    }
    if (chunks[code] !== mark) {
      const text = long.get(code);
      if (text !== undefined) {
        // DuckDB makes the cell, with its pointer, in the first row; the cells written at the end put that row right again.
        duckdb.vector_assign_string_element_len(vector, 0, text);
        dictionary.octets.set(duckdb.vector_get_data(vector, 16), code * 16);
      }
      chunks[code] = mark;
    }
    const source = code * CELL_WORDS;
    const target = row * CELL_WORDS;
    into.cells[target] = words[source] as number;
    into.cells[target + 1] = words[source + 1] as number;
    into.cells[target + 2] = words[source + 2] as number;
    into.cells[target + 3] = words[source + 3] as number;
  }
}
