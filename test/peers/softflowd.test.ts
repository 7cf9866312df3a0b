import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithTool } from '../helpers/tools.ts';
import { BothCollectors } from './both-collectors.ts';
import { CAPTURES, type TrafficCapture } from './captures.ts';
import { lines, type PeerFlow, timesSwapped } from './compare.ts';
import { softflowd } from './exporters.ts';
import { RECORD, recordGolden, testExporters } from './suite.ts';

describeWithTool(['softflowd', 'nfcapd', 'nfdump'], 'softflowd exports to weir and to nfcapd', () => {
  testExporters([
    { name: 'softflowd v5', meter: softflowd(5), golden: 'softflowd-v5' },
    { name: 'softflowd v9', meter: softflowd(9), golden: 'softflowd-v9', asNfdumpHasIt: withoutIcmp6 },
    { name: 'softflowd IPFIX', meter: softflowd(10), golden: 'softflowd-ipfix', asNfdumpHasIt: timesSwapped },
    // v5 cannot carry IPv6: softflowd then meters it and exports nothing of it.
    { name: 'softflowd v5 with -6', meter: softflowd(5, ['-6']) },
    { name: 'softflowd v9 with -6', meter: softflowd(9, ['-6']), asNfdumpHasIt: withoutIcmp6 },
    // RFC 5103: both directions in one record, the other one in elements of PEN 29305.
    {
      name: 'softflowd bidirectional IPFIX',
      meter: softflowd(10, ['-b']),
      golden: 'softflowd-ipfix-bidirectional',
      asNfdumpHasIt: asBiflow,
    },
    {
      name: 'softflowd IPFIX with times in nanoseconds',
      meter: softflowd(10, ['-A', 'nano']),
      asNfdumpHasIt: withoutTimes,
    },
    {
      name: 'softflowd IPFIX with VLAN and MAC',
      meter: softflowd(10, ['-T', 'ether']),
      golden: 'softflowd-ipfix-ether',
      asNfdumpHasIt: timesSwapped,
    },
  ]);
});

/*
 * nfcapd 1.7.1 refuses softflowd's v1, whose datagrams have up to 30 records instead of Cisco's 24. So it is compared with what the same softflowd says of the
 * same traffic in v5, which the tests above compare with nfdump. Each run rounds times in its own way; those of v1 are compared with nfdump's in fprobe's tests.
 */
describeWithTool(['softflowd', 'nfcapd', 'nfdump'], 'softflowd exports v1 to weir', () => {
  const both = new BothCollectors();
  const run = (version: 1 | 5, { name }: TrafficCapture): string => `v${version}, metering ${name}`;
  beforeAll(async () => {
    await both.start();
    for (const capture of CAPTURES)
      for (const version of [1, 5] as const) await both.meter(run(version, capture), capture.path, softflowd(version));
    await both.finish();
    const outcome = both.outcome(run(1, CAPTURES[0] as TrafficCapture));
    if (RECORD) recordGolden('softflowd-v1', 'softflowd v1', outcome.datagrams, outcome.weir);
  }, 180_000);
  afterAll(() => both.remove());

  it.each(CAPTURES)('the same flows as in v5, metering $name', (capture) => {
    const { weir, datagrams } = both.outcome(run(1, capture));
    const five = both.outcome(run(5, capture)).weir;
    expect(lines(weir.map(withoutTimes))).toEqual(lines(five.map(withoutTimes)));
    for (const { payload } of datagrams) expect(payload.length).toBe(16 + payload.readUInt16BE(2) * 48);
  });

  it('all of it, with nothing that could not be decoded', () => {
    const { records, weir, faults, loss } = both.ends;
    expect(both.outcome(run(1, CAPTURES[0] as TrafficCapture)).weir.length).toBeGreaterThan(10);
    expect(records).toBe(weir.flows);
    expect(faults).toEqual({});
    expect(loss).toEqual({ sequence: 0, kernel: 0, store: 0, setsDropped: 0 });
  });
});

/**
 * softflowd sends type and code of ICMPv6 in icmpTypeCodeIPv6 (139). nfcapd 1.7.1 knows that element in IPFIX, but not in v9, where only ICMP_TYPE (32)
 * counts, and shows 0.
 */
function withoutIcmp6(flow: PeerFlow): PeerFlow {
  return flow.proto === 58 ? { ...flow, dport: 0 } : flow;
}

/** nfcapd 1.7.1 does not read flowStartNanoseconds (156) and flowEndNanoseconds (157). */
function withoutTimes(flow: PeerFlow): PeerFlow {
  const epoch = new Date(0).toISOString();
  return { ...flow, more: { ...flow.more, time_start: epoch, time_end: epoch } };
}

/** Of a biflow nfcapd 1.7.1 keeps control bits and type of service of the other direction. */
function asBiflow(flow: PeerFlow): PeerFlow {
  const swapped = timesSwapped(flow);
  const { reverse_tcp_flags, reverse_tos } = flow.more;
  return { ...swapped, more: { ...swapped.more, tcp_flags: reverse_tcp_flags, tos: reverse_tos } };
}
