import { array, assert, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeEntries, type SegmentEntry } from '#weir/store/catalogue.js';
import { backlog, type MergeJob, nextJob, nextMerge } from '#weir/store/merge-plan.js';
import { parseSegmentPath, segmentPath } from '#weir/store/paths.js';
import { expiredSegments, type Retention } from '#weir/store/retention.js';
import { ROLLUP_TIERS, type RollupTier } from '#weir/store/rollup-cubes.js';
import { rollupProgress } from '#weir/store/rollup-progress.js';

const RULES = { rotateSeconds: 300, unitRows: 1000, crowd: 60 };
const NOON = 1_772_366_400;

function entry(n: number, seconds: number, rows: number, last = n, merged = false): SegmentEntry {
  const micros = (NOON + seconds) * 1_000_000;
  const file = segmentPath({ kind: 'flows', merged, first: n, last }, micros);
  const times = { minReceived: micros, maxReceived: micros + 500_000, minStart: micros, maxEnd: micros };
  return {
    file,
    tier: merged ? 'compact' : 'fresh',
    rows,
    bytes: rows * 20,
    columns: ['bytes'],
    sorted: merged,
    ...times,
  };
}

const numbers = (job: MergeJob | undefined) => job?.inputs.map(({ file }) => parseSegmentPath(file)?.first);

describe('the plan of merges', () => {
  it('leaves a slot alone that is being written', () => {
    expect(nextMerge([entry(1, 0, 10), entry(2, 1, 10)], RULES, NOON + 302)).toBeUndefined();
  });

  it('takes an ended slot, also one with a single segment', () => {
    expect(numbers(nextMerge([entry(1, 0, 10), entry(2, 299, 10), entry(3, 300, 10)], RULES, NOON + 306))).toEqual([
      1, 2,
    ]);
    expect(numbers(nextMerge([entry(1, 0, 10)], RULES, NOON + 306))).toEqual([1]);
  });

  it('makes groups of a unit at most; a larger segment stands alone', () => {
    const entries = [entry(1, 0, 600), entry(2, 1, 300), entry(3, 2, 200), entry(4, 3, 5000)];
    expect(nextMerge(entries, RULES, NOON + 10)).toBeUndefined();
    expect(numbers(nextMerge(entries, RULES, NOON + 306))).toEqual([1, 2]);
    expect(numbers(nextMerge(entries.slice(3), RULES, NOON + 306))).toEqual([4]);
  });

  it('takes a crowd of small ones', () => {
    const many = Array.from({ length: 60 }, (_, i) => entry(i + 1, i, 2));
    expect(nextMerge(many.slice(1), RULES, NOON + 61)).toBeUndefined();
    expect(nextMerge(many, RULES, NOON + 61)?.name).toEqual({ kind: 'flows', merged: true, first: 1, last: 60 });
  });

  it('does not merge across a segment that is to be skipped', () => {
    const entries = [entry(1, 0, 10), entry(2, 1, 10), entry(3, 2, 10)];
    const skip = new Set([entries[1]?.file ?? '']);
    expect(numbers(nextMerge(entries, { ...RULES, skip }, NOON + 306))).toEqual([1]);
  });

  it('ends, with every row in exactly one file and no file above the unit', () => {
    const segments = array(record({ gap: integer({ min: 0, max: 4000 }), rows: integer({ min: 1, max: 700 }) }), {
      maxLength: 60,
    });
    assert(
      property(segments, integer({ min: 0, max: 200_000 }), (list, later) => {
        let seconds = 0;
        let entries = list.map(({ gap, rows }, i) => {
          seconds += gap;
          return entry(i + 1, seconds, rows);
        });
        const total = list.reduce((sum, { rows }) => sum + rows, 0);
        const now = NOON + seconds + later;
        for (let jobs = 0; ; jobs++) {
          expect(jobs).toBeLessThan(4 * list.length + 1);
          const job = nextMerge(entries, RULES, now);
          if (job === undefined) break;
          const rows = job.inputs.reduce((sum, one) => sum + one.rows, 0);
          expect(rows).toBeLessThanOrEqual(1000);
          const merged = {
            ...entry(job.name.first, 0, rows, job.name.last, true),
            minReceived: job.inputs[0]?.minReceived ?? 0,
          };
          // As a reader would see it who finds the old and the new on the list.
          entries = mergeEntries([...entries, merged]);
          expect(entries.reduce((sum, one) => sum + one.rows, 0)).toBe(total);
        }
        expect(backlog(entries, 300, now)).toEqual({ files: 0, rows: 0 });
      }),
    );
  });
});

describe('the turn of roll-ups', () => {
  const rolled = (tier: RollupTier, first: number, last: number, flows: number): SegmentEntry => ({
    ...entry(first, 0, 5),
    file: segmentPath({ kind: tier, merged: true, first, last }, NOON * 1_000_000),
    tier,
    rollup: { flows, cubes: [] },
  });
  const done = entry(1, 0, 900, 9, true);
  const kindOf = (entries: readonly SegmentEntry[], now: number, rollups: readonly RollupTier[] = ROLLUP_TIERS) =>
    nextJob(entries, { ...RULES, rollups }, now)?.name.kind;

  it('is after the merging of ended slots, but for flows that have waited for long', () => {
    const fresh = entry(10, 300, 10);
    expect(kindOf([done, fresh], NOON + 606)).toBe('flows');
    expect(kindOf([done], NOON + 606)).toBe('minute');
    expect(kindOf([done, fresh], NOON + 300 + 906)).toBe('minute');
    expect(kindOf([done, fresh, rolled('minute', 1, 9, 900)], NOON + 300 + 906)).toBe('hour');
    // What is merged alone can be counted: merging goes on.
    const both = [rolled('minute', 1, 9, 900), rolled('hour', 1, 9, 900)];
    expect(kindOf([done, fresh, ...both], NOON + 300 + 906)).toBe('flows');
  });

  it('comes for the tiers that are asked for', () => {
    expect(kindOf([done], NOON + 606, ['hour'])).toBe('hour');
    expect(kindOf([done], NOON + 606, [])).toBeUndefined();
  });

  it('can be told: until when all is counted, what waits, and since when', () => {
    const now = (seconds: number) => ({ rotateSeconds: 300, nowMs: (NOON + seconds) * 1000 });
    const minute = rolled('minute', 1, 9, 900);
    const of = (entries: readonly SegmentEntry[], seconds: number) => rollupProgress(entries, 'minute', now(seconds));
    expect(of([done], 200)).toEqual({ countedUntil: undefined, waiting: 0, behindMs: 0 });
    expect(of([done], 360)).toEqual({ countedUntil: undefined, waiting: 900, behindMs: 60_000 });
    expect(of([done, minute], 360)).toEqual({ countedUntil: done.maxReceived, waiting: 0, behindMs: 0 });
    const next = entry(10, 300, 10);
    expect(of([done, minute, next], 400)).toEqual({ countedUntil: done.maxReceived, waiting: 0, behindMs: 0 });
    expect(of([done, minute, next], 660)).toEqual({ countedUntil: done.maxReceived, waiting: 10, behindMs: 60_000 });
    const late = entry(11, 0, 10);
    expect(of([done, minute, late], 200)).toMatchObject({ countedUntil: late.minReceived, waiting: 0 });
    // The roll-up of the first slot has been given up before its flows.
    const later = entry(20, 600, 900, 29, true);
    expect(of([done, later, rolled('minute', 20, 29, 900)], 4000)).toMatchObject({ waiting: 0, behindMs: 0 });
  });
});

describe('retention', () => {
  const entries = [entry(3, 600, 10), entry(1, 0, 10), entry(2, 300, 10)];
  const names = (expired: readonly SegmentEntry[]) => expired.map(({ file }) => parseSegmentPath(file)?.first);

  it('gives up the oldest by age and by size, never what is being merged', () => {
    const now = (NOON + 1000) * 1000;
    expect(expiredSegments(entries, {}, now, new Set())).toEqual([]);
    expect(names(expiredSegments(entries, { maxAgeMs: 800_000 }, now, new Set()))).toEqual([1]);
    expect(names(expiredSegments(entries, { maxBytes: 399 }, now, new Set()))).toEqual([1, 2]);
    expect(names(expiredSegments(entries, { maxBytes: 599 }, now, new Set([entries[1]?.file ?? ''])))).toEqual([2]);
    expect(names(expiredSegments(entries, { maxBytes: 0, maxAgeMs: 0 }, now, new Set()))).toEqual([1, 2, 3]);
  });

  it('keeps names for as long as there are flows that they may belong to', () => {
    const day = 86_400;
    const now = (NOON + 10 * day) * 1000;
    const ofNames = (number: number, at: number) => {
      const file = segmentPath({ kind: 'names', merged: false, first: number, last: number }, 0);
      return { ...entry(number, at, 10), file, tier: 'names' as const };
    };
    const all = [entry(5, 5 * day, 10), entry(6, 9 * day, 10), ofNames(1, 2 * day), ofNames(2, 4 * day)];
    expect(expiredSegments(all, {}, now, new Set())).toEqual([]);
    // The oldest flow is of day 5, and a name in force then was written again on day 4.
    expect(names(expiredSegments(all, { maxAgeMs: 7 * day * 1000 }, now, new Set()))).toEqual([1]);
    expect(names(expiredSegments(all, { maxAgeMs: 2 * day * 1000 }, now, new Set()))).toEqual([5, 1, 2]);
    expect(names(expiredSegments(all, { maxBytes: 0 }, now, new Set()))).toEqual([5, 6, 1, 2]);
    expect(names(expiredSegments(all, { maxBytes: 100 }, now, new Set([all[2]?.file ?? ''])))).toEqual([5, 6, 2]);
  });

  it('keeps roll-ups longer than flows, within bounds of their own', () => {
    const day = 86_400;
    const now = (NOON + 40 * day) * 1000;
    const rolled = (tier: RollupTier, number: number, at: number): SegmentEntry => {
      const file = segmentPath({ kind: tier, merged: true, first: number, last: number }, 0);
      return { ...entry(number, at, 10), file, tier, bytes: 20, rollup: { flows: 10, cubes: [] } };
    };
    const all = [1, 35].flatMap((n) => [
      entry(n, n * day, 10),
      rolled('minute', n, n * day),
      rolled('hour', n, n * day),
    ]);
    const expired = (retention: Retention) =>
      expiredSegments(all, retention, now, new Set()).map(
        ({ tier, file }) => `${tier} ${parseSegmentPath(file)?.first}`,
      );
    expect(expired({ maxAgeMs: 10 * day * 1000 })).toEqual(['fresh 1']);
    expect(expired({ maxAgeMs: 9 * day * 1000 })).toEqual(['minute 1', 'fresh 1']);
    expect(expired({ hour: { maxAgeMs: 30 * day * 1000 } })).toEqual(['hour 1']);
    expect(expired({ minute: { maxBytes: 39 } })).toEqual(['minute 1']);
    // All together are 480 octets: flows give way, and roll-ups where they are more than their share.
    expect(expired({ maxBytes: 400 })).toEqual(['hour 1', 'fresh 1']);
    expect(expired({ maxBytes: 399 })).toEqual(['minute 1', 'hour 1', 'hour 35', 'fresh 1']);
  });
});
