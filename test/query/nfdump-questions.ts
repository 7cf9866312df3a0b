/** One question to both: the rows of the answers must be equal. */
export interface Question {
  /** Arguments of nfdump without file and `-n`. */
  readonly nfdump: readonly string[];
  /** Arguments of weir without data folder, form and `--top`. */
  readonly weir: readonly string[];
  readonly filter: string;
  /** Another question, whose rows are added to weir's. */
  readonly twice?: { readonly by: string; readonly filter: string };
  /** What nfdump's flag `-t` is as a filter. */
  readonly window?: string;
  /** Rows, 0 for all; then also those that nfdump cannot tell apart (0 and no value) are added up. */
  readonly top: number;
  /** Which of the cells is what the rows are ordered by; undefined where the order does not matter. */
  readonly ranked: number | undefined;
  /** The cells of nfdump's lines that are compared, by the names of its CSV; undefined where its `fmt:` names them. */
  readonly cells: readonly string[] | undefined;
}

/**
 * nfdump's statistics add the `out` counters (octets after the exporter handled them) to the others; its aggregations show the others alone, but are ordered
 * by both: flows that have such counters are left out of both here.
 */
const PLAIN = 'not (out bytes > 0 or out packets > 0)';
/** nfdump shows type and code in the place of ICMP's destination port. */
const NO_ICMP = 'not proto icmp and not proto icmp6';

/** nfcapd does not keep the masks of NetFlow v5; the flows of v9 are the ones with MAC addresses here. */
const V9 = '(in src mac 00:00:00:00:00:01 or in src mac 00:00:00:00:00:02)';

const COUNTERS = ['flows', 'packets', 'bytes'] as const;
type Order = (typeof COUNTERS)[number];

/** `nfdump -s STATISTIC/ORDER`; `:p` is a second key. */
function statistic(name: string, by: string, order: Order, more: { filter?: string; top?: number } = {}): Question {
  const { filter = PLAIN, top = 20 } = more;
  const keys = name.endsWith(':p') ? ['val', 'pr'] : ['val'];
  return {
    nfdump: ['-s', `${name}/${order}`, '-o', 'csv'],
    weir: ['query', '--by', by, '--order', order],
    filter,
    top,
    ranked: top === 0 ? undefined : keys.length + COUNTERS.indexOf(order),
    cells: [...keys, 'fl', 'pkt', 'byt'],
  };
}

/** `nfdump -A KEYS -O ORDER`, printed with these tokens. */
function aggregation(
  keys: string,
  tokens: string,
  by: string,
  order: Order,
  more: { filter?: string; top?: number; flag?: readonly string[] } = {},
): Question {
  const { filter = PLAIN, top = 20, flag = ['-A', keys] } = more;
  const format = `fmt:${[...tokens.split(' '), '%fl', '%pkt', '%byt'].join('|')}`;
  return {
    nfdump: [...flag, '-O', order, '-o', format],
    weir: ['query', '--by', by, '--order', order],
    filter,
    top,
    ranked: top === 0 ? undefined : by.split(',').length + COUNTERS.indexOf(order),
    cells: undefined,
  };
}

/** A list of flows: `-O ORDER`, or all of them. */
function list(
  order: readonly string[],
  tokens: string,
  columns: string,
  weir: readonly string[],
  more: { filter?: string; window?: string; top?: number; ranked?: number } = {},
): Question {
  const { filter = 'any', window, top = 0, ranked } = more;
  return {
    nfdump: [...order, '-o', `fmt:${tokens.split(' ').join('|')}`],
    weir: ['query', '--columns', columns, ...weir],
    filter,
    ...(window === undefined ? {} : { window }),
    top,
    ranked,
    cells: undefined,
  };
}

/**
 * A statistic of either end. nfdump counts a flow whose ends are the same twice, and one without a value at either end, too; weir counts these once, so
 * that they are added here.
 */
function eitherEnd(name: string, by: string, ends: readonly [string, string], order: Order, filter = PLAIN): Question {
  const [src, dst] = ends;
  const none = `not (${src} = ${src} or ${dst} = ${dst})`;
  return {
    ...statistic(name, by, order, { top: 0, filter }),
    twice: { by: [src, ...by.split(',').slice(1)].join(','), filter: `${filter} and (${src} = ${dst} or ${none})` },
  };
}

const WITHIN = 'first seen >= 2026-03-01T12:10:00Z and last seen <= 2026-03-01T12:20:00Z';
const ENDS = '%sa %da %sp %dp';
const END_COLUMNS = 'src_addr,dst_addr,src_port,dst_port';

export const STATISTICS: readonly Question[] = [
  statistic('srcip', 'src_addr', 'bytes'),
  statistic('srcip', 'src_addr', 'packets'),
  statistic('srcip', 'src_addr', 'flows'),
  statistic('dstip', 'dst_addr', 'bytes'),
  statistic('dstip', 'dst_addr', 'flows', { filter: `${PLAIN} and proto udp` }),
  statistic('srcip:p', 'src_addr,proto', 'bytes'),
  statistic('dstport:p', 'dst_port,proto', 'bytes'),
  statistic('dstport', 'dst_port', 'flows', { filter: `${PLAIN} and flags S and not flags AFRPU` }),
  statistic('srcport', 'src_port', 'packets'),
  statistic('proto', 'proto', 'bytes', { top: 0 }),
  statistic('proto', 'proto', 'flows', { top: 0, filter: `${PLAIN} and net 10.0.0.0/8` }),
  statistic('srctos', 'tos', 'bytes', { top: 0 }),
  statistic('srcas', 'src_as', 'bytes'),
  statistic('dstas', 'dst_as', 'flows'),
  statistic('inif', 'in_if', 'bytes'),
  statistic('outif', 'out_if', 'packets'),
  statistic('srcmask', 'src_mask', 'bytes', { top: 0, filter: `${PLAIN} and ${V9}` }),
  statistic('dstmask', 'dst_mask', 'bytes', { top: 0, filter: `${PLAIN} and ${V9}` }),
  statistic('nhip', 'next_hop', 'bytes', { top: 0 }),
  statistic('nhbip', 'bgp_next_hop', 'bytes', { top: 0 }),
  statistic('router', 'exporter', 'bytes', { top: 0 }),
  statistic('srcvlan', 'src_vlan', 'bytes', { top: 0 }),
  statistic('dstvlan', 'dst_vlan', 'bytes', { top: 0 }),
  statistic('insrcmac', 'src_mac', 'bytes', { top: 0 }),
  statistic('indstmac', 'dst_mac', 'bytes', { top: 0 }),
  statistic('outsrcmac', 'post_src_mac', 'bytes', { top: 0 }),
  statistic('dir', 'direction', 'bytes', { top: 0 }),
  statistic('ivrf', 'ingress_vrf', 'bytes', { top: 0 }),
  statistic('evrf', 'egress_vrf', 'bytes', { top: 0 }),
  eitherEnd('ip', 'addr', ['src_addr', 'dst_addr'], 'bytes'),
  eitherEnd('ip:p', 'addr,proto', ['src_addr', 'dst_addr'], 'flows'),
  eitherEnd('port', 'port', ['src_port', 'dst_port'], 'bytes'),
  eitherEnd('as', 'as', ['src_as', 'dst_as'], 'bytes'),
  eitherEnd('if', 'if', ['in_if', 'out_if'], 'bytes'),
  eitherEnd('vlan', 'vlan', ['src_vlan', 'dst_vlan'], 'bytes'),
  eitherEnd('mask', 'mask', ['src_mask', 'dst_mask'], 'bytes', `${PLAIN} and ${V9}`),
  { ...statistic('ip', 'addr', 'bytes', { filter: `${PLAIN} and src net 10.0.0.0/8 and not dst net 10.0.0.0/8` }) },
];

export const AGGREGATIONS: readonly Question[] = [
  aggregation('', `%pr ${ENDS}`, `proto,${END_COLUMNS}`, 'bytes', { flag: ['-a'], filter: `${PLAIN} and ${NO_ICMP}` }),
  aggregation('', `%pr ${ENDS}`, `proto,${END_COLUMNS}`, 'packets', {
    flag: ['-a'],
    filter: `${PLAIN} and ${NO_ICMP} and packets > 10`,
  }),
  aggregation('srcip,dstip', '%sa %da', 'src_addr,dst_addr', 'bytes'),
  aggregation('srcip,dstip', '%sa %da', 'src_addr,dst_addr', 'flows', { filter: 'port 53' }),
  aggregation('srcip,dstport', '%sa %dp', 'src_addr,dst_port', 'flows', { filter: `${PLAIN} and ${NO_ICMP}` }),
  aggregation('proto,dstport', '%pr %dp', 'proto,dst_port', 'packets', { filter: `${PLAIN} and ${NO_ICMP}` }),
  aggregation('srcip4/24', '%sa', 'src_addr/24', 'bytes', { filter: 'ipv4' }),
  aggregation('dstip4/16', '%da', 'dst_addr/16', 'packets', { filter: 'ipv4' }),
  aggregation('srcip4/16,dstip4/8', '%sa %da', 'src_addr/16,dst_addr/8', 'bytes', { filter: 'ipv4 and proto tcp' }),
  aggregation('srcip6/64', '%sa', 'src_addr/64', 'bytes', { filter: 'ipv6' }),
  aggregation('srcip6/48,dstip6/32', '%sa %da', 'src_addr/48,dst_addr/32/32', 'bytes', { filter: 'ipv6', top: 0 }),
  aggregation('srcas,dstas', '%sas %das', 'src_as,dst_as', 'flows', { top: 0 }),
  aggregation('inif,outif', '%in %out', 'in_if,out_if', 'bytes', { top: 0 }),
  aggregation('proto,tos', '%pr %tos', 'proto,tos', 'flows', { top: 0 }),
  aggregation('router,proto', '%ra %pr', 'exporter,proto', 'bytes', { top: 0 }),
  aggregation('next', '%nh', 'next_hop', 'bytes', { top: 0 }),
  aggregation('srcvlan,dstvlan', '%svln %dvln', 'src_vlan,dst_vlan', 'bytes', { top: 0 }),
  aggregation('insrcmac,outdstmac', '%ismc %odmc', 'src_mac,post_dst_mac', 'bytes', { top: 0 }),
  aggregation('srcmask,dstmask', '%smk %dmk', 'src_mask,dst_mask', 'flows', { top: 0, filter: V9 }),
];

export const LISTS: readonly Question[] = [
  list(['-O', 'tstart'], `%ts %te %pr %sa %da %byt`, 'time_start,time_end,proto,src_addr,dst_addr,bytes', [], {
    top: 50,
    ranked: 0,
  }),
  list(['-O', 'bytes'], `%byt %sa %da`, 'bytes,src_addr,dst_addr', ['--order', 'bytes:desc'], { top: 50, ranked: 0 }),
  list(['-O', 'packets'], `%pkt %sa %da`, 'packets,src_addr,dst_addr', ['--order', 'packets:desc'], {
    top: 50,
    ranked: 0,
  }),
  list(['-O', 'duration'], `%td %sa %da`, 'duration,src_addr,dst_addr', ['--order', 'duration'], {
    top: 50,
    ranked: 0,
  }),
  list([], `%ts %td %pr ${ENDS} %pkt %byt`, `time_start,duration,proto,${END_COLUMNS},packets,bytes`, [], {
    filter: 'host 203.0.113.58',
  }),
  list([], `%ts %pr ${ENDS} %byt`, `time_start,proto,${END_COLUMNS},bytes`, [], {
    filter: 'ipv6 and bytes > 1m and not proto icmp6 and not proto icmp',
  }),
  list([], `%ts ${ENDS} %in %out %sas %das`, `time_start,${END_COLUMNS},in_if,out_if,src_as,dst_as`, [], {
    filter: 'proto udp and port 53',
  }),
  list([], `%ts %sa %nh %nhb %smk %dmk`, 'time_start,src_addr,next_hop,bgp_next_hop,src_mask,dst_mask', [], {
    filter: 'src mask 24 and vlan 1',
  }),
  list(
    [],
    `%ts %sa %svln %dvln %ismc %odmc %idmc %osmc`,
    'time_start,src_addr,src_vlan,dst_vlan,src_mac,post_dst_mac,dst_mac,post_src_mac',
    [],
    { filter: 'flags S and tos 40' },
  ),
  list([], `%ts %sa %obyt %opkt`, 'time_start,src_addr,out_bytes,out_packets', [], {
    filter: 'out bytes > 0 and bpp > 100',
  }),
  list(
    ['-t', '2026/03/01.12:10:00-2026/03/01.12:20:00'],
    `%ts %te %sa %da %byt`,
    'time_start,time_end,src_addr,dst_addr,bytes',
    [],
    { window: WITHIN },
  ),
];
