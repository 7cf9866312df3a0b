import { filterError, quote } from './fault.ts';

/**
 * A piece of filter text. `word` is anything without spaces, brackets, quotes and operators: names, numbers, addresses, times; `text` is a
 * quoted text with its escapes resolved; `symbol` one of `( ) [ ] , < > <= >= = !=` and `and`, `or`, `not` for `&& || !`.
 */
export interface Token {
  readonly kind: 'word' | 'text' | 'symbol' | 'end';
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Longest filter, in UTF-16 units: a few thousand addresses. */
export const MAX_FILTER_LENGTH = 65_536;

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
const WORD = /[\p{L}\p{N}_.:/%*@+-]+/uy;

/** The tokens of a filter, the last of kind `end`. Throws WEIR_FILTER for a text that is too long, an open quote, an unknown character. */
export function tokenize(text: string): Token[] {
  if (text.length > MAX_FILTER_LENGTH) {
    throw filterError(
      text,
      { start: MAX_FILTER_LENGTH, end: MAX_FILTER_LENGTH + 1 },
      `the filter has ${text.length} characters, more than ${MAX_FILTER_LENGTH}`,
      { hint: 'Use networks instead of long lists of addresses.' },
    );
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < text.length) {
    SPACE.lastIndex = at;
    if (SPACE.test(text)) {
      at = SPACE.lastIndex;
      continue;
    }
    const token = quoted(text, at) ?? symbol(text, at) ?? word(text, at);
    if (token === undefined) {
      const character = String.fromCodePoint(text.codePointAt(at) as number);
      throw filterError(text, { start: at, end: at + character.length }, `${quote(character)} means nothing here`, {
        hint: 'Put texts in quotes: app_name = "a text".',
      });
    }
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ kind: 'end', value: '', start: text.length, end: text.length });
  return tokens;
}

function symbol(text: string, start: number): Token | undefined {
  const found = SYMBOLS.find(([spelling]) => text.startsWith(spelling, start));
  return found && { kind: 'symbol', value: found[1], start, end: start + found[0].length };
}

function word(text: string, start: number): Token | undefined {
  WORD.lastIndex = start;
  const match = WORD.exec(text);
  return match === null ? undefined : { kind: 'word', value: match[0], start, end: start + match[0].length };
}

/** A text in single or double quotes; a backslash takes the next character as it is. */
function quoted(text: string, start: number): Token | undefined {
  const mark = text[start];
  if (mark !== '"' && mark !== "'") return undefined;
  let value = '';
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] as string;
    if (character === mark) return { kind: 'text', value, start, end: at + 1 };
    if (character === '\\' && at + 1 < text.length) at++;
    value += text[at] as string;
  }
  throw filterError(text, { start, end: text.length }, `the quote ${mark} is not closed`);
}
