import { describe, expect, it } from 'vitest';
import { progressText } from '#weir/cli/progress.js';
import { tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { writeStore } from '../query/fixture.ts';

const row = { time_start: '2026-03-01T12:00:00Z', duration: 0, src_addr: '10.0.0.1', proto: 6, packets: 1, bytes: 1 };

describe('a long question', () => {
  it('tells how far it is', () => {
    expect(progressText({ rows: 25_000_000, totalRows: 100_000_000, bytes: 2_400_000_000 }, 2)).toBe(
      '[######------------------] 25 %  25.0 M of 100.0 M rows, 2.4 GB, 6 s left',
    );
    expect(progressText({ rows: 0, totalRows: 0, bytes: 0 }, 2)).toBe(
      '[------------------------] 0 %  0 of 0 rows, 0B',
    );
    expect(progressText({ rows: 5, totalRows: 10 }, 2)).toBe('[############------------] 50 %  5 of 10 rows, 2 s left');
  });
});

describe('weir query', () => {
  it('ends with 1 when nothing matches and it was asked to', async () => {
    const folder = tempFolder('exit-code');
    await writeStore(folder.path, [[row]]);
    const ask = (...args: string[]) => weir(['query', '--data', folder.path, ...args]);
    expect((await ask('proto udp')).code).toBe(0);
    expect((await ask('--exit-code', 'proto udp')).code).toBe(1);
    expect((await ask('--exit-code', '--by', 'proto', 'proto udp')).code).toBe(1);
    expect((await ask('--exit-code', '--format', 'csv', 'proto tcp')).code).toBe(0);
  });

  it('explains itself: the filter, the files, the statement, and no answer', async () => {
    const folder = tempFolder('explain');
    await writeStore(folder.path, [[row], [{ ...row, time_start: '2026-03-02T12:00:00Z' }]]);
    const { stdout, code } = await weir([
      'query',
      '--data',
      folder.path,
      '--utc',
      '--by',
      'src_addr',
      '--to',
      '2026-03-02',
      '--explain',
      'tcp',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^filter +proto = tcp\nfiles +1 of 2/);
    expect(stdout).toMatch(/read_parquet\(\[\/\* 1 file \*\/\]\)/);
    expect(stdout).not.toContain('10.0.0.1');
  });

  it('refuses a memory that is none', async () => {
    const { stderr, code } = await weir(['query', '--memory', '1MB']);
    expect(code).toBe(2);
    expect(stderr).toContain('at least 64MB');
  });
});
