import { describe, expect, it } from 'vitest';
import { type Question, readQuestion } from '#weir/query/question.js';
import { chooseTiers } from '#weir/query/tier.js';
import type { SegmentEntry } from '#weir/store/catalogue.js';
import { type Kind, segmentPath } from '#weir/store/paths.js';
import { TIER_CUBES } from '#weir/store/rollup-cubes.js';

const NOON = Date.parse('2026-03-01T12:00:00Z') * 1000;
const HOUR = 3_600_000_000;

/** A file with the numbers `first` to `last`, ten flows for each, of the hours after noon of these numbers. */
function file(kind: Kind, first: number, last: number, flows = 10 * (last - first + 1)): SegmentEntry {
  const rolled = kind === 'minute' || kind === 'hour';
  const times = { minReceived: NOON + first * HOUR, maxReceived: NOON + (last + 1) * HOUR - 1 };
  return {
    file: segmentPath({ kind, merged: true, first, last }, times.minReceived),
    tier: kind === 'flows' ? 'compact' : kind,
    rows: rolled ? 3 : flows,
    bytes: 100,
    columns: [],
    ...times,
    minStart: times.minReceived,
    maxEnd: times.maxReceived,
    sorted: true,
    ...(kind === 'minute' || kind === 'hour' ? { rollup: { flows, cubes: TIER_CUBES[kind] } } : {}),
  };
}

/** What is read for a question: `hour 1-2`, `edges of minute 1-2`, `flows 3`, `edges of flows 3`. */
function choice(entries: readonly SegmentEntry[], question: Question = { by: 'proto' }): string[] | string {
  const spec = readQuestion(question, { now: 0, zone: 'utc' });
  const flows = entries.filter(({ tier }) => tier === 'compact');
  const chosen = chooseTiers(spec, entries, flows);
  if ('why' in chosen) return chosen.why;
  const numbers = ({ file: path }: SegmentEntry) => /c(\d+-\d+)/.exec(path)?.[1];
  return [
    ...chosen.rolled.map(
      ({ tier, entries: used, outside }) => `${outside ? 'edges of ' : ''}${tier} ${used.map(numbers).join(' ')}`,
    ),
    ...chosen.raw.map(
      ({ segments, outside }) => `${outside ? 'edges of ' : ''}flows ${segments.map(numbers).join(' ')}`,
    ),
    ...(chosen.unknown === undefined ? [] : ['unknown']),
  ];
}

describe('roll-ups', () => {
  it('stand for the flows that they count, all of them or none', () => {
    expect(choice([file('flows', 1, 4), file('hour', 1, 4)])).toEqual(['hour 1-4']);
    expect(choice([file('flows', 1, 4), file('hour', 1, 2), file('hour', 3, 4)])).toEqual(['hour 1-2 3-4']);
    expect(choice([file('flows', 1, 2), file('flows', 3, 4), file('hour', 1, 4)])).toEqual(['hour 1-4']);
    expect(choice([file('flows', 1, 4), file('hour', 1, 2)])).toEqual(['flows 1-4']);
    expect(choice([file('flows', 1, 2), file('flows', 3, 4), file('hour', 2, 3)])).toEqual(['flows 1-2 3-4']);
    expect(choice([file('flows', 1, 4, 39), file('hour', 1, 2), file('hour', 3, 4)])).toEqual(['flows 1-4']);
    expect(choice([file('flows', 1, 2, 21), file('hour', 1, 2)])).toEqual(['flows 1-2']);
  });

  it('per hour come before those per minute, which count what no hour does', () => {
    const flows = [file('flows', 1, 2), file('flows', 3, 4), file('flows', 5, 5)];
    expect(choice([...flows, file('hour', 1, 2), file('minute', 1, 2), file('minute', 3, 4)])).toEqual([
      'hour 1-2',
      'minute 3-4',
      'flows 5-5',
    ]);
    // Minutes that were merged further than hours are taken whole.
    expect(choice([...flows, file('hour', 1, 2), file('minute', 1, 4)])).toEqual(['minute 1-4', 'flows 5-5']);
    expect(choice([...flows, file('hour', 1, 4), file('minute', 3, 4)])).toEqual(['hour 1-4', 'flows 5-5']);
  });

  it('answer for whole buckets; the ends come from shorter ones, and from flows', () => {
    const all = [
      file('flows', 1, 2),
      file('flows', 3, 4),
      file('hour', 1, 4),
      file('minute', 1, 2),
      file('minute', 3, 4),
    ];
    const span = (from: string, to: string) => ({ by: 'proto', from: `2026-03-01T${from}Z`, to: `2026-03-01T${to}Z` });
    expect(choice(all, span('13:00:00', '17:00:00'))).toEqual(['hour 1-4']);
    expect(choice(all, span('13:20:00', '17:00:00'))).toEqual([
      'hour 1-4',
      'edges of minute 1-2',
      'edges of flows 1-2',
    ]);
    expect(choice(all, span('13:20:30', '13:50:00'))).toEqual(['minute 1-2', 'edges of flows 1-2 3-4']);
    expect(choice(all, { ...span('13:00:00', '17:00:00'), by: 'time/5m' })).toEqual(['minute 1-2 3-4']);
    expect(choice(all, { by: 'time/90m' })).toEqual(['minute 1-2 3-4']);
    expect(choice(all, { by: 'time/90s' })).toBe('no roll-up has buckets as short as those asked for, or all columns');
  });

  it('say what they do not know of flows that are gone', () => {
    const rolled = [file('hour', 1, 4), file('minute', 1, 4)];
    expect(choice([file('flows', 3, 4), ...rolled])).toEqual(['hour 1-4']);
    const inside = { by: 'proto', from: '2026-03-01T13:20:00Z' };
    expect(choice([file('flows', 3, 4), ...rolled], inside)).toEqual(['hour 1-4', 'edges of minute 1-4', 'unknown']);
  });

  it('are not used for what they do not keep', () => {
    const entries = [file('flows', 1, 2), file('hour', 1, 2)];
    expect(choice(entries, { by: 'src_addr' })).toBe('roll-ups do not keep src_addr');
    expect(choice(entries, { by: 'proto', filter: 'bytes > 1000' })).toBe('roll-ups do not keep bytes');
    expect(choice(entries, { by: 'proto', measures: 'p95_bytes' })).toBe('p95_bytes is no sum');
    expect(choice(entries, { by: 'proto,in_if,tos' })).toMatch(/or all columns$/);
    expect(choice(entries, { by: 'time_received/1h' })).toMatch(/not by time_received$/);
    expect(choice(entries, { by: 'proto', splitBiflows: true })).toMatch(/biflows apart$/);
    expect(choice([file('flows', 1, 2)])).toBe('there are no roll-ups');
  });
});
