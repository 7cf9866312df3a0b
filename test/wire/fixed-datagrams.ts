/*
 * One datagram of every fixed format but v5, octet by octet, with what it says. Every field has a value of its own, so that two that change places are
 * seen. Layouts: Cisco, "NetFlow Export Datagram Format" (v1, v7); "NetFlow ToS-Based Router Aggregation", figures 1–7 (v8: header, schemes 9–14);
 * flow-tools' ftlib.h (v6, v8: schemes 1–8).
 */

export interface FixedDatagram {
  readonly name: string;
  readonly hex: string;
  /** Columns of its only record, beside those that all have (see `SHARED`). */
  readonly columns: Readonly<Record<string, unknown>>;
  /** Columns that tshark 4.0 is known to read from other octets, with why. */
  readonly tsharkDiffers?: readonly string[];
}

/** sysUptime 0a0b0c0d; 6abe2040 s and 0bebc200 ns; sequence; engine type 21 and id 22. */
const TIMES = '0a0b0c0d 6abe2040 0bebc200';
const EXPORTED = 0x6abe2040 * 1000 + 200;
const FIRST_LAST = '0a0b0001 0a0b0402';

const iso = (millis: number): string => `${new Date(millis).toISOString().slice(0, -1)}000Z`;

/** What `FIRST_LAST` means with `TIMES`. */
export const SHARED = {
  time_start: iso(EXPORTED - (0x0a0b0c0d - 0x0a0b0001)),
  time_end: iso(EXPORTED - (0x0a0b0c0d - 0x0a0b0402)),
  time_source: 'flow',
};

const FLOW = {
  src_addr: '192.0.2.1',
  dst_addr: '198.51.100.2',
  next_hop: '203.0.113.3',
  in_if: 0x0102,
  out_if: 0x0304,
  packets: 0x05060708,
  bytes: 0x090a0b0c,
  src_port: 0x1516,
  dst_port: 0x1718,
  tcp_flags: 0x1a,
  proto: 0x11,
  tos: 0x1c,
};
const FLOW_HEX = `c0000201 c6336402 cb007103 0102 0304 05060708 090a0b0c ${FIRST_LAST} 1516 1718`;
const ROUTED = { src_as: 0x1d1e, dst_as: 0x1f20, src_mask: 24, dst_mask: 16 };

const V1 = {
  columns: { ...FLOW, flow_type: 'netflow_v1', record_kind: 'flow', observation_domain: 0, extra: undefined },
  header: `0001 0001 ${TIMES}`,
};

export const FLOWS: readonly FixedDatagram[] = [
  { name: 'v1', hex: `${V1.header} ${FLOW_HEX} 0000 11 1c 1a 010203 04050607 08090a0b`, columns: V1.columns },
  {
    name: 'v1 with records of 48 octets',
    hex: `${V1.header} ${FLOW_HEX} 0000 11 1c 1a 010203 04050607`,
    columns: V1.columns,
  },
  {
    name: 'v6',
    hex: `0006 0001 ${TIMES} 11121314 2122 0000  ${FLOW_HEX} 00 1a 11 1c 1d1e 1f20 18 10 25 26 cb007104`,
    columns: {
      ...FLOW,
      ...ROUTED,
      flow_type: 'netflow_v6',
      record_kind: 'flow',
      observation_domain: 0x2122,
      extra: { in_encaps: 0x25, out_encaps: 0x26, peer_nexthop: '203.0.113.4' },
    },
  },
  {
    name: 'v7',
    hex: `0007 0001 ${TIMES} 11121314 00000000  ${FLOW_HEX} 24 1a 11 1c 1d1e 1f20 18 10 2526 cb007104`,
    columns: {
      ...FLOW,
      ...ROUTED,
      flow_type: 'netflow_v7',
      record_kind: 'flow',
      observation_domain: 0,
      extra: { flags: 0x24, invalid: 0x2526, ipv4RouterSc: '203.0.113.4' },
    },
  },
];

const AGGREGATE = { flow_type: 'netflow_v8', record_kind: 'aggregate', observation_domain: 0x2122 };
/** flows 31323334, packets 05060708, octets 090a0b0c. */
const COUNTERS = { packets: 0x05060708, bytes: 0x090a0b0c };
const SUMS = { ...AGGREGATE, ...COUNTERS, flow_count: 0x31323334, extra: undefined };
const SUMS_HEX = `31323334 05060708 090a0b0c ${FIRST_LAST}`;
const header = (scheme: number): string =>
  `0008 0001 ${TIMES} 11121314 2122 ${scheme.toString(16).padStart(2, '0')}02 00000000 `;
const IFS = { in_if: 0x0102, out_if: 0x0304 };
const AS = { src_as: 0x1d1e, dst_as: 0x1f20 };
const PORTS = { src_port: 0x1516, dst_port: 0x1718 };
const SOURCE = { src_prefix: '192.0.2.0', src_mask: 24 };
const DESTINATION = { dst_prefix: '198.51.0.0', dst_mask: 16 };
const EXCEEDED = { extra: { marked_tos: 0x1d, extra_pkts: 0x41424344, ipv4RouterSc: '203.0.113.4' } };
/** tshark takes the source's mask for the first of two. */
const MASKS = ['src_mask', 'dst_mask'];

export const AGGREGATES: readonly FixedDatagram[] = [
  { name: '1, AS', hex: `${header(1)} ${SUMS_HEX} 1d1e 1f20 0102 0304`, columns: { ...SUMS, ...AS, ...IFS } },
  {
    name: '2, protocol-port',
    hex: `${header(2)} ${SUMS_HEX} 11 00 0000 1516 1718`,
    columns: { ...SUMS, proto: 0x11, ...PORTS },
  },
  {
    name: '3, source prefix',
    hex: `${header(3)} ${SUMS_HEX} c0000200 18 00 1d1e 0102 0000`,
    columns: { ...SUMS, ...SOURCE, src_as: 0x1d1e, in_if: 0x0102 },
  },
  {
    name: '4, destination prefix',
    hex: `${header(4)} ${SUMS_HEX} c6330000 10 00 1f20 0304 0000`,
    columns: { ...SUMS, ...DESTINATION, dst_as: 0x1f20, out_if: 0x0304 },
  },
  {
    name: '5, prefix',
    hex: `${header(5)} ${SUMS_HEX} c0000200 c6330000 10 18 0000 1d1e 1f20 0102 0304`,
    columns: { ...SUMS, ...SOURCE, ...DESTINATION, ...AS, ...IFS },
    tsharkDiffers: MASKS,
  },
  {
    name: '6, destination',
    hex: `${header(6)} c6336402 05060708 090a0b0c ${FIRST_LAST} 0304 1c 1d 41424344 cb007104`,
    columns: { ...AGGREGATE, ...COUNTERS, dst_addr: '198.51.100.2', out_if: 0x0304, tos: 0x1c, ...EXCEEDED },
  },
  {
    name: '7, source-destination',
    hex: `${header(7)} c6336402 c0000201 05060708 090a0b0c ${FIRST_LAST} 0304 0102 1c 1d 0000 41424344 cb007104`,
    columns: {
      ...AGGREGATE,
      ...COUNTERS,
      src_addr: '192.0.2.1',
      dst_addr: '198.51.100.2',
      ...IFS,
      tos: 0x1c,
      ...EXCEEDED,
    },
  },
  {
    name: '8, full flow',
    hex: `${header(8)} c6336402 c0000201 1718 1516 05060708 090a0b0c ${FIRST_LAST} 0304 0102 1c 11 1d 00 41424344 cb007104`,
    columns: {
      ...AGGREGATE,
      ...COUNTERS,
      src_addr: '192.0.2.1',
      dst_addr: '198.51.100.2',
      ...PORTS,
      ...IFS,
      tos: 0x1c,
      proto: 0x11,
      ...EXCEEDED,
    },
  },
  {
    name: '9, AS-ToS',
    hex: `${header(9)} ${SUMS_HEX} 1d1e 1f20 0102 0304 1c 00 0000`,
    columns: { ...SUMS, ...AS, ...IFS, tos: 0x1c },
    // tshark reads ToS before the interfaces; in Cisco's figure 2 it is the last word.
    tsharkDiffers: ['tos', 'in_if', 'out_if'],
  },
  {
    name: '10, protocol-port-ToS',
    hex: `${header(10)} ${SUMS_HEX} 11 1c 0000 1516 1718 0102 0304`,
    columns: { ...SUMS, proto: 0x11, tos: 0x1c, ...PORTS, ...IFS },
  },
  {
    name: '11, source prefix-ToS',
    hex: `${header(11)} ${SUMS_HEX} c0000200 18 1c 1d1e 0102 0000`,
    columns: { ...SUMS, ...SOURCE, tos: 0x1c, src_as: 0x1d1e, in_if: 0x0102 },
  },
  {
    name: '12, destination prefix-ToS',
    hex: `${header(12)} ${SUMS_HEX} c6330000 10 1c 1f20 0304 0000`,
    columns: { ...SUMS, ...DESTINATION, tos: 0x1c, dst_as: 0x1f20, out_if: 0x0304 },
  },
  {
    name: '13, prefix-ToS',
    hex: `${header(13)} ${SUMS_HEX} c0000200 c6330000 10 18 1c 00 1d1e 1f20 0102 0304`,
    columns: { ...SUMS, ...SOURCE, ...DESTINATION, tos: 0x1c, ...AS, ...IFS },
    tsharkDiffers: MASKS,
  },
  {
    name: '14, prefix-port-ToS',
    hex: `${header(14)} ${SUMS_HEX} c0000200 c6330000 10 18 1c 11 1516 1718 0102 0304`,
    columns: { ...SUMS, ...SOURCE, ...DESTINATION, tos: 0x1c, proto: 0x11, ...PORTS, ...IFS },
    tsharkDiffers: MASKS,
  },
];
