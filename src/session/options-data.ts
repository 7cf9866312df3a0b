import { netflow9Scope } from '../elements/netflow9-scopes.ts';
import { addMember, type ElementObject, type ElementValue, elementValue } from '../flow/element-value.ts';
import { float, unsigned } from '../util/octets.ts';
import { type LocatedField, locateFields } from '../wire/data-record.ts';
import { isListType, type ListNames, structuredValue } from '../wire/structured-data.ts';
import type { Specification } from './specification.ts';

/** A report on a selection sequence (PSAMP, RFC 5476 section 6.5.1), or on a selector (6.5.2). */
export interface SelectionFacts {
  /** selectionSequenceId (301). */
  readonly sequence: number | undefined;
  /** selectorId (302), in their order. */
  readonly selectors: readonly number[];
  /** A selector that takes all packets of some kind (selectorAlgorithm 5, property match filtering). */
  readonly isFilter: boolean;
}

/** What an options data record says about sampling, and the exporter's boot time. */
export interface OptionsFacts {
  /** One packet in so many; 0 when the record does not say. */
  rate: number;
  sampler: number | undefined;
  /** Interface the rate is for. */
  interface: number | undefined;
  /** systemInitTimeMilliseconds (160), ms since the epoch. */
  initMillis: number | undefined;
  /** Undefined when the record names neither selector nor sequence. */
  selection: SelectionFacts | undefined;
  /** The quirk by which the rate was understood, or not. */
  quirk: string | undefined;
}

/** An options data record as names and values, for people. */
export interface OptionsRecord {
  readonly scope: Readonly<Record<string, ElementValue>>;
  readonly fields: Readonly<Record<string, ElementValue>>;
}

/**
 * Elements that facts are made of: rates, then sampler (302, 48), interface (10, 14), systemInitTimeMilliseconds, selectorAlgorithm, the lengths of
 * time-based sampling, ranges of hash-based selection, selectionSequenceId.
 */
const WANTED: readonly number[] = [
  34, 50, 305, 306, 309, 310, 311, 302, 48, 10, 14, 160, 304, 307, 308, 329, 330, 331, 332, 301,
];
const PROBABILITY = 311;
const SELECTOR = 302;
/** selectorAlgorithm: property match filtering (IANA, PSAMP parameters). */
const FILTER = 5;
/** Those of them that say a rate. */
const RATES: ReadonlySet<number> = new Set([34, 50, 305, 306, 309, 310, 311]);

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
 * samplingPacketSpace 306, samplingSize 309 of samplingPopulation 310, samplingProbability 311, samplingTimeInterval 307 with samplingTimeSpace 308, the
 * selected part of a hash's range (329 to 332) (RFC 5477 sections 8.2 and 8.3). An interval
 * without a space is taken for the rate itself, which is how exporters that leave the space out mean it.
 */
export function optionsFacts(
  specification: Specification,
  located: readonly LocatedField[],
  bytes: Uint8Array,
): OptionsFacts {
  const facts: OptionsFacts = {
    rate: 0,
    sampler: undefined,
    interface: undefined,
    initMillis: undefined,
    selection: undefined,
    quirk: undefined,
  };
  const has: (number | undefined)[] = new Array(WANTED.length);
  const selectors: number[] = [];
  for (let index = 0; index < located.length; index++) {
    const { field, offset, length } = located[index] as LocatedField;
    if (field.enterprise !== 0 || length < 1) continue;
    if (length > 8) {
      if (RATES.has(field.id)) facts.quirk = 'sampling-odd-length';
      continue;
    }
    if (specification.version === 9 && index < specification.scopeCount) {
      if (field.id === V9_SCOPE_INTERFACE) facts.interface = unsigned(bytes, offset, length);
      continue;
    }
    const at = WANTED.indexOf(field.id);
    if (at < 0) continue;
    if (field.id === SELECTOR) selectors.push(unsigned(bytes, offset, length));
    if (field.id !== PROBABILITY) has[at] = unsigned(bytes, offset, length);
    else if (length === 4 || length === 8) has[at] = float(bytes, offset, length);
  }
  const [interval = 0, random = 0, count = 0, space, size = 0, population = 0, probability = 0] = has;
  facts.sampler = has[7] ?? has[8];
  facts.interface ??= has[9] ?? has[10];
  facts.initMillis = has[11];
  const [algorithm, time = 0, pause, least = 0, greatest = 0, from = 0, to, sequence] = has.slice(12);
  if (selectors.length > 0 || sequence !== undefined)
    facts.selection = { sequence, selectors, isFilter: algorithm === FILTER };
  if (interval > 0) facts.rate = interval;
  else if (random > 0) facts.rate = random;
  else if (count > 0) facts.rate = space === undefined ? count : (count + space) / count;
  else if (size > 0 && population > 0) facts.rate = population / size;
  else if (probability > 0 && probability <= 1) facts.rate = 1 / probability;
  else if (time > 0 && pause !== undefined) facts.rate = (time + pause) / time;
  else if (to !== undefined && to >= from && greatest > least) facts.rate = (greatest - least + 1) / (to - from + 1);
  if (interval > 0) {
    if (specification.version === 10 && facts.sampler === undefined && facts.interface === undefined)
      facts.quirk = 'sampling-in-options';
  } else if (random === 0 && count > 0 && space === undefined) facts.quirk = 'sampling-without-space';
  return facts;
}

/** One record with the names of its elements (one that comes twice has a list), lists taken apart (RFC 6313); scopes of NetFlow v9 by their own names. */
export function optionsRecord(
  specification: Specification,
  located: readonly LocatedField[],
  bytes: Uint8Array,
  names: ListNames,
): OptionsRecord {
  const scope: ElementObject = {};
  const fields: ElementObject = {};
  located.forEach(({ field, offset, length }, index) => {
    const isScope = index < specification.scopeCount;
    const scopeName = isScope && specification.version === 9 ? netflow9Scope(field.id) : undefined;
    const element = names.registry.lookup(field.enterprise, field.id, specification.version);
    const value = isListType(element?.type) ? structuredValue(element.type, bytes, offset, length, names) : undefined;
    const name = scopeName ?? element?.name ?? `${field.enterprise}/${field.id}`;
    const type = scopeName === undefined ? (element?.type ?? 'octetArray') : length <= 8 ? 'unsigned64' : 'octetArray';
    addMember(isScope ? scope : fields, name, value ?? elementValue(type, bytes, offset, length));
  });
  return { scope, fields };
}
