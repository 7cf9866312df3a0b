import { describe, expect, it } from 'vitest';
import type { GeneratedVersion } from '#weir/generate/layout.js';
import { createTraffic } from '#weir/generate/traffic.js';
import { createDecoder } from '#weir/session/library-decoder.js';

const NOON = Date.parse('2026-11-21T12:00:00Z');

/** Every format that is generated, read by the decoder: the totals are those that the generator says, nothing is a fault, no number is missing. */
describe.each([1, 5, 6, 7, 8, 9, 10, 'sflow'] as const)('version %s', (version: GeneratedVersion) => {
  const hasIpv6 = version === 9 || version === 10 || version === 'sflow';

  it.each([
    ['flows in whole datagrams and a part of one', {}],
    ...(hasIpv6 ? ([['IPv6, too', { ipv6: 0.4 }]] as const) : []),
    ...(version === 1 ? [] : ([['several domains', { domains: 3 }]] as const)),
  ] as const)('%s', (_, more) => {
    const traffic = createTraffic({ version, flows: 1003, distinct: 300, ...more });
    const decoder = createDecoder({ now: () => NOON });
    const sums = { flows: 0, packets: 0, bytes: 0 };
    const domains = new Set<unknown>();
    for (let now = NOON; ; now += 10) {
      const datagram = traffic.next(now);
      if (datagram === undefined) break;
      expect(datagram.length).toBeLessThanOrEqual(1472);
      for (const record of decoder.decode(datagram, { receivedAt: now })) {
        sums.flows++;
        sums.packets += Number(record['packets']);
        sums.bytes += Number(record['bytes']);
        domains.add(record['observation_domain']);
        const isIcmp = record['proto'] === 1 || record['proto'] === 58;
        expect(record['src_addr'] ?? record['src_prefix']).toBeDefined();
        if (version === 'sflow' && record['proto'] === 6) expect(record).toMatchObject({ ttl: 62 });
        if (version === 'sflow' && isIcmp) expect(record['icmp_type']).toBeDefined();
        if (version !== 'sflow') {
          expect((record['time_end'] as string) >= (record['time_start'] as string)).toBe(true);
          expect(record['time_source']).toBe('flow');
        }
      }
    }
    const { flows, packets, bytes } = traffic.totals;
    expect(sums).toEqual({ flows: 1003, packets, bytes });
    expect(flows).toBe(1003);
    expect(domains.size).toBe((more as { domains?: number }).domains ?? 1);
    expect(decoder.faults()).toEqual({});
  });
});

describe('what a format cannot say', () => {
  it.each([
    [{ version: 7, ipv6: 0.1 }, 'NetFlow v7 has no IPv6.'],
    [{ version: 1, domains: 2 }, 'NetFlow v1 has no engines.'],
    [{ version: 6, domains: 300 }, 'NetFlow v6 has at most 256 engines.'],
    [{ version: 7, sampling: 10 }, 'NetFlow v7 cannot say that packets are sampled.'],
    [{ version: 8, sampling: 20_000 }, 'NetFlow v8 has 14 bits'],
    [{ version: 7, records: 28 }, '1 to 27 records'],
  ] as const)('%j is refused', (options, message) => {
    expect(() => createTraffic(options)).toThrow(message);
  });
});
