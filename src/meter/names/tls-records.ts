import { u16 } from '../../util/octets.ts';
import { type ClientHello, readClientHello } from './client-hello.ts';
import { LONGEST_PREFIX, type Progress } from './progress.ts';

/**
 * TLS records (RFC 8446 section 5.1), as a TLS client's stream begins with.
 *
 *      0  type 8: 22 handshake      1  version 16: 3, 0 to 4      3  length 16
 */
const HEADER = 5;
const HANDSHAKE = 22;
const MAJOR_VERSION = 3;
const LAST_MINOR_VERSION = 4;
/** A handshake message in more records than this is no client's. */
const MAX_RECORDS = 64;

/** Reads the ClientHello at the beginning of a stream, in one record or spread over several. */
export function readTlsStream(bytes: Uint8Array, start: number, end: number, out: ClientHello): Progress {
  const length = recordLength(bytes, start, end);
  if (length < 0) return 'none';
  const first = start + HEADER;
  if (first >= end) return 'more';
  // A message that ends in the first record, which is nearly every one, is read where it stands.
  const progress = readClientHello(bytes, first, Math.min(first + length, end), out);
  if (progress !== 'more' || first + length >= end) return progress;
  return readClientHelloOf(joinRecords(bytes, start, end), out);
}

/** Octets in the record at `start`; -1 where none of a handshake begins there, 0 where its header is cut. */
function recordLength(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || bytes[start] !== HANDSHAKE) return -1;
  if (start + 1 < end && bytes[start + 1] !== MAJOR_VERSION) return -1;
  if (start + 2 < end && (bytes[start + 2] as number) > LAST_MINOR_VERSION) return -1;
  if (start + HEADER > end) return 0;
  const length = u16(bytes, start + 3);
  return length === 0 || length > LONGEST_PREFIX ? -1 : length;
}

/** What the records of a handshake carry, as far as there are any. */
function joinRecords(bytes: Uint8Array, start: number, end: number): { message: Uint8Array; isBroken: boolean } {
  const message = new Uint8Array(end - start);
  let used = 0;
  let at = start;
  for (let records = 0; records < MAX_RECORDS && at < end; records++) {
    const length = recordLength(bytes, at, end);
    if (length < 0) return { message: message.subarray(0, used), isBroken: true };
    const fragment = bytes.subarray(Math.min(at + HEADER, end), Math.min(at + HEADER + length, end));
    message.set(fragment, used);
    used += fragment.length;
    at += HEADER + length;
  }
  return { message: message.subarray(0, used), isBroken: at < end };
}

function readClientHelloOf(joined: { message: Uint8Array; isBroken: boolean }, out: ClientHello): Progress {
  const progress = readClientHello(joined.message, 0, joined.message.length, out);
  // What follows something else will not go on.
  return progress === 'more' && joined.isBroken ? 'done' : progress;
}
