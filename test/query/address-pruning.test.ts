import { expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { openSource, type Source, sqlSource } from '#weir/query/source.js';
import { tempFolder } from '../helpers/temp.ts';
import { addRows, ask, createStore, PLAIN, plainRows, until } from '../store/batches.ts';
import { askStore, askText } from './ask.ts';

const SLOT = 1_772_366_400_000;
const ROWS = 10_000;
/** Addresses of slot n are 10.n.x.y; this one is in slots 0 and 2 besides, as a source and as a destination. */
const WANDERER = 0xffffc6336407n;
const IPV6 = (0x20010db8n << 96n) + 7n;

it('files without the hosts asked for are not read, and answers are the same', async () => {
  const folder = tempFolder('pruning');
  let now = SLOT;
  const store = createStore(folder.path, { now: () => now, unitRows: ROWS });
  await store.start();
  for (let slot = 0; slot < 4; slot++) {
    const rows = plainRows(slot * ROWS, ROWS, now).map((row, i) => {
      const [inside, other] = [0xffff0a000000n + BigInt(slot * 65_536 + (i % 5000)), 0xffffc0a80001n];
      if (i === 60 && slot === 1) return { ...row, src_addr: WANDERER + 1n, dst_addr: WANDERER + 1n };
      if (i === 77 && slot === 0) return { ...row, src_addr: WANDERER, dst_addr: inside };
      // One in each slot, so that all files have the same columns.
      if (i === 50) return { ...row, src_addr: IPV6 + BigInt(slot), dst_addr: slot === 2 ? WANDERER : other };
      return { ...row, src_addr: inside, dst_addr: other };
    });
    for (let from = 0; from < ROWS; from += 2000) {
      const batch = new FlowBatch();
      addRows(batch, PLAIN, rows.slice(from, from + 2000));
      store.append(batch);
      await store.flush();
    }
    now += 300_000;
  }
  now += 3_600_000;
  await until(() => store.stats().backlog.files === 0 && !store.stats().merging, 'the slots are merged');
  await store.close();

  const read = async (filter: string): Promise<string | undefined> =>
    /^read {5}(\d of \d) segments/m.exec(
      await askText(folder.path, { filter, by: 'src_port', top: '1' }, 'table'),
    )?.[1];
  const flows = async (filter: string) => (await askStore(folder.path, { filter, columns: 'flow_id' })).length;
  const questions: [filter: string, files: string, flows: number][] = [
    ['host 198.51.100.7', '2 of 4', 2],
    ['src host 198.51.100.7', '1 of 4', 1],
    ['dst host 198.51.100.7', '1 of 4', 1],
    ['host 10.1.0.9', '1 of 4', 2],
    ['host 10.1.0.9 or host 10.3.0.9', '2 of 4', 4],
    ['host 198.51.100.7 and src host 10.1.0.9', '1 of 4', 0],
    ['host 2001:db8::9', '1 of 4', 1],
    ['host 203.0.113.1', '1 of 4', 0],
    ['host 192.168.0.1', '4 of 4', 4 * ROWS - 3],
    ['not host 198.51.100.7', '4 of 4', 4 * ROWS - 2],
    ['host 198.51.100.7 or proto 17', '4 of 4', 2],
    ['net 10.1.0.0/16', '4 of 4', ROWS - 2],
  ];
  for (const [filter, files, count] of questions) {
    expect(await read(filter), filter).toBe(files);
    expect(await flows(filter), filter).toBe(count);
  }

  // The same read as a part for each end, as it is where few row groups have a flow of the hosts.
  const source = await openSource(folder.path, { from: undefined, to: undefined });
  const rows = async (from: Source, where: string) => Number((await ask(folder.path, sqlCounted(from, where)))[0]?.[0]);
  for (const values of [[WANDERER], [WANDERER + 1n], [WANDERER, WANDERER + 1n, 0xffff0a010009n]]) {
    const hosts = ['src_addr_lo', 'dst_addr_lo'].map((column) => ({ column, values, segments: source.segments }));
    const list = values.join(', ');
    const asked = `src_addr_lo IN (${list}) OR dst_addr_lo IN (${list})`;
    expect(await rows({ ...source, hosts }, 'TRUE')).toBe(await rows(source, asked));
    expect(await rows({ ...source, hosts }, asked)).toBe(await rows(source, asked));
  }
}, 60_000);

function sqlCounted(source: Source, where: string): string {
  return `SELECT count(*) FROM ${sqlSource(source, ['src_addr_lo', 'dst_addr_lo'])} WHERE ${where}`;
}
