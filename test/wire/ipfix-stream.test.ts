import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamFramer } from '#weir/wire/ipfix-stream.js';
import { message, message5, NOON, record5, set, templateSet, u16, u32 } from './build.ts';

/** What a framer makes of a stream that arrives in these pieces; the first message of each fault's place, and what stays unfinished. */
function frame(chunks: readonly Uint8Array[], { flush = true } = {}) {
  const framer = new StreamFramer();
  const messages: string[] = [];
  const keep = (one: Uint8Array) => void messages.push(Buffer.from(one).toString('hex'));
  let fault: string | undefined;
  for (const chunk of chunks) fault = framer.push(chunk, keep) ?? fault;
  if (flush) framer.flush(keep);
  return { messages, fault, pending: framer.pending };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const fields = [
  [8, 4],
  [1, 4],
] as const;
const IPFIX = [
  message(10, [templateSet(10, 256, fields)]),
  message(10, [set(256, u32(1), u32(2))]),
  message(10, []),
  message(10, [set(256, ...Array.from({ length: 40 }, (_, i) => [...u32(i), ...u32(i)]))]),
];
const V9 = [
  message(9, [templateSet(9, 256, fields), set(256, u32(1), u32(2))]),
  // Data that looks like a header: only the place tells.
  message(9, [set(256, u16(9), u16(9), u32(9)), set(257, [])]),
  message(9, [set(256, u32(1), u32(2))]),
];
const V5 = [message5([record5()]), message5([record5(), record5(), record5()])];
/** A v1 message; its records go from interface 1 to interface 2, which looks like the beginning of a header. */
function message1(count: number, recordOctets: number, seconds = NOON): Uint8Array {
  const records = Array.from({ length: count }, (_, i) => [
    ...u32(0x0a000001 + i),
    ...u32(0x0a000101),
    ...u32(0),
    ...u16(1),
    ...u16(2),
    ...Array.from({ length: recordOctets - 16 }, () => 0),
  ]);
  return Uint8Array.from([...u16(1), ...u16(count), ...u32(1000), ...u32(seconds), ...u32(0), ...records.flat()]);
}
/** Its 10 records of 52 octets have interfaces 1 and 2 where 10 records of 48 octets would end. */
const V1_LONG = [message1(10, 52), message1(1, 52), message1(10, 52, NOON + 60)];
const V1_SHORT = [message1(29, 48), message1(2, 48), message1(1, 48, NOON + 60)];
const V1 = [Uint8Array.from([...u16(1), ...u16(2), ...Array.from({ length: 12 + 104 }, () => 7)])];

describe('a stream of export messages', () => {
  it.each([
    ['IPFIX', IPFIX],
    ['NetFlow v9', V9],
    ['NetFlow v5', V5],
    ['NetFlow v1', V1],
    ['NetFlow v1, several messages', V1_LONG],
    ['NetFlow v1 with records of 48 octets', V1_SHORT],
    ['NetFlow v1, one message with a record of 48 octets', [message1(1, 48)]],
  ])('of %s gives its messages, wherever it is cut in two, and octet by octet', (_, messages) => {
    const stream = Buffer.concat(messages);
    const expected = { messages: messages.map(hex), fault: undefined, pending: 0 };
    for (let cut = 0; cut <= stream.length; cut++)
      expect(frame([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
    expect(frame(Array.from(stream, (octet) => Uint8Array.of(octet)))).toEqual(expected);
  });

  it('may be cut into any pieces', () => {
    const streams = fc.oneof(
      fc.array(fc.constantFrom(...IPFIX), { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom(...V9), { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom(...V1_SHORT), { minLength: 1, maxLength: 6 }),
      fc.array(fc.constantFrom(...V1_LONG), { minLength: 1, maxLength: 6 }),
    );
    fc.assert(
      fc.property(streams, fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 30 }), (messages, sizes) => {
        const stream = Buffer.concat(messages);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) chunks.push(stream.subarray(at, (at += size)));
        chunks.push(stream.subarray(at));
        expect(frame(chunks)).toEqual({ messages: messages.map(hex), fault: undefined, pending: 0 });
      }),
    );
  });

  it('hands messages on as soon as their last octet is there', () => {
    const stream = Buffer.concat(IPFIX);
    const lengths = IPFIX.map(({ length }) => length);
    for (let cut = 0; cut <= stream.length; cut++) {
      let [whole, sum] = [0, 0];
      while (sum + (lengths[whole] ?? Number.POSITIVE_INFINITY) <= cut) sum += lengths[whole++] ?? 0;
      const { messages, pending } = frame([stream.subarray(0, cut)], { flush: false });
      expect([messages.length, pending]).toEqual([whole, cut - sum]);
    }
  });

  it('of NetFlow v1 with records of 48 octets, once that is known, hands messages on without waiting for the next', () => {
    const [first, ...others] = V1_SHORT;
    const framer = new StreamFramer();
    const lengths: number[] = [];
    const keep = (one: Uint8Array) => void lengths.push(one.length);
    framer.push(first as Uint8Array, keep);
    expect(lengths).toEqual([]);
    framer.flush(keep);
    for (const one of others) framer.push(one, keep);
    expect([lengths, framer.pending]).toEqual([V1_SHORT.map(({ length }) => length), 0]);
  });

  it('of NetFlow v9 ends its last message where a FlowSet ends, when it pauses', () => {
    const [first = new Uint8Array()] = V9;
    for (let cut = 1; cut <= first.length; cut++) {
      const { messages, pending } = frame([first.subarray(0, cut)]);
      // After the header, after the template FlowSet, after the data FlowSet.
      const isEnd = cut === 20 || cut === 20 + 16 || cut === first.length;
      expect([messages.length, pending]).toEqual(isEnd ? [1, 0] : [0, cut]);
    }
  });

  it.each<[string, readonly (readonly number[] | Uint8Array)[], string, number]>([
    ['no version', ['GET / HTTP/1.1\r\n'.split('').map((c) => c.charCodeAt(0))], 'framing_version', 0],
    ['version 0', [[0, 0, 0, 1], Array.from({ length: 200 }, () => 0)], 'framing_version', 0],
    ['another version in between', [IPFIX[1] ?? [], V5[0] ?? []], 'framing_version', 1],
    ['a length below the header', [IPFIX[1] ?? [], [0, 10, 0, 15], IPFIX[1] ?? []], 'framing_length', 1],
    ['a length of zero', [[0, 10, 0, 0]], 'framing_length', 0],
    ['NetFlow v5 without records', [[0, 5, 0, 0]], 'framing_length', 0],
    ['NetFlow v5 with more records than a datagram holds', [[0, 5, 255, 255]], 'framing_length', 0],
    ['a reserved FlowSet id', [message(9, [set(7, u32(1))])], 'framing_version', 0],
    ['a FlowSet length below 4', [message(9, [[1, 0, 0, 3]])], 'framing_length', 0],
    [
      'a NetFlow v9 message without end',
      [
        message(
          9,
          [1, 2, 3].map(() =>
            set(
              256,
              Array.from({ length: 30_000 }, () => 0),
            ),
          ),
        ),
      ],
      'framing_length',
      0,
    ],
  ])('ends at %s', (_, parts, fault, whole) => {
    const stream = Buffer.concat(parts.map((part) => Uint8Array.from(part)));
    for (const step of [1, 3, 64, 100_000]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += step) chunks.push(stream.subarray(at, at + step));
      const got = frame(chunks);
      expect([got.messages.length, got.fault, got.pending]).toEqual([whole, fault, 0]);
    }
    const framer = new StreamFramer();
    framer.push(stream, () => {});
    // It stays at its end.
    expect(framer.push(IPFIX[1] as Uint8Array, () => expect.unreachable())).toBe(fault);
  });

  it('of anything at all throws nothing, repeats nothing, loses nothing, and holds no more than a message', () => {
    const seeds = [...IPFIX, ...V9, ...V5, ...V1, ...V1_SHORT, ...V1_LONG].map((one) => [...one]);
    const streams = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .tuple(
          fc.array(fc.constantFrom(...seeds), { minLength: 1, maxLength: 5 }),
          fc.array(fc.tuple(fc.nat(2_000), fc.nat(255)), { maxLength: 4 }),
        )
        .map(([parts, changes]) => {
          const stream = Uint8Array.from(parts.flat());
          for (const [at, value] of changes) if (at < stream.length) stream[at] = value;
          return stream;
        }),
    );
    fc.assert(
      fc.property(streams, fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 40 }), (stream, sizes) => {
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const size of sizes) if (at < stream.length) chunks.push(stream.slice(at, (at += size)));
        if (at < stream.length) chunks.push(stream.slice(at));
        const { messages, fault, pending } = frame(chunks);
        // The messages are the beginning of the stream, without a gap.
        const taken = messages.join('');
        expect(hex(stream).startsWith(taken)).toBe(true);
        if (fault === undefined) expect(taken.length / 2 + pending).toBe(stream.length);
        expect(pending).toBeLessThan(65_538);
        // However it is cut, it is the same stream.
        expect(frame([stream])).toEqual({ messages, fault, pending });
      }),
      { numRuns: 2_000 },
    );
  });
});
