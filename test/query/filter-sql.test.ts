import type { DuckDBConnection } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFilter } from '#weir/filter/parser.js';
import { compileFilterSql, filterFileColumns } from '#weir/filter/sql.js';
import { FILE_COLUMNS } from '#weir/store/file-columns.js';
import { filterText } from '../filter/arbitrary.ts';
import { longListText } from '../filter/long-lists.ts';
import { type Row, randomRows, selects } from '../filter/oracle.ts';
import { openDuck, rowOf, rowsSql } from './fixture.ts';

const ALL = FILE_COLUMNS.map(({ name }) => name);

describe('the SQL of a filter', () => {
  let duck: DuckDBConnection;
  let rows: Row[];

  beforeAll(async () => {
    duck = await openDuck();
    let seed = 7;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return seed / 0x80000000;
    };
    rows = randomRows(400, random);
    await duck.run(`CREATE TABLE flows AS SELECT row_number() OVER () - 1 AS id, * FROM (${rowsSql(rows, ALL)})`);
  });
  afterAll(() => duck.closeSync());

  const selected = async (where: string) =>
    (await duck.runAndReadAll(`SELECT id::INTEGER FROM flows WHERE ${where} ORDER BY id`)).getRows().map(([id]) => id);

  it('selects the same rows as its meaning, for any filter and rows with missing values', async () => {
    await fc.assert(
      fc.asyncProperty(filterText, async (text) => {
        const node = parseFilter(text, { zone: 'utc' });
        const expected = rows.flatMap((row, index) => (selects(node, row) ? [index] : []));
        expect(await selected(compileFilterSql(node)), text).toEqual(expected);
      }),
      { numRuns: 400 },
    );
  });

  it('selects the same rows as its meaning, for long lists of addresses and networks', async () => {
    await fc.assert(
      fc.asyncProperty(longListText, async (text) => {
        const node = parseFilter(text, { zone: 'utc' });
        const expected = rows.flatMap((row, index) => (selects(node, row) ? [index] : []));
        expect(await selected(compileFilterSql(node)), text.slice(0, 400)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('has a long list of addresses as one text', () => {
    const scattered = Array.from({ length: 20_000 }, (_, index) => `2001:db8:${index.toString(16)}::1`);
    const sql = compileFilterSql(parseFilter(`src ip in [${scattered.join(' ')}]`, { zone: 'utc' }));
    expect(sql.match(/::U(?:BIG|HUGE)INT/g)?.length).toBeLessThan(10);
  });

  it('and that of its opposite share the rows without rest', async () => {
    await fc.assert(
      fc.asyncProperty(filterText, async (text) => {
        const some = await selected(compileFilterSql(parseFilter(text, { zone: 'utc' })));
        const others = await selected(compileFilterSql(parseFilter(`not (${text})`, { zone: 'utc' })));
        // nfdump's rule for flags after `not` is the one exception, see docs/filter.md.
        fc.pre(!/not \(?flags|! \(?flags|flags (?!any|all)/.test(text));
        expect(some.length + others.length).toBe(rows.length);
      }),
      { numRuns: 150 },
    );
  });

  it('names no other columns than it says', async () => {
    await fc.assert(
      fc.asyncProperty(filterText, async (text) => {
        const node = parseFilter(text, { zone: 'utc' });
        const names = [...filterFileColumns(node)];
        const table = rowsSql([rowOf({ proto: 6 })], names.length > 0 ? names : ['proto']);
        await duck.run(`SELECT count(*) FROM (${table}) WHERE ${compileFilterSql(node)}`);
      }),
      { numRuns: 150 },
    );
  });

  it('leaves leaves that are not negated as plain comparisons, which files are pruned by', () => {
    expect(compileFilterSql(parseFilter('dst net 10.0.0.0/8 and src port 80'))).toBe(
      '(("dst_addr_hi" = 0::UBIGINT AND "dst_addr_lo" BETWEEN 281470849515520::UBIGINT AND 281470866292735::UBIGINT) AND "src_port" = 80)',
    );
    expect(compileFilterSql(parseFilter('not (src port 80 or proto 6)'))).toBe(
      '(("src_port" = 80) IS NOT TRUE AND ("proto" = 6) IS NOT TRUE)',
    );
  });
});
