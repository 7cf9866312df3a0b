import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Protocol } from '#weir/export/encoder.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import {
  AS,
  address,
  MACS,
  MASKS,
  NAT,
  number,
  POST_MACS,
  type Row,
  recordsFor,
  type Shown,
  sendEncoded,
  TIMES,
  table,
  VLANS,
  VRFS,
  without,
} from './encode-records.ts';
import { queuedOctets } from './tee.ts';

/* What weir encodes, as nfdump reads it in the files of nfcapd and sfcapd: every field that it shows. */

const TEMPLATED = [...without(), ...MACS, ...POST_MACS, ...VLANS, ...VRFS, ...NAT, 'bgp_next_hop', 'direction'];

/** Receives the encoded records with nfcapd or sfcapd, and gives nfdump's rows. */
async function nfdumpOf(collector: 'nfcapd' | 'sfcapd', protocol: Protocol): Promise<Shown[]> {
  const folder = tempFolder(collector);
  const port = await freeUdpPort();
  const flags = ['-4', '-b', '127.0.0.1', '-p', `${port}`, '-w', folder.path, '-y', '-t', '3600'];
  const running = startProcess(requireTool(collector), flags);
  try {
    await running.waitFor('Startup');
    await sendEncoded(protocol, port);
    // It drops what is in its socket's buffer when it is told to end.
    for (let tries = 0; tries < 200 && queuedOctets(port) > 0; tries++) await sleep(50);
    await sleep(300);
    const { stdout, stderr } = await running.stop('SIGTERM');
    expect(stdout + stderr).toMatch(/Sequence Errors: 0, Bad Packets: 0/);
  } finally {
    running.kill();
    await running.finished;
  }
  const file = readdirSync(folder.path).find((name) => /^nfcapd\.\d+$/.test(name)) ?? '';
  const args = ['-r', folder.join(file), '-o', 'json'];
  const { stdout } = await runProcess(requireTool('nfdump'), args, { env: { TZ: 'UTC' } });
  return (JSON.parse(stdout) as Row[]).map(fromNfdump);
}

describeWithTool(['nfcapd', 'nfdump'], 'what weir encodes, in nfcapd', () => {
  it.each([
    ['netflow1', without(AS, MASKS)],
    // nfcapd 1.7.1 leaves out the masks of v5 and v7.
    ['netflow5', without(MASKS)],
    ['netflow7', without(MASKS)],
    ['netflow9', [...TEMPLATED, 'forwarding_status']],
    // nfcapd 1.7.1 reads forwardingStatus in v9 alone, and MPLS labels rightly in neither.
    ['ipfix', TEMPLATED],
  ] as const)('%s: every field is the one that was encoded', async (protocol, names) => {
    const found = await nfdumpOf('nfcapd', protocol);
    expect(table(found, names)).toEqual(table(recordsFor(protocol), names));
  });
});

describeWithTool(['sfcapd', 'nfdump'], 'what weir encodes, in sfcapd', () => {
  it('sflow: every field is the one that was encoded, counters times the sampling rate', async () => {
    const names = [...without(TIMES), ...MACS, ...VLANS, 'bgp_next_hop'];
    const expected = recordsFor('sflow').map((record) => {
      const rate = Number(record['sampling_rate']);
      const counters = { bytes: Number(record['bytes']) * rate, packets: Number(record['packets']) * rate };
      // sfcapd 1.7.1 keeps no BGP next hop that is an IPv6 address.
      return { ...record, ...counters, ...(isIpv6(record) ? { bgp_next_hop: '' } : {}) };
    });
    const found = (await nfdumpOf('sfcapd', 'sflow')).map((record) => {
      // It shows the destination's address as that of the way out.
      return { ...record, dst_mac: record['post_dst_mac'] ?? '' };
    });
    expect(table(found, names)).toEqual(table(expected, names));
  });
});

function isIpv6(record: Shown): boolean {
  return (record['src_addr'] as string).includes(':');
}

const FLAGS = 'CEUAPRSF';

function fromNfdump(row: Row): Shown {
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
    time_start: `${String(row['first'])}Z`,
    time_end: `${String(row['last'])}Z`,
  };
}
