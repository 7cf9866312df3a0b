import { WeirError } from '../util/errors.ts';

/** A part of the filter text, in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const WINDOW = 60;

/**
 * The error for something wrong at `span`: message, position (counted from 1) and the line of the filter with carets below it. `details`:
 * `position` (from 0), `length`, `expected`, `suggestion`.
 */
export function filterError(
  text: string,
  span: Span,
  message: string,
  more: {
    readonly hint?: string | undefined;
    readonly expected?: readonly string[];
    readonly suggestion?: string;
  } = {},
): WeirError {
  const length = Math.max(1, span.end - span.start);
  return new WeirError('WEIR_FILTER', `filter, position ${span.start + 1}: ${message}\n${picture(text, span)}`, {
    hint: more.hint,
    details: {
      position: span.start,
      length,
      ...(more.expected === undefined ? {} : { expected: more.expected }),
      ...(more.suggestion === undefined ? {} : { suggestion: more.suggestion }),
    },
  });
}

/** The text around the span on one line, and carets under it. */
function picture(text: string, span: Span): string {
  const first = Math.max(0, span.start - WINDOW);
  // A word may be as long as the filter.
  const end = Math.min(Math.max(span.end, span.start + 1), span.start + WINDOW);
  const last = Math.min(text.length, end + WINDOW);
  const before = first > 0 ? '…' : '';
  const after = last < text.length ? '…' : '';
  // A filter may come from a file and have line breaks; other control characters would move the carets, or the terminal.
  const line = text.slice(first, last).replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ');
  const carets = '^'.repeat(end - span.start);
  return `  ${before}${line}${after}\n  ${' '.repeat(before.length + span.start - first)}${carets}`;
}

/** What a message shows of a word: at most 40 characters, quoted. */
export function quote(word: string): string {
  const clean = word.replaceAll(/[\p{Cc}\p{Cf}]/gu, '·');
  return clean.length > 40 ? `'${clean.slice(0, 39)}…'` : `'${clean}'`;
}
