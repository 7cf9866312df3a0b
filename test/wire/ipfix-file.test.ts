import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createIpfixFile,
  createMessageFileStats,
  messageFileFormat,
  messageMicros,
  readMessageFile,
} from '#weir/wire/ipfix-file.js';
import { describeCorpus } from '../helpers/corpus.ts';
import { testDecoder } from '../session/decoder.ts';
import { message, message5, NOON, record5, set, templateSet, u32 } from './build.ts';

const FILE = [
  message(10, [templateSet(10, 256, [[8, 4]])], { seconds: NOON + 5 }),
  message(10, [set(256, u32(1), u32(2))], { seconds: NOON + 2 }),
  message(10, [set(256, u32(3))], { seconds: NOON + 9 }),
];

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function read(bytes: Uint8Array, size = 100) {
  const stats = createMessageFileStats();
  const messages: Uint8Array[] = [];
  for await (const some of readMessageFile(pieces(bytes, size), stats)) messages.push(...some);
  return { messages: messages.map((one) => [...one]), stats };
}

describe('an IPFIX file', () => {
  const all = new Uint8Array(Buffer.concat(FILE));

  it('is read message by message, however it comes from the disk', async () => {
    for (const size of [1, 7, 100, 65_536]) {
      const { messages, stats } = await read(all, size);
      expect(messages).toEqual(FILE.map((one) => [...one]));
      expect(stats).toEqual({ messages: 3, octets: all.length, unfinished: 0, fault: undefined });
    }
    expect(FILE.map(messageMicros)).toEqual([5, 2, 9].map((s) => (NOON + s) * 1e6));
  });

  it('that was cut off, or is damaged, gives what is before', async () => {
    for (let length = 1; length < all.length; length++) {
      const { messages, stats } = await read(all.subarray(0, length));
      const octets = messages.flat().length;
      expect(stats).toEqual({ messages: messages.length, octets, unfinished: length - octets, fault: undefined });
    }
    const offset = (FILE[0] as Uint8Array).length;
    const damaged = all.slice();
    damaged[offset + 1] = 11;
    expect((await read(damaged)).stats).toMatchObject({ messages: 1, fault: { cause: 'framing_version', offset } });
  });

  it('is recognised by its beginning', () => {
    expect(messageFileFormat(all.subarray(0, 512))).toBe('ipfix');
    expect(messageFileFormat(all.subarray(0, 16))).toBe('ipfix');
    expect(messageFileFormat(Uint8Array.from([...message5([record5()]), ...message5([record5()])]))).toBe('netflow');
    for (const other of ['', 'weir', '0005001e', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa'])
      expect(messageFileFormat(Buffer.from(other))).toBeUndefined();
    // pcap, pcapng, gzip, a TrueType font, zeros.
    for (const other of ['d4c3b2a1020004', '0a0d0d0a1c000000', '1f8b0800', '0001000000100100', '00'])
      expect(messageFileFormat(Buffer.from(other.padEnd(64, '0'), 'hex'))).toBeUndefined();
  });

  it('is written of whole messages only, and read again as it was', async () => {
    const written: Uint8Array[] = [];
    const file = createIpfixFile((octets) => written.push(octets));
    expect(file.window).toBeUndefined();
    for (const one of FILE) file.add(one);
    for (const wrong of [new Uint8Array(), all, all.subarray(0, 20), message5([record5()])])
      expect(() => file.add(wrong)).toThrow(expect.objectContaining({ code: 'WEIR_INPUT' }) as Error);
    expect([file.messages, file.octets]).toEqual([3, all.length]);
    expect(file.window).toEqual({ from: (NOON + 2) * 1000, to: (NOON + 9) * 1000 });
    expect((await read(new Uint8Array(Buffer.concat(written)))).messages).toEqual(FILE.map((one) => [...one]));
  });
});

describe('any octets', () => {
  it('are read to an end that is told, nothing twice and nothing thrown', async () => {
    const changes = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 });
    const files = fc
      .tuple(fc.array(fc.constantFrom(...FILE), { maxLength: 5 }), fc.uint8Array({ maxLength: 60 }), changes)
      .map(([messages, tail, edits]) => {
        const bytes = new Uint8Array(Buffer.concat([...messages, tail]));
        for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value;
        return bytes;
      });
    await fc.assert(
      fc.asyncProperty(files, fc.integer({ min: 1, max: 100 }), async (bytes, size) => {
        const { messages, stats } = await read(bytes, size);
        const taken = messages.flat();
        expect(taken).toEqual([...bytes.subarray(0, taken.length)]);
        expect([stats.messages, stats.octets]).toEqual([messages.length, taken.length]);
        if (stats.fault === undefined) expect(stats.octets + stats.unfinished).toBe(bytes.length);
        else expect(stats.fault.offset).toBe(taken.length);
        expect([undefined, 'ipfix', 'netflow']).toContain(messageFileFormat(bytes.subarray(0, 512)));
        // What a fault of a message's content does not stop is decoded, or counted.
        const decoder = testDecoder();
        for (const one of messages) decoder.feed(Uint8Array.from(one));
      }),
      { numRuns: 2000 },
    );
  });
});

describeCorpus('an IPFIX file of CESNET', (corpus) => {
  it('has 68 messages to its last octet', async () => {
    const bytes = readFileSync(`${corpus}/ipfixcol2/example_flows.ipfix`);
    expect(messageFileFormat(bytes.subarray(0, 512))).toBe('ipfix');
    const { stats } = await read(bytes, 1000);
    expect(stats).toEqual({ messages: 68, octets: bytes.length, unfinished: 0, fault: undefined });
  });
});
