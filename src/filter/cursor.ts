import { nearest } from '../elements/nearest.ts';
import { filterError, quote, type Span } from './fault.ts';
import type { Subject, Vocabulary } from './fields.ts';
import { Lexer, type Token } from './lexer.ts';
import type { Zone } from './time-literal.ts';

/** Named lists of addresses, networks, ports … which the configuration has. */
export interface Names {
  /** The values of the list, each as it would stand in a filter; undefined when there is none of this name. */
  lookup(name: string): readonly string[] | undefined;
  /** All names, for completion and for errors. */
  readonly names: readonly string[];
}

/** What a filter is read with. */
export interface Surroundings {
  readonly zone: Zone;
  readonly vocabulary: Vocabulary;
  readonly names: Names;
  /** Text of a file, for `@file` and `@include`; throws what reading throws. Undefined where filters may not name files. */
  readonly readFile: ((path: string) => string) | undefined;
  /** Conditions and values read so far, of all texts together. */
  readonly used: { conditions: number; values: number };
  /** Called at the end of the text with what could stand there. */
  readonly offer: ((offer: Offer) => void) | undefined;
}

/** What may stand at the end of the text: for completion. */
export type Offer =
  | { readonly kind: 'field' | 'flags' }
  | { readonly kind: 'phrase'; readonly before: string }
  | { readonly kind: 'operator'; readonly subject: Subject; readonly operators: readonly string[] }
  /** `several`: also words and names that stand for more than one value. */
  | { readonly kind: 'value'; readonly subject: Subject; readonly several: boolean }
  | { readonly kind: 'keyword'; readonly words: readonly string[] };

/** A filter has at most so many conditions, and so many values in its lists, those from files among them. */
const MAX_CONDITIONS = 5000;
const MAX_VALUES = 250_000;

/** Where the parser is in the tokens. */
export class Cursor {
  readonly text: string;
  readonly around: Surroundings;
  readonly #lexer: Lexer;
  /** Tokens that were looked at but not taken. */
  readonly #ahead: Token[] = [];

  constructor(text: string, around: Surroundings) {
    this.text = text;
    this.around = around;
    this.#lexer = new Lexer(text);
  }

  peek(ahead = 0): Token {
    while (this.#ahead.length <= ahead) this.#ahead.push(this.#lexer.next());
    return this.#ahead[ahead] as Token;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead.shift();
    return token;
  }

  /** Whether the next token is this symbol, or this word in any case. */
  sees(value: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    if (token.kind === 'symbol') return token.value === value;
    return token.kind === 'word' && token.value.toLowerCase() === value;
  }

  /** Takes the next token when it is this symbol or word. */
  takes(value: string): boolean {
    if (!this.sees(value)) return false;
    this.next();
    return true;
  }

  /** Says what could stand here, when nothing does. */
  offer(offer: Offer): void {
    if (this.around.offer !== undefined && this.peek().kind === 'end') this.around.offer(offer);
  }

  /** Counts a condition or a value. Throws WEIR_FILTER when there are too many. */
  count(what: 'conditions' | 'values', span: Span): void {
    const { used } = this.around;
    const most = what === 'conditions' ? MAX_CONDITIONS : MAX_VALUES;
    if (++used[what] <= most) return;
    throw filterError(this.text, span, `the filter has more than ${most} ${what}`, {
      hint:
        what === 'conditions'
          ? 'Put values of the same field into a list: port in [80 443].'
          : 'Use networks instead of long lists of addresses.',
    });
  }

  /** The error for the next token not being one of these. */
  unexpected(expected: readonly string[], candidates: readonly string[] = expected): Error {
    const token = this.peek();
    const list = expected.length > 1 ? `${expected.slice(0, -1).join(', ')} or ${expected.at(-1) ?? ''}` : expected[0];
    const found = token.kind === 'end' ? 'the filter ends' : `${quote(token.value)} is here`;
    const suggestion = token.kind === 'word' ? nearest(token.value, candidates) : undefined;
    return filterError(this.text, token, `${found} where ${list ?? 'nothing'} was expected`, {
      expected: candidates,
      ...(suggestion === undefined ? {} : { suggestion, hint: `Did you mean '${suggestion}'?` }),
    });
  }
}
