import { describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { writeStore } from './fixture.ts';

const row = { time_start: '2026-01-01T00:00:00Z', duration: 0, src_addr: '10.0.0.1' };

describe('sums', () => {
  it('are exact beyond what doubles hold', async () => {
    const folder = tempFolder('exact');
    const large = 2n ** 53n;
    await writeStore(folder.path, [
      [{ ...row, bytes: large, packets: 1 }],
      [{ ...row, bytes: 1, packets: 0 }],
      [{ ...row, bytes: large, sampling_rate: 1000 }],
    ]);
    const ask = (...args: string[]) => weir(['query', '--data', folder.path, '--by', 'src_addr', ...args]);
    expect((await ask('--raw', '--format', 'csv')).stdout).toBe(
      `src_addr,flows,packets,bytes\n10.0.0.1,3,1,${large * 2n + 1n}\n`,
    );
    expect((await ask('--format', 'csv')).stdout).toBe(
      `src_addr,flows,packets,bytes\n10.0.0.1,3,1,${large * 1001n + 1n}\n`,
    );
    expect((await ask('--plain')).stdout).toMatch(new RegExp(`10\\.0\\.0\\.1 +3 +1 +${large * 1001n + 1n} `));
    expect((await weir(['query', '--data', folder.path])).stdout).toMatch(/total {4}3 flows, 1 packets, 9\.0 EB/);
  });

  it('and tables cover every group when asked for all', async () => {
    const folder = tempFolder('groups');
    const rows = Array.from({ length: 5000 }, (_, index) => ({
      ...row,
      src_port: index,
      bytes: 5000 - index,
      packets: 1,
    }));
    await writeStore(folder.path, [rows.slice(0, 3000), rows.slice(3000)]);
    const { stdout } = await weir(['query', '--data', folder.path, '--by', 'src_port', '--format', 'csv']);
    expect(stdout.trimEnd().split('\n').slice(1)).toEqual(rows.map((each) => `${each.src_port},1,1,${each.bytes}`));
    const table = await weir(['query', '--data', folder.path, '--by', 'src_port', '--top', '0', '--plain']);
    expect(table.stdout.split('\n').filter((line) => /^ *\d+ +1 +1 +\d+ /.test(line))).toHaveLength(5000);
  });

  it('have no row of totals among groups by many keys', async () => {
    const folder = tempFolder('keys');
    const rows = Array.from({ length: 300 }, (_, index) => ({
      ...row,
      dst_addr: '10.0.0.2',
      proto: 6,
      src_port: index + 1,
      dst_port: 443,
      bytes: 5000 - index,
      packets: 1,
    }));
    await writeStore(folder.path, [rows]);
    const keys = 'src_addr,dst_addr,proto,src_port,dst_port';
    const ask = (...args: string[]) => weir(['query', '--data', folder.path, '--by', keys, ...args]);
    const { stdout } = await ask('--top', '2', '--format', 'csv');
    expect(stdout).toBe(
      `${keys},flows,packets,bytes\n10.0.0.1,10.0.0.2,6,1,443,1,1,5000\n10.0.0.1,10.0.0.2,6,2,443,1,1,4999\n`,
    );
    expect((await ask('--top', '0', '--format', 'csv')).stdout.trimEnd().split('\n')).toHaveLength(301);
    // The totals are of all groups all the same.
    expect((await ask('--top', '2', '--plain')).stdout).toMatch(/total +300 flows, 300 packets, 1\.5 MB/);
  });
});
