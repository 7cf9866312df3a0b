import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileFilterClickHouse } from '#weir/filter/clickhouse.js';
import { completeFilter } from '#weir/filter/complete.js';
import { type ParseOptions, parseFilter } from '#weir/filter/parser.js';
import { compileFilterPredicate } from '#weir/filter/predicate.js';
import { printFilter } from '#weir/filter/print.js';
import { compileFilterSql } from '#weir/filter/sql.js';
import { FILE_COLUMNS } from '#weir/store/file-columns.js';
import { WeirError } from '#weir/util/errors.js';
import { openDuck, rowOf, rowsSql } from '../query/fixture.ts';
import { batchOfRows } from './batch-of-rows.ts';
import { selects } from './oracle.ts';

const MB = 1_000_000;
const rows = [
  rowOf({ src_addr: '10.1.2.3', dst_addr: '192.0.2.1', src_port: 80, proto: 6, bytes: 5, app_name: 'a' }),
  rowOf({
    src_addr: '2001:db8:1::5',
    dst_addr: '192.0.2.1',
    src_port: 81,
    proto: 6,
    bytes: 6,
    app_name: `${'a'.repeat(5000)}!`,
  }),
  rowOf({ proto: 17 }),
];
const repeat = (text: string, length: number) => text.repeat(Math.ceil(length / text.length));

describe('hostile filters', () => {
  let duck: DuckDBConnection;
  beforeAll(async () => {
    duck = await openDuck();
    await duck.run(
      `CREATE TABLE flows AS SELECT row_number() OVER () - 1 AS id, * FROM (${rowsSql(
        rows,
        FILE_COLUMNS.map(({ name }) => name),
      )})`,
    );
  });
  afterAll(() => duck.closeSync());

  /** What a filter selects by SQL and by predicate, which must agree; or the message of its error. */
  async function answer(text: string, options: ParseOptions = {}): Promise<unknown> {
    let node: ReturnType<typeof parseFilter>;
    try {
      node = parseFilter(text, options);
    } catch (error) {
      expect(error).toBeInstanceOf(WeirError);
      const { message, hint = '' } = error as WeirError;
      expect(message.length + hint.length).toBeLessThan(1000);
      return message.split('\n')[0];
    }
    expect(printFilter(node).length).toBeGreaterThan(0);
    compileFilterClickHouse(node);
    const { rows: selected, count } = compileFilterPredicate(node)(batchOfRows(rows));
    const sql = `SELECT id::INTEGER FROM flows WHERE ${compileFilterSql(node)} ORDER BY id`;
    const found = (await duck.runAndReadAll(sql)).getRows().map(([id]) => id);
    expect([...selected.subarray(0, count)]).toEqual(found);
    return found;
  }

  it.each([
    ['words', repeat('port ', MB)],
    ['a word', repeat('a', MB)],
    ['digits', `port ${repeat('9', MB)}`],
    ['an address', `ip ${repeat('1.', MB)}`],
    ['colons', `ip ${repeat(':', MB)}`],
    ['a network', `net ${repeat('1.', 1000)}/${repeat('1', MB)}`],
    ['a time', `time_start > ${repeat('2026-', MB)}`],
    ['parentheses', repeat('(', MB)],
    ['parentheses that close', repeat(')', MB)],
    ['brackets', `port in ${repeat('[', MB)}`],
    ['an open quote', `app_name = "${repeat('x', MB)}`],
    ['a text', `app_name = "${repeat('x', MB - 100)}"`],
    ['backslashes', `app_name = "${repeat('\\', MB)}`],
    ['an expression', `app_name ~ "${repeat('(a+)+', MB)}"`],
    ['spaces', repeat(' ', MB)],
    ['comments', repeat('#\n', MB)],
    ['nots', `${repeat('not ', MB)}port 80`],
    ['exclamation marks', `${repeat('!', MB - 8)}port 80`],
    ['alternatives', `port 1${repeat(' or port 1', MB)}`],
    ['a list of ports', `port in [${repeat('1 ', MB - 100)}]`],
    ['controls', repeat('\u0000\u001b[2J', MB)],
    ['twice as much', repeat('port 80 or ', 2 * MB)],
  ])('of 1 MB: %s', async (_, text) => {
    const result = await answer(text);
    expect(typeof result === 'string' ? result : '').toMatch(/^$|^filter, position \d+: /);
    completeFilter(text);
  });

  it('nested 10,000 deep are refused, or are no nesting', async () => {
    expect(await answer(`${'('.repeat(10_000)}port 80${')'.repeat(10_000)}`)).toMatch(/nested deeper than 200/);
    expect(await answer(`${'not ('.repeat(10_000)}port 80${')'.repeat(10_000)}`)).toMatch(/nested deeper than 200/);
    expect(await answer(`${'not '.repeat(10_000)}src port 80`)).toEqual([0]);
    // As deep as may be, with something to do at every level.
    expect(await answer(`${'not (proto udp or '.repeat(200)}src port 80${')'.repeat(200)}`)).toEqual([0]);
    expect(await answer(`${'(ip 10.1.2.3 or not (proto 6 and '.repeat(100)}src port 80${'))'.repeat(100)}`)).toEqual([
      0, 2,
    ]);
  });

  it('with as many conditions as may be', async () => {
    const many = Array.from({ length: 4998 }, (_, i) => `src port ${i}`);
    expect(await answer(many.join(' or '))).toEqual([0, 1]);
    expect(await answer(many.map((test) => `not ${test}`).join(' and '))).toEqual([2]);
    expect(
      await answer(Array.from({ length: 2000 }, (_, i) => `(ip 10.0.0.${i % 256} and proto 6)`).join(' or ')),
    ).toEqual([]);
    expect(await answer(`${many.join(' or ')} or port 1 or port 2 or port 3`)).toMatch(/more than 5000 conditions/);
  }, 60_000);

  it('with 100,000 addresses, networks and both', async () => {
    const hex = (n: number) => n.toString(16);
    const lists = {
      v4: Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
      v6: Array.from({ length: 100_000 }, (_, i) => `2001:db8:${hex(i % 65_536)}:${hex(i >> 16)}::5`),
      networks: Array.from(
        { length: 100_000 },
        (_, i) => `10.${(i * 7) % 256}.${(i >> 5) % 256}.${(i % 32) * 8}/${24 + (i % 8)}`,
      ),
      v6Networks: Array.from(
        { length: 100_000 },
        (_, i) => `2001:db8:${hex(i % 65_536)}:${hex(i >> 16)}::/${64 + (i % 60)}`,
      ),
    };
    for (const list of Object.values(lists)) {
      const readFile = () => list.join('\n');
      const node = parseFilter('src ip in @list', { readFile });
      const expected = rows.flatMap((row, index) => (selects(node, row) ? [index] : []));
      expect(await answer('src ip in @list', { readFile })).toEqual(expected);
    }
    const all = Object.values(lists).flat();
    expect(await answer('src ip in @list', { readFile: () => all.join(' ') })).toMatch(/more than 250000 values/);
    const two = [...lists.v6Networks, ...lists.v4, '10.1.2.3'];
    expect(await answer('not src ip in [@list]', { readFile: () => two.join(',') })).toEqual([2]);
  }, 120_000);

  it('with files that are too long, or name themselves', async () => {
    expect(await answer('ip in @list', { readFile: () => ' '.repeat(9 << 20) })).toMatch(/more than 8388608/);
    expect(await answer('@include list', { readFile: () => ' '.repeat(2 << 20) })).toMatch(/more than 1048576/);
    expect(await answer('@include list', { readFile: () => '@include list or @include list' })).toMatch(
      /deeper than 200/,
    );
    const wide = '(@include list) or (@include list)';
    let reads = 0;
    const readFile = () => (++reads > 15 ? 'port 1' : wide);
    expect(await answer(wide, { readFile })).toEqual([]);
  });

  it('with expressions that explode elsewhere', async () => {
    for (const source of ['(a+)+$', '(a|a)*b', '(a|aa)+$', '(.*)*x', '((a*)*)*b', '(a?){30}a{30}b'])
      expect(await answer(`app_name ~ "${source}"`)).toEqual(source.endsWith('$') ? [0] : []);
  });
});
