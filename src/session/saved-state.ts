import { formatAddress, parseAddress } from '../util/address.ts';
import { isCount, isRecord, listOf } from '../util/json-shape.ts';
import type { TemplateRecord } from '../wire/template.ts';
import type { Domain } from './domain.ts';
import type { MessageDecoder } from './message-decoder.ts';

/**
 * What is kept over a restart: templates, sampling rates, and elements that exporters taught. Exporters send templates every 1 to 30 minutes; without
 * this, all data until then would have to wait, and the fields of some would have no names.
 */
export interface SavedState {
  readonly format: 1;
  /** ms since the epoch. */
  readonly savedAt: number;
  readonly domains: readonly SavedDomain[];
  /** Who taught it, enterprise, element, name, and the numbers of type, semantics and units (RFC 5610). */
  readonly elements: readonly SavedElement[];
}

type SavedElement = readonly [
  exporter: string,
  enterprise: number,
  id: number,
  name: string,
  type: number,
  semantics: number,
  units: number,
];

interface SavedDomain {
  /** The sender's address. */
  readonly exporter: string;
  /** The exporter's, where options data told it. */
  readonly told: string | undefined;
  readonly version: number;
  readonly domain: number;
  readonly initMillis: number | undefined;
  readonly sampling: {
    readonly domain: number;
    readonly samplers: [number, number][];
    readonly interfaces: [number, number][];
    readonly selectors: [number, number][];
    /** Selection sequences with their selectors, or their rate. */
    readonly sequences: [number, readonly number[] | number][];
  };
  readonly templates: readonly SavedTemplate[];
}

/** A template as plain data. */
export interface SavedTemplate {
  readonly id: number;
  readonly kind: 'data' | 'options';
  readonly scopeCount: number;
  /** Port of the session it belongs to, 0 for any. */
  readonly port: number;
  /** ms since the epoch. */
  readonly lastSeen: number;
  /** Enterprise, element, length of each field. */
  readonly fields: readonly [number, number, number][];
}

/** Templates saved at most: those of the domains that sent theirs last. */
const MAX_SAVED = 100_000;

/** The decoder's state as plain data. */
export function saveState(decoder: MessageDecoder, now: number): SavedState {
  const domains: SavedDomain[] = [];
  let templates = 0;
  for (const domain of [...decoder.domains].reverse()) {
    // What a stream taught goes with it.
    if (domain.session !== 0 || isEmpty(domain)) continue;
    if (templates + domain.templates.entries.size > MAX_SAVED) break;
    templates += domain.templates.entries.size;
    domains.push(saveDomain(domain));
  }
  const elements = Array.from(
    decoder.registry.lessons(),
    ([exporter, { enterprise, id, name, type, semantics, units }]): SavedElement => [
      exporter,
      enterprise,
      id,
      name,
      type,
      semantics,
      units,
    ],
  );
  return { format: 1, savedAt: now, domains: domains.reverse(), elements };
}

function isEmpty({ templates, sampling, toldExporter }: Domain): boolean {
  return templates.entries.size === 0 && sampling.isEmpty && toldExporter === undefined;
}

function saveDomain(domain: Domain): SavedDomain {
  const templates: SavedTemplate[] = [];
  for (const [id, entry] of domain.templates.entries) {
    const specifications = entry.byPort ?? new Map([[0, entry.specification]]);
    for (const [port, { kind, scopeCount, fields }] of specifications) {
      templates.push({
        id,
        kind,
        scopeCount,
        port,
        lastSeen: entry.lastSeen,
        fields: fields.map(({ enterprise, id: element, length }) => [enterprise, element, length]),
      });
    }
  }
  const { domainRate, samplers, interfaces, sequences: selection } = domain.sampling;
  return {
    exporter: domain.sender,
    told: domain.toldExporter === undefined ? undefined : formatAddress(...domain.toldExporter),
    version: domain.version,
    domain: domain.id,
    initMillis: domain.initMillis,
    sampling: {
      domain: domainRate,
      samplers: [...samplers],
      interfaces: [...interfaces],
      selectors: [...selection.selectors],
      sequences: [...selection.sequences],
    },
    templates,
  };
}

/**
 * Gives a decoder the state that was saved. Templates count as unconfirmed until the exporter sends them again. Returns how many templates were
 * taken; whatever is not of the right shape is left out.
 */
export function loadState(decoder: MessageDecoder, saved: unknown): number {
  if (!isRecord(saved) || saved['format'] !== 1 || !Array.isArray(saved['domains'])) return 0;
  loadElements(decoder, listOf(saved['elements']));
  let count = 0;
  for (const domain of saved['domains'] as unknown[]) count += loadDomain(decoder, domain);
  return count;
}

function loadElements({ registry }: MessageDecoder, saved: readonly unknown[]): void {
  for (const one of saved) {
    const [exporter, enterprise, id, name, type, semantics, units] = listOf(one);
    if (typeof exporter !== 'string' || typeof name !== 'string') continue;
    if (isCount(enterprise) && isCount(id) && isCount(type) && isCount(semantics) && isCount(units))
      registry.teach(exporter, { enterprise, id, name, type, semantics, units });
  }
}

function loadDomain(decoder: MessageDecoder, saved: unknown): number {
  if (!isRecord(saved)) return 0;
  const address = parseAddress(String(saved['exporter']));
  const { version, domain: id } = saved;
  if (address === undefined || (version !== 9 && version !== 10 && version !== 5) || !isCount(id)) return 0;
  const domain = decoder.domains.open(address, version, id);
  if (isCount(saved['initMillis'])) domain.initMillis = saved['initMillis'];
  loadSampling(domain, saved['sampling']);
  domain.toldExporter = parseAddress(String(saved['told']));
  decoder.domains.refreshExporters(domain);
  if (version === 5 || !Array.isArray(saved['templates'])) return 0;
  let count = 0;
  for (const template of saved['templates'] as unknown[]) {
    const record = templateOf(template);
    if (record === undefined) continue;
    const before = domain.templates.entries.size;
    const specification = decoder.specifications.acquire(version, record);
    domain.templates.learn(record.id, specification, record.port, record.lastSeen, false);
    decoder.domains.templatesChanged(domain, domain.templates.entries.size - before);
    count++;
  }
  return count;
}

function loadSampling(domain: Domain, saved: unknown): void {
  if (!isRecord(saved)) return;
  const learn = (rate: unknown, sampler?: number, ifIndex?: number): void => {
    if (isCount(rate)) domain.sampling.learn({ rate, sampler, interface: ifIndex, selection: undefined });
  };
  learn(saved['domain']);
  for (const pair of listOf(saved['samplers'])) if (isPair(pair)) learn(pair[1], pair[0]);
  for (const pair of listOf(saved['interfaces'])) if (isPair(pair)) learn(pair[1], undefined, pair[0]);
  const { sequences } = domain.sampling;
  for (const pair of listOf(saved['selectors'])) if (isPair(pair)) sequences.learnSelector(pair[0], pair[1]);
  for (const list of listOf(saved['sequences'])) {
    const [sequence, has] = listOf(list);
    if (!isCount(sequence)) continue;
    if (isCount(has)) sequences.learnRate(sequence, has);
    else if (listOf(has).every(isCount)) sequences.learnSequence(sequence, listOf(has) as number[]);
  }
}

/** A template as it was saved, or undefined when it is not of the right shape. */
export function templateOf(saved: unknown): (TemplateRecord & { port: number; lastSeen: number }) | undefined {
  if (!isRecord(saved)) return undefined;
  const { id, kind, scopeCount, port, lastSeen } = saved;
  if (!isCount(id) || id < 256 || id > 65_535 || (kind !== 'data' && kind !== 'options')) return undefined;
  if (!isCount(scopeCount) || !isCount(port) || !isCount(lastSeen)) return undefined;
  const fields = listOf(saved['fields']).flatMap((field) =>
    Array.isArray(field) && field.length === 3 && field.every(isCount)
      ? [{ enterprise: field[0] as number, id: field[1] as number, length: field[2] as number }]
      : [],
  );
  if (fields.length === 0 || fields.some(({ id: element, length }) => element > 65_535 || length > 65_535))
    return undefined;
  return { id, kind, scopeCount, port, lastSeen, fields };
}

function isPair(value: unknown): value is [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every(isCount);
}
