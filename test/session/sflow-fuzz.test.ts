import { isDeepStrictEqual } from 'node:util';
import { assert, constantFrom, property, shuffledSubarray, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { u64 } from '../wire/build.ts';
import {
  address,
  counterSample,
  datagram,
  flowSample,
  header,
  INTERFACE_COUNTERS,
  mac,
  type Octets,
  record,
  sample,
  tcpFrame,
  words,
  xdrText,
} from '../wire/sflow/build.ts';
import { Random } from './fuzz.ts';
import { sflowDecoder } from './sflow-tools.ts';

/** How many datagrams; `WEIR_FUZZ=3000000 npx vitest run test/session/sflow-fuzz.test.ts` for a long run. */
const DATAGRAMS = Math.min(Number(process.env['WEIR_FUZZ'] ?? 40_000), 3_000_000);

const RECORDS: readonly Octets[] = [
  header(tcpFrame()),
  header(tcpFrame({ vlan: 7 }).slice(4), { protocol: 13 }),
  record(1001, words(1, 2, 3, 4)),
  record(1002, address('192.0.2.1'), words(24, 8)),
  record(1003, address('2001:db8::1'), words(1, 2, 3, 2, 2, 2, 7, 8, 1, 1, 9, 2, 5, 6, 100)),
  record(1004, words(106), xdrText('alice'), words(106), xdrText('bob')),
  record(1005, words(1), xdrText('/'), xdrText('example.org')),
  record(1006, address('192.0.2.1'), words(1, 0x10100, 2, 0x10000, 0x11100)),
  record(1007, address('192.0.2.1'), address('192.0.2.2')),
  record(1008, xdrText('lsp'), words(1, 2)),
  record(1012, words(2, 0x88a8_0001, 0x8100_0002)),
  record(1014, xdrText('lab'), mac('02:00:00:00:00:01'), words(4, 36), u64(54), words(1, 2, 3)),
  record(1021, words(100), mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02'), words(0x800)),
  record(1030, words(77)),
  record(2101, words(6, 0, 0, 0, 1, 0, 0, 0, 2, 80, 4000)),
  record(4095, [1, 2, 3]),
];
const COUNTERS: readonly Octets[] = [
  INTERFACE_COUNTERS,
  record(2000, xdrText('host'), words(1, 2, 3, 4), words(3, 2), xdrText('6.1')),
  record(2001, words(1, 2, 2), mac('02:00:00:00:00:01'), mac('02:00:00:00:00:02')),
  record(10, words(1, 1, 2, 3, 1), words(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)),
];

/** A datagram of any version with samples of any kind. */
function made(random: Random): Uint8Array {
  const version = random.pick([5, 5, 5, 4, 2]);
  const records = (): Octets[] => Array.from({ length: random.below(5) }, () => random.pick(RECORDS));
  const samples = Array.from({ length: 1 + random.below(4) }, (): Octets => {
    if (version !== 5) {
      if (random.below(3) === 0) return [...words(2, 1, 3, 30, 1 + random.below(7)), ...INTERFACE_COUNTERS.slice(8)];
      const head = words(1, random.below(99), 3, 100, 0, random.below(9), 3, 4);
      return [...head, ...words(1, 1, 1000), ...header(tcpFrame()).slice(20), ...words(1, 1, 1, 2, 3, 4)];
    }
    switch (random.below(4)) {
      case 0:
        return counterSample(Array.from({ length: random.below(4) }, () => random.pick(COUNTERS)));
      case 1:
        return sample(5, words(random.below(9), 0, 3, random.below(9), 3, 4, 257, 1), random.pick(RECORDS));
      default:
        return flowSample(records(), {
          sequence: random.below(99),
          drops: random.below(99),
          output: random.below(2) << 30,
        });
    }
  });
  return datagram(samples, { version, subAgent: random.below(3), sequence: random.below(50) });
}

/** Damages words and octets, or cuts. */
function damage(random: Random, bytes: Uint8Array): Uint8Array {
  for (let i = random.below(4); i > 0; i--) {
    const at = random.below(bytes.length);
    if (random.below(2) === 0) bytes[at] = random.below(256);
    else
      bytes.set(
        words(random.pick([0, 1, 2, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, bytes.length]) >>> 0).slice(
          0,
          bytes.length - (at & ~3),
        ),
        at & ~3,
      );
  }
  return random.below(4) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

describe('fuzz', () => {
  it(`${DATAGRAMS} damaged datagrams: nothing is thrown, nothing read beyond the datagram`, () => {
    const random = new Random(Number(process.env['WEIR_FUZZ_SEED'] ?? 1));
    const one = sflowDecoder();
    const other = sflowDecoder();
    const decoded = new Set<unknown>();
    for (let i = 0; i < DATAGRAMS; i++) {
      const bytes = damage(random, made(random));
      const records = one.feed(bytes);
      const rows = one.takeCounters();
      for (const record of records) decoded.add(record['flow_type']);
      // The same octets in the midst of others: what lies behind them must not matter.
      const surrounded = new Uint8Array(bytes.length + 64).fill(random.below(256));
      surrounded.set(bytes, 32);
      const again = [other.feed(surrounded.subarray(32, 32 + bytes.length)), other.takeCounters()];
      if (!isDeepStrictEqual(again, [records, rows])) expect(again).toEqual([records, rows]);
    }
    expect(other.faults()).toEqual(one.faults());
    expect([...decoded]).toEqual(expect.arrayContaining(['sflow_2', 'sflow_4', 'sflow_5']));
    expect(Object.keys(one.faults()).sort()).toEqual(
      expect.arrayContaining(['sflow_count', 'sflow_truncated', 'sflow_unknown_sample']),
    );
  }, 120_000);

  it('random octets behind a header', () => {
    const { feed, takeCounters } = sflowDecoder();
    assert(
      property(constantFrom(2, 4, 5), uint8Array({ maxLength: 400 }), (version, octets) => {
        const bytes = Uint8Array.from([...datagram([], { version }).slice(0, -4), ...words(3), ...octets]);
        feed(bytes);
        takeCounters();
      }),
      { numRuns: 2000 },
    );
  });

  it('whole records in any order and number give the same columns as alone', () => {
    const { feed } = sflowDecoder();
    const [packet, ...others] = RECORDS;
    assert(
      property(shuffledSubarray(others.slice(1, 6)), (chosen) => {
        const [together] = feed(datagram([flowSample([packet as Octets, ...chosen])]));
        for (const record of chosen) {
          const [alone] = feed(datagram([flowSample([packet as Octets, record])]));
          const { extra: _, ...columns } = alone ?? {};
          expect(together).toMatchObject(columns);
        }
      }),
      { numRuns: 60 },
    );
  });
});
