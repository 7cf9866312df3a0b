import {
  type CharacterClass,
  ESCAPED_CLASSES,
  foldClass,
  mergeClass,
  negateClass,
  POSIX_CLASSES,
} from './regex-class.ts';

/**
 * A regular expression of the filter language as data. It is found in a text in time proportional to the text, whatever it is: the syntax is what RE2
 * and its relatives share, without references back and without looking around.
 */
export type Regex =
  | { readonly kind: 'class'; readonly pairs: CharacterClass }
  | { readonly kind: 'sequence'; readonly items: readonly Regex[] }
  | { readonly kind: 'choice'; readonly items: readonly Regex[] }
  /** `max` undefined: without end. */
  | { readonly kind: 'repeat'; readonly item: Regex; readonly min: number; readonly max: number | undefined }
  | { readonly kind: 'start' | 'end' | 'boundary' };

/** Makes the error for something that is wrong with the expression. */
export type RegexFault = (message: string, hint?: string) => Error;

/** Longest expression, in UTF-16 units. */
const MAX_LENGTH = 1000;
/** Groups inside each other. */
const MAX_DEPTH = 50;
/** RE2 takes no larger counts either. */
const MAX_COUNT = 1000;
/** Characters, anchors and branches after repetitions have been written out. Time per character of a text is proportional to it. */
const MAX_SIZE = 2000;

const NEWLINE = 10;

/**
 * Reads an expression: characters, `.` (any but a line feed), `[…]`, `[[:alpha:]]`, `\d \w \s \b` and their opposites, `^ $` (of the whole text), `( ) |`,
 * `* + ? {2,5}`, lazy forms (which select the same texts), and `(?i)` at the beginning. Throws what `fault` makes.
 */
export function parseRegex(text: string, fault: RegexFault): Regex {
  if (text.length > MAX_LENGTH) throw fault(`the regular expression has more than ${MAX_LENGTH} characters`);
  const isFolded = text.startsWith('(?i)');
  const regex = new Parser(Array.from(isFolded ? text.slice(4) : text), isFolded, fault).parse();
  if (sizeOf(regex) > MAX_SIZE) {
    throw fault(
      'the regular expression is too large when its repetitions are written out',
      'Use smaller counts in { }.',
    );
  }
  if (countOf(regex) > MAX_COUNT)
    throw fault(`the regular expression counts beyond ${MAX_COUNT} in repetitions of repetitions`);
  return regex;
}

/** The greatest product of counts inside each other. */
function countOf(regex: Regex): number {
  if (regex.kind === 'repeat') return countOf(regex.item) * Math.max(1, regex.min, regex.max ?? 0);
  if (regex.kind === 'sequence' || regex.kind === 'choice')
    return regex.items.reduce((most, item) => Math.max(most, countOf(item)), 1);
  return 1;
}

/** How many parts an expression has when its repetitions are written out; stops counting soon after MAX_SIZE. */
function sizeOf(regex: Regex): number {
  if (regex.kind === 'repeat') return sizeOf(regex.item) * Math.max(1, regex.min, regex.max ?? 0) + 1;
  if (regex.kind === 'sequence' || regex.kind === 'choice')
    return regex.items.reduce((sum, item) => sum + sizeOf(item) + 1, 0);
  return 1;
}

const PUNCTUATION = /^[!-/:-@[-`{-~]$/;
const CONTROL: Readonly<Record<string, number>> = { t: 9, n: NEWLINE, v: 11, f: 12, r: 13, a: 7 };

class Parser {
  readonly #characters: readonly string[];
  readonly #isFolded: boolean;
  readonly #fault: RegexFault;
  #at = 0;

  constructor(characters: readonly string[], isFolded: boolean, fault: RegexFault) {
    this.#characters = characters;
    this.#isFolded = isFolded;
    this.#fault = fault;
  }

  parse(): Regex {
    const regex = this.#choice(0);
    if (this.#at < this.#characters.length) throw this.#fault('the regular expression has a ) that closes nothing');
    return regex;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #takes(text: string): boolean {
    if (this.#characters.slice(this.#at, this.#at + text.length).join('') !== text) return false;
    this.#at += text.length;
    return true;
  }

  #choice(depth: number): Regex {
    if (depth > MAX_DEPTH) throw this.#fault(`the regular expression is nested deeper than ${MAX_DEPTH}`);
    const items = [this.#sequence(depth)];
    while (this.#takes('|')) items.push(this.#sequence(depth));
    return items.length === 1 ? (items[0] as Regex) : { kind: 'choice', items };
  }

  #sequence(depth: number): Regex {
    const items: Regex[] = [];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', items };
      items.push(this.#repeated(this.#atom(depth)));
    }
  }

  #repeated(item: Regex): Regex {
    const counts = this.#counts();
    if (counts === undefined) return item;
    // Lazy or not makes no difference to whether it is found.
    this.#takes('?');
    const [min, max] = counts;
    if (/^[*+?]$/.test(this.#peek() ?? '') || this.#counts() !== undefined) {
      throw this.#fault('the regular expression repeats a repetition', 'Put parentheses around the inner one.');
    }
    return { kind: 'repeat', item, min, max };
  }

  #counts(): [number, number | undefined] | undefined {
    if (this.#takes('*')) return [0, undefined];
    if (this.#takes('+')) return [1, undefined];
    if (this.#takes('?')) return [0, 1];
    const match = /^\{(\d{1,6})(?:(,)(\d{1,6})?)?\}/.exec(this.#characters.slice(this.#at, this.#at + 16).join(''));
    if (match === null) return undefined;
    this.#at += match[0].length;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === undefined ? undefined : Number(match[3]);
    if (min > MAX_COUNT || (max ?? 0) > MAX_COUNT)
      throw this.#fault(`the regular expression counts beyond ${MAX_COUNT}`);
    if (max !== undefined && max < min)
      throw this.#fault('the regular expression has a count that ends before it begins');
    return [min, max];
  }

  #atom(depth: number): Regex {
    const character = this.#peek() as string;
    this.#at++;
    switch (character) {
      case '(':
        return this.#group(depth);
      case '[':
        return this.#class(this.#set());
      case '.':
        return { kind: 'class', pairs: negateClass([NEWLINE, NEWLINE]) };
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '*':
      case '+':
      case '?':
        throw this.#fault(
          `the regular expression has a ${character} with nothing before it to repeat`,
          `A plain ${character} is \\${character}.`,
        );
      case '\\':
        return this.#escape();
      default:
        return this.#class(single(character));
    }
  }

  #class(pairs: readonly number[]): Regex {
    const merged = mergeClass(pairs);
    return { kind: 'class', pairs: this.#isFolded ? foldClass(merged) : merged };
  }

  #group(depth: number): Regex {
    if (!this.#takes('?:') && this.#peek() === '?') {
      const isLooking = /^\?<?[=!]/.test(this.#characters.slice(this.#at, this.#at + 3).join(''));
      throw isLooking
        ? this.#fault('the regular expression looks around ((?= … ), which cannot be matched in bounded time')
        : this.#fault('the regular expression has a (?', 'There are (?: … ), and (?i) at the very beginning.');
    }
    const inner = this.#choice(depth + 1);
    if (!this.#takes(')')) throw this.#fault('the regular expression has a ( that is not closed');
    return inner;
  }

  #escape(): Regex {
    const character = this.#peek();
    if (character === 'b') {
      this.#at++;
      return { kind: 'boundary' };
    }
    if (character === 'A' || character === 'z') {
      this.#at++;
      return { kind: character === 'A' ? 'start' : 'end' };
    }
    return this.#class(this.#escaped());
  }

  /** The characters of an escape, after its backslash. */
  #escaped(): readonly number[] {
    const character = this.#peek();
    if (character === undefined) throw this.#fault('the regular expression ends with a backslash');
    this.#at++;
    const known = Object.hasOwn(ESCAPED_CLASSES, character.toLowerCase()) && ESCAPED_CLASSES[character.toLowerCase()];
    if (known) return character === character.toLowerCase() ? known : negateClass(known);
    if (PUNCTUATION.test(character)) return single(character);
    if (Object.hasOwn(CONTROL, character)) return [CONTROL[character] as number, CONTROL[character] as number];
    if (character === 'x') {
      const match = /^(?:\{([0-9a-f]{1,6})\}|([0-9a-f]{2}))/i.exec(
        this.#characters.slice(this.#at, this.#at + 8).join(''),
      );
      const code = Number.parseInt(match?.[1] ?? match?.[2] ?? '', 16);
      if (match === null || code > 0x10ffff)
        throw this.#fault('the regular expression has \\x without a character behind it');
      this.#at += match[0].length;
      return [code, code];
    }
    if (/^[1-9]$/.test(character)) {
      throw this.#fault(`the regular expression refers back (\\${character}), which cannot be matched in bounded time`);
    }
    throw this.#fault(
      `the regular expression has \\${character}, which means nothing`,
      'A backslash goes before a sign, or d, w, s, b, t, n, r, x.',
    );
  }

  /** What stands in brackets, after the opening one. */
  #set(): readonly number[] {
    const isNegated = this.#takes('^');
    const pairs: number[] = [];
    // A bracket right at the beginning is a character.
    for (let isFirst = true; isFirst || this.#peek() !== ']'; isFirst = false) {
      const from = this.#member();
      const isRange = this.#peek() === '-' && ![undefined, ']'].includes(this.#characters[this.#at + 1]);
      if (!isRange) {
        for (const code of from) pairs.push(code);
        continue;
      }
      this.#at++;
      const to = this.#member();
      if (!isSingle(from) || !isSingle(to) || (to[0] as number) < (from[0] as number)) {
        throw this.#fault(
          'the regular expression has a range in [ ] that is none',
          'A plain - goes to the end: [a-z-].',
        );
      }
      pairs.push(from[0] as number, to[0] as number);
    }
    this.#at++;
    const folded = this.#isFolded ? foldClass(mergeClass(pairs)) : mergeClass(pairs);
    return isNegated ? negateClass(folded) : folded;
  }

  #member(): readonly number[] {
    const character = this.#peek();
    if (character === undefined) throw this.#fault('the regular expression has a [ that is not closed');
    const name = /^\[:(\^?)([a-z]+):\]/.exec(this.#characters.slice(this.#at, this.#at + 14).join(''));
    if (name !== null) {
      const pairs = POSIX_CLASSES[name[2] as string];
      if (pairs === undefined) throw this.#fault(`the regular expression has ${name[0]}, which is no class`);
      this.#at += name[0].length;
      return name[1] === '^' ? negateClass(pairs) : pairs;
    }
    this.#at++;
    return character === '\\' ? this.#escaped() : single(character);
  }
}

function single(character: string): [number, number] {
  const code = character.codePointAt(0) as number;
  return [code, code];
}

function isSingle(pairs: readonly number[]): boolean {
  return pairs.length === 2 && pairs[0] === pairs[1];
}
