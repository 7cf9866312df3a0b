import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAllowList, RefusedSenders } from '#weir/collect/allow-list.js';
import { SenderTable } from '#weir/collect/sender-table.js';

function table(limit = 8, allow?: string[]): { senders: SenderTable; refused: RefusedSenders } {
  const refused = new RefusedSenders();
  const allowList = allow === undefined ? undefined : parseAllowList(allow, 'test');
  return { senders: new SenderTable({ limit, allowList, refused }), refused };
}

describe('SenderTable', () => {
  it('makes one object per address and port', () => {
    const { senders } = table();
    const one = senders.get('192.0.2.1', 1000);
    const other = senders.get('192.0.2.1', 1001);
    expect(senders.get('192.0.2.1', 1000)).toBe(one);
    expect(senders.get('192.0.2.1', 1001)).toBe(other);
    expect(other).not.toBe(one);
    expect(one).toMatchObject({
      address: [0, 0, 0xffff, 0xc0000201],
      port: 1000,
      host: '192.0.2.1',
      text: '192.0.2.1:1000',
      allowed: true,
    });
    expect(senders.size).toBe(2);
  });

  it('knows IPv4 on an IPv6 socket, and zones', () => {
    const { senders } = table();
    expect(senders.get('::ffff:192.0.2.1', 5)).toMatchObject({ host: '192.0.2.1', text: '192.0.2.1:5' });
    expect(senders.get('2001:db8::1', 5)).toMatchObject({ host: '2001:db8::1', text: '[2001:db8::1]:5' });
    expect(senders.get('fe80::1%eth0', 5)).toMatchObject({
      address: [0xfe800000, 0, 0, 1],
      text: '[fe80::1%eth0]:5',
    });
  });

  it('judges each sender anew after the allow-list was replaced, the last one too', () => {
    const { senders } = table(8, ['192.0.2.1']);
    const one = senders.get('192.0.2.1', 5);
    const two = senders.get('192.0.2.2', 5);
    expect([one.allowed, two.allowed]).toEqual([true, false]);
    senders.setAllowList(parseAllowList(['192.0.2.2:5'], 'test'));
    expect(senders.get('192.0.2.2', 5)).toBe(two);
    expect(senders.get('192.0.2.1', 5)).toBe(one);
    expect([one.allowed, two.allowed]).toEqual([false, true]);
    senders.setAllowList(undefined);
    expect(senders.get('192.0.2.1', 5).allowed).toBe(true);
    expect(one.generation).toBe(2);
  });

  it('counts refused datagrams by address, whatever the port, also for senders it has forgotten', () => {
    const { senders, refused } = table(2, ['192.0.2.1']);
    for (const port of [1, 2, 3, 4, 1]) senders.countRefused(senders.get('192.0.2.9', port), 100);
    expect(refused.list()).toEqual([{ address: '192.0.2.9', datagrams: 5, bytes: 500, connections: 0 }]);
  });

  it('keeps senders that send through a flood of forged ones', () => {
    const { senders } = table(16);
    const exporters = Array.from({ length: 4 }, (_, i) => senders.get(`192.0.2.${i}`, 2055));
    for (let i = 0; i < 1000; i++) {
      senders.get(`198.51.100.${i % 250}`, 1000 + i);
      exporters.forEach((exporter, j) => {
        expect(senders.get(`192.0.2.${j}`, 2055)).toBe(exporter);
      });
    }
    expect(senders.size).toBe(16);
  });

  it('always answers with the sender asked for, and never grows beyond its limit', () => {
    const step = fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 5 }));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.array(step, { maxLength: 200 }), (limit, steps) => {
        const { senders } = table(limit);
        for (const [host, port] of steps) {
          const sender = senders.get(`192.0.2.${host}`, port);
          expect(sender.text).toBe(`192.0.2.${host}:${port}`);
          expect(senders.get(`192.0.2.${host}`, port)).toBe(sender);
          expect(senders.size).toBeLessThanOrEqual(limit);
        }
        const distinct = new Set(steps.map(([host, port]) => `${host}:${port}`)).size;
        expect(senders.size).toBe(Math.min(limit, distinct));
      }),
    );
  });
});
