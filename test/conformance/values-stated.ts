import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addRecord, addValue, newValues, type Rules, type SourceValues, type Theirs } from './compare-values.ts';
import { type CaseDatagram, fileDatagrams } from './datagrams.ts';
import { type DecodedRecord, decodeWhole } from './decoded-case.ts';
import { type Places, valueAt } from './field-names.ts';

/* What Graylog's and softflowd's tests (those of Python netflow) say of a few datagrams: counts, and single records. */

// biome-ignore format: pairs
const PLACES: Places = {
  ipv4_src_addr: 'src_addr', ipv4_dst_addr: 'dst_addr', in_bytes: 'bytes', in_pkts: 'packets', l4_src_port: 'src_port',
  l4_dst_port: 'dst_port', protocol: 'proto', flow_start_msec: 'time_start', flow_end_msec: 'time_end',
  first_switched: '=flowStartSysUpTime', last_switched: '=flowEndSysUpTime',
};
const rules: Rules = { value: (field, record) => valueAt(PLACES, field, record) };

interface GraylogFile {
  /** Flow records; `records` counts options data with them, `messages` is the same number. */
  readonly flow_records?: number;
  readonly records?: number;
  readonly messages?: number | readonly number[];
  readonly version?: number;
  readonly example?: Readonly<Record<string, Theirs>>;
}

/** `src:port -> dst:port proto n pkts n bytes n`, with a time after it. */
const SENTENCE = /^([\d.]+):(\d+) -> ([\d.]+):(\d+) proto (\d+) pkts (\d+) bytes (\d+)/;

function sentenceFields(text: string): [string, Theirs][] {
  const names = ['src_addr', 'src_port', 'dst_addr', 'dst_port', 'proto', 'packets', 'bytes'];
  return (SENTENCE.exec(text) ?? []).slice(1).map((value, index) => [names[index] ?? '', value]);
}

/** A capture, or one datagram. */
async function readDatagrams(path: string): Promise<CaseDatagram[]> {
  return path.endsWith('.pcap')
    ? fileDatagrams(path)
    : [{ host: '192.0.2.1', port: 2055, payload: readFileSync(path) }];
}

export async function graylogValues(corpus: string): Promise<SourceValues> {
  const folder = join(corpus, 'graylog-plugin-netflow');
  const values = newValues();
  const stated = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
    string,
    GraylogFile & Record<string, string>
  >;
  for (const [name, file] of Object.entries(stated)) {
    if (name === 'source' || file['expected'] !== undefined) continue;
    const parts = name.split(' + ').map((part, index) => (index === 0 ? part : `netflow-v9-2${part}`));
    const datagrams = (await Promise.all(parts.map((part) => readDatagrams(join(folder, part))))).flat();
    const decoded = decodeWhole(datagrams);
    const flows = decoded.records.filter(isData);
    const state = (field: string, theirs: Theirs | undefined, ours: unknown): void => {
      // One of their counts has options data in it.
      const reason = () => (theirs === decoded.records.length ? 'options data counted as flow records' : undefined);
      if (theirs !== undefined) addValue(values, `graylog/${name}`, { field, theirs, ours }, reason);
    };
    state('flow_records', file.flow_records, flows.length);
    state('records', file.records, decoded.records.length);
    state('version', file.version, decoded.headers[0]?.version);
    if (Array.isArray(file.messages)) state('messages', file.messages.join(), countsByDatagram(datagrams).join());
    else state('messages', file.messages as number | undefined, flows.length);
    if (file.example !== undefined) addRecord(values, `graylog/${name}`, Object.entries(file.example), flows, rules);
    for (const text of [file['first'], file['second'], file['third']])
      if (text !== undefined) addRecord(values, `graylog/${name}`, sentenceFields(text), flows, rules);
  }
  return values;
}

const isData = ({ kind }: DecodedRecord): boolean => kind === 'data';

function countsByDatagram(datagrams: readonly CaseDatagram[]): number[] {
  const totals = datagrams.map((_, index) => decodeWhole(datagrams.slice(0, index + 1)).records.filter(isData).length);
  return totals.map((total, index) => total - (totals[index - 1] ?? 0));
}

/** What Python netflow's tests say of softflowd's datagrams: how many records and templates, and some records by their place among all. */
const SOFTFLOWD: readonly {
  readonly files: readonly string[];
  readonly records: number;
  readonly templates?: number;
  readonly at?: readonly (readonly [place: number, fields: Readonly<Record<string, Theirs>>])[];
}[] = [
  {
    files: ['packet_v1'],
    records: 2,
    at: [[0, { protocolIdentifier: 1, sourceIPv4Address: '172.17.0.2', destinationIPv4Address: '172.17.0.1' }]],
  },
  { files: ['packet_v5'], records: 3, at: [[2, { destinationIPv4Address: '224.0.0.251' }]] },
  { files: ['packet_v9_template'], records: 8, templates: 2 },
  { files: ['packets_v9_1'], records: 0 },
  { files: ['packet_v9_template', 'packets_v9_1', 'packets_v9_2', 'packets_v9_3'], records: 44, templates: 2 },
  {
    files: ['packet_v9_template_mixed'],
    records: 8,
    at: [
      [0, { protocolIdentifier: 6, sourceTransportPort: 80, sourceIPv4Address: '127.0.0.1' }],
      [7, { protocolIdentifier: 17, destinationTransportPort: 53 }],
    ],
  },
  { files: ['packet_v9_with_zeros'], records: 0 },
  {
    files: ['packet_ipfix_template'],
    records: 20,
    templates: 5,
    at: [
      [0, { meteringProcessId: 2649, selectorAlgorithm: 1, systemInitTimeMilliseconds: 1_585_735_165_729 }],
      [
        1,
        {
          sourceTransportPort: 443,
          destinationTransportPort: 57_766,
          destinationIPv4Address: '172.17.0.2',
          tcpControlBits: 0x1b,
        },
      ],
      [17, { protocolIdentifier: 17, sourceIPv6Address: 'fde6:6f14:e0f1:9609:0:affe:affe:affe' }],
    ],
  },
  { files: ['packet_ipfix_template', 'packet_ipfix'], records: 23 },
  {
    files: ['packet_ipfix_template_ether', 'packet_ipfix_ether'],
    records: -1,
    at: [
      [0, { meteringProcessId: 9 }],
      [1, { sourceMacAddress: '12:34:56:af:fe:fe', postDestinationMacAddress: 'af:fe:af:fe:af:fe' }],
    ],
  },
  { files: ['packet_ipfix_padding'], records: -1, at: [[0, { meteringProcessId: 45_786 }]] },
];

export function softflowdValues(corpus: string): SourceValues {
  const folder = join(corpus, 'softflowd-hex');
  const values = newValues();
  const onWire: Rules = { value: (field, { elements }) => elements[field] };
  for (const { files, records, templates, at = [] } of SOFTFLOWD) {
    const where = `softflowd/${files.join('+')}`;
    const decoded = decodeWhole(
      files.map((file) => ({
        host: '192.0.2.1',
        port: 2055,
        payload: Buffer.from(readFileSync(join(folder, `${file}.hex`), 'utf8').trim(), 'hex'),
      })),
    );
    const found = decoded.records.length;
    if (records >= 0) addValue(values, where, { field: 'records', theirs: records, ours: found });
    if (templates !== undefined)
      addValue(values, where, { field: 'templates', theirs: templates, ours: decoded.templates.length });
    for (const [place, fields] of at)
      addRecord(values, where, Object.entries(fields), decoded.records.slice(place).slice(0, 1), onWire);
  }
  return values;
}
