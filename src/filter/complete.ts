import { WeirError } from '../util/errors.ts';
import type { Names, Offer } from './cursor.ts';
import type { Span } from './fault.ts';
import type { Subject } from './fields.ts';
import { type ParseOptions, parseFilter, parseWith, surroundingsOf } from './parser.ts';
import { BARE_PROTOCOLS } from './protocols.ts';
import { quoteText } from './values.ts';

/** Something that can stand where the cursor is. */
export interface Completion {
  readonly text: string;
  readonly kind: 'name' | 'operator' | 'value' | 'keyword';
  /** One sentence or a few words; empty where the text says it all. */
  readonly about: string;
}

export interface Completions {
  /** The part of the text that a completion replaces, in UTF-16 units; empty at a place where nothing has been typed yet. */
  readonly span: Span;
  /** Those that begin with what has been typed, in the order in which they should be shown. */
  readonly items: readonly Completion[];
}

const KEYWORD_ABOUT: Readonly<Record<string, string>> = {
  and: 'both conditions',
  or: 'one of the conditions',
  not: 'the opposite of what follows',
  any: 'every flow',
  ipv4: 'one of the addresses is IPv4',
  ipv6: 'one of the addresses is IPv6',
  '(': 'conditions that belong together',
  ')': 'the end of what belongs together',
  ']': 'the end of the list',
};

const OPERATOR_ABOUT: Readonly<Record<string, string>> = {
  '=': 'is',
  '!=': 'is not, or has no value',
  in: 'is one of a list: in [a, b]',
  'not in': 'is none of a list',
  '<': 'less than',
  '<=': 'at most',
  '>': 'greater than',
  '>=': 'at least',
  between: 'between A and B, both among them',
  contains: 'has this text in it',
  'starts with': 'begins with this text',
  matches: 'has a match of the regular expression in it',
  '~': 'has a match of the regular expression in it',
  '!~': 'has no match of the regular expression in it',
};

/** A UTF-16 unit of a word; those of characters that have two count. */
const WORD_UNIT = /[\p{L}\p{N}\p{Cs}_.:/%*@+-]/u;

/**
 * What can stand at the cursor of a filter that is being written: names of fields, operators, values, and words between conditions. What follows the cursor
 * is not looked at. Takes the options of `parseFilter`, apart from files, which are not read. Never throws; a text with a mistake before the cursor has
 * no completions.
 */
export function completeFilter(text: string, cursor: number = text.length, options: ParseOptions = {}): Completions {
  const before = text.slice(0, Math.max(0, cursor));
  // The word before the cursor is what a completion replaces.
  let start = before.length;
  while (start > 0 && WORD_UNIT.test(before[start - 1] as string)) start--;
  const offers: Offer[] = [];
  const around = surroundingsOf({ ...options, readFile: () => 'any' }, (offer) => offers.push(offer));
  try {
    parseWith(before.slice(0, start), around);
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
  }
  const prefix = before.slice(start).toLowerCase();
  const found = new Map<string, Completion>();
  for (const offer of offers) {
    for (const item of itemsOf(offer, around.vocabulary.subjects, around.vocabulary.next, around.names)) {
      if (item.text.toLowerCase().startsWith(prefix) && !found.has(item.text)) found.set(item.text, item);
    }
  }
  return { span: { start, end: before.length }, items: [...found.values()] };
}

function itemsOf(
  offer: Offer,
  subjects: ReadonlyMap<string, Subject>,
  next: ReadonlyMap<string, readonly string[]>,
  lists: Names,
): Completion[] {
  switch (offer.kind) {
    case 'field':
      return [
        ...fields(subjects, next),
        ...BARE_PROTOCOLS.map((text) => ({ text, kind: 'keyword' as const, about: `proto ${text}` })),
        ...keywords(['not', '(', 'any', 'ipv4', 'ipv6']),
      ];
    case 'flags':
      return FLAG_VALUES.map(([text, about]) => ({ text, kind: 'value', about }));
    case 'phrase':
      return (next.get(offer.before) ?? []).map((text) => {
        const about = subjects.get(`${offer.before} ${text}`)?.about ?? '';
        return { text, kind: 'name', about };
      });
    case 'operator':
      return offer.operators.map((text) => ({ text, kind: 'operator', about: OPERATOR_ABOUT[text] ?? '' }));
    case 'value':
      return values(offer.subject, offer.several ? lists : undefined);
    default:
      return keywords(offer.words);
  }
}

/** First words of phrases, and names of columns. */
function fields(subjects: ReadonlyMap<string, Subject>, next: ReadonlyMap<string, readonly string[]>): Completion[] {
  const words = new Map<string, string>();
  for (const [phrase, { about }] of subjects) if (!phrase.includes(' ')) words.set(phrase, about);
  for (const [phrase, following] of next) {
    if (!phrase.includes(' ') && !words.has(phrase))
      words.set(phrase, `${phrase} ${following.slice(0, 4).join(', ')} …`);
  }
  const names = [...words].map(([text, about]): Completion => ({ text, kind: 'name', about }));
  // Words of the language before names of columns.
  const isColumn = ({ text }: Completion) => text.includes('_');
  return [...names.filter((name) => !isColumn(name)), ...names.filter(isColumn)];
}

const FLAG_VALUES: readonly (readonly [text: string, about: string])[] = [
  ['S', 'SYN set, whatever else is'],
  ['SA', 'SYN and ACK set'],
  ['R', 'RST set'],
  ['any', 'one of the letters that follow'],
  ['all', 'all of the letters that follow'],
];

/** The values of a subject; with `lists` also words and names that stand for several. */
function values(subject: Subject, lists: Names | undefined): Completion[] {
  const words = [...subject.words].map(([text, number]): Completion => ({ text, kind: 'value', about: `${number}` }));
  if (lists === undefined) return words;
  const ranges = [...subject.ranges].map(
    ([text, { from, to }]): Completion => ({ text, kind: 'value', about: `${from ?? ''}–${to ?? ''}` }),
  );
  const named = lists.names
    .filter((name) => fits(subject, lists.lookup(name)))
    .map((text): Completion => ({ text, kind: 'value', about: 'a list of the configuration' }));
  return [...words, ...ranges, ...named];
}

/** Whether the list holds values of the subject's kind; its first one tells. */
function fits({ name, value }: Subject, [first]: readonly string[] = []): boolean {
  if (first === undefined) return false;
  try {
    parseFilter(`${name} in [${value === 'text' ? quoteText(first) : first}]`);
    return true;
  } catch {
    return false;
  }
}

function keywords(words: readonly string[]): Completion[] {
  return words.map((text) => ({ text, kind: 'keyword', about: KEYWORD_ABOUT[text] ?? '' }));
}
