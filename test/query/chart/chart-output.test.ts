import { describe, expect, it } from 'vitest';
import { tempFolder } from '../../helpers/temp.ts';
import { weir } from '../../helpers/weir.ts';
import { askText } from '../ask.ts';
import { writeStore } from '../fixture.ts';

/** 20 flows a minute apart; those of 10.0.0.2 have twice the bytes. */
function store(): Promise<string> {
  const path = tempFolder('chart').path;
  const rows = Array.from({ length: 20 }, (_, n) => ({
    src_addr: `10.0.0.${1 + (n % 2)}`,
    dst_port: 443,
    proto: n < 15 ? 6 : 17,
    time_start: `2026-11-21T12:${String(n).padStart(2, '0')}:00Z`,
    duration: 0,
    bytes: 7500 * (1 + (n % 2)),
    packets: 10,
  }));
  return writeStore(path, [rows]).then(() => path);
}

const draw = async (question: Parameters<typeof askText>[1]) =>
  (await askText(await store(), question, 'chart', { quiet: true, plain: false, width: 60, height: 24 }))
    .split('\n')
    .slice(0, -1);

describe('weir query --chart', () => {
  it('draws rates over time, as they are in the table', async () => {
    const lines = await draw({ by: 'time/5m,proto' });
    expect(lines[0]).toBe('bit/s');
    // Five minutes with flows of 7500 and 15000 bytes a minute in turn.
    expect(lines.slice(-2)).toEqual([
      expect.stringMatching(/^a tcp {2}average 1\.1 k {2}most 1\.6 k$/),
      expect.stringMatching(/^b udp {2}average +400 {2}most 1\.6 k$/),
    ]);
    expect(lines.some((line) => /12:05 .*12:10 .*12:15/.test(line))).toBe(true);
  });

  it('draws what the answer is ordered by', async () => {
    expect((await draw({ by: 'time/5m', order: 'time/5m,packets' }))[0]).toBe('packet/s');
    expect((await draw({ by: 'src_addr', order: 'flows' }))[0]).toBe('flows');
    expect((await draw({ by: 'src_addr', measures: 'avg_bytes', order: 'avg_bytes' }))[0]).toBe('avg bytes');
  });

  it('draws bars of groups, and one for those that are not shown', async () => {
    expect(await draw({ by: 'src_addr' })).toEqual([
      'bytes',
      expect.stringMatching(/^10\.0\.0\.2 #{43} 150\.0 k$/),
      expect.stringMatching(/^10\.0\.0\.1 #{22} +75\.0 k$/),
    ]);
  });

  it('draws a distribution with its gaps', async () => {
    const lines = await draw({ histogram: 'bytes' });
    expect(lines[0]).toBe('flows by bytes from');
    expect(lines.slice(1).map((line) => line.trim().split(/ {2,}| #+ +/)[0])).toEqual(['5.0 k', '10.0 k']);
    expect(await draw({ stat: 'src_addr,proto' })).toEqual(expect.arrayContaining(['bytes', '']));
  });

  it('says nothing more than the summary where nothing matches', async () => {
    expect(await askText(await store(), { by: 'time/5m', filter: 'port 1' }, 'chart')).toMatch(/^time +no flows/);
  });

  it.each([
    [['--chart'], '--chart draws sums, and there are none'],
    [['--chart', '--by', 'proto', '--format', 'csv'], '--chart and --format csv do not go together'],
    [['--chart', '--by', 'proto', '--width', '3'], '--width 3 is no number of columns'],
  ])('refuses %j', async (args, says) => {
    const { code, stderr } = await weir(['query', '--data', await store(), ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });
});
