import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addRecord, type Fields, newValues, type Rules, type SourceValues, type Theirs } from './compare-values.ts';
import type { CaseDatagram } from './datagrams.ts';
import { type DecodedRecord, decodeWhole } from './decoded-case.ts';
import { type Places, registry, valueAt } from './field-names.ts';

/* Telegraf's expected lines of NetFlow and IPFIX, options data with them. Those of sFlow are in values-telegraf-sflow.ts. */

// biome-ignore format: pairs
const PLACES: Places = {
  version: 'header.version', sys_uptime: 'header.sysUptime', seq_number: 'header.flowSequence',
  src: 'src_addr', dst: 'dst_addr', protocol: 'proto', in_bytes: 'bytes', in_packets: 'packets',
  in_total_bytes: 'bytes', in_total_packets: 'packets', in_snmp: 'in_if', out_snmp: 'out_if', vlan_src: 'src_vlan',
  vlan_dst: 'dst_vlan', bgp_src_as: 'src_as', bgp_dst_as: 'dst_as', src_tos: 'tos', dst_tos: 'post_tos',
  flow_start_ms: 'time_start', flow_end_ms: 'time_end', flow_start: '=flowStartSeconds', flow_end: '=flowEndSeconds',
  first_switched: '=flowStartSysUpTime', last_switched: '=flowEndSysUpTime', in_src_mac: 'src_mac', out_dst_mac: 'post_dst_mac',
  flows: '=deltaFlowCount', ip_version: 'ip_version',
  // Options data.
  app_id: '=applicationId', app_name: '=applicationName', app_desc: '=applicationDescription',
  interface: '=interfaceName', interface_desc: '=interfaceDescription', padding: '=paddingOctets',
  dropped_packets_total: '=droppedPacketTotalCount', ignored_packet_total: '=ignoredPacketTotalCount',
  notsent_packet_total: '=notSentPacketTotalCount', total_flows_exported: '=exportedFlowRecordTotalCount',
  event_time: '=observationTimeSeconds', system_init_ms: '=systemInitTimeMilliseconds', exporter: '=exporterIPv4Address',
  exporting_pid: '=exportingProcessId', observation_domain_id: '=observationDomainId',
};
const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, 'ipv6-icmp': 58, igmp: 2 };
const WORDS: Readonly<Record<string, number>> = {
  'idle timeout': 1,
  'active timeout': 2,
  'end of flow': 3,
  'forced end': 4,
  ingress: 0,
  egress: 1,
  IPv4: 4,
  IPv6: 6,
  IPFIX: 10,
  NetFlowV5: 5,
  NetFlowV9: 9,
};
/** Why the tag `source` is not in a datagram. */
export const SENDER = 'address of the sender in Telegraf’s own test';

/** A line of InfluxDB's line protocol: tags and fields without the time of receipt, as text; `kind` is the measurement. */
interface Line {
  readonly kind: string;
  readonly fields: readonly (readonly [string, string])[];
}

export function parseLine(line: string): Line {
  const space = line.indexOf(' ');
  const [kind = '', ...tags] = line.slice(0, space).split(',');
  const text = line.slice(space + 1).replace(/ \d+$/, '');
  const fields = [...text.matchAll(/(\w+)=(?:"([^"]*)"|([^,]*))/g)].map(
    ([, name = '', quoted, plain = '']): [string, string] => [name, quoted ?? plain.trim().replace(/u$/, '')],
  );
  return { kind, fields: [...tags.map((tag) => tag.split('=') as [string, string]), ...fields] };
}

const rules: Rules = {
  value,
  outside: (field) => (field === 'source' ? SENDER : undefined),
  reason: (_, { theirs, ours }) =>
    theirs === LIST && JSON.stringify(ours) === LIST_DECODED
      ? 'a structured list as octets, in place of what is in it'
      : undefined,
};

function value(field: string, record: DecodedRecord): unknown {
  const { header, kind, elements, columns } = record;
  const [, enterprise, reverse, id] = /^type_(\d+)_(rev_)?(\d+)$/.exec(field) ?? [];
  if (id !== undefined) return elementValue(Number(enterprise), Number(id), reverse !== undefined, elements);
  if (header.version === 5) {
    if (field === 'sampling_interval') return header['samplingInterval'];
    if (field === 'engine_type') return header['engineType'];
    if (field === 'engine_id') return header['engineId'];
    if (field === 'flows') return header['count'];
    if (field === 'first_switched') return elements['flowStartSysUpTime'];
  }
  // NetFlow v9 options: the scope System (field type 1) is named as if it were the element 1.
  if (field === 'in_bytes' && kind === 'options') return elements['System'];
  const status = columns['forwarding_status'];
  if (field === 'fwd_status') return typeof status === 'number' ? status >> 6 : undefined;
  if (field === 'fwd_reason') return typeof status === 'number' ? status & 63 : undefined;
  return valueAt(PLACES, field, record);
}

/** Octets of a list (RFC 6313 section 4.5.2): noneOf, template 53,253, certToolId 1, observationTimeSeconds. */
const LIST = '0x00d00500000001635834a3';
const LIST_DECODED =
  '{"semantic":"noneOf","records":[{"certToolId":1,"observationTimeSeconds":"2022-10-25T19:10:27.000000Z"}]}';

/** `type_<enterprise>_<id>` is an element by its numbers; 29305 is that of reverse elements, and `rev_` says that one of an enterprise is reverse (RFC 5103 section 6). */
function elementValue(enterprise: number, id: number, reverse: boolean, elements: DecodedRecord['elements']): unknown {
  // Once the enterprise bit is left in the number.
  const number = id & 0x7fff;
  const name = registry.lookup(enterprise, reverse ? number | 0x4000 : number)?.name;
  const names = [
    name,
    `${enterprise}/${id}`,
    name === undefined ? undefined : `reverse${name[0]?.toUpperCase()}${name.slice(1)}`,
  ];
  for (const one of names) if (one !== undefined && elements[one] !== undefined) return elements[one];
  return undefined;
}

function plain(name: string, text: string): Theirs {
  if (name === 'protocol') return PROTOCOLS[text] ?? text;
  if (name === 'tcp_flags')
    return Array.from(text).reduce(
      (flags, letter) => flags | (letter === '.' ? 0 : 128 >> 'CEUAPRSF'.indexOf(letter)),
      0,
    );
  if (name === 'fwd_status') return ['unknown', 'forwarded', 'dropped', 'consumed'].indexOf(text);
  if (name === 'fwd_reason') return text === 'unknown' ? 0 : text;
  if (/^\d+$/.test(text)) return Number(text);
  return WORDS[text] ?? text;
}

/** Cases have their datagrams in files of their own, in the order of the names; issue_13305 is in no other form. */
export function telegrafCases(corpus: string): { name: string; lines: Line[]; datagrams: CaseDatagram[] }[] {
  const folder = join(corpus, 'telegraf-netflow');
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, 'expected.out')))
    .map((name) => ({
      name,
      lines: readFileSync(join(folder, name, 'expected.out'), 'utf8')
        .trim()
        .split('\n')
        .map(parseLine),
      datagrams: readdirSync(join(folder, name))
        .filter((file) => file.endsWith('.bin'))
        .sort()
        .map((file) => ({ host: '192.0.2.1', port: 2055, payload: readFileSync(join(folder, name, file)) })),
    }));
}

export function telegrafValues(corpus: string): SourceValues {
  const values = newValues();
  for (const { name, lines, datagrams } of telegrafCases(corpus)) {
    if (name.startsWith('sflow')) continue;
    const { records } = decodeWhole(datagrams);
    const taken = new Set<DecodedRecord>();
    for (const { kind, fields } of lines) {
      const theirs: Fields = fields.map(([field, text]) => [field, plain(field, text)]);
      const candidates = records.filter((record) => record.kind === (kind === 'netflow' ? 'data' : 'options'));
      addRecord(values, `telegraf/${name}`, theirs, candidates, rules, taken);
    }
  }
  return values;
}
