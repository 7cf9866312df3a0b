import { compileFilterSql } from '../../filter/sql.ts';
import { addressTest, type FilterNode } from '../../filter/tree.ts';
import type { Address } from '../../util/address.ts';
import { type Source, sqlSource } from '../source.ts';
import type { Endpoint, TraceQuestion } from './question.ts';

/*
 * Records that tell of translations, in one form whatever kind they are of: source translation (src_addr inside, post_nat_src_addr public) and
 * destination translation (dst_addr public, post_nat_dst_addr inside), which is a forwarded port, or the way back of a source translation.
 */

/** Columns of the files that tell of a translation; a file without any of them has none. */
export const TRANSLATED_COLUMNS: readonly string[] = ['post_nat_src_addr_lo', 'post_nat_dst_addr_lo'];

const NEEDED: readonly string[] = [
  ...['exporter', 'src_addr', 'dst_addr', 'post_nat_src_addr', 'post_nat_dst_addr'].flatMap((name) => [
    `${name}_hi`,
    `${name}_lo`,
  ]),
  'time_start',
  'duration',
  'record_kind',
  'proto',
  'nat_event',
  'firewall_event',
  'ingress_vrf',
  'user_name',
  'src_port',
  'dst_port',
  'post_nat_src_port',
  'post_nat_dst_port',
  'packets',
  'bytes',
  'port_range_start',
  'port_range_end',
  'port_range_step',
  'port_range_size',
];

/* Codes of record_kind, of firewall_event, and of nat_event (RFC 8158 section 4.3) by what they tell of. */
const [NAT_EVENT, FIREWALL_EVENT] = [2, 3];
const [CREATED, DELETED, DENIED, UPDATED] = [1, 2, 3, 5];
const CREATES = '1, 4, 6, 8, 10, 14, 16';
const DELETES = '2, 5, 7, 9, 11, 15, 17';
const BINDINGS = '8, 9, 10, 11';
const ADDRESS_BINDINGS = '14, 15';
const BLOCKS = '16, 17';

const IS_BLOCK = `coalesce("nat_event" IN (${BLOCKS}), coalesce("port_range_start", 0) > 0)`;
/** A static translation of one address into another; ICMP has no ports in any case. */
const HAS_NO_PORTS = `("record_kind" = ${NAT_EVENT} AND coalesce("src_port", 0) = 0 AND coalesce("post_nat_src_port", 0) = 0
  AND coalesce("proto", 0) NOT IN (1, 58))`;

const KIND = `CASE
  WHEN ${IS_BLOCK} THEN 'block'
  WHEN "nat_event" IN (${ADDRESS_BINDINGS}) OR ${HAS_NO_PORTS} THEN 'address'
  WHEN "nat_event" IN (${BINDINGS}) THEN 'binding'
  WHEN "firewall_event" IS NOT NULL AND "nat_event" IS NULL THEN 'firewall'
  ELSE 'session' END`;

/** 1 begins a translation, 2 ends it. Some exporters send events without saying which (Nokia's BNG): those begin one. */
const PHASE = `CASE
  WHEN "nat_event" IN (${CREATES}) THEN 1 WHEN "nat_event" IN (${DELETES}) THEN 2 WHEN "nat_event" IS NOT NULL THEN 0
  WHEN "firewall_event" = ${CREATED} AND "record_kind" = ${FIREWALL_EVENT} THEN 1 WHEN "firewall_event" = ${DELETED} THEN 2
  WHEN "record_kind" = ${NAT_EVENT} AND coalesce("duration", 0) = 0 THEN 1 ELSE 0 END`;

/** Whether a record has a beginning and an end of its own, as flows have. */
const IS_FLOW = `("record_kind" NOT IN (${NAT_EVENT}, ${FIREWALL_EVENT}) OR coalesce("duration", 0) > 0 OR coalesce("firewall_event", 0) = ${UPDATED})`;

/** Events that say a translation was refused tell of none. */
const IS_TRANSLATION = `coalesce("nat_event" IN (${CREATES}, ${DELETES}), TRUE) AND coalesce("firewall_event", 0) <> ${DENIED}`;

/** IANA, portRangeStepSize and portRangeNumPorts: where the end is not sent, the number of ports gives it. */
const BLOCK_STEP = 'greatest(coalesce("port_range_step", 1), 1)::INTEGER';
const BLOCK_SIZE = 'greatest(coalesce("port_range_size", 1), 1)::INTEGER';
const BLOCK_END = `coalesce(nullif("port_range_end", 0)::INTEGER, least("port_range_start" + ${BLOCK_STEP} * (${BLOCK_SIZE} - 1), 65535))`;

interface Form {
  /** Columns of the inside end, the public one, and the other end of the connection before and after translation. */
  readonly inside: string;
  readonly public: string;
  readonly peer: string;
  readonly postPeer: string;
  /** SQL of the ports, where the record tells them. */
  readonly insidePort: string;
  readonly publicPort: string;
  /** Whether the translated port is in the record. */
  readonly portTold: string;
}

const FORMS: readonly Form[] = [
  {
    inside: 'src_addr',
    public: 'post_nat_src_addr',
    peer: 'dst',
    postPeer: 'post_nat_dst',
    insidePort: 'nullif("src_port", 0)',
    // Exporters without the element translate the address alone, or do not tell.
    publicPort: 'coalesce(nullif("post_nat_src_port", 0), nullif("src_port", 0))',
    portTold: 'coalesce("post_nat_src_port", 0) > 0',
  },
  {
    inside: 'post_nat_dst_addr',
    public: 'dst_addr',
    peer: 'src',
    postPeer: 'post_nat_src',
    insidePort: 'nullif("post_nat_dst_port", 0)',
    publicPort: 'nullif("dst_port", 0)',
    portTold: 'coalesce("post_nat_dst_port", 0) > 0',
  },
];

/** Columns of the files that `sqlTranslated` names. */
export const TRANSLATED_ADDRESSES: readonly string[] = FORMS.flatMap((form) =>
  [form.inside, form.public].flatMap((name) => [`${name}_hi`, `${name}_lo`]),
);

/** Condition that a record tells of a translation, whosesoever. */
export function sqlTranslated(): string {
  const forms = FORMS.map((form) => `(${isAddress(form.inside)} AND ${isAddress(form.public)} AND ${differ(form)})`);
  return `(${forms.join(' OR ')})`;
}

function differ(form: Form): string {
  return `("${form.inside}_lo" <> "${form.public}_lo" OR "${form.inside}_hi" <> "${form.public}_hi")`;
}

/**
 * SQL of the records that can tell of the question's translations, whenever they were: a row each with `kind`, `phase`, `is_flow`, times as µs
 * (`t0`, `t1`), and the ends of the connection as columns `inside_*`, `public_*` and `peer_*`.
 */
export function sqlRecords(source: Source, question: TraceQuestion, conditions: readonly string[]): string {
  const scan = sqlSource(source, NEEDED);
  const forms = FORMS.map((form) => {
    const where = [...formConditions(form, question), IS_TRANSLATION, ...conditions].join(' AND ');
    return `SELECT ${formColumns(form).join(', ')} FROM ${scan} WHERE ${where}`;
  });
  return `(${forms.join(' UNION ALL ')})`;
}

function formColumns(form: Form): string[] {
  const ports = (value: string) => `CASE WHEN ${KIND} IN ('block', 'address') THEN NULL ELSE ${value} END`;
  const block = (value: string) => `CASE WHEN ${IS_BLOCK} THEN ${value} END::INTEGER`;
  const peer = (half: string) =>
    `CASE WHEN ${isAddress(`${form.postPeer}_addr`)} THEN "${form.postPeer}_addr_${half}" WHEN ${isAddress(`${form.peer}_addr`)} THEN "${form.peer}_addr_${half}" END`;
  return [
    `${KIND} AS kind`,
    `${PHASE} AS phase`,
    `${IS_FLOW} AS is_flow`,
    'epoch_us("time_start") AS t0',
    'epoch_us("time_start") + greatest(coalesce("duration", 0), 0) AS t1',
    'exporter_hi',
    'exporter_lo',
    '"proto"',
    `"${form.inside}_hi" AS inside_hi`,
    `"${form.inside}_lo" AS inside_lo`,
    `${ports(form.insidePort)} AS inside_port`,
    'ingress_vrf',
    'user_name',
    `"${form.public}_hi" AS public_hi`,
    `"${form.public}_lo" AS public_lo`,
    `${ports(form.publicPort)} AS public_port`,
    `${block('"port_range_start"')} AS block_start`,
    `${block(BLOCK_END)} AS block_end`,
    `${block(BLOCK_STEP)} AS block_step`,
    `${peer('hi')} AS peer_hi`,
    `${peer('lo')} AS peer_lo`,
    `coalesce(nullif("${form.postPeer}_port", 0), nullif("${form.peer}_port", 0)) AS peer_port`,
    `(${form.portTold} OR ${KIND} IN ('block', 'address')) AS port_told`,
    'packets',
    'bytes',
  ];
}

/** Conditions of one form: those on addresses first, which files are pruned by. */
function formConditions(form: Form, { side, endpoint, peer, proto }: TraceQuestion): string[] {
  const [asked, other] = side === 'public' ? [form.public, form.inside] : [form.inside, form.public];
  const isForward = form.inside === 'src_addr';
  const conditions = [sqlIsAddress(asked, endpoint.address), isAddress(other), differ(form)];
  // A block is told of by the source's translation alone.
  if (!isForward) conditions.push(`NOT ${IS_BLOCK}`);
  if (endpoint.port !== undefined) conditions.push(portCondition(form, side, endpoint.port));
  if (proto !== undefined) conditions.push(`coalesce("proto", 0) IN (0, ${proto})`);
  if (peer !== undefined) conditions.push(peerCondition(form, peer));
  return conditions;
}

function portCondition(form: Form, side: TraceQuestion['side'], port: number): string {
  if (side === 'inside') return `(${KIND} IN ('block', 'address') OR ${form.insidePort} = ${port})`;
  const inBlock = `${port} BETWEEN "port_range_start" AND ${BLOCK_END} AND (${port} - "port_range_start"::INTEGER) % ${BLOCK_STEP} = 0`;
  return `CASE ${KIND} WHEN 'block' THEN ${inBlock} WHEN 'address' THEN TRUE ELSE ${form.publicPort} = ${port} END`;
}

/** A record that tells of no other end holds for all of them. */
function peerCondition({ peer, postPeer }: Form, { address, port }: Endpoint): string {
  const same = [peer, postPeer].map((end) => {
    const ports = port === undefined ? '' : ` AND coalesce("${end}_port", 0) IN (0, ${port})`;
    return `(${sqlIsAddress(`${end}_addr`, address)}${ports})`;
  });
  return `(NOT ${isAddress(`${peer}_addr`)} OR coalesce(${same.join(' OR ')}, FALSE))`;
}

/** The least that a record of `sqlRecords` has: the address that is asked about, in one column or the other. */
export function askedAddress({ side, endpoint: { address } }: TraceQuestion): FilterNode {
  const columns = FORMS.map((form) => (side === 'public' ? form.public : form.inside));
  return addressTest('address', columns, [{ address, length: 128 }]);
}

/** Whether a column has this address. */
export function sqlIsAddress(column: string, address: Address): string {
  return compileFilterSql(addressTest(column, [column], [{ address, length: 128 }]));
}

/** Exporters send 0.0.0.0 or :: where there is nothing to tell. */
function isAddress(column: string): string {
  return `("${column}_lo" IS NOT NULL AND NOT ("${column}_hi" = 0 AND "${column}_lo" IN (0, 281470681743360)))`;
}
