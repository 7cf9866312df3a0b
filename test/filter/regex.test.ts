import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileRegex } from '#weir/filter/regex-match.js';
import { parseRegex } from '#weir/filter/regex-parse.js';
import { printRe2 } from '#weir/filter/regex-print.js';
import { openDuck } from '../query/fixture.ts';

const parse = (text: string) => parseRegex(text, (message) => new Error(message));
const found = (pattern: string, text: string) => compileRegex(parse(pattern))(text);

/** Patterns of everything that RE2 and we have. */
const pattern: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    // biome-ignore format: one list
    fc.constantFrom(
      'a', 'b', 'A', '.', '[ab]', '[^a]', '[a-c]', '[[:alpha:]]', '[^[:digit:]_]', '[]a]', '[a-]', '\\.', '\\x41', '\\x{e4}',
      '\\w', '\\W', '\\s', '\\S', '\\d', '\\D', '\\b', '^', '$', '\\A', '\\z', '\\n', 'ä', '💥', '()', '-', '/', ' ',
    ),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}', '{0,}', '*?', '+?', '{0}', '{2,3}?'))
      .map(([a, count]) => `(?:${a})${count}`),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a}|${b})`),
  ),
})).node;

const text = fc
  .array(fc.constantFrom('a', 'b', 'c', 'A', '0', '_', ' ', '.', '\n', 'ä', 'Ä', '💥', '-', ']'), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => parts.join(''));

describe('a regular expression', () => {
  it('is found where DuckDB (RE2) finds what is printed for it, and what was written', async () => {
    const duck = await openDuck();
    const quoted = (value: string) => `'${value.replaceAll("'", "''")}'`;
    await fc.assert(
      fc.asyncProperty(
        pattern,
        fc.boolean(),
        fc.array(text, { minLength: 1, maxLength: 10 }),
        async (source, fold, texts) => {
          const written = fold ? `(?i)${source}` : source;
          const expected = texts.map((each) => found(written, each));
          for (const re of [`(${printRe2(parse(written))})`, `(${written})`]) {
            const rows = texts.map((each, i) => `(${i}, ${quoted(each)})`).join(', ');
            const sql = `SELECT regexp_matches(t, ${quoted(re)}) FROM (VALUES ${rows}) v(i, t) ORDER BY i`;
            const answers = (await duck.runAndReadAll(sql)).getRows().map(([is]) => is);
            expect(answers, `${re} in ${JSON.stringify(texts)}`).toEqual(expected);
          }
        },
      ),
      { numRuns: 1000 },
    );
    duck.closeSync();
  });

  it.each([
    ['(a)\\1', /refers back/],
    ['(?=a)', /looks around/],
    ['(?<!a)b', /looks around/],
    ['(?<name>a)', /has a \(\?/],
    ['(a', /\( that is not closed/],
    ['a)', /\) that closes nothing/],
    ['[a', /\[ that is not closed/],
    ['[b-a]', /range in \[ \]/],
    ['*a', /nothing before it/],
    ['a**', /repeats a repetition/],
    ['a{2,1}', /ends before it begins/],
    ['a{1001}', /counts beyond 1000/],
    ['(?:a{40}){40}', /counts beyond 1000/],
    ['(?:abcdefgh){400}', /too large/],
    ['\\q', /means nothing/],
    // RE2 finds it inside a character of several octets, too.
    ['\\B', /means nothing/],
    ['a\\', /ends with a backslash/],
    ['[[:nothing:]]', /no class/],
    ['\\x{110000}', /without a character/],
    ['('.repeat(60) + ')'.repeat(60), /nested deeper/],
    ['a'.repeat(1001), /more than 1000/],
  ])('%s is refused', (source, message) => {
    expect(() => parse(source)).toThrow(message);
  });

  it('takes time in proportion to the text, whatever it is', () => {
    // Each of these takes longer than the universe has existed where expressions are tried one way after the other.
    const long = 'a'.repeat(50_000);
    for (const source of ['(a+)+$', '(a|a)*b', '(a|aa)+$', '(.*)*x', '([a-z]+)*[0-9]', '(a?){100}a{100}b', '(x+x+)+y'])
      found(source, `${long}!`);
    expect(found('(a+)+!$', `${long}!`)).toBe(true);
  });

  it('of letters in any case', () => {
    expect(found('(?i)straße|ÄÖ', 'xx äö')).toBe(true);
    expect(found('(?i)[^a]', 'aA')).toBe(false);
    expect(found('a', 'A')).toBe(false);
  });
});
