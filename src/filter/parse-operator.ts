import type { Cursor } from './cursor.ts';
import { filterError } from './fault.ts';
import type { Subject } from './fields.ts';
import type { Comparison, TextMode } from './tree.ts';

/** What stands between a subject and its value. */
export interface Operator {
  readonly kind: Comparison | 'in' | 'between' | TextMode;
  /** What it selects is the rest: `!=`, `not in`, `!~`. */
  readonly isOpposite: boolean;
}

const EQUALITY: readonly string[] = ['=', '!=', 'in', 'not in'];
const ORDER: readonly string[] = [...EQUALITY, '<', '<=', '>', '>=', 'between'];
const TEXT: readonly string[] = [...EQUALITY, 'contains', 'starts with', 'matches', '~', '!~'];

/** Operators of each kind of value, as they are written. */
const OPERATORS: Readonly<Record<Subject['value'], readonly string[]>> = {
  number: ORDER,
  duration: ORDER,
  time: ORDER,
  flags: ORDER,
  address: [...EQUALITY, 'between'],
  mac: EQUALITY,
  acl: ['=', '!='],
  text: TEXT,
};

/** Spellings besides symbols; those of two words have the second one here. */
const WORDS: Readonly<Record<string, readonly [kind: Operator['kind'], next?: string]>> = {
  in: ['in'],
  between: ['between'],
  contains: ['contains'],
  starts: ['prefix', 'with'],
  prefix: ['prefix'],
  matches: ['regex'],
  // Of nfdump, for shells to which < and > mean something.
  eq: ['='],
  lt: ['<'],
  le: ['<='],
  gt: ['>'],
  ge: ['>='],
};

const SYMBOLS: Readonly<Record<string, Operator>> = {
  '=': { kind: '=', isOpposite: false },
  '!=': { kind: '=', isOpposite: true },
  '<': { kind: '<', isOpposite: false },
  '<=': { kind: '<=', isOpposite: false },
  '>': { kind: '>', isOpposite: false },
  '>=': { kind: '>=', isOpposite: false },
  '~': { kind: 'regex', isOpposite: false },
  '!~': { kind: 'regex', isOpposite: true },
};

/** Takes the operator; none at all is `=`. Throws WEIR_FILTER for one that the subject's values do not have. */
export function parseOperator(cursor: Cursor, subject: Subject): Operator {
  const operators = OPERATORS[subject.value];
  cursor.offer({ kind: 'operator', subject, operators });
  const token = cursor.peek();
  // A list without `in` is what one writes by mistake, and it can mean only this.
  if (cursor.sees('[')) return { kind: 'in', isOpposite: false };
  if (token.kind === 'symbol' && token.value !== 'not') {
    const operator = SYMBOLS[token.value];
    if (operator === undefined) throw cursor.unexpected([...operators, 'a value']);
    cursor.next();
    return checked(cursor, subject, operator, token);
  }
  const isOpposite = cursor.sees('not');
  const word = cursor.peek(isOpposite ? 1 : 0);
  const key = word.kind === 'word' ? word.value.toLowerCase() : '';
  const [kind, second] = Object.hasOwn(WORDS, key) ? (WORDS[key] as (typeof WORDS)[string]) : [];
  if (kind === undefined || (second !== undefined && !cursor.sees(second, isOpposite ? 2 : 1))) {
    if (isOpposite) throw cursor.unexpected([...operators, 'a value']);
    return { kind: '=', isOpposite: false };
  }
  if (isOpposite) cursor.next();
  cursor.next();
  if (second !== undefined) cursor.next();
  return checked(cursor, subject, { kind, isOpposite }, word);
}

function checked(
  cursor: Cursor,
  { name, value }: Subject,
  operator: Operator,
  token: { readonly start: number; readonly end: number; readonly value: string },
): Operator {
  const { kind } = operator;
  const isText = kind === 'contains' || kind === 'prefix' || kind === 'regex';
  const operators = OPERATORS[value];
  if (isText ? value === 'text' : kind === '=' || operators.includes(kind)) return operator;
  const why = isText ? 'is no text' : 'has no order';
  const list = `${operators.slice(0, -1).join(', ')} and ${operators.at(-1) ?? ''}`;
  throw filterError(cursor.text, token, `${name} ${why}, so it takes ${list}, not ${token.value}`, {
    expected: operators,
  });
}
