import { describe, expect, it } from 'vitest';
import { type SequenceCounters, SequenceTracker } from '#weir/session/sequence.js';
import {
  message,
  message5,
  optionsTemplateSet,
  record5,
  type Specifier,
  set,
  templateSet,
  UPTIME,
  u16,
  u32,
} from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

const none = (): SequenceCounters => ({ expected: 0, received: 0, resets: 0, outOfOrder: 0 });

/** Feeds [sequence, units, uptime] to a tracker. */
function track(version: 5 | 9 | 10, messages: readonly (readonly [number, number, number?])[]): SequenceCounters {
  const tracker = new SequenceTracker(version);
  const counters = none();
  for (const [sequence, units, uptime = version === 10 ? 0 : UPTIME] of messages)
    tracker.update(sequence, units, uptime, counters);
  return counters;
}

describe('loss', () => {
  it('v5 counts flows, v9 packets, IPFIX records', () => {
    expect(
      track(5, [
        [100, 30],
        [130, 30],
        [190, 30],
      ]),
    ).toEqual({ ...none(), expected: 120, received: 90 });
    expect(
      track(9, [
        [7, 1],
        [8, 1],
        [12, 1],
      ]),
    ).toEqual({ ...none(), expected: 6, received: 3 });
    expect(
      track(10, [
        [0, 15],
        [15, 10],
        [40, 5],
      ]),
    ).toEqual({ ...none(), expected: 45, received: 30 });
  });

  it('over the wrap at 2³²', () => {
    expect(
      track(9, [
        [2 ** 32 - 2, 1],
        [2 ** 32 - 1, 1],
        [0, 1],
        [2, 1],
      ]),
    ).toEqual({ ...none(), expected: 5, received: 4 });
    expect(
      track(5, [
        [2 ** 32 - 10, 30],
        [20, 30],
        [80, 30],
      ]),
    ).toEqual({ ...none(), expected: 120, received: 90 });
  });

  it('a late message is no loss', () => {
    expect(
      track(9, [
        [1, 1],
        [3, 1],
        [2, 1],
        [4, 1],
      ]),
    ).toEqual({ ...none(), expected: 4, received: 4, outOfOrder: 1 });
    expect(
      track(10, [
        [0, 10],
        [20, 10],
        [10, 10],
        [30, 10],
      ]),
    ).toEqual({ ...none(), expected: 40, received: 40, outOfOrder: 1 });
  });
});

describe('an exporter that starts again', () => {
  it('is told by sysUptime, and loses nothing', () => {
    const counters = track(9, [
      [500, 1, 9_000_000],
      [501, 1, 9_001_000],
      [0, 1, 5000],
      [1, 1, 6000],
    ]);
    expect(counters).toEqual({ ...none(), expected: 4, received: 4, resets: 1 });
  });

  it('is not sysUptime’s own wrap', () => {
    const counters = track(9, [
      [500, 1, 2 ** 32 - 500],
      [501, 1, 200],
      [503, 1, 900],
    ]);
    expect(counters).toEqual({ ...none(), expected: 4, received: 3 });
  });

  it('is a step that is too large for loss', () => {
    expect(
      track(10, [
        [100, 10],
        [3_000_000_000, 10],
        [3_000_000_010, 10],
      ]),
    ).toEqual({
      ...none(),
      expected: 30,
      received: 30,
      resets: 1,
    });
  });

  it('after few records, in IPFIX, which has no sysUptime: lateness without end', () => {
    const messages: [number, number][] = [];
    for (let i = 0; i < 100; i++) messages.push([i * 10, 10]);
    for (let i = 0; i < 200; i++) messages.push([i * 10, 10]);
    expect(track(10, messages)).toEqual({ ...none(), expected: 3000, received: 3000, resets: 1 });
  });

  it('a burst of late messages is not one', () => {
    const order = [0, 1, 6, 2, 3, 4, 5, 7, 8];
    expect(
      track(
        10,
        order.map((i) => [i * 10, 10] as const),
      ),
    ).toEqual({
      ...none(),
      expected: 90,
      received: 90,
      outOfOrder: 4,
    });
  });
});

describe('messages', () => {
  const FIELDS: Specifier[] = [[7, 2]];
  const ports = (count: number): number[][] => Array.from({ length: count }, (_, i) => u16(i));

  it('IPFIX counts options records as data records, and templates not', () => {
    const decoder = testDecoder();
    const options: Specifier[] = [
      [149, 4],
      [34, 4],
    ];
    const first = [
      templateSet(10, 256, FIELDS),
      optionsTemplateSet(10, 300, 1, options),
      set(300, u32(1), u32(2), u32(3), u32(4)),
      set(256, ...ports(5)),
    ];
    decoder.feed(message(10, first, { sequence: 50 }));
    decoder.feed(message(10, [set(256, ...ports(3))], { sequence: 57 }));
    decoder.feed(message(10, [set(256, ...ports(2))], { sequence: 64 }));
    expect(decoder.counters()).toMatchObject({ expected: 16, received: 12, optionsRecords: 2, records: 10, resets: 0 });
  });

  it('records that cannot be counted for want of a template fake no loss', () => {
    const decoder = testDecoder();
    for (let i = 0; i < 10; i++) decoder.feed(message(10, [set(256, ...ports(5))], { sequence: i * 5 }));
    decoder.feed(message(10, [templateSet(10, 256, FIELDS)], { sequence: 50 }));
    for (let i = 10; i < 20; i++) decoder.feed(message(10, [set(256, ...ports(5))], { sequence: i * 5 }));
    const { expected, received, resets, outOfOrder, records } = decoder.counters();
    expect({ lost: expected - received, resets, outOfOrder, records }).toEqual({
      lost: 0,
      resets: 0,
      outOfOrder: 0,
      records: 100,
    });
  });

  it('v9 counts packets, whatever is in them', () => {
    const decoder = testDecoder();
    decoder.feed(message(9, [set(256, ...ports(5))], { sequence: 3 }));
    decoder.feed(message(9, [templateSet(9, 256, FIELDS)], { sequence: 4 }));
    decoder.feed(message(9, [set(256, ...ports(5))], { sequence: 6 }));
    expect(decoder.counters()).toMatchObject({ expected: 4, received: 3 });
  });

  it('each domain and each port has its own numbers', () => {
    const decoder = testDecoder();
    for (let i = 0; i < 5; i++) {
      for (const [domain, port] of [
        [1, 10],
        [1, 20],
        [2, 10],
      ]) {
        const header = { domain: domain ?? 0, sequence: i * 2 + (port ?? 0) * 1_000_000 };
        decoder.feed(message5([record5(), record5()], header), `192.0.2.1/${port}`);
      }
    }
    expect(decoder.counters('192.0.2.1', 1)).toMatchObject({ expected: 20, received: 20, resets: 0 });
    expect(decoder.counters('192.0.2.1', 2)).toMatchObject({ expected: 10, received: 10, resets: 0 });
  });

  it('several IPFIX messages in one datagram', () => {
    const decoder = testDecoder();
    const one = message(10, [templateSet(10, 256, FIELDS), set(256, ...ports(3))], { sequence: 0 });
    const two = message(10, [set(256, ...ports(2))], { sequence: 3 });
    const datagram = Uint8Array.from([...one, ...two, ...two.slice(0, 10)]);
    expect(decoder.feed(datagram)).toHaveLength(5);
    const { octets, datagrams, expected, received } = decoder.counters();
    expect({ octets, datagrams, expected, received }).toEqual({
      octets: one.length + two.length,
      datagrams: 2,
      expected: 5,
      received: 5,
    });
  });
});
