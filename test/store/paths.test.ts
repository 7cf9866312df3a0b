import { describe, expect, it } from 'vitest';
import { parseSegmentPath, type SegmentName, segmentPath, supersededAmong, supersedes } from '#weir/store/paths.js';

const fresh = (n: number): SegmentName => ({ kind: 'flows', merged: false, first: n, last: n });
const merged = (first: number, last: number): SegmentName => ({ kind: 'flows', merged: true, first, last });

describe('names of segments', () => {
  it('are read as they were made', () => {
    for (const name of [
      fresh(1),
      merged(1, 9_007_199_254_740_991),
      { ...merged(2, 3), revision: 4 },
      { ...merged(7, 7), kind: 'names' as const },
    ]) {
      const path = segmentPath(name, 1_772_366_400_123_456);
      expect(path).toMatch(/^(flows|names)\/20260301T120000Z-[fc][\d-]+(r\d+)?\.parquet$/);
      expect(parseSegmentPath(path)).toEqual(name);
    }
  });

  it('are told from any other name', () => {
    for (const path of [
      '',
      'flows/',
      'flows/x.parquet',
      'flows/a/20260301T120000Z-f1.parquet',
      'other/20260301T120000Z-f1.parquet',
      '20260301T120000Z-f1.parquet',
      'flows/20260301T120000Z-f1.parquet.tmp',
      '../flows/20260301T120000Z-f1.parquet',
    ])
      expect(parseSegmentPath(path)).toBeUndefined();
  });

  it('tell which file replaces which', () => {
    expect(supersedes(merged(1, 3), fresh(1))).toBe(true);
    expect(supersedes(merged(1, 1), fresh(1))).toBe(true);
    expect(supersedes(merged(1, 9), merged(4, 6))).toBe(true);
    expect(supersedes(merged(1, 3), merged(1, 3))).toBe(false);
    expect(supersedes({ ...merged(1, 3), revision: 1 }, merged(1, 3))).toBe(true);
    expect(supersedes(merged(1, 3), { ...merged(1, 3), revision: 1 })).toBe(false);
    expect(supersedes(merged(1, 4), { ...merged(1, 3), revision: 7 })).toBe(true);
    expect(supersedes(fresh(1), fresh(1))).toBe(false);
    expect(supersedes(merged(1, 3), fresh(4))).toBe(false);
    expect(supersedes(merged(1, 3), { ...fresh(2), kind: 'quality' })).toBe(false);
    const names = {
      a: merged(1, 3),
      b: fresh(1),
      c: fresh(3),
      d: fresh(4),
      e: merged(4, 4),
      f: merged(1, 4),
      g: fresh(5),
      q: { ...fresh(2), kind: 'quality' as const },
    };
    expect([...supersededAmong(new Map(Object.entries(names)))].sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
    const revisions = { a: { ...merged(1, 3), revision: 2 }, b: merged(1, 3), c: { ...merged(1, 3), revision: 1 } };
    expect([...supersededAmong(new Map(Object.entries(revisions)))].sort()).toEqual(['b', 'c']);
  });
});
