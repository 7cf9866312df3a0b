import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readQuestion } from '#weir/query/question.js';
import { makeTempFolder } from '../helpers/temp.ts';
import { askStore, askText } from './ask.ts';
import { writeStore } from './fixture.ts';
import { counted, groupFlows, type RandomFlow, randomSegments, sum } from './random-flows.ts';
import { describeStores } from './random-stores.ts';

const stores = fc.sample(randomSegments, { numRuns: 5, seed: 53 });

/** The class of a number, found digit by digit. */
function classOf(value: number, least: number): [from: number, to: number] {
  const ends = [0];
  for (let power = least; power < 20; power++) for (const digit of [1, 2, 5]) ends.push(Number(`${digit}e${power}`));
  const index = ends.findLastIndex((end) => value >= end);
  return [ends[index] as number, ends[index + 1] as number];
}

const NUMBERS: Readonly<Record<string, { least: number; value: (flow: RandomFlow) => number | undefined }>> = {
  bytes: { least: 0, value: (flow) => counted(flow, 'bytes') },
  packets: { least: 0, value: (flow) => counted(flow, 'packets') },
  duration: { least: 0, value: ({ duration }) => duration },
  bpp: { least: -3, value: ({ bytes, packets }) => bytes / packets },
  bps: {
    least: -3,
    value: (flow) => (flow.duration === 0 ? undefined : (8 * counted(flow, 'bytes') * 1e6) / flow.duration),
  },
  pps: {
    least: -3,
    value: (flow) => (flow.duration === 0 ? undefined : (counted(flow, 'packets') * 1e6) / flow.duration),
  },
  sampling_rate: { least: 0, value: (flow) => flow.sampling_rate },
};

describeStores(stores, ({ folder, flows }) => {
  it.each(Object.keys(NUMBERS))('%s is distributed', async (name) => {
    const { least, value } = NUMBERS[name] as (typeof NUMBERS)[string];
    const groups = [...groupFlows(flows, (flow) => value(flow) ?? null)].map(([key, group]) => ({
      ends: key === 'null' ? undefined : classOf(Number(key), least),
      group,
    }));
    const from = (ends: readonly number[] | undefined) => ends?.[0] ?? Number.POSITIVE_INFINITY;
    const classes = [...new Set(groups.map(({ ends }) => from(ends)))].sort((a, b) => a - b);
    let before = 0;
    const expected = classes.map((begin) => {
      const same = groups.filter(({ ends }) => from(ends) === begin);
      const own = same.flatMap(({ group }) => group);
      before += own.length;
      return {
        [`${name}_from`]: same[0]?.ends?.[0] ?? null,
        flows: own.length,
        packets: sum(own.map((flow) => counted(flow, 'packets'))),
        bytes: sum(own.map((flow) => counted(flow, 'bytes'))),
        [`${name}_to`]: same[0]?.ends?.[1] ?? null,
        share_flows: (100 * own.length) / flows.length,
        cumulated_flows: (100 * before) / flows.length,
      };
    });
    expect(await askStore(folder.path, { histogram: name })).toEqual(expected);
  });
});

it('what distributions have anyway may be asked for, too', async () => {
  const folder = makeTempFolder();
  await writeStore(folder.path, [[{ time_start: '2026-03-01T12:00:00Z', packets: 1, bytes: 5, duration: 1 }]]);
  const text = await askText(folder.path, { histogram: 'bytes', measures: 'share_flows,bpp' }, 'csv');
  expect(text).toBe('bytes_from,flows,packets,bytes,bytes_to,share_flows,cumulated_flows,bpp\n5,1,1,5,10,100,100,5\n');
  folder.remove();
});

it('distributions are readable in a table', async () => {
  const folder = makeTempFolder();
  const flow = { time_start: '2026-03-01T12:00:00Z', packets: 1, bytes: 5 };
  await writeStore(folder.path, [[0, 1_500_000, 70_000_000].map((duration) => ({ ...flow, duration }))]);
  const text = await askText(folder.path, { histogram: 'duration' }, 'table');
  expect(text).toMatch(/^duration from +flows +packets +bytes +below +% flows +cumulated\n/);
  expect(text).toMatch(/\n +50\.000 +1 +1 +5 +100\.000 +33\.3 +100\.0\n/);
  folder.remove();
});

it.each([
  [{ histogram: 'byte' }, "'byte' is no number of a flow"],
  [{ histogram: 'src_addr' }, "'src_addr' is no number of a flow"],
  [{ histogram: 'bytes', by: 'proto' }, '--histogram and --by do not go together'],
  [{ histogram: 'bytes', top: '3' }, '--histogram and --top do not go together'],
])('%j is refused', (question, message) => {
  expect(() => readQuestion(question, { now: 0, zone: 'utc' })).toThrow(message);
});
