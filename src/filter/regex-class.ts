/** Characters as pairs (first, last) of code points: sorted, not touching. */
export type CharacterClass = readonly number[];

const MAX_CODE_POINT = 0x10ffff;

/** Sorts and merges pairs. */
export function mergeClass(pairs: readonly number[]): number[] {
  const sorted = Array.from({ length: pairs.length / 2 }, (_, i) => [
    pairs[2 * i] as number,
    pairs[2 * i + 1] as number,
  ]);
  sorted.sort(([a = 0], [b = 0]) => a - b);
  const merged: number[] = [];
  for (const [from = 0, to = 0] of sorted) {
    const last = merged.length - 1;
    if (last > 0 && from <= (merged[last] as number) + 1) merged[last] = Math.max(merged[last] as number, to);
    else merged.push(from, to);
  }
  return merged;
}

/** All other characters. */
export function negateClass(pairs: readonly number[]): number[] {
  const merged = mergeClass(pairs);
  const rest: number[] = [];
  let next = 0;
  for (let i = 0; i < merged.length; i += 2) {
    if ((merged[i] as number) > next) rest.push(next, (merged[i] as number) - 1);
    next = (merged[i + 1] as number) + 1;
  }
  if (next <= MAX_CODE_POINT) rest.push(next, MAX_CODE_POINT);
  return rest;
}

/** Letters beyond this (Latin, Greek and Cyrillic lie below) keep their case under `(?i)`. */
const CASED = 0x600;

/** The class with both cases of its letters. */
export function foldClass(pairs: readonly number[]): number[] {
  const more = [...pairs];
  for (let i = 0; i < pairs.length; i += 2) {
    const to = Math.min(pairs[i + 1] as number, CASED);
    for (let code = pairs[i] as number; code <= to; code++) {
      const letter = String.fromCodePoint(code);
      for (const other of [letter.toLowerCase(), letter.toUpperCase()]) {
        if (other.length === 1 && other !== letter) more.push(other.charCodeAt(0), other.charCodeAt(0));
      }
    }
  }
  return mergeClass(more);
}

/** Whether a character belongs to the class. */
export function inClass(pairs: CharacterClass, code: number): boolean {
  let low = 0;
  let high = pairs.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (code > (pairs[2 * middle + 1] as number)) low = middle + 1;
    else high = middle;
  }
  return 2 * low < pairs.length && code >= (pairs[2 * low] as number);
}

const range = (from: string, to = from): [number, number] => [from.charCodeAt(0), to.charCodeAt(0)];

const DIGIT = range('0', '9');
const UPPER = range('A', 'Z');
const LOWER = range('a', 'z');
/** RE2 and its relatives mean ASCII by all of these. */
export const WORD_CLASS: CharacterClass = mergeClass([...DIGIT, ...UPPER, ...LOWER, ...range('_')]);

/** `\d`, `\s`, `\w`. */
export const ESCAPED_CLASSES: Readonly<Record<string, CharacterClass>> = {
  d: DIGIT,
  s: mergeClass([...range('\t', '\n'), ...range('\f', '\r'), ...range(' ')]),
  w: WORD_CLASS,
};

/** `[[:alpha:]]` … */
export const POSIX_CLASSES: Readonly<Record<string, CharacterClass>> = {
  alnum: mergeClass([...DIGIT, ...UPPER, ...LOWER]),
  alpha: mergeClass([...UPPER, ...LOWER]),
  blank: mergeClass([...range('\t'), ...range(' ')]),
  digit: DIGIT,
  lower: LOWER,
  punct: mergeClass([...range('!', '/'), ...range(':', '@'), ...range('[', '`'), ...range('{', '~')]),
  space: mergeClass([...range('\t', '\r'), ...range(' ')]),
  upper: UPPER,
  word: WORD_CLASS,
  xdigit: mergeClass([...DIGIT, ...range('A', 'F'), ...range('a', 'f')]),
};
