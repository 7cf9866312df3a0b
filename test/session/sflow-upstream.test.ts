import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatagrams } from '#weir/cli/datagrams.js';
import type { FlowRecord } from '#weir/flow/record.js';
import type { CounterRow } from '#weir/session/counter-row.js';
import { formatAddress } from '#weir/util/address.js';
import { describeCorpus } from '../helpers/corpus.ts';
import { sflowDecoder } from './sflow-tools.ts';

/* sFlow, field by field: every value in Telegraf's expected output, and in tshark's readings of the corpus' captures. */

interface Decoded {
  readonly flows: FlowRecord[];
  readonly counters: CounterRow[];
}

async function decodeFile(path: string): Promise<Decoded> {
  const decoder = sflowDecoder();
  const flows: FlowRecord[] = [];
  const { batches } = await openDatagrams(path, process.stdin);
  for await (const datagrams of batches) {
    for (const { payload, source, sourcePort, time } of datagrams) {
      // One of the captures has NetFlow v5 in it, too.
      const records = decoder.feed(payload, `${formatAddress(...source)}/${sourcePort}`, time);
      flows.push(...records.filter((record) => record['flow_type'] === 'sflow_5'));
    }
  }
  return { flows, counters: decoder.takeCounters() };
}

/** A value as text; all bits set is what the agent could not give. */
function asText(value: unknown): string {
  if (value === undefined) return 'unknown';
  return typeof value === 'string' ? value : typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
}

const UNKNOWN = new Set(['4294967295', '18446744073709551615']);
const IF_COUNTERS: Readonly<Record<string, keyof CounterRow>> = {
  ifindex: 'if_index',
  iftype: 'if_type',
  ifspeed: 'if_speed',
  ifdirection: 'if_direction',
  ifpromisc: 'if_promiscuous',
  ifinoct: 'in_octets',
  ifinpkt: 'in_unicast',
  ifinmcast: 'in_multicast',
  ifinbcast: 'in_broadcast',
  ifindisc: 'in_discards',
  ifinerr: 'in_errors',
  ifinunk: 'in_unknown_protos',
  ifoutoct: 'out_octets',
  ifoutpkt: 'out_unicast',
  ifoutmcast: 'out_multicast',
  ifoutbcast: 'out_broadcast',
  ifoutdisc: 'out_discards',
  ifouterr: 'out_errors',
};
const ETHERNET = (
  'AlignmentErrors FCSErrors SingleCollisionFrames MultipleCollisionFrames SQETestErrors DeferredTransmissions LateCollisions ' +
  'ExcessiveCollisions InternalMacTransmitErrors CarrierSenseErrors FrameTooLongs InternalMacReceiveErrors SymbolErrors'
)
  .split(' ')
  .map((name) => `dot3Stats${name}`);
const LAG: Readonly<Record<string, string>> = {
  actor_system_id: 'dot3adAggPortActorSystemID',
  partner_oper_system_id: 'dot3adAggPortPartnerOperSystemID',
  attached_agg_id: 'dot3adAggPortAttachedAggID',
  'lacpdus.rx': 'dot3adAggPortStatsLACPDUsRx',
  'marker_pdus.rx': 'dot3adAggPortStatsMarkerPDUsRx',
  'unknown.rx': 'dot3adAggPortStatsUnknownRx',
  'illegal.rx': 'dot3adAggPortStatsIllegalRx',
  'lacpdus.tx': 'dot3adAggPortStatsLACPDUsTx',
  'marker_response_pdus.tx': 'dot3adAggPortStatsMarkerResponsePDUsTx',
};
const PROCESSOR: Readonly<Record<string, string>> = {
  cpu_5s: 'cpu5s',
  cpu_1m: 'cpu1m',
  cpu_5m: 'cpu5m',
  total_memory: 'total_memory',
  free_memory: 'free_memory',
};
const FLOWS: Readonly<Record<string, string>> = {
  'sflow.flow_sample.sampling_rate': 'sampling_rate',
  'sflow_245.header.frame_length': 'bytes',
  'sflow_245.vlan.out': 'dst_vlan',
  'sflow_245.pri.in': 'src_vlan_priority',
  'sflow_245.pri.out': 'dst_vlan_priority',
  'sflow_245.nexthop.src_mask': 'src_mask',
  'sflow_245.nexthop.dst_mask': 'dst_mask',
  'sflow_245.srcAS': 'src_as',
  'sflow_245.peerAS': 'prev_as',
  'sflow_245.localpref': 'bgp_local_pref',
};

/** Pairs of a field's values in order, theirs and ours, of all fields that both have. */
function comparisons(
  theirs: string,
  { flows, counters }: Decoded,
): [field: string, theirs: string[], ours: string[]][] {
  const values = (field: string): string[] =>
    [...theirs.matchAll(new RegExp(`"${field.replaceAll('.', '\\.')}": "([^"]*)"`, 'g'))].map(([, value = '']) =>
      UNKNOWN.has(value) ? 'unknown' : value,
    );
  const of = (kind: string): CounterRow[] => counters.filter((row) => row.kind === kind);
  const named = (kind: string, name: string): string[] => of(kind).map((row) => asText(row.values[name]));
  return [
    ...Object.entries(IF_COUNTERS).map(([field, column]) => {
      const ours = of('interface').map((row) => asText(row[column]));
      return [`sflow_245.${field}`, ours] as const;
    }),
    ...ETHERNET.map((name) => [`sflow_245.${name}`, named('ethernet', name)] as const),
    ...Object.entries(LAG).map(([field, name]) => [`sflow.lag_port.${field}`, named('lag', name)] as const),
    ...Object.entries(PROCESSOR).map(([field, name]) => [`sflow_5.${field}`, named('processor', name)] as const),
    ...Object.entries(FLOWS).map(([field, column]) => {
      const ours = flows.filter((flow) => flow[column] !== undefined).map((flow) => asText(flow[column]));
      return [field, ours] as const;
    }),
  ].map(([field, ours]) => [field, values(field), ours]);
}

describeCorpus('what others make of the same datagrams', (corpus) => {
  const folder = join(corpus, 'reference-decodes');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /sflow.*\.tshark\.json$/.test(name))
    .sort();
  let compared = 0;

  it.each(files)('tshark: %s', async (name) => {
    // Host adapters (2001) are unknown to tshark 4.0, which then reads on in their middle instead of behind them. tcpdump agrees with us.
    const theirs = readFileSync(join(folder, name), 'utf8').replace(
      /"Counters sample, seq 26626"[^]*?"_ws\.malformed"/,
      '',
    );
    const decoded = await decodeFile(join(folder, name.replace('.tshark.json', '.wrapped.pcap')));
    for (const [field, expected, found] of comparisons(theirs, decoded)) {
      // Where the switch knows no VLAN, the column is absent.
      const known =
        field.includes('vlan') || field.includes('pri.') ? expected.filter((value) => value !== 'unknown') : expected;
      // tshark's JSON is ordered by the samples' numbers.
      expect(found.sort(), field).toEqual(known.sort());
      compared += known.length;
    }
  });

  it('tshark: so many values', () => {
    expect(compared).toBeGreaterThan(4000);
  });

  it.each(['sflow_issue_15375', 'sflow_issue_15918', 'sflow_issue_18876', 'sflow_v5_example'])(
    'Telegraf: %s',
    async (name) => {
      const { flows, counters } = await decodeFile(join(corpus, 'cases', `telegraf-${name}.pcap`));
      const lines = readFileSync(join(corpus, 'telegraf-netflow', name, 'expected.out'), 'utf8')
        .trim()
        .split('\n')
        .map(lineFields);
      let [flow, counter] = [0, 0];
      for (const line of lines) {
        if (line.has('interface') || line.has('interface_type')) counter += checkCounters(line, counters);
        else flow += checkFlow(line, flows[flow]);
      }
      expect(flow).toBe(flows.length);
      expect(counter).toBe(new Set(counters.map((row) => row.source_index)).size);
    },
  );
});

/** Fields of a line of InfluxDB's line protocol, numbers without their suffix. */
function lineFields(line: string): Map<string, string> {
  const text = line.slice(line.indexOf(' ') + 1).replace(/ \d+$/, '');
  return new Map(
    [...text.matchAll(/(\w+)=(?:"([^"]*)"|([^,]*))/g)].map(([, name = '', quoted, plain = '']) => [
      name,
      quoted ?? plain.replace(/u$/, ''),
    ]),
  );
}

const PROTOCOLS: Readonly<Record<string, string>> = { tcp: '6', udp: '17', hopopt: '0', icmp: '1' };
const TELEGRAF: Readonly<Record<string, string>> = {
  agent_ip: 'agent_addr',
  agent_subid: 'observation_domain',
  in_snmp: 'in_if',
  out_snmp: 'out_if',
  sampling_interval: 'sampling_rate',
  src: 'src_addr',
  dst: 'dst_addr',
  src_port: 'src_port',
  dst_port: 'dst_port',
  in_src_mac: 'src_mac',
  out_dst_mac: 'dst_mac',
  l2_bytes: 'bytes',
  ipv4_total_len: 'ip_total_length',
  ipv4_id: 'fragment_id',
  fragment_offset: 'fragment_offset',
  src_tos: 'tos',
  ttl: 'ttl',
  vlan_src: 'src_vlan',
  vlan_dst: 'dst_vlan',
  reason: 'drop_reason',
};

/** Compares a line with the record of the same place; gives 1. */
function checkFlow(line: ReadonlyMap<string, string>, flow: FlowRecord | undefined): 1 {
  for (const [field, column] of Object.entries(TELEGRAF)) {
    const theirs = line.get(field);
    // Of packets that were sampled on leaving, Telegraf calls the data source the input.
    if (field === 'in_snmp' && line.get('direction') === 'egress') continue;
    if (theirs !== undefined) expect(asText(flow?.[column]), `${field} of ${line.get('src')}`).toBe(theirs);
  }
  if (line.has('direction')) expect(flow?.['direction']).toBe(line.get('direction') === 'egress' ? 1 : 0);
  const protocol = line.get('protocol');
  // Telegraf gives the first next header; what follows a hop-by-hop header (RFC 8200 section 4.3) is the protocol.
  if (protocol !== undefined && protocol !== 'hopopt') expect(asText(flow?.['proto'])).toBe(PROTOCOLS[protocol]);
  return 1;
}

const TELEGRAF_COUNTERS: Readonly<Record<string, keyof CounterRow>> = {
  interface: 'if_index',
  interface_type: 'if_type',
  speed: 'if_speed',
  promiscuous: 'if_promiscuous',
  in_bytes: 'in_octets',
  in_unicast_packets_total: 'in_unicast',
  in_mcast_packets_total: 'in_multicast',
  in_broadcast_packets_total: 'in_broadcast',
  in_dropped_packets: 'in_discards',
  in_errors: 'in_errors',
  in_unknown_protocol: 'in_unknown_protos',
  out_bytes: 'out_octets',
  out_unicast_packets_total: 'out_unicast',
  out_mcast_packets_total: 'out_multicast',
  out_broadcast_packets_total: 'out_broadcast',
  out_dropped_packets: 'out_discards',
  out_errors: 'out_errors',
};
const TELEGRAF_ETHERNET: Readonly<Record<string, string>> = {
  errors_alignment: 'dot3StatsAlignmentErrors',
  errors_fcs: 'dot3StatsFCSErrors',
  collision_frames_single: 'dot3StatsSingleCollisionFrames',
  collision_frames_multi: 'dot3StatsMultipleCollisionFrames',
  errors_sqetest: 'dot3StatsSQETestErrors',
  deferred: 'dot3StatsDeferredTransmissions',
  collisions_late: 'dot3StatsLateCollisions',
  collisions_excessive: 'dot3StatsExcessiveCollisions',
  errors_symbols: 'dot3StatsSymbolErrors',
};

/** Compares a line with the rows of its interface; gives 1. */
function checkCounters(line: ReadonlyMap<string, string>, counters: readonly CounterRow[]): 1 {
  const index = Number(line.get('interface'));
  const row = counters.find(({ kind, if_index }) => kind === 'interface' && if_index === index);
  for (const [field, column] of Object.entries(TELEGRAF_COUNTERS)) {
    const theirs = line.get(field) ?? '';
    expect(asText(row?.[column]), field).toBe(UNKNOWN.has(theirs) ? 'unknown' : theirs);
  }
  const ethernet = counters.find(({ kind, if_index }) => kind === 'ethernet' && if_index === row?.source_index);
  for (const [field, name] of Object.entries(TELEGRAF_ETHERNET)) {
    if (line.has(field)) expect(asText(ethernet?.values[name]), field).toBe(line.get(field));
  }
  return 1;
}
