import { nearest } from '../elements/nearest.ts';
import { filterError, quote } from './fault.ts';
import type { Token } from './lexer.ts';
import type { Zone } from './time-literal.ts';

/** Where the parser is in the tokens. */
export class Cursor {
  readonly text: string;
  readonly zone: Zone;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[], zone: Zone) {
    this.text = text;
    this.#tokens = tokens;
    this.zone = zone;
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  next(): Token {
    const token = this.peek();
    if (token.kind !== 'end') this.#at++;
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
