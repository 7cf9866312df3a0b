import { describe, expect, it } from 'vitest';
import { findings } from '#weir/app/findings.js';
import type { StartReport } from '#weir/store/repair.js';

const SOUND: StartReport = {
  catalogue: 'sound',
  segments: 3,
  rows: 30,
  bytes: 3000,
  adopted: [],
  leftovers: [],
  damaged: [],
  missing: [],
  foreign: [],
  tookOverFrom: undefined,
};

describe('what a start found', () => {
  it('is nothing to speak of in a new folder and in a sound one', () => {
    expect(findings(SOUND)).toEqual([]);
    expect(findings({ ...SOUND, catalogue: 'new', segments: 0, rows: 0, bytes: 0 })).toEqual([]);
  });

  it('is said in a sentence each', () => {
    const damaged = { file: 'flows/a.parquet', movedTo: 'damaged/a.parquet', reason: 'too short' };
    const report: StartReport = {
      ...SOUND,
      tookOverFrom: 4711,
      catalogue: 'rebuilt',
      adopted: ['a', 'b'],
      leftovers: ['c'],
      missing: ['d'],
      foreign: ['e', 'f', 'g', 'h'],
      damaged: [damaged],
    };
    expect(findings(report)).toEqual([
      'process 4711 was writing here and ended without closing the store',
      'the catalogue was missing or damaged; it was made again from the segments',
      '2 files complete but not listed: listed now',
      '1 file half-written or replaced: removed',
      '1 file listed but gone: d',
      '4 files that weir did not write, left alone: e, f, g',
      'flows/a.parquet cannot be read (too short); it was set aside as damaged/a.parquet',
    ]);
  });

  it('is bounded when very much is damaged', () => {
    const damaged = Array.from({ length: 500 }, (_, i) => ({ file: `${i}`, movedTo: `d/${i}`, reason: 'x' }));
    expect(findings({ ...SOUND, damaged })).toHaveLength(10);
  });
});
