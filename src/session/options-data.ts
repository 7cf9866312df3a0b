import { netflow9Scope } from '../elements/netflow9-scopes.ts';
import type { ElementRegistry } from '../elements/registry.ts';
import { type ElementValue, elementValue } from '../flow/element-value.ts';
import { float, unsigned } from '../util/octets.ts';
import { type LocatedField, locateFields } from '../wire/data-record.ts';
import type { Specification } from './specification.ts';

/** What an options data record says about sampling, and the exporter's boot time. */
export interface OptionsFacts {
  /** One packet in so many; 0 when the record does not say. */
  rate: number;
  sampler: number | undefined;
  /** Interface the rate is for. */
  interface: number | undefined;
  /** systemInitTimeMilliseconds (160), ms since the epoch. */
  initMillis: number | undefined;
}

/** An options data record as names and values, for people. */
export interface OptionsRecord {
  readonly scope: Readonly<Record<string, ElementValue>>;
  readonly fields: Readonly<Record<string, ElementValue>>;
}

/** Scope types of NetFlow v9 (RFC 3954 section 6.1): Interface. */
const V9_SCOPE_INTERFACE = 2;

/**
 * Reads the options data records of a set, one after another. `visit` gets each record's fields; returns false when a record goes past
 * the set and something other than padding is left.
 */
export function readOptionsData(
  specification: Specification,
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (located: readonly LocatedField[]) => void,
): boolean {
  let p = start;
  while (p < end) {
    const record = locateFields(specification.fields, bytes, p, end);
    if (record === undefined) return end - p < 4;
    if (record.next === p) return false;
    visit(record.located);
    p = record.next;
  }
  return true;
}

/**
 * The facts of one record. Rates: samplingInterval 34, samplerRandomInterval 50 (NetFlow v9), samplingPacketInterval 305 with
 * samplingPacketSpace 306, samplingSize 309 of samplingPopulation 310, samplingProbability 311 (RFC 5477 section 8.2). An interval
 * without a space is taken for the rate itself, which is how exporters that leave the space out mean it.
 */
export function optionsFacts(
  specification: Specification,
  located: readonly LocatedField[],
  bytes: Uint8Array,
): OptionsFacts {
  const facts: OptionsFacts = { rate: 0, sampler: undefined, interface: undefined, initMillis: undefined };
  const values = new Map<number, number>();
  located.forEach(({ field, offset, length }, index) => {
    if (field.enterprise !== 0 || length < 1 || length > 8) return;
    if (specification.version === 9 && index < specification.scopeCount) {
      if (field.id === V9_SCOPE_INTERFACE) facts.interface = unsigned(bytes, offset, length);
      return;
    }
    if (field.id === 311) {
      if (length === 4 || length === 8) values.set(311, float(bytes, offset, length));
    } else values.set(field.id, unsigned(bytes, offset, length));
  });
  facts.sampler = values.get(302) ?? values.get(48);
  facts.interface ??= values.get(10) ?? values.get(14);
  facts.initMillis = values.get(160);
  const value = (id: number): number => values.get(id) ?? 0;
  const probability = value(311);
  if (value(34) > 0) facts.rate = value(34);
  else if (value(50) > 0) facts.rate = value(50);
  else if (value(305) > 0) facts.rate = values.has(306) ? (value(305) + value(306)) / value(305) : value(305);
  else if (value(309) > 0 && value(310) > 0) facts.rate = value(310) / value(309);
  else if (probability > 0 && probability <= 1) facts.rate = 1 / probability;
  return facts;
}

/** One record with the names of its elements; scopes of NetFlow v9 by their own names. */
export function optionsRecord(
  specification: Specification,
  located: readonly LocatedField[],
  bytes: Uint8Array,
  registry: ElementRegistry,
): OptionsRecord {
  const scope: Record<string, ElementValue> = {};
  const fields: Record<string, ElementValue> = {};
  located.forEach(({ field, offset, length }, index) => {
    const isScope = index < specification.scopeCount;
    const scopeName = isScope && specification.version === 9 ? netflow9Scope(field.id) : undefined;
    const element = registry.lookup(field.enterprise, field.id, specification.version);
    const name = scopeName ?? element?.name ?? `${field.enterprise}/${field.id}`;
    const type = scopeName === undefined ? (element?.type ?? 'octetArray') : length <= 8 ? 'unsigned64' : 'octetArray';
    (isScope ? scope : fields)[name] = elementValue(type, bytes, offset, length);
  });
  return { scope, fields };
}
