import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createTraffic, type TrafficOptions } from '#weir/generate/traffic.js';

const START = 1_700_000_000_000;

/** All datagrams of `options`, one per ms, copied. */
function all(options: TrafficOptions, most = 100_000): Buffer[] {
  const traffic = createTraffic(options);
  const datagrams: Buffer[] = [];
  for (let i = 0; i < most; i++) {
    const datagram = traffic.next(START + i);
    if (datagram === undefined) break;
    datagrams.push(Buffer.from(datagram));
  }
  return datagrams;
}

const digest = (datagrams: readonly Buffer[]) => createHash('sha256').update(Buffer.concat(datagrams)).digest('hex');

interface Read {
  flows: number;
  packets: number;
  bytes: number;
}

/** Record length, counter offsets and header length of an IPv4 record by version (RFC 3954, RFC 7011 and the v5 layout). */
const LAYOUT = {
  5: { header: 24, record: 48, packets: 16, bytes: 20 },
  9: { header: 24, record: 54, packets: 20, bytes: 24 },
  10: { header: 20, record: 70, packets: 24, bytes: 32 },
} as const;

/** Sums over the IPv4 data of datagrams, read by hand. */
function sum(version: 5 | 9 | 10, datagrams: readonly Buffer[]): Read {
  const { header, record, packets, bytes } = LAYOUT[version];
  const total = { flows: 0, packets: 0, bytes: 0 };
  for (const datagram of datagrams) {
    if (version !== 5 && datagram.readUInt16BE(header - 4) !== 256) continue;
    const count = version === 10 ? Math.floor((datagram.length - header) / record) : datagram.readUInt16BE(2);
    for (let i = 0; i < count; i++) {
      total.flows++;
      total.packets += datagram.readUInt32BE(header + i * record + packets);
      total.bytes += datagram.readUInt32BE(header + i * record + bytes);
    }
  }
  return total;
}

describe.each([5, 9, 10] as const)('version %i', (version) => {
  it('gives the same bytes for the same seed, others for another', () => {
    const options = { version, flows: 3000, exporters: 3, ipv6: version === 5 ? 0 : 0.4, sampling: 100 };
    const first = digest(all({ ...options, seed: 7 }));
    expect(digest(all({ ...options, seed: 7 }))).toBe(first);
    expect(digest(all({ ...options, seed: 8 }))).not.toBe(first);
  });

  it.each([1, 14, 15, 30, 31, 1000, 1003])('counts exactly what it hands out: %i flows', (flows) => {
    for (const distinct of [undefined, 100]) {
      const options = { version, flows, exporters: 2, distinct, sampling: 10 };
      const datagrams = all(options);
      const traffic = createTraffic(options);
      while (traffic.next(START) !== undefined);
      const { totals } = traffic;
      expect(totals.flows).toBe(flows);
      expect(sum(version, datagrams)).toEqual({ flows, packets: totals.packets, bytes: totals.bytes });
    }
  });

  it('stays within an Ethernet frame', () => {
    const datagrams = all({ version, flows: 20_000, ipv6: version === 5 ? 0 : 0.5 });
    expect(Math.max(...datagrams.map(({ length }) => length))).toBeLessThanOrEqual(1472);
  });

  it("numbers each stream by its version's rule", () => {
    const datagrams = all({ version, flows: 5000, exporters: 1, domains: 3, sampling: 10, templateDatagrams: 20 });
    const expected = new Map<number, number>();
    for (const datagram of datagrams) {
      const domain = version === 5 ? datagram.readUInt8(21) : datagram.readUInt32BE(version === 9 ? 16 : 12);
      const sequence = datagram.readUInt32BE(version === 5 ? 16 : version === 9 ? 12 : 8);
      const should = expected.get(domain) ?? 0;
      expect(sequence).toBe(should);
      const isData = version === 5 || datagram.readUInt16BE(LAYOUT[version].header - 4) === 256;
      // v5 counts flows, v9 datagrams (RFC 3954 section 5.1), IPFIX data records, options data among them (RFC 7011 section 3.1).
      const step = version === 9 ? 1 : isData ? sum(version, [datagram]).flows : 1;
      expected.set(domain, should + step);
    }
    expect(expected.size).toBe(3);
  });
});

describe('templates', () => {
  it.each([9, 10] as const)('come first for every stream and then again (version %i)', (version) => {
    const datagrams = all({ version, flows: 9000, domains: 2, templateDatagrams: 50 });
    const offset = LAYOUT[version].header - 4;
    const isTemplate = datagrams.map((datagram) => datagram.readUInt16BE(offset) < 4);
    expect(isTemplate.slice(0, 4)).toEqual([true, false, true, false]);
    expect(isTemplate.filter(Boolean)).toHaveLength(2 * 6);
  });

  it('come again after a time, too', () => {
    const traffic = createTraffic({ version: 9, distinct: 100, templateMs: 1000 });
    const lengths = [0, 1, 2, 999, 1000, 1001, 2500].map((ms) => traffic.next(START + ms)!.length);
    const [template, data] = lengths;
    expect(lengths).toEqual([template, data, data, data, template, data, template]);
  });
});

describe('times', () => {
  it('of v5 records lie before the export, within the router’s timeouts', () => {
    for (const datagram of all({ version: 5, flows: 3000, distinct: 300 })) {
      const uptime = datagram.readUInt32BE(4);
      for (let i = 0; i < datagram.readUInt16BE(2); i++) {
        const [first, last] = [datagram.readUInt32BE(48 + i * 48), datagram.readUInt32BE(52 + i * 48)];
        expect(last).toBeGreaterThanOrEqual(first);
        expect(uptime - last).toBeGreaterThanOrEqual(0);
        expect(uptime - first).toBeLessThan(80_000);
      }
    }
  });

  it('of IPFIX records are ms since the epoch, also where the lower word borrows', () => {
    const traffic = createTraffic({ version: 10, flows: 300 });
    const now = Math.ceil(START / 2 ** 32) * 2 ** 32 + 5;
    traffic.next(now);
    const datagram = Buffer.from(traffic.next(now)!);
    for (let i = 0; i < 15; i++) {
      const [first, last] = [36, 44].map((at) => Number(datagram.readBigUInt64BE(20 + i * 70 + at)));
      expect(now - last!).toBeGreaterThanOrEqual(0);
      expect(last! - first!).toBeGreaterThanOrEqual(0);
      expect(now - first!).toBeLessThan(80_000);
    }
  });
});

describe('the traffic', () => {
  const flows = all({ version: 5, flows: 60_000 }).flatMap((datagram) =>
    Array.from({ length: datagram.readUInt16BE(2) }, (_, i) => datagram.subarray(24 + i * 48, 72 + i * 48)),
  );
  it('has one AS, mask and interface per host, whichever side it is on', () => {
    const known = new Map<number, string>();
    for (const flow of flows) {
      for (const [address, as, mask, port] of [
        [0, 40, 44, 12],
        [4, 42, 45, 14],
      ] as const) {
        const host = flow.readUInt32BE(address);
        const facts = `${flow.readUInt16BE(as)} ${flow.readUInt8(mask)} ${flow.readUInt16BE(port)}`;
        expect(known.get(host) ?? facts).toBe(facts);
        known.set(host, facts);
      }
    }
    expect(known.size).toBeGreaterThan(5000);
  });

  it('has a heavy tail, both directions, and packets of possible size', () => {
    const sizes = flows.map((flow) => flow.readUInt32BE(20)).sort((a, b) => b - a);
    const total = sizes.reduce((a, b) => a + b, 0);
    const top = sizes.slice(0, sizes.length / 100).reduce((a, b) => a + b, 0);
    expect(top / total).toBeGreaterThan(0.5);
    const key = (flow: Buffer, a: number, b: number, c: number, d: number) =>
      `${flow.readUInt32BE(a)} ${flow.readUInt32BE(b)} ${flow.readUInt16BE(c)} ${flow.readUInt16BE(d)}`;
    const keys = new Set(flows.map((flow) => key(flow, 0, 4, 32, 34)));
    expect(flows.filter((flow) => keys.has(key(flow, 4, 0, 34, 32))).length / flows.length).toBeGreaterThan(0.5);
    for (const flow of flows) {
      const size = flow.readUInt32BE(20) / flow.readUInt32BE(16);
      expect(size).toBeGreaterThanOrEqual(28);
      expect(size).toBeLessThanOrEqual(1500);
    }
  });
});

describe('options that contradict each other', () => {
  it.each([
    { version: 5, ipv6: 0.1 },
    { version: 5, records: 31 },
    { version: 5, domains: 257 },
    { version: 9, ipv6: 1.5 },
    { version: 10, records: 5000 },
  ] as const)('%j', (options) => {
    expect(() => createTraffic(options)).toThrow(expect.objectContaining({ code: 'WEIR_USAGE' }) as Error);
  });
});
