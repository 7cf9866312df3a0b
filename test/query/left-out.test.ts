import { expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { holdsFlows, readCatalogue } from '#weir/store/catalogue.js';
import { tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { addRows, createStore, layoutOf, type Row, until } from '../store/batches.ts';

const NAMES = [
  'time_received',
  'exporter',
  'record_kind',
  'sampling_rate',
  'time_start',
  'time_end',
  'src_addr',
  'bytes',
  'packets',
];
const START = BigInt(Date.UTC(2026, 0, 1)) * 1000n;
const v4 = (last: bigint) => 0xffff_0a00_0000n + last;

function flow(src_addr: bigint, changes: Row = {}): Row {
  const times = { time_received: START, time_start: START, time_end: START };
  return {
    ...times,
    exporter: v4(254n),
    record_kind: 0,
    sampling_rate: 0,
    src_addr,
    bytes: 100n,
    packets: 1n,
    ...changes,
  };
}

const LEFT_OUT = ['exporter_hi', 'src_addr_hi', 'record_kind', 'sampling_rate'];

it('a segment leaves out what is 0 in all its rows; answers are as if it had not', async () => {
  const folder = tempFolder('left-out');
  let now = Number(START / 1000n);
  const store = createStore(folder.path, { now: () => now });
  await store.start();
  const write = async (rows: Row[]) => {
    const batch = new FlowBatch();
    addRows(batch, layoutOf(NAMES), rows);
    store.append(batch);
    await store.flush();
  };
  const ask = async (...args: string[]) =>
    (
      await weir([
        'query',
        '--data',
        folder.path,
        '--by',
        'src_addr',
        '--order',
        'src_addr',
        '--format',
        'csv',
        ...args,
      ])
    ).stdout;

  await write([flow(v4(1n)), flow(v4(2n))]);
  const { segments } = await readCatalogue(folder.path);
  expect(segments[0]?.columns).toEqual(expect.not.arrayContaining(LEFT_OUT));
  expect(segments[0]?.columns).toContain('src_addr_lo');
  expect(await ask()).toBe('src_addr,flows,packets,bytes\n10.0.0.1,1,1,100\n10.0.0.2,1,1,100\n');
  expect(await ask('src net 10.0.0.0/31')).toBe('src_addr,flows,packets,bytes\n10.0.0.1,1,1,100\n');
  const listed = await weir(['query', '--data', folder.path, '--format', 'ndjson', '--top', '1']);
  expect(JSON.parse(listed.stdout)).toMatchObject({
    src_addr: '10.0.0.1',
    exporter: '10.0.0.254',
    record_kind: 'flow',
    sampling_rate: 0,
  });

  // Beside segments that have the columns, and in one with them.
  await write([
    flow(0x2001_0db8_0000_0000_0000_0000_0000_0001n, { sampling_rate: 10 }),
    flow(v4(1n), { record_kind: 3 }),
  ]);
  expect((await readCatalogue(folder.path)).segments[1]?.columns).toEqual(
    expect.arrayContaining(['src_addr_hi', 'record_kind', 'sampling_rate']),
  );
  const all = 'src_addr,flows,packets,bytes\n10.0.0.1,1,1,100\n10.0.0.2,1,1,100\n2001:db8::1,1,10,1000\n';
  expect(await ask()).toBe(all);
  expect(await ask('src ip 2001:db8::1')).toBe('src_addr,flows,packets,bytes\n2001:db8::1,1,10,1000\n');
  expect(await ask('src net 10.0.0.0/8')).toBe('src_addr,flows,packets,bytes\n10.0.0.1,1,1,100\n10.0.0.2,1,1,100\n');
  const sql = await weir([
    'sql',
    '--data',
    folder.path,
    '--format',
    'csv',
    'select src_addr, record_kind, sampling_source from flows order by 1, 2',
  ]);
  expect(sql.stdout.split('\n').slice(1, 5)).toEqual([
    '10.0.0.1,firewall_event,unknown',
    '10.0.0.1,flow,unknown',
    '10.0.0.2,flow,unknown',
    '2001:db8::1,flow,unknown',
  ]);

  now += 400_000;
  await until(() => store.stats().merges > 0, 'the two segments are merged');
  // The sums of the merged one may be there, too.
  expect((await readCatalogue(folder.path)).segments.filter(holdsFlows)).toHaveLength(1);
  expect(await ask()).toBe(all);
  expect(await ask('src net 10.0.0.0/31')).toBe('src_addr,flows,packets,bytes\n10.0.0.1,1,1,100\n');
  await store.close();
});
