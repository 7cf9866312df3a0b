import type { RecordContext } from '../wire/record-context.ts';
import { SetList } from '../wire/set-list.ts';
import {
  readIpfixTemplates,
  readV9OptionsTemplates,
  readV9Templates,
  type TemplateEvent,
  type TemplateRecord,
} from '../wire/template.ts';
import { describeDomain } from './begin-message.ts';
import { DataDecoder, type DataDecoderParts, type DecodeObserver } from './data-decoder.ts';
import type { Domain } from './domain.ts';
import type { DomainTable } from './domain-table.ts';
import type { HeldSet, HeldSets } from './held-sets.ts';
import type { SpecificationTable } from './specification.ts';
import type { Learned } from './template-table.ts';

/**
 * Fields of length 0 in one template; exporters send a few dozen. With more, the work for a record would not be in proportion to its octets.
 */
const MAX_EMPTY_FIELDS = 64;

export interface SetDecoderParts extends DataDecoderParts {
  readonly held: HeldSets;
  /** False gives up data sets without template at once instead of holding them. */
  readonly hold: boolean;
}

/**
 * What NetFlow v9 and IPFIX have in common below their message headers: template sets are learnt, options data taken in, data sets decoded, or held until
 * their template comes. `context` says what the records of the message share; whoever reads the header fills it, and `list`.
 */
export class SetDecoder {
  readonly context: RecordContext;
  readonly list = new SetList();
  readonly data: DataDecoder;
  readonly #observer: DecodeObserver;
  readonly #specifications: SpecificationTable;
  readonly #domains: DomainTable;
  readonly #held: HeldSets;
  readonly #hold: boolean;
  /** Records of this message decoded with a template that the message then changed. */
  #earlier = { records: 0, options: 0 };

  constructor(context: RecordContext, parts: SetDecoderParts) {
    this.context = context;
    this.context.registry = parts.registry;
    this.data = new DataDecoder(context, parts);
    this.#observer = parts.observer;
    this.#specifications = parts.specifications;
    this.#domains = parts.domains;
    this.#held = parts.held;
    this.#hold = parts.hold;
  }

  /**
   * The sets of a v9 or IPFIX message. First everything that says how to read (templates, then options data, in their order), then the data. `units`
   * counts data records as IPFIX sequence numbers do, −1 when some could not be counted.
   */
  decodeSets(
    domain: Domain,
    bytes: Uint8Array,
    port: number,
    templateSet: number,
    optionsSet: number,
  ): { records: number; units: number } {
    const { ids, starts, ends, count } = this.list;
    this.context.templates = domain.templates;
    this.context.port = port;
    let records = 0;
    let units = 0;
    let options = 0;
    let learnt = false;
    this.#earlier = { records: 0, options: 0 };
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id >= 256) continue;
      if (id === templateSet || id === optionsSet) {
        this.#learn(
          domain,
          bytes,
          starts[i] as number,
          ends[i] as number,
          port,
          id === templateSet ? 'data' : 'options',
          i,
        );
        learnt = true;
      } else domain.fault('set_reserved');
    }
    // Data that stands before a changed template in the same message was made with the old one, and is decoded by now.
    records += this.#earlier.records;
    units += this.#earlier.records + this.#earlier.options;
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id < 256) continue;
      const specification = domain.templates.find(id, port);
      if (specification?.kind !== 'options') continue;
      options += this.data.readOptions(domain, id, specification, bytes, starts[i] as number, ends[i] as number);
    }
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      if (id < 256) continue;
      const specification = domain.templates.find(id, port);
      if (specification?.kind === 'options') continue;
      const start = starts[i] as number;
      const end = ends[i] as number;
      if (specification === undefined) {
        if (end > start) {
          this.#holdSet(domain, id, port, bytes, start, end);
          units = -1;
        }
        continue;
      }
      const entry = domain.templates.entries.get(id);
      const isOfAnotherPort = entry !== undefined && entry.byPort === undefined && entry.port !== port;
      if (isOfAnotherPort) domain.counters.portFallbacks++;
      const decoded = this.data.decode(domain, specification, bytes, start, end);
      if (isOfAnotherPort) domain.met('templates-of-another-port', decoded);
      records += decoded;
      if (units >= 0) units += decoded;
    }
    if (learnt) records += this.#releaseHeld(domain);
    return { records, units: units < 0 ? -1 : units + options };
  }

  /** Reads a template set. Sets before set `index` whose template this one changes or withdraws are decoded first. */
  #learn(
    domain: Domain,
    bytes: Uint8Array,
    start: number,
    end: number,
    port: number,
    kind: 'data' | 'options',
    index: number,
  ): void {
    let changed = false;
    const now = this.context.receivedMicros / 1000;
    const { templates, counters } = domain;
    const before = templates.entries.size;
    this.#domains.touch(domain);
    const emit = (event: TemplateEvent): void => {
      this.#observer.template?.(domain, event, port);
      if (!('record' in event)) {
        for (const [id, entry] of event.withdraw === 0 ? templates.entries : [])
          if (entry.specification.kind === event.kind) this.#decodeEarlier(domain, bytes, id, port, index);
        if (event.withdraw !== 0) this.#decodeEarlier(domain, bytes, event.withdraw, port, index);
        counters.withdrawals += templates.withdraw(event, port);
        changed = true;
        return;
      }
      const { record } = event;
      if (!isUsable(record)) {
        domain.fault('template_zero_length');
        return;
      }
      counters.templates++;
      const specification = this.#specifications.acquire(domain.version as 9 | 10, record);
      const old = templates.find(record.id, port);
      if (old !== undefined && old !== specification) this.#decodeEarlier(domain, bytes, record.id, port, index);
      const learned = templates.learn(record.id, specification, port, now);
      if (learned === 'changed') counters.templateChanges++;
      else if (learned === 'conflict') counters.templateConflicts++;
      changed ||= learned !== 'same';
    };
    const fault =
      domain.version === 10
        ? readIpfixTemplates(bytes, start, end, kind, emit)
        : kind === 'data'
          ? readV9Templates(bytes, start, end, emit)
          : readV9OptionsTemplates(bytes, start, end, emit);
    if (fault !== undefined) domain.fault(fault);
    this.#domains.templatesChanged(domain, templates.entries.size - before);
    if (changed) this.#observer.stateChanged?.();
  }

  /**
   * Takes in a template that another collector heard from `port` at `heard` (ms since the epoch), as if it had come now; sets that waited for it are
   * decoded. Undefined when it is no template that data can be decoded with, or this collector has heard a later one.
   */
  learnShared(domain: Domain, record: TemplateRecord, port: number, heard: number): Learned | undefined {
    if (!isUsable(record)) return undefined;
    const { templates, counters } = domain;
    const known = templates.entries.get(record.id);
    if (known !== undefined && known.lastSeen > heard) return undefined;
    const before = templates.entries.size;
    const specification = this.#specifications.acquire(domain.version as 9 | 10, record);
    const learned = templates.learn(record.id, specification, port, heard, false);
    if (learned === 'changed') counters.templateChanges++;
    else if (learned === 'conflict') counters.templateConflicts++;
    this.#domains.templatesChanged(domain, templates.entries.size - before);
    if (learned === 'same') return learned;
    this.#observer.stateChanged?.();
    describeDomain(this.context, domain);
    this.context.templates = templates;
    this.#releaseHeld(domain);
    return learned;
  }

  /** Decodes the sets before set `index` that use template `id` as it is now, and takes them off the list. */
  #decodeEarlier(domain: Domain, bytes: Uint8Array, id: number, port: number, index: number): void {
    const { ids, starts, ends } = this.list;
    const old = domain.templates.find(id, port);
    if (old === undefined) return;
    for (let i = 0; i < index; i++) {
      const start = starts[i] as number;
      const end = ends[i] as number;
      if (ids[i] !== id || start === end) continue;
      if (old.kind === 'options') this.#earlier.options += this.data.readOptions(domain, id, old, bytes, start, end);
      else this.#earlier.records += this.data.decode(domain, old, bytes, start, end);
      starts[i] = end;
    }
  }

  #holdSet(domain: Domain, templateId: number, port: number, bytes: Uint8Array, start: number, end: number): void {
    domain.counters.setsHeld++;
    this.#observer.missing?.(domain, templateId);
    const { uptime, exportMillis, receivedMicros } = this.context;
    if (!this.#hold) {
      domain.counters.setsDropped++;
      domain.fault('held_overflow');
      return;
    }
    this.#held.hold({
      owner: domain,
      templateId,
      port,
      // Not `slice`, which for a Buffer is a view of memory that its owner uses again.
      bytes: new Uint8Array(bytes.subarray(start, end)),
      uptime,
      exportMillis,
      receivedMicros,
    });
  }

  /** Decodes the held sets that can be decoded now, options data before data, as within one message. */
  #releaseHeld(domain: Domain): number {
    const { counters, templates } = domain;
    if (counters.setsHeld === counters.setsReleased + counters.setsDropped) return 0;
    const context = this.context;
    const { uptime, exportMillis, receivedMicros, port } = context;
    let records = 0;
    const isOptions = (id: number): boolean => templates.entries.get(id)?.specification.kind === 'options';
    const ids = [...this.#held.waitingFor(domain)].filter((id) => templates.entries.has(id));
    for (const id of [...ids.filter(isOptions), ...ids.filter((id) => !isOptions(id))]) {
      for (const set of this.#held.release(domain, id, (from) => templates.find(id, from) !== undefined)) {
        counters.setsReleased++;
        context.uptime =
          set.uptime < 0 && domain.initMillis !== undefined ? (set.exportMillis - domain.initMillis) >>> 0 : set.uptime;
        context.exportMillis = set.exportMillis;
        context.receivedMicros = set.receivedMicros;
        context.port = set.port;
        records += this.#decodeHeld(domain, set);
      }
    }
    Object.assign(context, { uptime, exportMillis, receivedMicros, port });
    return records;
  }

  #decodeHeld(domain: Domain, set: HeldSet): number {
    const specification = domain.templates.find(set.templateId, set.port);
    if (specification === undefined) return 0;
    if (specification.kind === 'options') {
      this.data.readOptions(domain, set.templateId, specification, set.bytes, 0, set.bytes.length);
      return 0;
    }
    return this.data.decode(domain, specification, set.bytes, 0, set.bytes.length);
  }
}

/** Whether records of a template have octets, and not too many fields without. */
function isUsable({ fields }: TemplateRecord): boolean {
  const empty = fields.filter((field) => field.length === 0).length;
  return empty < fields.length && empty <= MAX_EMPTY_FIELDS;
}
