import { createLayout, type Layout } from '../flow/layout.ts';
import { COMMON_COLUMNS, columnIndex } from '../flow/schema.ts';
import { slotOf } from '../flow/slots.ts';

/** What a record has besides the columns of every record; each combination is a layout of its own. */
export const PART = {
  ports: 1,
  icmp: 2,
  /** IPv6; without it the record is of IPv4. */
  ipv6: 4,
  vlan: 8,
  customerVlan: 16,
  macs: 32,
  etherType: 64,
  interface: 128,
  mpls: 256,
  tunnel: 512,
  /** A biflow with packets in both directions. */
  reverse: 1024,
} as const;

const PART_COLUMNS: Readonly<Record<keyof typeof PART, readonly string[]>> = {
  ports: ['src_port', 'dst_port', 'tcp_flags'],
  icmp: ['icmp_type', 'icmp_code'],
  ipv6: ['flow_label'],
  vlan: ['src_vlan'],
  customerVlan: ['customer_vlan'],
  macs: ['src_mac', 'dst_mac'],
  etherType: ['ethernet_type'],
  interface: ['in_if'],
  mpls: ['mpls_labels'],
  tunnel: ['tunnel', 'tunnel_id'],
  // biome-ignore format: one set
  reverse: [
    'reverse_bytes', 'reverse_packets', 'reverse_tcp_flags', 'reverse_tos', 'reverse_time_start', 'reverse_time_end', 'biflow_direction',
  ],
};

const PORTS: readonly string[] = ['src_port', 'dst_port'];

/** Columns of every record. */
// biome-ignore format: one set
const USUAL_COLUMNS = [
  ...COMMON_COLUMNS, 'bytes', 'packets', 'tos', 'flow_end_reason', 'ip_version', 'min_ttl', 'max_ttl', 'min_packet_length', 'max_packet_length',
];

/** Codes of `record_kind`, `time_source` and `sampling_source`. */
const KIND = { flow: 0, biflow: 1 } as const;
const TIMES_OF_FLOW = 0;
const RATE_OF_RECORD = 2;

const RECORD_KIND = slotOf('record_kind');
const TIME_SOURCE = slotOf('time_source');
const SAMPLING_RATE = slotOf('sampling_rate');
const SAMPLING_SOURCE = slotOf('sampling_source');
const IP_VERSION = slotOf('ip_version');

/** The layouts of a meter's records, made as they are needed: at most one for each combination of parts. */
export class RecordLayouts {
  readonly #columns: readonly string[];
  readonly #keyColumns: ReadonlySet<string>;
  readonly #samplingRate: number;
  readonly #layouts: (Layout | undefined)[] = [];

  /** Addresses, protocol and ports are columns where they are in the key. `further`: columns that every record has as well. */
  constructor(keyColumns: ReadonlySet<string>, further: readonly string[], samplingRate: number) {
    const ofKey = ['src_addr', 'dst_addr', 'proto'].filter((name) => keyColumns.has(name));
    this.#keyColumns = keyColumns;
    this.#columns = [...USUAL_COLUMNS, ...ofKey, ...further];
    this.#samplingRate = samplingRate;
  }

  /** The layout of records with these parts: bits of `PART`. */
  of(parts: number): Layout {
    return (this.#layouts[parts] ??= this.#create(parts));
  }

  #create(parts: number): Layout {
    const names = Object.entries(PART)
      .flatMap(([name, bit]) => ((parts & bit) === 0 ? [] : PART_COLUMNS[name as keyof typeof PART]))
      .filter((name) => !PORTS.includes(name) || this.#keyColumns.has(name));
    return createLayout(
      [...this.#columns, ...names].map((name) => columnIndex(name)),
      [],
      [
        [RECORD_KIND, (parts & PART.reverse) === 0 ? KIND.flow : KIND.biflow],
        [TIME_SOURCE, TIMES_OF_FLOW],
        [SAMPLING_RATE, this.#samplingRate],
        [SAMPLING_SOURCE, RATE_OF_RECORD],
        [IP_VERSION, (parts & PART.ipv6) === 0 ? 4 : 6],
      ],
    );
  }
}
