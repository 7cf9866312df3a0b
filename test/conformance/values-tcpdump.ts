import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addRecord, newValues, type Rules, type SourceValues, type Theirs } from './compare-values.ts';
import { fileDatagrams } from './datagrams.ts';
import { asRecord, type DecodedRecord, decodeWhole } from './decoded-case.ts';

/* What tcpdump prints of its own sFlow captures: datagrams, flow samples with their sampled headers, and counter samples. */

type Fields = [name: string, value: Theirs][];

/** Numbers in a line of tcpdump, by the names of ours. */
const LINES: readonly (readonly [line: RegExp, names: readonly string[]])[] = [
  [
    /sFlowv(\d), IPv\d agent ([^,]+), agent-id (\d+), seqnum (\d+), uptime (\d+), samples (\d+)/,
    ['version', 'agentAddress', 'subAgentId', 'sequenceNumber', 'sysUptime', 'samples'],
  ],
  [
    /flow sample \(\d\), length \d+, seqnum (\d+), type (\d+), idx (\d+), rate (\d+), pool (\d+), drops (\d+)/,
    ['sequence_number', 'source_id_type', 'source_id_index', 'sampling_rate', 'sample_pool', 'drops'],
  ],
  [/drops \d+, input (\d+) output (\d+) records (\d+)/, ['input', 'output', 'flow_records']],
  [
    /drops \d+, input (\d+) \((\d+)\), output (\d+) \((\d+)\), records (\d+)/,
    ['input', 'input_format', 'output', 'output_format', 'flow_records'],
  ],
  [
    /protocol \S+ \((\d+)\), length (\d+), stripped bytes (\d+), header_size (\d+)/,
    ['header_protocol', 'frame_length', 'stripped', 'header_length'],
  ],
  [
    /counter sample \(\d\), length \d+, seqnum (\d+), type (\d+), idx (\d+)/,
    ['sequence', 'source_class', 'source_index'],
  ],
  [
    /ifindex (\d+), iftype (\d+), ifspeed (\d+), ifdirection (\d+)/,
    ['if_index', 'if_type', 'if_speed', 'if_direction'],
  ],
  [/ifstatus (\d+)/, ['if_status']],
  [
    /In octets (\d+), unicast pkts (\d+), multicast pkts (\d+), broadcast pkts (\d+), discards (\d+)/,
    ['in_octets', 'in_unicast', 'in_multicast', 'in_broadcast', 'in_discards'],
  ],
  [/In errors (\d+), unknown protos (\d+)/, ['in_errors', 'in_unknown_protos']],
  [
    /Out octets (\d+), unicast pkts (\d+), multicast pkts (\d+), broadcast pkts (\d+), discards (\d+)/,
    ['out_octets', 'out_unicast', 'out_multicast', 'out_broadcast', 'out_discards'],
  ],
  [/Out errors (\d+), promisc mode (\d+)/, ['out_errors', 'if_promiscuous']],
  [
    /align errors (\d+), fcs errors (\d+), single collision (\d+), multiple collision (\d+), test error (\d+)/,
    [
      'dot3StatsAlignmentErrors',
      'dot3StatsFCSErrors',
      'dot3StatsSingleCollisionFrames',
      'dot3StatsMultipleCollisionFrames',
      'dot3StatsSQETestErrors',
    ],
  ],
  [
    /deferred (\d+), late collision (\d+), excessive collision (\d+), mac trans error (\d+)/,
    [
      'dot3StatsDeferredTransmissions',
      'dot3StatsLateCollisions',
      'dot3StatsExcessiveCollisions',
      'dot3StatsInternalMacTransmitErrors',
    ],
  ],
  [
    /carrier error (\d+), frames too long (\d+), mac receive errors (\d+), symbol errors (\d+)/,
    [
      'dot3StatsCarrierSenseErrors',
      'dot3StatsFrameTooLongs',
      'dot3StatsInternalMacReceiveErrors',
      'dot3StatsSymbolErrors',
    ],
  ],
];

const ALL_BITS = new Set(['4294967295', '18446744073709551615']);

/** What tcpdump printed, a list of fields for each datagram and sample. */
function printed(text: string): Fields[] {
  const found: Fields[] = [];
  for (const line of text.split('\n')) {
    for (const [pattern, names] of LINES) {
      const values = pattern.exec(line)?.slice(1) ?? [];
      if (values.length === 0) continue;
      if (/sFlowv|sample \(/.test(line) && /version|sequence/.test(names[0] ?? '')) found.push([]);
      found
        .at(-1)
        ?.push(
          ...names.map((name, i): [string, Theirs] => [
            name,
            ALL_BITS.has(values[i] ?? '') ? 'unknown' : (values[i] ?? ''),
          ]),
        );
    }
  }
  return found;
}

/** An interface number of a sample that is not expanded has its format in the upper two bits. */
const rules: Rules = {
  value: (field, { elements }) => {
    const format = Number(elements[`${field}_format`] ?? 0);
    return format > 0 ? format * 0x4000_0000 + Number(elements[field]) : (elements[field] ?? 'unknown');
  },
};
/** Of an expanded one the number stands alone. */
const expanded: Rules = { value: (field, { elements }) => elements[field] };

export async function tcpdumpValues(corpus: string): Promise<SourceValues> {
  const folder = join(corpus, 'tcpdump/sflow');
  const values = newValues();
  for (const name of readdirSync(folder).filter((file) => file.endsWith('.pcap'))) {
    const { headers, records } = decodeWhole(await fileDatagrams(join(folder, name)));
    const candidates = [...headers.map(asRecord), ...records];
    const taken = new Set<DecodedRecord>();
    for (const fields of printed(readFileSync(join(folder, name.replace('.pcap', '.out')), 'utf8'))) {
      const isExpanded = fields.some(([field]) => field === 'input_format');
      addRecord(values, name, fields, candidates, isExpanded ? expanded : rules, taken);
    }
  }
  return values;
}
