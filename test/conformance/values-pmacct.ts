import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpusCases } from '../session/corpus-cases.ts';
import { addRecord, newValues, type Rules, type SourceValues, type Theirs } from './compare-values.ts';
import { caseDatagrams } from './datagrams.ts';
import { type DecodedCase, type DecodedRecord, decodeWhole } from './decoded-case.ts';
import { textOf } from './field-names.ts';

/* pmacct's output (a JSON object a line) for its own captures: flows that are equal in all that it tells of the datagrams are added up, theirs and ours. */

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  ipencap: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  gre: 47,
  'ipv6-icmp': 58,
  ospf: 89,
  pim: 103,
  vrrp: 112,
};
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECN', 'CWR'];
const FORWARDING: readonly (readonly [words: string, first: number, last: number])[] = [
  ['FORWARDED Unknown', 64, 64],
  ['CONSUMED For us', 195, 195],
];
const NO_MAC = '00:00:00:00:00:00';

/** Why a name of theirs cannot correspond to anything in the export datagrams. */
const OUTSIDE: Readonly<Record<string, string>> = {
  label: 'labels of pmacct’s configuration',
  writer_id: 'name of pmacct’s process',
  peer_ip_src: 'address of the exporter on pmacct’s test bench',
  flows: 'null: not counted',
  timestamp_start: 'time of arrival at pmacct (nfacctd_time_new)',
  mpls_vpn_rd_origin: 'where pmacct has the route distinguisher from',
  ...Object.fromEntries(
    'comms ecomms as_path comms_src ecomms_src as_path_src net_src net_dst mask_src mask_dst'
      .split(' ')
      .map((name) => [name, 'of the BGP session beside the flows']),
  ),
};

type Flow = Record<string, Theirs>;

/** A line of theirs: what it says of the datagrams, by its own names; lists as text, `custom_primitives` one by one. */
function theirFlow(line: Readonly<Record<string, unknown>>): Flow {
  const { custom_primitives: primitives = {}, ...rest } = line;
  const flow: Flow = {};
  for (const [name, value] of [...Object.entries(rest), ...Object.entries(primitives as object)]) {
    if (name in OUTSIDE) continue;
    if (name === 'tcp_flags')
      flow[name] = (value as string[]).reduce((bits, flag) => bits | (1 << FLAGS.indexOf(flag)), 0);
    else if (name === 'ip_proto' || name === 'tunnel_ip_proto')
      flow[name] = PROTOCOLS[value as string] ?? Number(value);
    else flow[name] = Array.isArray(value) ? value.join(' ') : (value as Theirs);
  }
  return flow;
}

/** The same of a record of ours, as far as `wanted` has names. */
function ourFlow({ columns, elements }: DecodedRecord, vrfs: Vrfs, wanted: readonly string[]): Flow {
  const isTunnel = 'inner_proto' in columns;
  const extra = (columns['extra'] ?? {}) as Readonly<Record<string, unknown>>;
  const number = (name: string): number => Number(columns[name] ?? 0);
  const inner = (name: string): unknown => columns[`${isTunnel ? 'inner_' : ''}${name}`];
  const exporter = textOf(columns['exporter']);
  const ingress = number('ingress_vrf');
  const egress = number('egress_vrf');
  const forwarding = number('forwarding_status');
  const vrf = (id: number): Vrf | undefined => vrfs.get(`${exporter} ${id}`);
  // The VRF of a flow is where it comes from, or else where it goes to, whichever has a route distinguisher.
  const own =
    [vrf(ingress), vrf(egress)].find((one) => one !== undefined && one.distinguisher !== '0:0:0') ?? vrf(ingress);
  const labels = textOf(columns['mpls_labels']);
  const flow: Readonly<Record<string, unknown>> = {
    ip_src: inner('src_addr'),
    ip_dst: inner('dst_addr'),
    port_src: inner('src_port') ?? 0,
    port_dst: inner('dst_port') ?? 0,
    ip_proto: inner('proto'),
    tunnel_ip_src: isTunnel ? columns['src_addr'] : '',
    tunnel_ip_dst: isTunnel ? columns['dst_addr'] : '',
    tunnel_ip_proto: isTunnel ? columns['proto'] : 0,
    tunnel_tos: isTunnel ? columns['tos'] : 0,
    // They have the outer label only where the element comes twice.
    tunnel_flow_label: isTunnel && Array.isArray(elements['flowLabelIPv6']) ? columns['flow_label'] : 0,
    tos: (isTunnel ? extra['ipClassOfService'] : undefined) ?? number('tos'),
    tcp_flags: Number((isTunnel ? extra['tcpControlBits'] : undefined) ?? number('tcp_flags')) & 255,
    iface_in: number('in_if'),
    iface_out: number('out_if'),
    mac_src: columns['src_mac'] ?? NO_MAC,
    mac_dst: columns['dst_mac'] ?? NO_MAC,
    vlan_in: number('src_vlan'),
    cos: extra['dot1qPriority'] ?? 0,
    etype: Number(columns['ethernet_type'] ?? (textOf(columns['src_addr']).includes(':') ? 0x86dd : 0x0800)).toString(
      16,
    ),
    fwd_status: FORWARDING.find(([, first, last]) => forwarding >= first && forwarding <= last)?.[0] ?? forwarding,
    mpls_label_stack:
      labels === ''
        ? ''
        : labels
            .split(',')
            .map((label, index) => `${index}-${label}`)
            .join(' '),
    mpls_tl_type: number('mpls_top_label_type'),
    srv6_seg_ipv6_list: elements['srhSegmentIPv6ListSection'] ?? '',
    vrf_id_ingress: ingress,
    vrf_id_egress: egress,
    ingress_vrf_name: vrf(ingress)?.name ?? '',
    egress_vrf_name: vrf(egress)?.name ?? '',
    vrf_name: own?.name ?? '',
    mpls_vpn_rd: own?.distinguisher ?? '0:0:0',
    packets: number('packets'),
    bytes: number('bytes'),
  };
  return Object.fromEntries(wanted.map((name) => [name, (flow[name] ?? '') as Theirs]));
}

interface Vrf {
  readonly name: string;
  /** `type:administrator:number`, RFC 4364 section 4.2. */
  readonly distinguisher: string;
}
/** By exporter and number. */
type Vrfs = ReadonlyMap<string, Vrf>;

function vrfsOf({ records }: DecodedCase): Vrfs {
  const found = new Map<string, Vrf>();
  for (const { elements, exporter } of records) {
    const { VRFname: name, ingressVRFID: id, mplsVpnRouteDistinguisher: octets } = elements;
    if (name === undefined) continue;
    found.set(`${exporter} ${textOf(id)}`, {
      name: textOf(name),
      distinguisher: distinguisherText(Buffer.from(textOf(octets), 'hex')),
    });
  }
  return found;
}

function distinguisherText(octets: Buffer): string {
  const type = octets.readUInt16BE(0);
  const at = type === 0 ? 4 : 6;
  return `${type}:${type === 0 ? octets.readUInt16BE(2) : octets.readUInt32BE(2)}:${at === 4 ? octets.readUInt32BE(4) : octets.readUInt16BE(6)}`;
}

/** Adds up flows that are equal but for packets and bytes; TCP flags are or-ed where `flagsToo`. */
function addUp(flows: readonly Flow[]): Flow[] {
  const sums = new Map<string, Flow>();
  for (const flow of flows) {
    const { packets, bytes, tcp_flags: flags, ...key } = flow;
    const text = JSON.stringify(
      Object.entries(key)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => [name, String(value)]),
    );
    const sum = sums.get(text);
    if (sum === undefined) sums.set(text, { ...flow });
    else {
      sum['packets'] = Number(sum['packets']) + Number(packets);
      sum['bytes'] = Number(sum['bytes']) + Number(bytes);
      sum['tcp_flags'] = Number(sum['tcp_flags']) | Number(flags);
    }
  }
  return [...sums.values()];
}

const rules: Rules = { value: (field, { elements }) => elements[field] };

export async function pmacctValues(corpus: string): Promise<SourceValues> {
  const values = newValues();
  for (const one of corpusCases(corpus)) {
    if (!one.case.startsWith('pmacct/')) continue;
    const lines = readFileSync(join(corpus, one.case, 'output-flow-00.json'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    const theirs = addUp(lines.map(theirFlow));
    const decoded = decodeWhole(await caseDatagrams(corpus, one));
    const vrfs = vrfsOf(decoded);
    const names = Object.keys(theirs[0] ?? {});
    const flows = decoded.records.filter(({ kind }) => kind === 'data').map((record) => ourFlow(record, vrfs, names));
    const header = { version: 10 };
    const ours = addUp(flows).map(
      (elements): DecodedRecord => ({ kind: 'data', header, setId: 0, exporter: '', columns: {}, elements }),
    );
    const taken = new Set<DecodedRecord>();
    for (const flow of theirs) addRecord(values, one.case, Object.entries(flow), ours, rules, taken);
    if (taken.size < ours.length)
      values.unexplained.push(`${one.case}: ${ours.length - taken.size} flows that they do not have`);
    for (const line of lines)
      for (const name of Object.keys(line))
        if (name in OUTSIDE)
          values.outside.set(`${name}: ${OUTSIDE[name]}`, (values.outside.get(`${name}: ${OUTSIDE[name]}`) ?? 0) + 1);
  }
  return values;
}
