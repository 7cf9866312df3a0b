import { formatAddress } from '../util/address.ts';
import { u16, u32, unsigned } from '../util/octets.ts';

/** The fields of a message's header, by the names of its standard; what a datagram is too short for is not there. */
export interface MessageHeader {
  readonly version: number;
  readonly [name: string]: number | string;
}

type Fields = readonly (readonly [name: string, octets: number])[];

const CISCO: Fields = [
  ['version', 2],
  ['count', 2],
  ['sysUptime', 4],
  ['unixSecs', 4],
  ['unixNsecs', 4],
];
const WITH_SEQUENCE: Fields = [...CISCO, ['flowSequence', 4]];
const ENGINE: Fields = [
  ['engineType', 1],
  ['engineId', 1],
];

/**
 * v1, v5 to v8: Cisco, "NetFlow Export Datagram Format" (NetFlow Collection Engine guide, appendix B). v9: RFC 3954 section 5.1. IPFIX: RFC 7011 section 3.1.
 */
const HEADERS: Readonly<Record<number, Fields>> = {
  1: CISCO,
  5: [...WITH_SEQUENCE, ...ENGINE, ['samplingInterval', 2]],
  6: [...WITH_SEQUENCE, ...ENGINE, ['samplingInterval', 2]],
  7: [...WITH_SEQUENCE, ['reserved', 4]],
  8: [...WITH_SEQUENCE, ...ENGINE, ['aggregation', 1], ['aggVersion', 1], ['reserved', 4]],
  9: [
    ['version', 2],
    ['count', 2],
    ['sysUpTime', 4],
    ['unixSecs', 4],
    ['sequenceNumber', 4],
    ['sourceId', 4],
  ],
  10: [
    ['version', 2],
    ['length', 2],
    ['exportTime', 4],
    ['sequenceNumber', 4],
    ['observationDomainId', 4],
  ],
};

/** sFlow: the address type of the agent (1 IPv4, 2 IPv6) comes after the version. v5: sflow_version_5.txt, struct datagram; v2 and v4: RFC 3176 section 4. */
const SFLOW: Readonly<Record<number, readonly string[]>> = {
  2: ['sequenceNumber', 'sysUptime', 'samples'],
  4: ['sequenceNumber', 'sysUptime', 'samples'],
  5: ['subAgentId', 'sequenceNumber', 'sysUptime', 'samples'],
};

/** The family of formats a datagram belongs to, by its first octets: NetFlow's and IPFIX's version is the first 16 bits, sFlow's the first 32. */
export function formatOf(bytes: Uint8Array): 'netflow' | 'ipfix' | 'sflow' | 'unknown' {
  const version = bytes.length >= 2 ? u16(bytes, 0) : 0;
  if (version === 10) return 'ipfix';
  if (HEADERS[version] !== undefined) return 'netflow';
  return bytes.length >= 4 && SFLOW[u32(bytes, 0)] !== undefined ? 'sflow' : 'unknown';
}

/** Reads the header at the beginning of a datagram. One of an unknown version has only `version`; where not even that is there, it is 0. */
export function readHeader(bytes: Uint8Array): MessageHeader {
  if (bytes.length < 2) return { version: 0 };
  if (formatOf(bytes) === 'sflow') return sflowHeader(bytes, u32(bytes, 0));
  const version = u16(bytes, 0);
  const header: Record<string, number> = { version };
  let p = 0;
  for (const [name, octets] of HEADERS[version] ?? []) {
    if (p + octets > bytes.length) break;
    header[name] = unsigned(bytes, p, octets);
    p += octets;
  }
  if (version === 5 && header['samplingInterval'] !== undefined) {
    // Two bits of mode stand before fourteen of interval.
    const word = header['samplingInterval'];
    header['samplingMode'] = word >>> 14;
    header['samplingInterval'] = word & 0x3fff;
  }
  return header as unknown as MessageHeader;
}

function sflowHeader(bytes: Uint8Array, version: number): MessageHeader {
  const header: Record<string, number | string> = { version };
  const type = bytes.length >= 8 ? u32(bytes, 4) : 0;
  const octets = type === 1 ? 4 : type === 2 ? 16 : 0;
  let p = 8 + octets;
  if (octets === 0 || p > bytes.length) return header as unknown as MessageHeader;
  header['agentAddress'] =
    octets === 4
      ? formatAddress(0, 0, 0xffff, u32(bytes, 8))
      : formatAddress(u32(bytes, 8), u32(bytes, 12), u32(bytes, 16), u32(bytes, 20));
  for (const name of SFLOW[version] ?? []) {
    if (p + 4 > bytes.length) break;
    header[name] = u32(bytes, p);
    p += 4;
  }
  return header as unknown as MessageHeader;
}
