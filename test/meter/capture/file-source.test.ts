import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FileSource, type FileSourceOptions } from '#weir/meter/capture/file-source.js';
import { createCaptureReader } from '#weir/wire/pcap/capture-reader.js';
import { createCaptureStats } from '#weir/wire/pcap/packet.js';
import { encodePcap } from '../../helpers/pcap.ts';
import { repositoryPath } from '../../helpers/repository.ts';
import { makeTempFolder } from '../../helpers/temp.ts';

const SECOND = 1e6;
const BEGIN = 1_700_000_000 * SECOND;

/** A capture of datagrams of these lengths, one each `gap` µs. */
function capture(lengths: readonly number[], gap = 1000): Uint8Array {
  return encodePcap(
    lengths.map((length, i) => ({
      time: BEGIN + i * gap,
      source: [0, 0, 0xffff, 0x0a00_0001],
      sourcePort: 1,
      destination: [0, 0, 0xffff, 0x0a00_0002],
      destinationPort: 2,
      payload: new Uint8Array(length).fill(i),
    })),
  );
}

/** Times and last octets of the packets that come. */
class Taken {
  readonly packets: [time: number, length: number, last: number | undefined][] = [];

  packet(bytes: Uint8Array, start: number, end: number, _original: number, time: number): void {
    this.packets.push([time, end - start, bytes[end - 1]]);
  }
}

async function read(paths: readonly string[], options: Partial<FileSourceOptions> = {}) {
  const source = new FileSource({ paths, stdin: Readable.from([]), ...options });
  const taken = new Taken();
  await source.start(taken);
  await source.ended;
  return { packets: taken.packets, counters: source.counters, notes: source.notes };
}

const LENGTHS = Array.from({ length: 200 }, (_, i) => (i * 37) % 1400);
const EXPECTED = LENGTHS.map((length, i) => [BEGIN + i * 1000, 42 + length, length === 0 ? 0 : i]);

describe('capture files', () => {
  it('give their packets: plain, gzipped, from standard input, one after the other', async () => {
    using folder = makeTempFolder('file-source');
    const bytes = capture(LENGTHS);
    const plain = folder.join('a.pcap');
    const zipped = folder.join('b.pcap.gz');
    writeFileSync(plain, bytes);
    writeFileSync(zipped, gzipSync(bytes));
    const chunks = Array.from({ length: Math.ceil(bytes.length / 777) }, (_, i) =>
      Buffer.from(bytes.subarray(i * 777, (i + 1) * 777)),
    );
    const { packets, counters, notes } = await read([plain, '-', zipped], { stdin: Readable.from(chunks) });
    expect(packets).toEqual([...EXPECTED, ...EXPECTED, ...EXPECTED]);
    expect(counters).toMatchObject({ packets: 600, bytes: 3 * bytes.length, interruptions: 0, dropped: 0 });
    expect(notes).toEqual([]);
  });

  it('of many pieces are read as they are, whether pieces are used again or not', async () => {
    using folder = makeTempFolder('file-source');
    const file = folder.join('large.pcap');
    const bytes = capture(LENGTHS);
    writeFileSync(file, bytes);
    // Packets behind a file's header, again and again: more than two readings of 4 MiB.
    for (let i = 0; i < 80; i++) appendFileSync(file, bytes.subarray(24));
    const { packets } = await read([file]);
    expect(packets).toHaveLength(81 * 200);
    for (let i = 0; i < 81; i++) expect(packets.slice(i * 200, (i + 1) * 200)).toEqual(EXPECTED);
  });

  it('that are damaged or cut are told of, and the next one is read', async () => {
    using folder = makeTempFolder('file-source');
    const bytes = capture(LENGTHS);
    const zipped = gzipSync(bytes);
    const damaged = new Uint8Array(bytes);
    damaged.fill(0xff, 24 + 16 + 42, 24 + 16 + 42 + 16);
    writeFileSync(folder.join('cut.pcap'), bytes.subarray(0, bytes.length - 5));
    writeFileSync(folder.join('cut.gz'), zipped.subarray(0, zipped.length - 20));
    writeFileSync(folder.join('damaged.pcap'), damaged);
    writeFileSync(folder.join('good.pcap'), bytes);
    const { packets, counters, notes } = await read(
      ['cut.pcap', 'damaged.pcap', 'cut.gz', 'good.pcap'].map((name) => folder.join(name)),
    );
    expect(counters.interruptions).toBe(3);
    expect(notes).toEqual([
      expect.stringMatching(/cut\.pcap ends inside a packet: \d+ octets at its end are left out\.$/),
      expect.stringMatching(
        /damaged\.pcap is damaged: a packet of 4294967295 bytes at byte \d+\. The packets before are metered\.$/,
      ),
      expect.stringMatching(/cut\.gz is damaged: gzip: /),
    ]);
    expect(packets.slice(-200)).toEqual(EXPECTED);
    expect(packets.length).toBeGreaterThan(400);
  });

  it.each([
    ['is missing', () => '/nowhere/at.pcap', /There is no file \/nowhere\/at\.pcap/],
    ['is a folder', (folder: string) => folder, /Cannot read .*: it is a folder/],
  ])('one of which %s are not begun', async (_, path, message) => {
    using folder = makeTempFolder('file-source');
    writeFileSync(folder.join('good.pcap'), capture([1]));
    const taken = new Taken();
    const source = new FileSource({ paths: [folder.join('good.pcap'), path(folder.path)], stdin: Readable.from([]) });
    await expect(source.start(taken)).rejects.toThrow(message);
    expect(taken.packets).toEqual([]);
    await source.close();
  });

  it.each([
    ['text', 'hello', /is pcap|Neither pcap nor pcapng/],
    ['empty', '', /The capture is empty/],
    ['cut.gz', gzipSync('hello').subarray(0, 12), /gz: /],
  ])('that are none end with it: %s', async (name, content, message) => {
    using folder = makeTempFolder('file-source');
    writeFileSync(folder.join(name), content);
    await expect(read([folder.join(name)])).rejects.toMatchObject({
      code: 'WEIR_INPUT',
      message: expect.stringMatching(message) as string,
    });
  });

  it('wait for who cannot take more', async () => {
    using folder = makeTempFolder('file-source');
    writeFileSync(folder.join('a.pcap'), capture(LENGTHS));
    let asked = 0;
    await read([folder.join('a.pcap')], { ready: () => Promise.resolve(void asked++) });
    expect(asked).toBe(1);
  });

  it('at a speed come in the order and not before their time, and can be ended', async () => {
    using folder = makeTempFolder('file-source');
    writeFileSync(folder.join('a.pcap'), capture([1, 2, 3, 4], 100_000));
    const begun = performance.now();
    const { packets } = await read([folder.join('a.pcap')], { speed: 2 });
    expect(performance.now() - begun).toBeGreaterThan(140);
    expect(packets.map(([, length]) => length)).toEqual([43, 44, 45, 46]);

    writeFileSync(folder.join('b.pcap'), capture([1, 2], 3600 * SECOND));
    const taken = new Taken();
    const source = new FileSource({ paths: [folder.join('b.pcap')], stdin: Readable.from([]), speed: 1 });
    await source.start(taken);
    while (taken.packets.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await source.close();
    await source.close();
    expect(taken.packets).toHaveLength(1);
  });
});

describe('a capture in pieces of one memory that is used again', () => {
  it.each([1, 7, 16, 100, 4096])('of %i octets', (length) => {
    const file = readFileSync(join(repositoryPath('test/captures'), 'traffic.pcap'));
    const whole = new Taken();
    createCaptureReader(whole, createCaptureStats()).push(file);
    const taken = new Taken();
    const stats = createCaptureStats();
    const reader = createCaptureReader(taken, stats);
    const piece = Buffer.alloc(length);
    for (let at = 0; at < file.length; at += length) {
      const end = Math.min(file.length, at + length);
      piece.fill(0xee);
      file.copy(piece, 0, at, end);
      expect(reader.push(piece.subarray(0, end - at))).toBe(true);
    }
    reader.end();
    expect(taken.packets).toEqual(whole.packets);
    expect(taken.packets.length).toBeGreaterThan(10);
    expect(stats).toMatchObject({ packets: taken.packets.length, bytes: file.length, truncatedTail: 0 });
  });
});
