import type { InformationElement } from '../elements/element.ts';
import type { ElementRegistry } from '../elements/registry.ts';
import type { FieldSpecifier } from './template.ts';

/**
 * Fields of the formats without templates (NetFlow v1, v5–v8) are named by the numbers of NetFlow v9. What v9 has no number for stands below under
 * an enterprise that cannot come from the network, with the name that Cisco's documents give it.
 */
const UNNUMBERED = -1;

// biome-ignore format: one field, one row
const ELEMENTS: readonly (readonly [name: string, type: 'unsigned8' | 'unsigned16' | 'unsigned32' | 'ipv4Address'])[] = [
  ['in_encaps', 'unsigned8'],     // v6: octets of encapsulation at the input
  ['out_encaps', 'unsigned8'],    // v6: octets of encapsulation at the output
  ['peer_nexthop', 'ipv4Address'], // v6: next hop within the peer
  ['flags', 'unsigned8'],         // v7: flow mask in use
  ['invalid', 'unsigned16'],      // v7: bits of fields that hold nothing
  ['marked_tos', 'unsigned8'],    // v8: ToS of packets that exceeded the contract
  ['extra_pkts', 'unsigned32'],   // v8: packets that exceeded the contract
];

/** An octet or more that is nothing: paddingOctets. */
export const PAD = 210;

/** A field: v9's number, or the name of a field that has none there; and its length in octets. */
export type FixedField = readonly [field: number | string, length: number];

/** What records of v1, v5, v6 and v7 begin with, 36 octets: addresses, next hop, interfaces, packets, octets, first, last, ports. */
export const FIXED_BEGINNING: readonly FixedField[] = [
  [8, 4],
  [12, 4],
  [15, 4],
  [10, 2],
  [14, 2],
  [2, 4],
  [1, 4],
  [22, 4],
  [21, 4],
  [7, 2],
  [11, 2],
];

/** What v5, v6 and v7 have from octet 37 on, 9 octets: TCP flags, protocol, ToS, AS numbers, masks. */
export const FIXED_MIDDLE: readonly FixedField[] = [
  [6, 1],
  [4, 1],
  [5, 1],
  [16, 2],
  [17, 2],
  [9, 1],
  [13, 1],
];

/** Field specifiers of a record. */
export function fixedFields(list: readonly FixedField[]): FieldSpecifier[] {
  return list.map(([field, length]) =>
    typeof field === 'number'
      ? { enterprise: 0, id: field, length }
      : { enterprise: UNNUMBERED, id: ELEMENTS.findIndex(([name]) => name === field), length },
  );
}

/** Octets of a record. */
export function recordLength(fields: readonly FieldSpecifier[]): number {
  return fields.reduce((sum, { length }) => sum + length, 0);
}

const NAMED: readonly InformationElement[] = ELEMENTS.map(([name, type], id) => ({
  enterprise: UNNUMBERED,
  id,
  name,
  type,
  semantics: 'default',
  units: undefined,
}));

/** The element of a field that v9 has no number for; undefined for all others. */
export function fixedElement(enterprise: number, id: number): InformationElement | undefined {
  return enterprise === UNNUMBERED ? NAMED[id] : undefined;
}

/** The registry with the names of fields that v9 has no number for. */
export function withFixedFields(registry: ElementRegistry): ElementRegistry {
  return {
    ...registry,
    lookup: (enterprise, id, version) => fixedElement(enterprise, id) ?? registry.lookup(enterprise, id, version),
  };
}
