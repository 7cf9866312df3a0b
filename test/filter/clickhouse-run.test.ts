import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { compileFilterClickHouse } from '#weir/filter/clickhouse.js';
import { parseFilter } from '#weir/filter/parser.js';
import { compileFilterPredicate } from '#weir/filter/predicate.js';
import { formatTimeLiteral } from '#weir/filter/time-literal.js';
import { ICMP_IN_PORT, ICMP_PROTOCOLS } from '#weir/flow/icmp.js';
import { COLUMNS, type ColumnType } from '#weir/flow/schema.js';
import { formatAddress } from '#weir/util/address.js';
import { findPython } from '../conformance/peer-python.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { filterText } from './arbitrary.ts';
import { batchOfRows, seeded } from './batch-of-rows.ts';
import { type Row, randomRows } from './oracle.ts';

const TYPES: Readonly<Record<ColumnType, string>> = {
  u8: 'UInt8',
  u16: 'UInt16',
  u32: 'UInt32',
  u64: 'UInt64',
  mac: 'UInt64',
  time: "DateTime64(6, 'UTC')",
  address: 'IPv6',
  text: 'String',
  extra: 'String',
};

/** Reads the table, the rows and the statements; prints the ids that each statement selects. */
const SCRIPT = `
import json, sys
from chdb.session import Session
task = json.load(open(sys.argv[1]))
session = Session()
session.query('SET date_time_input_format = \\'best_effort\\'')
session.query('CREATE DATABASE d')
session.query(task['table'])
session.query('INSERT INTO d.flows SETTINGS date_time_input_format = \\'best_effort\\' FORMAT JSONEachRow ' + task['rows'])
for sql in task['statements']:
    print(json.dumps([int(line) for line in str(session.query(sql, 'TSV')).split()]))
`;

const installed = findPython();
const python =
  installed !== undefined && spawnSync(installed, ['-c', 'import chdb']).status === 0 ? installed : undefined;

/** The row as whoever fills the table would write it: the end as a time, ICMP out of the port. */
function tableRow(row: Row): Row {
  const { time_start: start, duration, flow_type: type, proto, dst_port: port } = row;
  const end = typeof start === 'bigint' && typeof duration === 'bigint' ? start + duration : undefined;
  const isIcmp = ICMP_IN_PORT.has(Number(type)) && ICMP_PROTOCOLS.has(Number(proto)) && typeof port === 'bigint';
  const icmp = isIcmp ? { icmp_type: row['icmp_type'] ?? port >> 8n, icmp_code: row['icmp_code'] ?? port & 255n } : {};
  const { duration: _, ...rest } = row;
  return { ...rest, ...icmp, time_end: end };
}

function jsonOf(row: Row, index: number): string {
  const fields = Object.entries(row).flatMap(([name, value]): [string, string][] => {
    if (value === undefined) return [];
    if (typeof value === 'object') {
      const text = formatAddress(...value);
      return [[name, text.includes(':') ? text : `::ffff:${text}`]];
    }
    const isTime = COLUMNS.find((column) => column.name === name)?.type === 'time';
    return [[name, isTime ? formatTimeLiteral(value as bigint) : String(value)]];
  });
  return JSON.stringify(Object.fromEntries([...fields, ['row', String(index)]]));
}

describeUnless(python === undefined ? 'chdb is not installed' : undefined, 'a filter in ClickHouse', () => {
  it('selects the rows that its predicate selects', () => {
    const folder = tempFolder('clickhouse');
    const rows = randomRows(300, seeded(7));
    const batch = batchOfRows(rows);
    const predicates = fc.sample(filterText, { numRuns: 300, seed: 5 }).map((text) => ({
      text,
      node: parseFilter(text, { zone: 'utc' }),
    }));
    const table = `CREATE TABLE d.flows (\`row\` UInt32, ${COLUMNS.map(({ name, type }) => `\`${name}\` Nullable(${TYPES[type]})`).join(', ')}) ENGINE = Memory`;
    const statements = predicates.map(
      ({ node }) => `SELECT row FROM d.flows WHERE ${compileFilterClickHouse(node)} ORDER BY 1`,
    );
    writeFileSync(
      folder.join('task.json'),
      JSON.stringify({ table, rows: rows.map((row, index) => jsonOf(tableRow(row), index)).join('\n'), statements }),
    );
    writeFileSync(folder.join('task.py'), SCRIPT);
    const { stdout, stderr, status } = spawnSync(python ?? '', [folder.join('task.py'), folder.join('task.json')], {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const found = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as number[]);
    const wrong = predicates.flatMap(({ text, node }, index) => {
      const { rows: selected, count } = compileFilterPredicate(node)(batch);
      const expected = [...selected.subarray(0, count)];
      const ids = found[index] ?? [];
      const missing = expected.filter((id) => !ids.includes(id));
      const surplus = ids.filter((id) => !expected.includes(id));
      return missing.length + surplus.length === 0 ? [] : [{ text, missing, surplus }];
    });
    expect(wrong).toEqual([]);
    expect(found.some((ids) => ids.length > 0 && ids.length < rows.length)).toBe(true);
  }, 120_000);
});
