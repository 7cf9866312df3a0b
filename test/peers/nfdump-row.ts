import { address, number, type Row, type Shown } from './encode-records.ts';

/** A flow as `nfdump -o json` prints it. */
export type NfdumpRow = Row;

/** Its flow by our names; what it does not show is undefined or 0. Times are UTC when nfdump ran with TZ=UTC. */
export function fromNfdump(row: NfdumpRow): Shown {
  const text = (...names: string[]): string | undefined => {
    const value = names.map((name) => row[name]).find((found) => found !== undefined);
    return value === undefined ? undefined : address(String(value));
  };
  const flags = String(row['tcp_flags'] ?? '').split('');
  return {
    src_addr: text('src4_addr', 'src6_addr'),
    dst_addr: text('dst4_addr', 'dst6_addr'),
    next_hop: text('ip4_next_hop', 'ip6_next_hop'),
    bgp_next_hop: text('bgp4_next_hop', 'bgp6_next_hop'),
    src_port: number(row, 'src_port'),
    dst_port: number(row, 'dst_port'),
    proto: number(row, 'proto'),
    tos: number(row, 'src_tos'),
    tcp_flags: flags.reduce((sum, flag, bit) => sum + (flag === FLAGS[bit] ? 128 >> bit : 0), 0),
    bytes: number(row, 'in_bytes'),
    packets: number(row, 'in_packets'),
    in_if: number(row, 'input_snmp'),
    out_if: number(row, 'output_snmp'),
    src_as: number(row, 'src_as'),
    dst_as: number(row, 'dst_as'),
    src_mask: number(row, 'src_mask'),
    dst_mask: number(row, 'dst_mask'),
    src_mac: text('in_src_mac'),
    dst_mac: text('in_dst_mac'),
    post_src_mac: text('out_src_mac'),
    post_dst_mac: text('out_dst_mac'),
    src_vlan: number(row, 'src_vlan'),
    dst_vlan: number(row, 'dst_vlan'),
    ingress_vrf: number(row, 'ingress_vrf'),
    egress_vrf: number(row, 'egress_vrf'),
    direction: number(row, 'direction'),
    forwarding_status: number(row, 'fwd_status'),
    nat_event: number(row, 'nat_event_id'),
    post_nat_src_addr: text('src4_xlt_ip', 'src6_xlt_ip'),
    post_nat_dst_addr: text('dst4_xlt_ip', 'dst6_xlt_ip'),
    post_nat_src_port: number(row, 'src_xlt_port'),
    post_nat_dst_port: number(row, 'dst_xlt_port'),
    time_start: time(row, 'first'),
    time_end: time(row, 'last'),
  };
}

/** Flags as letters in place of the bits. */
const FLAGS = 'CEUAPRSF';

/**
 * nfcapd 1.7.1 takes a sysUptime stamp of before the exporter's start, which is just below 2³² ms, for one of 49 days later; a flow that ends after it was
 * received gives it away.
 */
function time(row: NfdumpRow, name: 'first' | 'last'): string {
  const ms = Date.parse(`${String(row[name])}Z`);
  const isLater = ms > Date.parse(`${String(row['received'])}Z`) + 86_400_000;
  return new Date(isLater ? ms - 2 ** 32 : ms).toISOString();
}
