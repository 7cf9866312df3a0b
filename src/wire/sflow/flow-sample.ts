import { u32 } from '../../util/octets.ts';
import { createPacketFields, type PacketFields, TUNNEL } from '../packet/packet-fields.ts';

/** Bits of `FlowSample.has`: which records a sample had. */
export const RECORD = {
  /** Any record that describes the packet: `frameLength` is known. */
  packet: 1 << 0,
  /** The packet was parsed from its first octets; else its fields come from sampled_ipv4 and the like, which have no TTL or fragments. */
  header: 1 << 1,
  switch: 1 << 2,
  router: 1 << 3,
  gateway: 1 << 4,
  /** The gateway record told its next hop (version 5). */
  gatewayNextHop: 1 << 5,
  /** The gateway record had communities and local preference (versions 4 and 5). */
  gatewayPolicy: 1 << 6,
  nat: 1 << 7,
  natPort: 1 << 8,
  user: 1 << 9,
  url: 1 << 10,
  /** `ssid` and `bssid`. */
  wlan: 1 << 11,
  /** `vni` of a tunnel that the device took off or put on. */
  vni: 1 << 12,
  /** `mplsIn`: label stack on arrival. */
  mpls: 1 << 13,
} as const;

/** A value that no column takes: octets of the datagram (or text made of them), of an abstract data type of RFC 7012. */
export interface ExtraValue {
  readonly name: string;
  readonly type: 'unsigned32' | 'unsigned64' | 'ipv4Address' | 'ipv6Address' | 'macAddress' | 'string' | 'octetArray';
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
}

/** Formats of an interface number (sFlow Version 5, "interface"). */
export const INTERFACE_FORMAT = { ifIndex: 0, discarded: 1, multiple: 2 } as const;

/**
 * What a flow sample or discarded-packet notification says, of any version: one reusable object. Numbers of records that `has` does not name are
 * leftovers.
 */
export interface FlowSample {
  has: number;
  /** Counts the samples of the data source. */
  sequence: number;
  /** sFlowDataSource: class (0 ifIndex, 1 VLAN, 2 entity) and number. */
  sourceClass: number;
  sourceIndex: number;
  /** One packet in so many is sampled. */
  rate: number;
  /** Packets that could have been sampled, modulo 2³². */
  pool: number;
  /** Samples (or notifications) that the agent could not make for want of resources, modulo 2³². */
  drops: number;
  inFormat: number;
  input: number;
  outFormat: number;
  /** By `outFormat`: ifIndex, reason of the discard, or number of interfaces. */
  output: number;
  /** Discarded-packet notifications: reason; −1 in samples. */
  reason: number;
  /** Flow records that follow. */
  records: number;

  /** Octets of the packet on the wire, as the record says. */
  frameLength: number;
  readonly packet: PacketFields;

  srcVlan: number;
  srcPriority: number;
  dstVlan: number;
  dstPriority: number;
  /** Four words each. */
  readonly nextHop: Uint32Array;
  srcMask: number;
  dstMask: number;
  readonly gatewayNextHop: Uint32Array;
  srcAs: number;
  srcPeerAs: number;
  dstAs: number;
  dstPeerAs: number;
  localPref: number;
  /** AS numbers separated by spaces, sets in braces. */
  asPath: string;
  /** `AS:value`, separated by spaces. */
  communities: string;
  readonly natSrc: Uint32Array;
  readonly natDst: Uint32Array;
  natSrcPort: number;
  natDstPort: number;
  userName: string;
  url: string;
  host: string;
  ssid: string;
  /** Upper 16 and lower 32 bits. */
  bssidHigh: number;
  bssidLow: number;
  vni: number;
  /** Labels, top first, separated by commas. */
  mplsIn: string;
  readonly extras: ExtraValue[];
}

export function createFlowSample(): FlowSample {
  return {
    has: 0,
    sequence: 0,
    sourceClass: 0,
    sourceIndex: 0,
    rate: 0,
    pool: 0,
    drops: 0,
    inFormat: 0,
    input: 0,
    outFormat: 0,
    output: 0,
    reason: -1,
    records: 0,
    frameLength: 0,
    packet: createPacketFields(),
    srcVlan: 0,
    srcPriority: 0,
    dstVlan: 0,
    dstPriority: 0,
    nextHop: new Uint32Array(4),
    srcMask: 0,
    dstMask: 0,
    gatewayNextHop: new Uint32Array(4),
    srcAs: 0,
    srcPeerAs: 0,
    dstAs: 0,
    dstPeerAs: 0,
    localPref: 0,
    asPath: '',
    communities: '',
    natSrc: new Uint32Array(4),
    natDst: new Uint32Array(4),
    natSrcPort: 0,
    natDstPort: 0,
    userName: '',
    url: '',
    host: '',
    ssid: '',
    bssidHigh: 0,
    bssidLow: 0,
    vni: 0,
    mplsIn: '',
    extras: [],
  };
}

/** Reads what flow samples of every version but the expanded ones begin with, 20 octets: sequence number, source, rate, pool, drops. */
export function readSampleHead(bytes: Uint8Array, start: number, out: FlowSample): void {
  const source = u32(bytes, start + 4);
  out.sequence = u32(bytes, start);
  out.sourceClass = source >>> 24;
  out.sourceIndex = source & 0xff_ffff;
  out.rate = u32(bytes, start + 8);
  out.pool = u32(bytes, start + 12);
  out.drops = u32(bytes, start + 16);
}

/** Forgets the records of the sample before. */
export function beginFlowSample(sample: FlowSample): void {
  const { packet } = sample;
  // What no bit names has no meaning, and the packet parser resets all the rest when it runs.
  packet.has = 0;
  packet.inner.has = 0;
  packet.hasInner = 0;
  packet.tunnel = TUNNEL.none;
  sample.has = 0;
  sample.reason = -1;
  if (sample.extras.length > 0) sample.extras.length = 0;
}
