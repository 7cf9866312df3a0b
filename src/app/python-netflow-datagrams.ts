import type { AbstractType, InformationElement } from '../elements/element.ts';
import type { ElementRegistry } from '../elements/registry.ts';
import { parseAddress } from '../util/address.ts';
import { NETFLOW9_NAMES } from './python-netflow-names.ts';

/** A header as Python's `netflow` package has it: its attributes by name. */
export type Header = Readonly<Record<string, unknown>>;
/** A record: values by the package's names of fields. Whole numbers of 16 digits and more are text. */
export type PythonRecord = Readonly<Record<string, unknown>>;

type Field = readonly [name: string, octets: number];

const ROUTE: readonly Field[] = [
  ['IPV4_SRC_ADDR', 4],
  ['IPV4_DST_ADDR', 4],
  ['NEXT_HOP', 4],
  ['INPUT', 2],
  ['OUTPUT', 2],
  ['IN_PACKETS', 4],
  ['IN_OCTETS', 4],
  ['FIRST_SWITCHED', 4],
  ['LAST_SWITCHED', 4],
  ['SRC_PORT', 2],
  ['DST_PORT', 2],
];
/** Records and headers of versions 1 and 5 as they lie in a datagram; fields without a name are padding. */
const RECORDS: Readonly<Record<1 | 5, readonly Field[]>> = {
  1: [...ROUTE, ['', 2], ['PROTO', 1], ['TOS', 1], ['TCP_FLAGS', 1], ['', 11]],
  5: [
    ...ROUTE,
    ['', 1],
    ['TCP_FLAGS', 1],
    ['PROTO', 1],
    ['TOS', 1],
    ['SRC_AS', 2],
    ['DST_AS', 2],
    ['SRC_MASK', 1],
    ['DST_MASK', 1],
    ['', 2],
  ],
};
const CLOCK: readonly Field[] = [
  ['uptime', 4],
  ['timestamp', 4],
];
const HEADERS: Readonly<Record<1 | 5 | 9, readonly Field[]>> = {
  1: [...CLOCK, ['timestamp_nano', 4]],
  5: [...CLOCK, ['timestamp_nano', 4], ['sequence', 4], ['engine_type', 1], ['engine_id', 1], ['sampling_interval', 2]],
  9: [...CLOCK, ['sequence', 4], ['source_id', 4]],
};
const IPFIX_HEADER: readonly Field[] = [
  ['export_uptime', 4],
  ['sequence_number', 4],
  // As the package spells it.
  ['obervation_domain_id', 4],
];

/** A datagram of version 1 or 5 with these records. */
export function fixedDatagram(version: 1 | 5, header: Header, flows: readonly PythonRecord[]): Uint8Array {
  return Uint8Array.from([
    ...number(version, 2),
    ...number(flows.length, 2),
    ...octetsOf(HEADERS[version], header),
    ...flows.flatMap((flow) => octetsOf(RECORDS[version], flow)),
  ]);
}

/** Octets of a type in a rebuilt record; those of a text or an octet array are as many as the value needs. */
const OCTETS: Readonly<Partial<Record<AbstractType, number>>> = {
  unsigned8: 1,
  unsigned16: 2,
  unsigned32: 4,
  unsigned64: 8,
  signed8: 1,
  signed16: 2,
  signed32: 4,
  signed64: 8,
  float32: 4,
  float64: 8,
  boolean: 1,
  macAddress: 6,
  dateTimeSeconds: 4,
  dateTimeMilliseconds: 8,
  dateTimeMicroseconds: 8,
  dateTimeNanoseconds: 8,
  ipv4Address: 4,
  ipv6Address: 16,
};
/** Entries of a label stack are octet arrays of three octets, zeros in front included. */
const LABELS = { first: 70, last: 79, octets: 3 };
const FIRST_TEMPLATE = 256;
/** Elements that only a record of a flow or an event has: addresses, counters, ports, the event. */
const OF_FLOWS = new Set([1, 2, 7, 8, 11, 12, 27, 28, 56, 80, 225, 226, 230, 233, 281, 282]);
/** Elements that are scopes of options data, the likeliest first (RFC 7011 section 3.4.2.1). */
const SCOPES = [149, 144, 143, 141, 302, 346, 10, 14, 145];

interface Cell {
  readonly element: InformationElement;
  readonly octets: readonly number[];
}

/**
 * A datagram of NetFlow v9 or IPFIX with these records and their templates. The package does not keep the lengths of fields, so they are those of the elements; fields that have none are
 * left out and noted in `unknownFields`. In IPFIX it keeps options data among the flows: records without anything of a flow are such.
 */
export function templatedDatagram(
  version: 9 | 10,
  header: Header,
  flows: readonly PythonRecord[],
  registry: ElementRegistry,
  unknownFields: Set<string>,
): Uint8Array {
  const templates = new Map<string, { readonly cells: readonly Cell[]; readonly records: number[] }>();
  for (const flow of flows) {
    const cells = cellsOf(version, flow, registry, unknownFields);
    if (cells.length === 0) continue;
    const key = cells.map(({ element, octets }) => `${element.enterprise}.${element.id}.${octets.length}`).join();
    let template = templates.get(key);
    if (template === undefined) templates.set(key, (template = { cells, records: [] }));
    for (const { octets } of cells) template.records.push(...octets);
  }
  const sets = [...templates.values()].flatMap(({ cells, records }, index) => [
    ...templateSet(version, FIRST_TEMPLATE + index, cells),
    ...set(FIRST_TEMPLATE + index, records),
  ]);
  // v9 counts records, templates among them; IPFIX has the length there.
  const second = version === 9 ? flows.length + templates.size : sets.length + 16;
  return Uint8Array.from([
    ...number(version, 2),
    ...number(second, 2),
    ...octetsOf(version === 9 ? HEADERS[9] : IPFIX_HEADER, header),
    ...sets,
  ]);
}

/** The fields of a record in one order, whatever order they come in: the package keeps those of IPFIX as a set. */
function cellsOf(
  version: 9 | 10,
  flow: PythonRecord,
  registry: ElementRegistry,
  unknownFields: Set<string>,
): readonly Cell[] {
  const cells: Cell[] = [];
  for (const [name, value] of Object.entries(flow)) {
    const id = version === 9 ? NETFLOW9_NAMES.get(name) : undefined;
    const element = id === undefined ? registry.byName(name) : registry.lookup(0, id, version);
    const octets = element === undefined ? undefined : valueOctets(element, value);
    if (element === undefined || octets === undefined) unknownFields.add(name);
    else cells.push({ element, octets });
  }
  cells.sort((a, b) => a.element.enterprise - b.element.enterprise || a.element.id - b.element.id);
  // Of options data the scope stands first.
  const scope = version === 9 || isOfFlow(cells) ? undefined : SCOPES.find((id) => cells.some(hasId(id)));
  if (scope === undefined) return cells;
  return [...cells.filter(hasId(scope)), ...cells.filter((cell) => !hasId(scope)(cell))];
}

function hasId(id: number): (cell: Cell) => boolean {
  return ({ element }) => element.enterprise === 0 && element.id === id;
}

function isOfFlow(cells: readonly Cell[]): boolean {
  return cells.some(({ element }) => element.enterprise === 0 && OF_FLOWS.has(element.id));
}

function templateSet(version: 9 | 10, id: number, cells: readonly Cell[]): number[] {
  const specifiers = (list: readonly Cell[]) =>
    list.flatMap(({ element: { id: field, enterprise }, octets }) =>
      enterprise === 0
        ? [...number(field, 2), ...number(octets.length, 2)]
        : [...number(field | 0x8000, 2), ...number(octets.length, 2), ...number(enterprise, 4)],
    );
  if (version === 9 || isOfFlow(cells))
    return set(version === 9 ? 0 : 2, [...number(id, 2), ...number(cells.length, 2), ...specifiers(cells)]);
  return set(3, [...number(id, 2), ...number(cells.length, 2), ...number(1, 2), ...specifiers(cells)]);
}

function set(id: number, content: readonly number[]): number[] {
  const padding = (4 - (content.length % 4)) % 4;
  return [...number(id, 2), ...number(4 + content.length + padding, 2), ...content, ...number(0, padding)];
}

/** The octets of a value; undefined for one that the element cannot have. */
function valueOctets({ id, type }: InformationElement, value: unknown): readonly number[] | undefined {
  const length = OCTETS[type];
  // Seconds and fraction of an NTP time.
  if (Array.isArray(value) && value.length === 2) return value.flatMap((part) => number(wholeOf(part) ?? 0n, 4));
  if (typeof value === 'boolean') return [value ? 1 : 2];
  if (type === 'string' && typeof value === 'string') return [...new TextEncoder().encode(value)];
  const address = typeof value === 'string' ? parseAddress(value) : undefined;
  if (address !== undefined && length !== undefined)
    return address.flatMap((word) => number(word >>> 0, 4)).slice(-length);
  const whole = wholeOf(value);
  if (whole === undefined) return undefined;
  if (id >= LABELS.first && id <= LABELS.last) return number(whole, LABELS.octets);
  if (length !== undefined) return number(whole, length);
  return number(whole, Math.max(1, Math.ceil(whole.toString(16).length / 2)));
}

function octetsOf(fields: readonly Field[], values: Readonly<Record<string, unknown>>): number[] {
  return fields.flatMap(([name, octets]) => number(wholeOf(values[name]) ?? 0n, octets));
}

function wholeOf(value: unknown): bigint | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return typeof value === 'string' && /^\d{1,2000}$/.test(value) ? BigInt(value) : undefined;
}

/** The lowest `octets` octets of a number, the highest first. */
function number(value: bigint | number, octets: number): number[] {
  let rest = BigInt(value);
  const found: number[] = [];
  for (let i = 0; i < octets; i++) {
    found.unshift(Number(rest & 0xffn));
    rest >>= 8n;
  }
  return found;
}
