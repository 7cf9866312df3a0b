import { describe, expect, it } from 'vitest';
import type { PlainRow } from './fixture.ts';
import { day, short, storeOf } from './trace-tools.ts';

interface Connection {
  readonly inside: string;
  readonly port: number;
  readonly publicPort?: number;
  readonly public?: string;
  readonly clock?: string;
  readonly peer?: string;
}

/** The records of a connection as nfflowd sends them: before translation, after it, and the way back. */
function triplet({
  inside,
  port,
  publicPort = port,
  public: address = '198.51.100.1',
  clock = '12:00',
  peer = '203.0.113.9',
}: Connection): PlainRow[] {
  const all = { exporter: '192.0.2.254', flow_type: 2, time_start: day(clock), duration: 60_000_000, proto: 6 };
  const out = { ...all, dst_addr: peer, dst_port: 80, packets: 720, bytes: 38_052 };
  return [
    { ...out, src_addr: inside, src_port: port },
    { ...out, src_addr: address, src_port: publicPort },
    { ...all, src_addr: peer, src_port: 80, dst_addr: address, dst_port: publicPort, packets: 1432, bytes: 2_027_040 },
  ];
}

describe('NetFlow v5 triplets of nfflowd', () => {
  it('tell the inside end, with the evidence', async () => {
    const { trace } = await storeOf(triplet({ inside: '10.0.0.1', port: 62_380 }));
    const answer = await trace('198.51.100.1:62380', '12:00:30', { to: '203.0.113.9:80', proto: 'tcp' });
    expect(short(answer)).toBe('exact 10.0.0.1:62380');
    expect(answer.candidates[0]?.evidence).toEqual([
      expect.objectContaining({
        kind: 'triplet',
        packets: '720',
        bytes: '38052',
        peer_addr: '203.0.113.9',
        peer_port: 80,
        records: 1,
      }),
    ]);
    expect(short(await trace('198.51.100.1:62380', '12:00:30', { proto: 'udp' }))).toBe('none');
    expect(short(await trace('198.51.100.1:62380', '12:05'))).toBe('none');
  });

  it('may have another port after translation, and parts in two messages', async () => {
    const [before, after, back] = triplet({ inside: '10.0.0.1', port: 5000, publicPort: 40_000 });
    const later = { ...after, time_start: '2026-03-01T12:00:00.001Z' };
    const { trace } = await storeOf([before, later, { ...back, time_start: '2026-03-01T12:00:00.001Z' }] as PlainRow[]);
    expect(short(await trace('198.51.100.1:40000', '12:00:30'))).toBe('exact 10.0.0.1:5000');
  });

  it('do not take the translated address for an inside one', async () => {
    const { trace, uses } = await storeOf(triplet({ inside: '10.0.0.1', port: 62_380 }));
    const answer = await trace('10.0.0.1:62380', '12:00:30');
    expect(short(answer)).toBe('none');
    expect(answer.reasons.map(({ code }) => code)).toEqual(['never_translated', 'untranslated']);
    const range = { from: day('11:00'), until: day('13:00') };
    expect((await uses('198.51.100.1', range)).uses).toEqual([]);
    expect((await uses('10.0.0.1', range)).uses).toEqual([
      expect.objectContaining({ kind: 'triplet', public_addr: '198.51.100.1', public_port: 62_380, peers: 1 }),
    ]);
  });

  it('tell of a forwarded port, by the way back', async () => {
    const all = { exporter: '192.0.2.254', flow_type: 2, time_start: day('12:00'), duration: 60_000_000, proto: 6 };
    const inward = { ...all, src_addr: '203.0.113.9', src_port: 5000, packets: 7, bytes: 700 };
    const rows = [
      { ...inward, dst_addr: '198.51.100.1', dst_port: 2222 },
      { ...inward, dst_addr: '10.0.0.1', dst_port: 22 },
      { ...all, src_addr: '10.0.0.1', src_port: 22, dst_addr: '203.0.113.9', dst_port: 5000, packets: 5, bytes: 900 },
    ];
    const { trace, uses } = await storeOf(rows);
    const answer = await trace('198.51.100.1:2222', '12:00:30', { to: '203.0.113.9:5000' });
    expect(short(answer)).toBe('exact 10.0.0.1:22');
    expect(answer.candidates[0]?.evidence).toEqual([
      expect.objectContaining({ kind: 'triplet', peer_addr: '203.0.113.9', peer_port: 5000, packets: '7' }),
    ]);
    expect(short(await trace('10.0.0.1:22', '12:00:30'))).toBe('none');
    const range = { from: day('11:00'), until: day('13:00') };
    expect((await uses('10.0.0.1', range)).uses).toEqual([
      expect.objectContaining({ kind: 'triplet', public_addr: '198.51.100.1', public_port: 2222 }),
    ]);
  });

  it('are not seen in what one socket sends to many', async () => {
    const all = { exporter: '192.0.2.254', flow_type: 2, time_start: day('12:00'), duration: 0, proto: 17 };
    const sent = { ...all, src_addr: '10.0.0.1', src_port: 5000, dst_port: 53, packets: 1, bytes: 60 };
    const { trace } = await storeOf([
      { ...sent, dst_addr: '198.51.100.1', in_if: 3, out_if: 4 },
      { ...sent, dst_addr: '198.51.100.2', in_if: 3, out_if: 4 },
      {
        ...all,
        src_addr: '198.51.100.2',
        src_port: 53,
        dst_addr: '10.0.0.1',
        dst_port: 5000,
        packets: 1,
        bytes: 90,
        in_if: 4,
        out_if: 3,
      },
    ]);
    expect(short(await trace('198.51.100.1:53', '12:00'))).toBe('none');
  });

  it('are found before and after another time', async () => {
    const { trace } = await storeOf([
      ...triplet({ inside: '10.0.0.1', port: 5000 }),
      ...triplet({ inside: '10.0.0.2', port: 5000, clock: '14:00' }),
    ]);
    const { nearest } = await trace('198.51.100.1:5000', '13:00');
    expect([nearest.before?.inside_addr, nearest.after?.inside_addr]).toEqual(['10.0.0.1', '10.0.0.2']);
    expect([nearest.before?.distance, nearest.after?.distance]).toEqual([59 * 60e6, 60 * 60e6]);
  });

  it('of two connections that are alike belong together by their ports; with other ports both come into question', async () => {
    const alike = [...triplet({ inside: '10.0.0.1', port: 5001 }), ...triplet({ inside: '10.0.0.2', port: 5002 })];
    const { trace } = await storeOf(alike);
    expect(short(await trace('198.51.100.1:5001', '12:00:30'))).toBe('exact 10.0.0.1:5001');
    expect(short(await trace('198.51.100.1:5002', '12:00:30'))).toBe('exact 10.0.0.2:5002');
    const masked = [
      ...triplet({ inside: '10.0.0.1', port: 5001, publicPort: 40_001 }),
      ...triplet({ inside: '10.0.0.2', port: 5002, publicPort: 40_002 }),
    ];
    const other = await storeOf(masked);
    expect(short(await other.trace('198.51.100.1:40001', '12:00:30'))).toBe('overlapping 10.0.0.1:5001 10.0.0.2:5002');
  });

  it('are not seen in flows of hosts that scan alike, nor in formats that have a field for it', async () => {
    const scan = ['198.51.100.1', '198.51.100.2'].flatMap((address, i) =>
      triplet({ inside: address, port: 1000 + i }).slice(0, 1),
    );
    const { trace } = await storeOf(scan);
    expect(short(await trace('198.51.100.1:1000', '12:00:30'))).toBe('none');
    const ipfix = await storeOf(triplet({ inside: '10.0.0.1', port: 5000 }).map((row) => ({ ...row, flow_type: 4 })));
    expect(short(await ipfix.trace('198.51.100.1:5000', '12:00:30'))).toBe('none');
  });
});
