import { findColumn } from '../flow/schema.ts';
import { DERIVED } from './derived.ts';

/**
 * nfdump's words, and ours in its manner: each phrase with the columns it stands for. The first spelling of several columns is their canonical name.
 * Phrases whose columns the schema does not have (yet) are refused; see `whyRefused`.
 */
// biome-ignore format: one subject, one row
const ROWS: readonly (readonly [phrases: readonly string[], columns: readonly string[]])[] = [
  [['ip', 'host', 'net', 'addr'], ['src_addr', 'dst_addr']],
  [['src ip', 'src host', 'src net', 'src addr'], ['src_addr']],
  [['dst ip', 'dst host', 'dst net', 'dst addr'], ['dst_addr']],
  [['port'], ['src_port', 'dst_port']],
  [['src port'], ['src_port']],
  [['dst port'], ['dst_port']],
  [['as'], ['src_as', 'dst_as']],
  [['src as'], ['src_as']],
  [['dst as'], ['dst_as']],
  [['prev as'], ['prev_as']],
  [['next as'], ['next_as']],
  [['mask'], ['src_mask', 'dst_mask']],
  [['src mask'], ['src_mask']],
  [['dst mask'], ['dst_mask']],
  [['if'], ['in_if', 'out_if']],
  [['in if', 'src if'], ['in_if']],
  [['out if', 'dst if'], ['out_if']],
  [['vlan'], ['src_vlan', 'dst_vlan']],
  [['src vlan'], ['src_vlan']],
  [['dst vlan'], ['dst_vlan']],
  [['mac'], ['src_mac', 'dst_mac', 'post_src_mac', 'post_dst_mac']],
  [['src mac'], ['src_mac', 'post_src_mac']],
  [['dst mac'], ['dst_mac', 'post_dst_mac']],
  [['in mac'], ['src_mac', 'dst_mac']],
  [['out mac'], ['post_src_mac', 'post_dst_mac']],
  [['in src mac'], ['src_mac']],
  [['in dst mac'], ['dst_mac']],
  [['out src mac'], ['post_src_mac']],
  [['out dst mac'], ['post_dst_mac']],
  [['proto'], ['proto']],
  [['flags'], ['tcp_flags']],
  [['tos', 'src tos'], ['tos']],
  [['dst tos'], ['post_tos']],
  [['bytes', 'octets', 'in bytes'], ['bytes']],
  // nfcapd keeps the counters of the other direction of a biflow with those of what went out.
  [['out bytes'], ['out_bytes', 'reverse_bytes']],
  [['packets', 'in packets'], ['packets']],
  [['out packets'], ['out_packets', 'reverse_packets']],
  [['flow', 'flows'], ['flows']],
  [['first seen'], ['time_start']],
  [['last seen'], ['time_end']],
  [['received'], ['time_received']],
  [['exporter', 'exporter ip', 'exporter net', 'router ip'], ['exporter']],
  [['domain', 'observation domain id'], ['observation_domain']],
  [['kind'], ['record_kind']],
  [['flowdir'], ['direction']],
  [['next ip', 'next net', 'next hop'], ['next_hop']],
  [['bgpnext ip', 'bgp next ip', 'bgpnext net'], ['bgp_next_hop']],
  [['icmp-type'], ['icmp_type']],
  [['icmp-code'], ['icmp_code']],
  [['engine-type'], ['engine_type']],
  [['engine-id'], ['engine_id']],
  [['fwdstat'], ['forwarding_status']],
  [['user'], ['user_name']],
  [['app'], ['app_name']],
  [['event', 'asa event'], ['firewall_event']],
  [['xevent', 'asa xevent', 'asa event denied'], ['firewall_extended_event']],
  [['nat event'], ['nat_event']],
  [['nip', 'xip', 'nnet', 'xnet'], ['post_nat_src_addr', 'post_nat_dst_addr']],
  [['src nip', 'src xip', 'src nnet', 'src xnet'], ['post_nat_src_addr']],
  [['dst nip', 'dst xip', 'dst nnet', 'dst xnet'], ['post_nat_dst_addr']],
  [['nport', 'xport'], ['post_nat_src_port', 'post_nat_dst_port']],
  [['src nport', 'src xport'], ['post_nat_src_port']],
  [['dst nport', 'dst xport'], ['post_nat_dst_port']],
  [['vrf'], ['ingress_vrf', 'egress_vrf']],
  [['ingress vrf'], ['ingress_vrf']],
  [['egress vrf'], ['egress_vrf']],
  [['pblock start'], ['port_range_start']],
  [['pblock end'], ['port_range_end']],
  [['pblock step'], ['port_range_step']],
  [['pblock size'], ['port_range_size']],
  [['inner ip', 'inner net'], ['inner_src_addr', 'inner_dst_addr']],
  [['src inner ip', 'src inner net'], ['inner_src_addr']],
  [['dst inner ip', 'dst inner net'], ['inner_dst_addr']],
  [['inner port'], ['inner_src_port', 'inner_dst_port']],
  [['mpls any'], Object.keys(DERIVED).filter((name) => name.startsWith('mpls_label'))],
  ...Object.keys(DERIVED).filter((name) => name.startsWith('mpls_')).map((name) => [[name.replace('_', ' ')], [name]] as const),
  [['geo'], ['src_country', 'dst_country']],
  [['src geo'], ['src_country']],
  [['dst geo'], ['dst_country']],
];

/** Words of nfdump that mean flows of certain protocols only: some exporters fill these fields for others, too. */
export const IMPLIED_PROTOCOLS: ReadonlyMap<string, readonly number[]> = new Map([
  ['flags', [6]],
  ['icmp-type', [1, 58]],
  ['icmp-code', [1, 58]],
]);

/** Cisco's identifiers of access lists have three numbers of 32 bits: the list, its entry, and the entry's extension. */
export const ACL_PARTS: ReadonlyMap<string, readonly [column: string, part: number]> = new Map(
  ['ingress', 'egress'].flatMap((side) =>
    ['acl', 'ace', 'xace'].map((word, part) => [`${side} ${word}`, [`${side}_acl`, part]] as const),
  ),
);

const isThere = (name: string): boolean => findColumn(name) >= 0 || Object.hasOwn(DERIVED, name);

/** Phrases and their columns. */
export const PHRASES = ROWS.filter(([, columns]) => columns.every(isThere));

const NO_COUNTRY = 'flows have no country yet: enrichment will supply it (src_country, dst_country)';
const TUNNEL =
  'here src_addr and dst_addr are the outer addresses of a tunnel, inner_src_addr and inner_dst_addr the inner ones';

/** Words of nfdump that mean nothing here, and why. */
const REFUSED: ReadonlyMap<string, string> = new Map<string, string>([
  ...ROWS.filter(([, columns]) => !columns.every(isThere)).flatMap(([phrases]) =>
    phrases.map((phrase): [string, string] => [phrase, NO_COUNTRY]),
  ),
  ...['tunip', 'src tunip', 'dst tunip', 'tun ip', 'src tun ip', 'dst tun ip'].map((phrase): [string, string] => [
    phrase,
    TUNNEL,
  ]),
  ['tun proto', 'the encapsulation is in the column tunnel: tunnel = gre'],
  ['count', 'records have no numbers here: a store is read in any order'],
  ['ident', 'flows have no source identifier: use exporter, or observation_domain'],
  ['sysid', 'exporters have no numbers here: use exporter 192.0.2.1'],
  ['exporter id', 'exporters have no numbers here: use exporter 192.0.2.1'],
  ['payload', 'payloads are not stored'],
  [
    'observation point id',
    'no column takes the observation point; where it was sent it is in extra: extra contains "observationPointId"',
  ],
  ...['client latency', 'server latency', 'app latency'].map((phrase): [string, string] => [
    phrase,
    'no column takes latencies; where they were sent they are in extra',
  ]),
  ...Array.from({ length: 10 }, (_, i) => `mpls exp${i + 1}`).map((phrase): [string, string] => [
    phrase,
    'labels are stored without their traffic class bits',
  ]),
]);

/** Longest phrase of REFUSED, in words. */
export const REFUSED_WORDS = 3;

/** Why the phrase (in lower case) is refused; undefined when it is not. */
export function whyRefused(phrase: string): string | undefined {
  return REFUSED.get(phrase);
}
