import { u16, u32 } from '../../util/octets.ts';
import { QUIC_VERSIONS, type QuicVersion } from './quic-keys.ts';

/**
 * Long header packets of QUIC (RFC 9000 section 17.2), as a datagram of a client that connects begins with.
 *
 *      0  long header 1 = 1, fixed bit 1 = 1, type 2, protected 4
 *      1  version 32
 *      5  length 8, Destination Connection ID; length 8, Source Connection ID
 *         Initial packets only: token length, token
 *         length (of all that follows), packet number 8 to 32 (protected), payload, tag
 *
 * The two lengths without a size are integers of variable length (section 16).
 */
const LONG_HEADER = 0xc0;
const LONGEST_ID = 20;
const RETRY = 3;

/** An integer of variable length; `value` -1 where it is cut. */
export interface VariableInteger {
  value: number;
  next: number;
}

/** Reads an integer of 1, 2, 4 or 8 octets; those above 2^53 lose their last digits, and are too large for any use here anyway. */
export function readInteger(bytes: Uint8Array, at: number, end: number, out: VariableInteger): void {
  const first = bytes[at] as number;
  const length = 1 << (first >> 6);
  out.next = at + length;
  out.value = -1;
  if (at >= end || out.next > end) return;
  if (length === 1) out.value = first & 0x3f;
  else if (length === 2) out.value = u16(bytes, at) & 0x3fff;
  else {
    const high = (u32(bytes, at) & 0x3fff_ffff) >>> 0;
    out.value = length === 4 ? high : high * 4_294_967_296 + u32(bytes, at + 4);
  }
}

/** One packet of a datagram. */
export interface QuicPacket {
  readonly version: QuicVersion;
  readonly isInitial: boolean;
  /** Offsets of the Destination Connection ID. */
  readonly idStart: number;
  readonly idEnd: number;
  /** Where the packet number begins, and the packet ends. */
  readonly numberAt: number;
  readonly end: number;
}

/** The long header at `start`; undefined where there is none of a version known here, or the packet is cut. */
export function readQuicPacket(bytes: Uint8Array, start: number, end: number): QuicPacket | undefined {
  if (start + 7 > end || ((bytes[start] as number) & LONG_HEADER) !== LONG_HEADER) return undefined;
  const number = u32(bytes, start + 1);
  const version = QUIC_VERSIONS.find((known) => known.version === number);
  if (version === undefined) return undefined;
  const idStart = start + 6;
  const idEnd = idStart + (bytes[start + 5] as number);
  if (idEnd - idStart > LONGEST_ID || idEnd >= end) return undefined;
  let at = idEnd + 1 + (bytes[idEnd] as number);
  if (at - idEnd - 1 > LONGEST_ID) return undefined;
  // Types are numbered anew in version 2, one higher, around.
  const type = (((bytes[start] as number) >> 4) & 3) - version.initialType;
  if ((type & 3) === RETRY) return undefined;
  const isInitial = type === 0;
  const integer: VariableInteger = { value: 0, next: at };
  if (isInitial) {
    readInteger(bytes, at, end, integer);
    if (integer.value < 0) return undefined;
    at = integer.next + integer.value;
  }
  readInteger(bytes, at, end, integer);
  const packetEnd = integer.next + integer.value;
  if (integer.value <= 0 || packetEnd > end) return undefined;
  return { version, isInitial, idStart, idEnd, numberAt: integer.next, end: packetEnd };
}
