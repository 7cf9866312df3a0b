import { describe, expect, it } from 'vitest';
import { collectorRow } from '#weir/session/quality.js';
import type { QualityRow } from '#weir/session/quality-row.js';
import { micros } from './fixture.ts';
import { day, event, session, short, storeOf } from './trace-tools.ts';

const minute = (clock: string, exporter = '192.0.2.254', clock_skew_ms = 0): QualityRow => ({
  ...collectorRow(Number(micros(day(clock))) / 1000, 0, 0),
  exporter,
  sender: exporter,
  datagrams: 10,
  clock_skew_ms,
});

const A = session('10.0.0.1', 5000, 40_000);
const ROWS = [event(4, '12:00', A), event(5, '12:01', A), event(4, '14:00', A), event(5, '14:01', A)];
const codes = (answer: { readonly reasons: readonly { readonly code: string }[] }) =>
  answer.reasons.map(({ code }) => code);

describe('nothing found says why', () => {
  it('the time is not among what is stored', async () => {
    const { trace } = await storeOf(ROWS);
    const early = await trace('198.51.100.1:40000', '11:00');
    expect(codes(early)).toEqual(['outside_store']);
    expect(early.reasons[0]?.text).toContain('begins at 2026-03-01T12:00:00');
    expect(codes(await trace('198.51.100.1:40000', '15:00'))).toEqual(['outside_store']);
  });

  it('an exporter was silent', async () => {
    const quality = [
      minute('12:00'),
      minute('12:01'),
      minute('14:00'),
      ...['12:00', '13:00', '14:00'].map((at) => minute(at, '192.0.2.9')),
    ];
    const { trace } = await storeOf(ROWS, { quality });
    const answer = await trace('198.51.100.1:40000', '13:00');
    expect(codes(answer)).toEqual(['exporter_silent', 'not_translated_then']);
    expect(answer.reasons[0]?.text).toContain(
      '192.0.2.254 was silent then: nothing of it arrived between 2026-03-01T12:02:00',
    );
    expect(codes(await trace('198.51.100.1:40000', '12:03'))).toEqual(['port_not_seen']);
  });

  it('no exporter tells of translations', async () => {
    const plain = {
      exporter: '192.0.2.254',
      flow_type: 2,
      duration: 0,
      proto: 6,
      src_addr: '10.0.0.1',
      dst_addr: '203.0.113.9',
    };
    const { trace } = await storeOf([
      { ...plain, time_start: day('12:00') },
      { ...plain, time_start: day('13:00') },
    ]);
    expect(codes(await trace('198.51.100.1:40000', '12:30'))).toEqual(['no_nat_evidence', 'never_translated']);
  });

  it('the address was never translated, or not then, or that port was not', async () => {
    const { trace } = await storeOf(ROWS);
    expect(codes(await trace('198.51.100.2:40000', '12:00:30'))).toEqual(['never_translated']);
    expect(codes(await trace('198.51.100.1:40001', '12:00:30'))).toEqual(['port_not_seen']);
    expect(codes(await trace('198.51.100.1:40000', '13:00'))).toEqual(['not_translated_then']);
  });

  it('the nearest ones before and after help', async () => {
    const { trace } = await storeOf(ROWS);
    const { nearest } = await trace('198.51.100.1:40000', '13:00');
    expect(nearest.before).toMatchObject({ inside_addr: '10.0.0.1', inside_port: 5000, distance: 59 * 60e6 });
    expect(nearest.after).toMatchObject({ inside_addr: '10.0.0.1', distance: 60 * 60e6 });
  });
});

describe('an exporter with a wrong clock', () => {
  it('is told of with its evidence', async () => {
    const { trace } = await storeOf(ROWS, { quality: [minute('12:00', '192.0.2.254', -90_000)] });
    const answer = await trace('198.51.100.1:40000', '12:00:30');
    expect(short(answer)).toBe('exact 10.0.0.1:5000');
    expect(answer.warnings.join()).toContain('192.0.2.254 was 90.0 s behind');
  });
});
