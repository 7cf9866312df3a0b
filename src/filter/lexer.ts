import { filterError, quote } from './fault.ts';

/**
 * A piece of filter text. `word` is anything without spaces, brackets, quotes and operators: names, numbers, addresses, times; `text` is a
 * quoted text with its escapes resolved; `symbol` one of `( ) [ ] , < > <= >= = != ~ !~` and `and`, `or`, `not` for `&& || !`; `file` the path
 * after an `@`.
 */
export interface Token {
  readonly kind: 'word' | 'text' | 'symbol' | 'file' | 'end';
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Longest filter, in UTF-16 units. */
export const MAX_FILTER_LENGTH = 1 << 20;

const SYMBOLS: readonly (readonly [spelling: string, value: string])[] = [
  ['&&', 'and'],
  ['||', 'or'],
  ['<=', '<='],
  ['=<', '<='],
  ['>=', '>='],
  ['=>', '>='],
  ['==', '='],
  ['!=', '!='],
  ['<>', '!='],
  ['!~', '!~'],
  ['=~', '~'],
  ['~', '~'],
  ['(', '('],
  [')', ')'],
  ['[', '['],
  [']', ']'],
  [',', ','],
  ['<', '<'],
  ['>', '>'],
  ['=', '='],
  ['!', 'not'],
];

const SPACE = /\s+/y;
/** A comment, to the end of its line. */
const COMMENT = /#[^\n]*/y;
const ESCAPED: ReadonlySet<string> = new Set(['"', "'", '\\']);
const WORD = /[\p{L}\p{N}_.:/%*@+-]+/uy;

/** The tokens of a text one by one, the last of kind `end` as often as it is asked for. Throws WEIR_FILTER for an open quote or an unknown character. */
export class Lexer {
  readonly text: string;
  #at = 0;

  constructor(text: string) {
    this.text = text;
  }

  next(): Token {
    const { text } = this;
    const at = afterSpace(text, this.#at);
    if (at >= text.length) return { kind: 'end', value: '', start: text.length, end: text.length };
    const token = quoted(text, at) ?? symbol(text, at) ?? word(text, at);
    if (token === undefined) {
      const character = String.fromCodePoint(text.codePointAt(at) as number);
      throw filterError(text, { start: at, end: at + character.length }, `${quote(character)} means nothing here`, {
        hint: 'Put texts in quotes: app_name = "a text".',
      });
    }
    this.#at = token.end;
    return token;
  }
}

function afterSpace(text: string, start: number): number {
  let at = start;
  for (;;) {
    const before = at;
    for (const skipped of [SPACE, COMMENT]) {
      skipped.lastIndex = at;
      if (skipped.test(text)) at = skipped.lastIndex;
    }
    if (at === before) return at;
  }
}

function symbol(text: string, start: number): Token | undefined {
  const found = SYMBOLS.find(([spelling]) => text.startsWith(spelling, start));
  return found && { kind: 'symbol', value: found[1], start, end: start + found[0].length };
}

function word(text: string, start: number): Token | undefined {
  WORD.lastIndex = start;
  const match = WORD.exec(text);
  if (match === null) return undefined;
  const end = start + match[0].length;
  if (!match[0].startsWith('@') || /^@include$/i.test(match[0])) return { kind: 'word', value: match[0], start, end };
  if (match[0] !== '@') return { kind: 'file', value: match[0].slice(1), start, end };
  const path = quoted(text, end);
  return path === undefined ? undefined : { ...path, kind: 'file', start };
}

/** A text in single or double quotes; a backslash takes a quote or a backslash after it as it is, and is a character of the text otherwise. */
function quoted(text: string, start: number): Token | undefined {
  const mark = text[start];
  if (mark !== '"' && mark !== "'") return undefined;
  const parts: string[] = [];
  let from = start + 1;
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string;
    if (character === mark) {
      parts.push(text.slice(from, at));
      return { kind: 'text', value: parts.join(''), start, end: at + 1 };
    }
    if (character === '\\' && ESCAPED.has(text[at + 1] ?? '')) {
      parts.push(text.slice(from, at));
      from = ++at;
    }
  }
  throw filterError(text, { start, end: text.length }, `the quote ${mark} is not closed`);
}
