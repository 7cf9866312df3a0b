import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlowRecord } from '#weir/flow/record.js';
import type { CounterRow } from '#weir/session/counter-row.js';
import { newValues, type SourceValues } from './compare-values.ts';
import { fileDatagrams } from './datagrams.ts';
import { decodeWhole } from './decoded-case.ts';

/* tshark's readings of the corpus' sFlow captures: a second opinion, not the truth. A field's values are compared as lists, in order of size. */

interface Decoded {
  readonly flows: FlowRecord[];
  readonly counters: CounterRow[];
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

/** Host adapters (2001) are unknown to tshark 4.0, which then reads on in their middle instead of behind them. tcpdump agrees with us. */
const MISREAD = /"Counters sample, seq 26626"[^]*?"_ws\.malformed"/;

/** Compares the values of all fields that both have. */
export async function tsharkSflowValues(corpus: string): Promise<SourceValues> {
  const folder = join(corpus, 'reference-decodes');
  const values = newValues();
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /sflow.*\.tshark\.json$/.test(name),
  );
  for (const name of files) {
    const theirs = readFileSync(join(folder, name), 'utf8').replace(MISREAD, '');
    const { records, counters } = decodeWhole(
      await fileDatagrams(join(folder, name.replace('.tshark.json', '.wrapped.pcap'))),
    );
    // One of the captures has NetFlow v5 in it, too.
    const flows = records.map(({ columns }) => columns).filter((columns) => columns['flow_type'] === 'sflow_5');
    for (const [field, expected, found] of comparisons(theirs, { flows, counters })) {
      // Where the switch knows no VLAN, the column is absent.
      const known = /vlan|pri\./.test(field) ? expected.filter((value) => value !== 'unknown') : expected;
      if (known.sort().join() === found.sort().join()) values.agreeing += known.length;
      else values.unexplained.push(`${name}: ${field}: ${known.join()}, ours ${found.join()}`);
    }
  }
  return values;
}
