import { parseAddress } from '../../util/address.ts';
import { formatPrefix, makePrefix, V4_OFFSET } from '../../util/prefix.ts';
import { humanFlags, scaled } from './humanize.ts';

/** How the parts of a line read a row. */
export interface LineReader {
  /** A column's number; NaN without one. Times are µs. */
  number(column: string, row: number): number;
  /** A column's value as programs read it; undefined without one. */
  text(column: string, row: number): string | undefined;
  /** A column's value as tables show it; `-` without one. */
  shown(column: string, row: number): string;
  /** How many rows came before this one. */
  count(row: number): number;
  /** Whole numbers instead of `1.2 M`. */
  readonly plain: boolean;
}

/** One part of a line: what a token stands for, or half of it. */
export interface LinePart {
  readonly label: string;
  /** Columns it is made of. The first is the one that it cannot do without; sums have others. */
  readonly columns: readonly string[];
  /** The name of what it is in sums, where that is none of the columns. */
  readonly inSums?: string;
  /** At least so wide, as in nfdump, so that lines of several calls are aligned. */
  readonly width: number;
  readonly right: boolean;
  readonly text: (read: LineReader, row: number) => string;
}

const NONE = '-';
const ICMP = new Set([1, 58]);
/** Codes of NetFlow v5 to v9, whose domains are made of type and number of an engine. */
const HAVE_ENGINES = new Set([2, 3, 16, 17, 18]);
/** Columns that say what the port of an ICMP flow means. */
const PORT_CONTEXT = ['proto', 'icmp_type', 'icmp_code'];

/** A column as tables show it. */
function shown(column: string, label: string, width: number, right = true): LinePart {
  return { label, columns: [column], width, right, text: (read, row) => read.shown(column, row) };
}

function computed(
  columns: readonly string[],
  label: string,
  width: number,
  text: (read: LineReader, row: number) => string | undefined,
): LinePart {
  return { label, columns, width, right: true, text: (read, row) => text(read, row) ?? NONE };
}

/** Seconds since 1970. */
function epoch(column: string, label: string): LinePart {
  return computed([column], label, 14, (read, row) => {
    const micros = read.number(column, row);
    return Number.isNaN(micros) ? undefined : (Math.floor(micros / 1000) / 1000).toFixed(3);
  });
}

/** A port; in the destination's of ICMP nfdump and NetFlow keep type and code. */
function portText(column: string, isDestination: boolean): LinePart['text'] {
  return (read, row) => {
    if (!isDestination || !ICMP.has(read.number('proto', row))) return read.shown(column, row);
    const [type, code] = [read.number('icmp_type', row), read.number('icmp_code', row)];
    return Number.isNaN(type) ? read.shown(column, row) : `${type}.${Number.isNaN(code) ? 0 : code}`;
  };
}

function port(column: string, label: string, isDestination = false): LinePart {
  const columns = isDestination ? [column, ...PORT_CONTEXT] : [column];
  return { label, columns, width: 6, right: true, text: portText(column, isDestination) };
}

/** Address and port, aligned at what stands between them: a colon, after IPv6 addresses a point as in nfdump. */
function endpoint(address: string, portColumn: string, label: string, isDestination = false): LinePart[] {
  const text = portText(portColumn, isDestination);
  const between = (read: LineReader, row: number) => (read.shown(address, row).includes(':') ? '.' : ':');
  return [
    shown(address, label, 16),
    {
      label: ':port',
      columns: [portColumn, address, ...(isDestination ? PORT_CONTEXT : [])],
      width: 6,
      right: false,
      text: (read, row) => {
        const found = text(read, row);
        return found === NONE && read.text(address, row) === undefined ? '' : between(read, row) + found;
      },
    },
  ];
}

/** The network of an address, by the mask of the route to it. */
function network(address: string, mask: string, label: string): LinePart {
  return computed([address, mask], label, 18, (read, row) => {
    const text = read.text(address, row);
    const length = read.number(mask, row);
    const found = text === undefined ? undefined : parseAddress(text);
    if (found === undefined || Number.isNaN(length)) return undefined;
    // Prefixes of IPv4 addresses count from the head of the mapped address.
    const bits = text?.includes(':') === true ? length : length + V4_OFFSET;
    return bits > 128 ? undefined : formatPrefix(makePrefix(found, bits));
  });
}

/** A figure per second of a flow, rounded down; 0 where it took no time, as in nfdump. */
function rate(column: string, factor: number, label: string): LinePart {
  const text: LinePart['text'] = (read, row) => {
    const [value, micros] = [read.number(column, row), read.number('duration', row)];
    if (Number.isNaN(value) || Number.isNaN(micros)) return NONE;
    const found = micros > 0 ? Math.floor((value * factor * 1e6) / micros) : 0;
    return read.plain ? String(found) : scaled(found);
  };
  const inSums = factor === 8 ? 'bps' : 'pps';
  return { label, columns: [column, 'duration'], inSums, width: 8, right: true, text };
}

/** Octets or packets that went out: after the exporter handled them, or the other way in a biflow. */
function outgoing(out: string, reverse: string, label: string): LinePart {
  return computed([reverse, out], label, 8, (read, row) => {
    const column = Number.isNaN(read.number(out, row)) ? reverse : out;
    return read.shown(column, row);
  });
}

const mplsLabels = (read: LineReader, row: number) => read.text('mpls_labels', row)?.split(',') ?? [];
const MPLS = Array.from({ length: 10 }, (_, index) =>
  computed(['mpls_labels'], `MPLS ${index + 1}`, 8, (read, row) => mplsLabels(read, row)[index]),
);

const PACKETS = shown('packets', 'packets', 8);
const BYTES = shown('bytes', 'bytes', 8);
const BPP = computed(['bytes', 'packets'], 'byte/packet', 6, (read, row) => {
  const [bytes, packets] = [read.number('bytes', row), read.number('packets', row)];
  if (Number.isNaN(bytes) || Number.isNaN(packets)) return undefined;
  return String(packets > 0 ? Math.floor(bytes / packets) : 0);
});

/** nfdump's tokens by name, without their %; see nfdump(1), "Tag definition". */
export const LINE_TOKENS: Readonly<Record<string, readonly LinePart[]>> = {
  cnt: [{ label: 'row', columns: [], width: 5, right: true, text: (read, row) => String(read.count(row) + 1) }],
  nfv: [shown('flow_type', 'protocol', 10, false)],
  ts: [shown('time_start', 'start', 23, false)],
  tfs: [shown('time_start', 'start', 23, false)],
  tsr: [epoch('time_start', 'start (s)')],
  te: [shown('time_end', 'end', 23, false)],
  ter: [epoch('time_end', 'end (s)')],
  tr: [shown('time_received', 'received', 23, false)],
  trr: [epoch('time_received', 'received (s)')],
  td: [shown('duration', 'duration', 10)],
  pr: [shown('proto', 'proto', 5, false)],
  eng: [
    computed(['engine_type', 'engine_id', 'flow_type', 'observation_domain'], 'engine', 6, (read, row) => {
      const [type, id] = [read.text('engine_type', row), read.text('engine_id', row)];
      if (type !== undefined || id !== undefined) return `${type ?? 0}/${id ?? 0}`;
      const domain = read.number('observation_domain', row);
      const isEngine = HAVE_ENGINES.has(read.number('flow_type', row)) && !Number.isNaN(domain);
      return isEngine ? `${(domain >> 8) & 255}/${domain & 255}` : undefined;
    }),
  ],
  sa: [shown('src_addr', 'source', 16)],
  da: [shown('dst_addr', 'destination', 16)],
  sap: endpoint('src_addr', 'src_port', 'source'),
  dap: endpoint('dst_addr', 'dst_port', 'destination', true),
  sp: [port('src_port', 'src port')],
  dp: [port('dst_port', 'dst port', true)],
  it: [shown('icmp_type', 'ICMP type', 6)],
  ic: [shown('icmp_code', 'ICMP code', 6)],
  sn: [network('src_addr', 'src_mask', 'source net')],
  dn: [network('dst_addr', 'dst_mask', 'dest net')],
  nh: [shown('next_hop', 'next hop', 16)],
  nhb: [shown('bgp_next_hop', 'BGP next hop', 16)],
  ra: [shown('exporter', 'exporter', 16)],
  sas: [shown('src_as', 'src AS', 6)],
  das: [shown('dst_as', 'dst AS', 6)],
  nas: [shown('next_as', 'next AS', 6)],
  pas: [shown('prev_as', 'prev AS', 6)],
  in: [shown('in_if', 'in if', 6)],
  out: [shown('out_if', 'out if', 6)],
  pkt: [PACKETS],
  ipkt: [{ ...PACKETS, label: 'in packets' }],
  opkt: [outgoing('out_packets', 'reverse_packets', 'out packets')],
  byt: [BYTES],
  ibyt: [{ ...BYTES, label: 'in bytes' }],
  obyt: [outgoing('out_bytes', 'reverse_bytes', 'out bytes')],
  fl: [
    {
      ...computed(['flow_count'], 'flows', 5, (read, row) => read.text('flow_count', row) ?? '1'),
      inSums: 'flows',
    },
  ],
  flg: [
    computed(['tcp_flags'], 'flags', 8, (read, row) => {
      const flags = read.number('tcp_flags', row);
      return Number.isNaN(flags) ? undefined : humanFlags(flags, 'CEUAPRSF');
    }),
  ],
  tos: [shown('tos', 'tos', 3)],
  stos: [shown('tos', 'src tos', 4)],
  dtos: [shown('post_tos', 'dst tos', 4)],
  dir: [
    computed(['direction'], 'dir', 3, (read, row) => {
      const direction = read.number('direction', row);
      return direction === 0 ? 'I' : direction === 1 ? 'E' : read.text('direction', row);
    }),
  ],
  smk: [shown('src_mask', 'src mask', 5)],
  dmk: [shown('dst_mask', 'dst mask', 5)],
  fwd: [shown('forwarding_status', 'fwd', 3)],
  svln: [shown('src_vlan', 'src VLAN', 5)],
  dvln: [shown('dst_vlan', 'dst VLAN', 5)],
  ismc: [shown('src_mac', 'in src MAC', 17)],
  odmc: [shown('post_dst_mac', 'out dst MAC', 17)],
  idmc: [shown('dst_mac', 'in dst MAC', 17)],
  osmc: [shown('post_src_mac', 'out src MAC', 17)],
  ...Object.fromEntries(MPLS.map((part, index) => [`mpls${index + 1}`, [part]])),
  mpls: [computed(['mpls_labels'], 'MPLS', 8, (read, row) => mplsLabels(read, row).join(' ') || undefined)],
  bps: [rate('bytes', 8, 'bit/s')],
  pps: [rate('packets', 1, 'packet/s')],
  bpp: [{ ...BPP, inSums: 'bpp' }],
  nbid: [shown('app_id', 'app id', 8)],
  nbnam: [shown('app_name', 'app', 8, false)],
  sni: [shown('tls_server_name', 'TLS name', 8, false)],
  odid: [shown('observation_domain', 'domain', 8)],
  nfc: [shown('flow_id', 'flow id', 10)],
  evt: [shown('firewall_event', 'fw event', 7, false)],
  xevt: [shown('firewall_extended_event', 'ext event', 7)],
  msec: [
    computed(['time_start', 'nat_event', 'firewall_event'], 'event (ms)', 13, (read, row) => {
      const isEvent = ['nat_event', 'firewall_event'].some((column) => read.text(column, row) !== undefined);
      const micros = isEvent ? read.number('time_start', row) : Number.NaN;
      return Number.isNaN(micros) ? undefined : String(Math.floor(micros / 1000));
    }),
  ],
  iacl: [shown('ingress_acl', 'in ACL', 10, false)],
  eacl: [shown('egress_acl', 'out ACL', 10, false)],
  xsa: [shown('post_nat_src_addr', 'NAT source', 16)],
  xda: [shown('post_nat_dst_addr', 'NAT dest', 16)],
  xsp: [port('post_nat_src_port', 'NAT src port')],
  xdp: [port('post_nat_dst_port', 'NAT dst port')],
  xsap: endpoint('post_nat_src_addr', 'post_nat_src_port', 'NAT source'),
  xdap: endpoint('post_nat_dst_addr', 'post_nat_dst_port', 'NAT dest'),
  uname: [shown('user_name', 'user', 8, false)],
  nevt: [shown('nat_event', 'NAT event', 8, false)],
  ivrf: [shown('ingress_vrf', 'in VRF', 8)],
  evrf: [shown('egress_vrf', 'out VRF', 8)],
  nsa: [shown('post_nat_src_addr', 'NAT source', 16)],
  nda: [shown('post_nat_dst_addr', 'NAT dest', 16)],
  nsp: [port('post_nat_src_port', 'NAT src port')],
  ndp: [port('post_nat_dst_port', 'NAT dst port')],
  pbstart: [shown('port_range_start', 'block start', 7)],
  pbend: [shown('port_range_end', 'block end', 7)],
  pbstep: [shown('port_range_step', 'block step', 7)],
  pbsize: [shown('port_range_size', 'block size', 7)],
};

/** What nfdump's remaining tokens ask for, which no column answers. */
export const UNANSWERED_TOKENS: Readonly<Record<string, string>> = {
  exp: "the exporter's number in nfdump's files; %ra gives its address",
  lbl: 'the label that a filter of nfdump gives',
  ...Object.fromEntries(['sc', 'dc', 'sloc', 'dloc', 'gsap', 'gdap'].map((name) => [name, 'a place on earth'])),
  ...Object.fromEntries(['ipl', 'opl', 'ja3'].map((name) => [name, 'what packets carried'])),
  ...Object.fromEntries(['cl', 'sl', 'al'].map((name) => [name, "nProbe's latencies"])),
  opid: 'the observation point',
  sgt: 'the security group tag',
};
