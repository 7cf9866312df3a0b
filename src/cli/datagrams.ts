import { createReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { readHex } from '../wire/hex.ts';
import {
  createMessageFileStats,
  type MessageFileStats,
  messageFileFormat,
  messageMicros,
  readMessageFile,
} from '../wire/ipfix-file.ts';
import { captureFormat } from '../wire/pcap/capture-reader.ts';
import {
  createDatagramExtractor,
  type Datagram,
  type DatagramExtractor,
  type DatagramStats,
} from '../wire/pcap/export-datagrams.ts';
import { type CaptureStats, createCaptureStats } from '../wire/pcap/packet.ts';
import { readPackets } from '../wire/pcap/read-packets.ts';

/** Datagrams out of a file, and what was met on the way. */
export interface DatagramSource {
  /** `ipfix` and `netflow`: messages one after the other (RFC 5655). */
  readonly format: 'pcap' | 'pcapng' | 'hex' | 'ipfix' | 'netflow';
  readonly isGzip: boolean;
  /**
   * The datagrams in the file's order. Those of hex text and of messages come from 0.0.0.0 port 0; those of hex text have time 0, messages that of their
   * header. Payloads may be views of a chunk.
   * Throws WeirError WEIR_INPUT where the file cannot be read at all; a cut or damaged end only ends the batches.
   */
  readonly batches: AsyncGenerator<Datagram[], void, undefined>;
  readonly capture: CaptureStats;
  readonly udp: DatagramStats;
  /** Sentences for a person about what could not be used; empty when all was well. Ask after the last batch. */
  notes(): string[];
}

const ENOUGH_TO_SNIFF = 512;
const NOWHERE = [0, 0, 0xffff, 0] as const;
const FROM_NOWHERE = {
  source: NOWHERE,
  sourcePort: 0,
  destination: NOWHERE,
  destinationPort: 0,
  truncated: false,
};
const OTHER_COMPRESSION: readonly (readonly [magic: string, name: string])[] = [
  ['28b52ffd', 'zstd'],
  ['425a68', 'bzip2'],
  ['fd377a585a', 'xz'],
  ['04224d18', 'lz4'],
];

/**
 * Opens a capture of export datagrams, an IPFIX file or hex text, plain or gzipped, told apart by content. `path` `-` is `stdin`.
 *
 * @throws WeirError WEIR_INPUT when the file cannot be opened or is none of these
 */
export async function openDatagrams(path: string, stdin: Readable): Promise<DatagramSource> {
  return datagramsOf(await openContent(path, stdin));
}

/** A file's content, inflated where it was gzip. */
export interface Content {
  readonly name: string;
  readonly isGzip: boolean;
  /** The first 512 octets, or as many as there are. */
  readonly start: Uint8Array;
  /** The whole content, the start included. */
  readonly all: AsyncGenerator<Uint8Array, void, undefined>;
  /** Says so when inflating ended early. */
  readonly capture: CaptureStats;
}

/**
 * Opens a file, or standard input for `-`, and reads its start.
 *
 * @throws WeirError WEIR_INPUT when it cannot be opened or is empty
 */
export async function openContent(path: string, stdin: Readable): Promise<Content> {
  const name = path === '-' ? 'Standard input' : path;
  const capture = createCaptureStats();
  let content = await peek(path === '-' ? stdin : createReadStream(path, { highWaterMark: 256 * 1024 }), name);
  const isGzip = content.start[0] === 0x1f && content.start[1] === 0x8b;
  if (isGzip) content = await peek(gunzip(content.all, capture), name);
  return { name, isGzip, ...content, capture };
}

/** The datagrams in a content. Throws WeirError WEIR_INPUT when there can be none. */
export function datagramsOf({ name, isGzip, start, all: source, capture }: Content): DatagramSource {
  const extractor = createDatagramExtractor();
  const format = captureFormat(start) ?? messageFileFormat(start) ?? (isHexText(start) ? 'hex' : undefined);
  const stats = extractor.stats;
  const messages = createMessageFileStats();
  const open = () => {
    switch (format) {
      case undefined:
        throw unknownContent(name, start);
      case 'hex':
        return fromHex(source, stats);
      case 'ipfix':
      case 'netflow':
        return fromMessages(source, messages, stats);
      default:
        return fromCapture(source, capture, extractor);
    }
  };
  const batches = open();
  return {
    format: format as DatagramSource['format'],
    isGzip,
    capture,
    udp: stats,
    batches,
    notes: () => notes(capture, stats, messages),
  };
}

async function* fromCapture(
  source: AsyncIterable<Uint8Array>,
  capture: CaptureStats,
  extractor: DatagramExtractor,
): AsyncGenerator<Datagram[], void, undefined> {
  for await (const packets of readPackets(source, capture)) {
    const datagrams: Datagram[] = [];
    for (const packet of packets) {
      const datagram = extractor.take(packet);
      if (datagram !== undefined) datagrams.push(datagram);
    }
    if (datagrams.length > 0) yield datagrams;
  }
}

async function* fromHex(
  source: AsyncIterable<Uint8Array>,
  stats: DatagramStats,
): AsyncGenerator<Datagram[], void, undefined> {
  for await (const { bytes } of readHex(source)) {
    stats.datagrams++;
    yield [{ ...FROM_NOWHERE, time: 0, payload: bytes }];
  }
}

async function* fromMessages(
  source: AsyncIterable<Uint8Array>,
  file: MessageFileStats,
  stats: DatagramStats,
): AsyncGenerator<Datagram[], void, undefined> {
  for await (const messages of readMessageFile(source, file)) {
    stats.datagrams += messages.length;
    yield messages.map((payload) => ({ ...FROM_NOWHERE, time: messageMicros(payload), payload }));
  }
}

interface Peeked {
  readonly start: Uint8Array;
  /** The whole content, the start included. */
  readonly all: AsyncGenerator<Uint8Array, void, undefined>;
}

/** Reads enough of `source` to tell what it is. */
async function peek(source: AsyncIterable<Uint8Array>, name: string): Promise<Peeked> {
  const iterator = source[Symbol.asyncIterator]();
  const next = async () => {
    try {
      return await iterator.next();
    } catch (error) {
      throw error instanceof WeirError ? error : unreadable(name, error);
    }
  };
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < ENOUGH_TO_SNIFF) {
    const { done, value } = await next();
    if (done === true) break;
    chunks.push(value);
    length += value.length;
  }
  if (length === 0) {
    throw new WeirError('WEIR_INPUT', `${name} is empty.`, {
      hint: 'Expected a pcap or pcapng capture, an IPFIX file, or hex text.',
    });
  }
  async function* all(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* chunks;
      for (let item = await next(); item.done !== true; item = await next()) yield item.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { start: Buffer.concat(chunks), all: all() };
}

/** Inflates gzip; where the file ends too early or is damaged, what came out until then is all there is, and `stats` tells. */
async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  stats: CaptureStats,
): AsyncGenerator<Uint8Array, void, undefined> {
  const inflated = pipeline(source, createGunzip(), () => {
    // The error arrives through the iteration below as well.
  });
  try {
    for await (const chunk of inflated) yield chunk as Uint8Array;
  } catch (error) {
    if (systemCode(error)?.startsWith('Z_') !== true) throw error;
    stats.damage = `gzip: ${messageOf(error)}`;
  }
}

function isHexText(start: Uint8Array): boolean {
  const text = Buffer.from(start).toString('latin1');
  // A comment may hold anything; a line of a dump has text at its end. The first data line must begin with two hexadecimal digits.
  const isText = !/[^\t\n\r\x20-\x7e\x80-\xff]/.test(text);
  const first = text.split('\n').find((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  return isText && (first === undefined || /^\s*(?:0x|\\x)?[0-9a-f][\s:,-]?[0-9a-f]/i.test(first));
}

function unreadable(name: string, error: unknown): WeirError {
  const missing = systemCode(error) === 'ENOENT';
  return new WeirError(
    'WEIR_INPUT',
    missing ? `There is no file ${name}.` : `Cannot read ${name}: ${messageOf(error)}.`,
    {
      hint: 'Give the path of a pcap, pcapng, IPFIX or hex file, or - for standard input.',
      details: { file: name },
      cause: error,
    },
  );
}

function unknownContent(name: string, start: Uint8Array): WeirError {
  const hex = Buffer.from(start.subarray(0, 8)).toString('hex');
  const compression = OTHER_COMPRESSION.find(([magic]) => hex.startsWith(magic))?.[1];
  return new WeirError(
    'WEIR_INPUT',
    `${name} is neither pcap, pcapng nor hex text, and no IPFIX file: it begins with ${hex.replace(/../g, '$& ').trim()}.`,
    {
      hint:
        compression === undefined
          ? 'Record export datagrams with: tcpdump -w FILE.pcap udp port 2055'
          : `It is compressed with ${compression}; decompress it and pipe it in: ${compression} -dc ${name} | weir … -`,
      details: { file: name },
    },
  );
}

function notes(capture: CaptureStats, udp: DatagramStats, file: MessageFileStats): string[] {
  const found: string[] = [];
  const say = (count: number, what: string) => {
    if (count > 0) found.push(`${count} ${what}`);
  };
  if (capture.damage !== undefined) found.push(`reading stopped early: ${capture.damage}`);
  if (file.fault !== undefined) {
    const { cause, offset } = file.fault;
    const why = cause === 'framing_length' ? 'the length of a message is wrong' : 'no message begins where one should';
    found.push(`reading stopped early at octet ${offset}: ${why}`);
  }
  say(file.unfinished, 'bytes at the end are no whole message: the file was cut off');
  say(capture.truncatedTail, 'bytes at the end are no whole record: the capture was cut off');
  say(capture.unusable, 'blocks of the capture could not be used');
  say(udp.truncated, 'datagrams were cut short by the capture (snap length)');
  say(udp.unknownLinkType, 'packets are of a link type that weir does not know');
  say(udp.malformed, 'packets have damaged IP or UDP headers');
  say(udp.fragmentsLost, 'fragmented datagrams never became whole');
  return found;
}
