import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Running, spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { type Collector, parseNdjson, startCollector, weir } from '../helpers/weir.ts';

/** Starts `weir tail` and waits until the collector knows that it is there. */
async function startTail(collector: Collector, args: readonly string[]): Promise<Running> {
  const tail = spawnProcess(process.execPath, [
    repositoryPath('bin/weir.js'),
    'tail',
    '--utc',
    '--data',
    collector.data,
    ...args,
  ]);
  onTestFinished(() => tail.kill());
  await sleep(1500);
  return tail;
}

const generate = (collector: Collector, flows: number, seed = 1) =>
  weir([
    'generate',
    collector.url,
    '--version',
    '9',
    '--flows',
    String(flows),
    '--rate',
    '2000',
    '--seed',
    String(seed),
  ]);

/** The lines of flows that a query of what was stored prints, in any order. */
async function asked(collector: Collector, args: readonly string[]): Promise<string[]> {
  const { stdout } = await weir(['query', '--utc', '--quiet', '--top', '0', '--data', collector.data, ...args]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .sort();
}

describe('weir tail', () => {
  it('shows the flows that come, as a query shows them when they are stored', async () => {
    const collector = await startCollector();
    const lines = await startTail(collector, ['--quiet', '--format', 'extended', 'proto tcp or proto icmp']);
    const json = await startTail(collector, ['--quiet', '--format', 'ndjson', 'proto tcp']);
    const columns = ['--format', 'ndjson', '--columns', 'duration,src_addr,dst_port,icmp_type,icmp_code,bytes'];
    const chosen = await startTail(collector, ['--quiet', ...columns, 'not proto tcp']);
    await generate(collector, 900);
    await sleep(1500);
    await lines.stop('SIGINT');
    const some = (await chosen.stop('SIGTERM')).stdout.trimEnd().split('\n').sort();
    const told = (await json.stop('SIGTERM')).stdout;
    await collector.stop();
    const expected = await asked(collector, ['--format', 'extended', 'proto tcp or proto icmp']);
    expect(expected.length).toBeGreaterThan(300);
    expect(
      (await lines.finished).stdout
        .split('\n')
        .filter((line) => line !== '')
        .sort(),
    ).toEqual(expected);
    expect((await lines.finished).code).toBe(0);
    const rows = (text: string) =>
      parseNdjson(text)
        .map((row) => JSON.stringify(row, Object.keys(row).sort()))
        .sort();
    const stored = (await asked(collector, ['--format', 'ndjson', 'proto tcp'])).join('\n');
    expect(some.some((line) => line.includes('"icmp_type":8'))).toBe(true);
    expect(some).toEqual(await asked(collector, [...columns, 'not proto tcp']));
    // A query has the duration when it is asked for, and no column that all flows have as 0.
    for (const row of parseNdjson(told)) expect(row).toHaveProperty('duration');
    const bare = (text: string) =>
      rows(text).map((row) =>
        JSON.stringify(
          Object.entries(JSON.parse(row) as object).filter(([name, value]) => name !== 'duration' && value !== 0),
        ),
      );
    expect(bare(told)).toEqual(bare(stored));
  });

  it('ends after as many flows as were asked for, and shows the columns that were', async () => {
    const collector = await startCollector();
    const tail = await startTail(collector, ['--columns', 'src_addr,bytes,duration', '--plain', '--limit', '5']);
    await generate(collector, 300);
    const { code, stdout } = await tail.finished;
    expect(code).toBe(0);
    const [header, ...lines] = stdout.trimEnd().split('\n');
    expect(header?.split(/ {2,}/)).toEqual(['source', 'bytes', 'duration']);
    expect(lines).toHaveLength(5);
    for (const line of lines) expect(line).toMatch(/^[\d.a-f:]+ +\d+ +\d+\.\d{3}$/);
    await collector.stop();
  });

  it('waits for a collector that is started again', async () => {
    const collector = await startCollector();
    const tail = await startTail(collector, ['--format', 'ndjson']);
    await generate(collector, 50);
    await tail.waitFor('"src_addr"');
    await collector.stop();
    await tail.waitFor('note: the collector has ended; waiting for it to start again');
    const before = parseNdjson(tail.stdout()).length;
    expect(before).toBe(50);
    const again = await startCollector({ data: collector.data });
    await tail.waitFor('note: the collector is there again');
    await sleep(200);
    await generate(again, 70, 2);
    await again.stop();
    const { code, stdout } = await tail.stop('SIGINT');
    expect(code).toBe(0);
    expect(parseNdjson(stdout)).toHaveLength(120);
  });

  it('says that no collector is running, and what to do', async () => {
    const { path } = tempFolder('tail');
    const { code, stderr } = await weir(['tail', '--data', path]);
    expect(code).toBe(1);
    expect(stderr).toContain(`error: no collector is running on ${path}\n  Start one: weir collect --data ${path}`);
  });

  it.each([
    [['--format', 'table'], 'there is no --format table'],
    [['--columns', 'nothing'], "there is no column 'nothing'"],
    [['--limit', 'x'], '--limit x is no number'],
    [['port htps'], 'htps'],
  ])('refuses %j before it asks the collector', async (args, says) => {
    const { code, stderr } = await weir(['tail', '--data', '/nowhere', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });
});
