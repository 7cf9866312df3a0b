import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { writeStore } from './fixture.ts';

/* An exporter sends flows in v5 and the same traffic aggregated in v8: what is summed must be one of them, or said to be both. */

const row = { time_start: '2026-01-01T00:00:00Z', duration: 0, src_as: 64_500, packets: 1 };
const flow = { ...row, record_kind: 0, bytes: 100 };
const aggregate = { ...row, record_kind: 5, bytes: 1000, flow_count: 10 };

let folder: TempFolder;
beforeAll(async () => {
  folder = makeTempFolder('kinds');
  await writeStore(folder.path, [
    [flow, flow, flow],
    [aggregate, aggregate],
  ]);
});
afterAll(() => folder.remove());

const ask = (...args: string[]) => weir(['query', '--data', folder.path, '--raw', '--plain', ...args]);
const sums = async (...filter: string[]): Promise<{ bytes: number; note: string }> => {
  const { stdout, stderr } = await ask('--by', 'src_as', '--format', 'csv', ...filter);
  return { bytes: Number(stdout.trimEnd().split('\n')[1]?.split(',')[3]), note: stderr };
};
const BOTH = "sums both 3 flows and 2 aggregated records; 'kind flow' or 'kind aggregate' in the filter takes one";

describe('sums', () => {
  it('are of flows unless aggregates are asked for', async () => {
    expect(await sums()).toEqual({ bytes: 300, note: '' });
    expect(await sums('bytes > 0')).toEqual({ bytes: 300, note: '' });
    expect(await sums('kind flow')).toEqual({ bytes: 300, note: '' });
    expect(await sums('kind aggregate')).toEqual({ bytes: 2000, note: '' });
  });

  it('of both say so on standard error, where the format is for programs', async () => {
    const note = `note: ${BOTH}\n`;
    expect(await sums('kind in [flow, aggregate]')).toEqual({ bytes: 2300, note });
    expect(await sums('not kind nat_event')).toEqual({ bytes: 2300, note });
  });

  it('say below a table what was left out', async () => {
    const { stdout, stderr } = await ask('--by', 'src_as');
    expect(stdout).toContain("kinds    2 aggregated records left out; the filter 'kind aggregate' sums them");
    expect(stderr).toBe('');
    expect((await ask('--by', 'src_as', 'bytes < 500')).stdout).not.toContain('kinds');
    expect((await ask('--by', 'src_as', 'kind aggregate')).stdout).not.toContain('kinds');
  });

  it('of both say so below a table', async () => {
    expect((await ask('--by', 'src_as', 'kind in [flow aggregate]')).stdout).toContain(`kinds    ${BOTH}`);
  });
});

describe('a listing', () => {
  it('shows every record and says that its total sums both', async () => {
    const { stdout } = await ask();
    expect(stdout).toContain('total    5 flows, 5 packets, 2.3 kB');
    expect(stdout).toContain(`kinds    ${BOTH}`);
    expect((await ask('kind flow')).stdout).not.toContain('kinds');
  });

  it('for programs has nothing to say', async () => {
    const { stdout, stderr } = await ask('--format', 'ndjson', '--columns', 'record_kind,bytes');
    expect(stdout.trimEnd().split('\n')).toHaveLength(5);
    expect(stderr).toBe('');
  });
});

describe('weir sql', () => {
  const sql = async (statement: string) => {
    const { stdout, stderr } = await weir(['sql', '--data', folder.path, '--format', 'csv', statement]);
    return [stdout.trimEnd().split('\n')[1], stderr];
  };
  const NOTE =
    "note: of the rows that this may sum, 3 are flows and 2 aggregated records; where record_kind <> 'aggregate' leaves the latter out\n";

  it('says that a sum may be of both, unless the statement names the kinds', async () => {
    expect(await sql('select sum(bytes) from flows')).toEqual(['2300', NOTE]);
    expect(await sql('with f as (from flows_raw)\nselect sum(bytes) from f')).toEqual(['2300', NOTE]);
    expect(await sql("select sum(bytes) from flows where record_kind <> 'aggregate'")).toEqual(['300', '']);
    expect(await sql('select src_as from flows limit 1')).toEqual(['64500', '']);
    expect(await sql('select count(*) from names')).toEqual(['0', '']);
  });
});
