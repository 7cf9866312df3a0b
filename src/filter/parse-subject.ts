import { nearest } from '../elements/nearest.ts';
import type { Cursor } from './cursor.ts';
import { filterError, quote } from './fault.ts';
import type { Subject } from './fields.ts';
import { REFUSED_WORDS, whyRefused } from './phrases.ts';
import { BARE_PROTOCOLS } from './protocols.ts';

/** Words that stand alone, or between comparisons. */
export const KEYWORDS: readonly string[] = 'and or not any ipv4 ipv6 inet inet6 src dst in @include'.split(' ');

/**
 * The longest phrase that names something to compare, after `before` (`src`) was read; and what was read. Throws WEIR_FILTER when there is none, with
 * the reason for words of nfdump that mean nothing here.
 */
export function parseSubject(cursor: Cursor, before: string): [Subject, string] {
  refuse(cursor, before);
  const { subjects, next } = cursor.around.vocabulary;
  let phrase = before;
  for (;;) {
    if (phrase !== '' && next.has(phrase)) cursor.offer({ kind: 'phrase', before: phrase });
    const token = cursor.peek();
    const longer = token.kind === 'word' ? joined(phrase, token.value) : '';
    if (longer === '' || !(subjects.has(longer) || next.has(longer))) break;
    phrase = longer;
    cursor.next();
  }
  const subject = subjects.get(phrase);
  if (subject !== undefined) return [subject, phrase];
  if (phrase === '') throw unknownField(cursor);
  throw cursor.unexpected(next.get(phrase) ?? []);
}

function joined(phrase: string, word: string): string {
  return phrase === '' ? word.toLowerCase() : `${phrase} ${word.toLowerCase()}`;
}

/** Throws the reason when the next words are a phrase that is known and has no meaning. */
function refuse(cursor: Cursor, before: string): void {
  let phrase = before;
  for (let ahead = 0; ahead < REFUSED_WORDS; ahead++) {
    const token = cursor.peek(ahead);
    if (token.kind !== 'word') return;
    phrase = joined(phrase, token.value);
    const why = whyRefused(phrase);
    if (why === undefined) continue;
    const span = { start: cursor.peek().start, end: token.end };
    throw filterError(cursor.text, span, `${quote(phrase)} cannot be asked: ${why}`);
  }
}

/** The error for a token that begins no condition. */
export function unknownField(cursor: Cursor): Error {
  const names = [...new Set([...cursor.around.vocabulary.subjects.keys()].filter((phrase) => !phrase.includes(' ')))];
  const token = cursor.peek();
  const known = [...names, ...KEYWORDS, ...BARE_PROTOCOLS];
  if (token.kind === 'word' && !KEYWORDS.includes(token.value.toLowerCase())) {
    const suggestion = nearest(token.value, known);
    let hint =
      'Fields: ip, net, port, proto, as, if, bytes, packets, duration, flags, exporter … and every column (docs/filter.md).';
    if (/^\d|:/.test(token.value))
      hint = `Say what it is: ip ${token.value.slice(0, 60)}, port ${token.value.slice(0, 60)} …`;
    else if (suggestion !== undefined) hint = `Did you mean '${suggestion}'?`;
    return filterError(cursor.text, token, `${quote(token.value)} is no field`, {
      expected: known,
      hint,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  }
  const found = token.kind === 'end' ? 'the filter ends' : `${quote(token.value)} is here`;
  return filterError(cursor.text, token, `${found} where a field (ip, port, proto, bytes …), not or ( was expected`, {
    expected: ['not', '(', ...known],
  });
}
