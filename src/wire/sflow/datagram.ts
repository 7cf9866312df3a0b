/*
 * sFlow datagram: XDR, so everything is in 32-bit words, network order
 *
 * Version 5 (sflow.org, "sFlow Version 5", section 5)
 *   0 u32 version   4 u32 address type: 1 IPv4, 2 IPv6   8 agent address, 4 or 16 octets
 *   + u32 sub-agent id   u32 sequence number   u32 uptime, ms   u32 number of samples   samples …
 * Versions 2 and 4 (InMon's version 2; RFC 3176 section 5): the same without sub-agent id. Their samples have no length.
 */
import { u32 } from '../../util/octets.ts';

/** Versions of sFlow that weir reads. */
const SFLOW_VERSIONS: readonly number[] = [2, 4, 5];

export interface SflowHeader {
  version: number;
  /** The agent as four words, IPv4 as ::ffff:a.b.c.d; all 0 when its type is unknown. */
  agent0: number;
  agent1: number;
  agent2: number;
  agent3: number;
  /** 0 in versions 2 and 4. */
  subAgent: number;
  /** Counts datagrams. */
  sequence: number;
  /** ms since the agent started, modulo 2³². */
  uptime: number;
  samples: number;
}

export function createSflowHeader(): SflowHeader {
  return { version: 0, agent0: 0, agent1: 0, agent2: 0, agent3: 0, subAgent: 0, sequence: 0, uptime: 0, samples: 0 };
}

/** Whether the octets begin as an sFlow datagram does: the upper half of the version is 0, which no NetFlow has. */
export function isSflow(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 0 && SFLOW_VERSIONS.includes(bytes[3] ?? 0)
  );
}

/** Reads the header of a datagram for which `isSflow` holds. Returns the offset of the first sample, −1 when the datagram is too short. */
export function readSflowHeader(bytes: Uint8Array, out: SflowHeader): number {
  if (bytes.length < 12) return -1;
  out.version = u32(bytes, 0);
  const type = u32(bytes, 4);
  const length = addressLength(type);
  let p = 8 + length;
  if (length < 0 || p + (out.version === 5 ? 16 : 12) > bytes.length) return -1;
  out.agent0 = type === 2 ? u32(bytes, 8) : 0;
  out.agent1 = type === 2 ? u32(bytes, 12) : 0;
  out.agent2 = type === 2 ? u32(bytes, 16) : type === 1 ? 0xffff : 0;
  out.agent3 = length === 0 ? 0 : u32(bytes, p - 4);
  out.subAgent = 0;
  if (out.version === 5) {
    out.subAgent = u32(bytes, p);
    p += 4;
  }
  out.sequence = u32(bytes, p);
  out.uptime = u32(bytes, p + 4);
  out.samples = u32(bytes, p + 8);
  return p + 12;
}

/** Octets of an address of this type; −1 for a type that the specification does not have. Type 0 (unknown) has none. */
export function addressLength(type: number): number {
  if (type === 1) return 4;
  if (type === 2) return 16;
  return type === 0 ? 0 : -1;
}

/**
 * Reads an XDR address union (type, then octets) into four words, IPv4 as ::ffff:a.b.c.d, an unknown one as 0. Returns the offset behind it, −1 when it
 * does not fit before `end`.
 */
export function readAddress(bytes: Uint8Array, offset: number, end: number, out: Uint32Array): number {
  if (offset + 4 > end) return -1;
  const type = u32(bytes, offset);
  const length = addressLength(type);
  const next = offset + 4 + length;
  if (length < 0 || next > end) return -1;
  out[0] = type === 2 ? u32(bytes, offset + 4) : 0;
  out[1] = type === 2 ? u32(bytes, offset + 8) : 0;
  out[2] = type === 2 ? u32(bytes, offset + 12) : type === 1 ? 0xffff : 0;
  out[3] = length === 0 ? 0 : u32(bytes, next - 4);
  return next;
}

/** Octets of opaque data or text with its padding: XDR fills up to whole words (RFC 4506 section 4.10). */
export function padded(length: number): number {
  return (length + 3) & ~3;
}
