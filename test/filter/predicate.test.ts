import { DuckDBInstance } from '@duckdb/node-api';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFilter } from '#weir/filter/parser.js';
import { compileFilterPredicate, type Selection } from '#weir/filter/predicate.js';
import { printFilter } from '#weir/filter/print.js';
import { compileFilterSql, filterFileColumns } from '#weir/filter/sql.js';
import type { FlowBatch } from '#weir/flow/batch.js';
import { COLUMNS } from '#weir/flow/schema.js';
import { openSource, sqlSource } from '#weir/query/source.js';
import { WeirError } from '#weir/util/errors.js';
import { tempFolder } from '../helpers/temp.ts';
import { addRows, createStore, layoutOf } from '../store/batches.ts';
import { filterText } from './arbitrary.ts';
import { batchOfRows, fillBatch, inStretches, seeded } from './batch-of-rows.ts';
import { longListText } from './long-lists.ts';
import { type Row, randomRows } from './oracle.ts';

const listOf = ({ rows, count }: Selection): number[] => [...rows.subarray(0, count)];

/** Rows as exporters' templates make them, and rows that all differ. */
function manyRows(): Row[] {
  const random = seeded(11);
  return [
    ...randomRows(200, random),
    ...randomRows(300, random, inStretches(random, [80, 200, 300])),
    ...randomRows(100, random, () => true),
  ];
}

describe('the predicate of a filter', () => {
  it('selects of a batch the rows that its SQL selects of the file the store writes of it', async () => {
    const folder = tempFolder('predicate');
    const store = createStore(folder.path);
    await store.start();
    const rows = manyRows();
    const stored = store.take() as FlowBatch;
    fillBatch(stored, rows);
    store.append(stored);
    await store.flush();
    const source = await openSource(folder.path, { from: undefined, to: undefined });
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const duck = await instance.connect();
    const needs = new Set(['flow_id', ...source.columns]);
    for (const { name, type } of COLUMNS) {
      if (name === 'time_end') needs.add('duration');
      else for (const suffix of type === 'address' ? ['_hi', '_lo'] : ['']) needs.add(`${name}${suffix}`);
    }
    await duck.run(`CREATE TABLE flows AS FROM ${sqlSource(source, needs)}`);
    const batch = batchOfRows(rows);
    try {
      await fc.assert(
        fc.asyncProperty(filterText, async (text) => {
          const node = parseFilter(text, { zone: 'utc' });
          const sql = `SELECT flow_id::INTEGER FROM flows WHERE ${compileFilterSql(node)} ORDER BY 1`;
          const expected = (await duck.runAndReadAll(sql)).getRows().map(([id]) => id);
          expect(listOf(compileFilterPredicate(node)(batch)), text).toEqual(expected);
        }),
        { numRuns: 1000 },
      );
      await fc.assert(
        fc.asyncProperty(longListText, async (text) => {
          const node = parseFilter(text, { zone: 'utc' });
          const sql = `SELECT flow_id::INTEGER FROM flows WHERE ${compileFilterSql(node)} ORDER BY 1`;
          const expected = (await duck.runAndReadAll(sql)).getRows().map(([id]) => id);
          expect(listOf(compileFilterPredicate(node)(batch)), text.slice(0, 400)).toEqual(expected);
        }),
        { numRuns: 60 },
      );
      // And over the files themselves, with no other columns than the filter says it needs.
      await fc.assert(
        fc.asyncProperty(filterText, async (text) => {
          const node = parseFilter(text, { zone: 'utc' });
          const from = sqlSource(source, ['flow_id', ...filterFileColumns(node)]);
          const sql = `SELECT flow_id::INTEGER FROM ${from} WHERE ${compileFilterSql(node)} ORDER BY 1`;
          const expected = (await duck.runAndReadAll(sql)).getRows().map(([id]) => id);
          expect(listOf(compileFilterPredicate(node)(batch)), text).toEqual(expected);
        }),
        { numRuns: 100 },
      );
    } finally {
      duck.closeSync();
      instance.closeSync();
      await store.close();
    }
  }, 120_000);

  it('selects with its opposite every row once', () => {
    const batch = batchOfRows(manyRows());
    fc.assert(
      fc.property(filterText, (text) => {
        const node = parseFilter(text, { zone: 'utc' });
        const some = listOf(compileFilterPredicate(node)(batch));
        const others = listOf(
          compileFilterPredicate(parseFilter(`not (${printFilter(node)})`, { zone: 'utc' }))(batch),
        );
        expect([...some, ...others].sort((a, b) => a - b)).toEqual(Array.from({ length: batch.rows }, (_, row) => row));
      }),
      { numRuns: 300 },
    );
  });

  it('serves batch after batch, also larger ones and ones with other layouts', () => {
    const predicate = compileFilterPredicate(parseFilter('src port 53 or app_name ~ "^d" or bytes > 50'));
    const random = seeded(5);
    for (const count of [10, 3000, 0, 2500, 1]) {
      const rows = randomRows(count, random);
      const fresh = compileFilterPredicate(parseFilter('bytes > 50 or src port 53 or app_name starts with "d"'));
      expect(listOf(predicate(batchOfRows(rows)))).toEqual(listOf(fresh(batchOfRows(rows))));
    }
  });

  it('sees what no column takes, and ICMP in the destination port of old formats', () => {
    const batch = batchOfRows([]);
    const layout = layoutOf(
      ['flow_type', 'proto', 'dst_port', 'extra'],
      [{ name: 'vendorThing', type: 'unsigned16', length: 2 }],
    );
    addRows(batch, layout, [
      { flow_type: 2, proto: 1, dst_port: 0x0301, extra: Uint8Array.of(1, 2) },
      { flow_type: 2, proto: 6, dst_port: 0x0301, extra: Uint8Array.of(3, 4) },
      { flow_type: 4, proto: 1, dst_port: 0x0301 },
    ]);
    const select = (text: string) => listOf(compileFilterPredicate(parseFilter(text))(batch));
    expect(select('icmp-type 3 and icmp-code 1')).toEqual([0]);
    expect(select('extra contains "vendorThing"')).toEqual([0, 1]);
    expect(select('extra contains "772"')).toEqual([1]);
    expect(select('not extra contains "772"')).toEqual([0, 2]);
  });

  it('refuses columns that only queries know', () => {
    const column = {
      ...(COLUMNS.find(({ name }) => name === 'app_name') as (typeof COLUMNS)[number]),
      name: 'in_if_name',
    };
    const node = parseFilter('in_if_name = "ge-0/0/1"', { columns: [column] });
    expect(() => compileFilterPredicate(node)).toThrow(WeirError);
    expect(compileFilterSql(node)).toBe(`"in_if_name" = 'ge-0/0/1'`);
  });

  it('does not copy or change the batch', () => {
    const rows = manyRows();
    const [batch, untouched] = [batchOfRows(rows), batchOfRows(rows)];
    untouched.seal();
    compileFilterPredicate(parseFilter('time_start > 2026-01-01 and not ip 10.0.0.1 or bps > 3'))(batch);
    expect(batch.arrays).toEqual(untouched.arrays);
  });
});
