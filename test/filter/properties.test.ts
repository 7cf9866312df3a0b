import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_FILTER_LENGTH } from '#weir/filter/lexer.js';
import { parseFilter } from '#weir/filter/parser.js';
import { printFilter } from '#weir/filter/print.js';
import { compileFilterSql } from '#weir/filter/sql.js';
import { WeirError } from '#weir/util/errors.js';
import { filterText } from './arbitrary.ts';

/** Words and symbols of the language, and what is none of them. */
const PIECES = [
  'and or not ! ( ) [ ] , in any src dst ip net port proto flags mac bytes duration time_start app_name < > = !=',
  '10.0.0.1 10.0.0.0/8 255.0.0.0 80 80-90 1k tcp SA "x" \' :: 2026-11-21 1.5s - 0x / % \0 💥 ı __proto__ constructor',
].flatMap((line) => line.split(' '));

/** Pieces in any order: mostly wrong, in every way. */
const soup = fc.array(fc.constantFrom(...PIECES), { maxLength: 20 }).map((words) => words.join(' '));

function read(text: string): string | undefined {
  try {
    return printFilter(parseFilter(text, { zone: 'utc' }));
  } catch (error) {
    if (!(error instanceof WeirError)) throw error;
    expect(error.code).toBe('WEIR_FILTER');
    expect(error.details['position']).toBeGreaterThanOrEqual(0);
    expect(error.details['position']).toBeLessThanOrEqual(Math.min(text.length, MAX_FILTER_LENGTH));
    return undefined;
  }
}

describe('any text', () => {
  it('is a filter or a WEIR_FILTER, never another error', () => {
    fc.assert(
      fc.property(fc.oneof(soup, fc.string({ unit: 'binary' }), fc.string()), (text) => void read(text)),
      { numRuns: 3000 },
    );
  });

  it('that is a filter prints to one with the same canonical form', () => {
    fc.assert(
      fc.property(fc.oneof(filterText, soup), (text) => {
        const once = read(text);
        if (once !== undefined) expect(read(once)).toBe(once);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a filter', () => {
  it('of the grammar is accepted, and its canonical form has the same tree', () => {
    fc.assert(
      fc.property(filterText, (text) => {
        const tree = parseFilter(text, { zone: 'utc' });
        expect(parseFilter(printFilter(tree), { zone: 'utc' })).toEqual(tree);
      }),
      { numRuns: 2000 },
    );
  });

  it('compiles to SQL whose quotes are balanced, whatever its texts hold', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        fc.pre(!value.includes('\0'));
        const quoted = `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
        const sql = compileFilterSql(parseFilter(`app_name = ${quoted}`));
        expect(sql).toBe(`"app_name" = '${value.replaceAll("'", "''")}'`);
      }),
    );
  });
});
