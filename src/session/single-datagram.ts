import { createElementRegistry, type ElementRegistry } from '../elements/registry.ts';
import type { ElementObject, ElementValue } from '../flow/element-value.ts';
import { type FlowRecord, records } from '../flow/record.ts';
import type { TemplateEvent } from '../wire/template.ts';
import { BatchList } from './batch-list.ts';
import type { Domain } from './domain.ts';
import { elementRecords, fieldName } from './element-records.ts';
import type { Fault } from './faults.ts';
import { datagramOctets, type Exporter, sourceFinder } from './library-input.ts';
import { MessageDecoder } from './message-decoder.ts';
import { loadState, type SavedState, saveState } from './saved-state.ts';
import { formatOf, type MessageHeader, readHeader } from './single-datagram-header.ts';

/** A template that a datagram brought, or withdrew. */
export interface DecodedTemplate {
  readonly observationDomain: number;
  /** 256–65535; 0 in a withdrawal of all templates of its kind (RFC 7011 section 8.1). */
  readonly templateId: number;
  readonly kind: 'data' | 'options';
  readonly withdrawn: boolean;
  /** Scope fields first; `length` is 65535 for variable-length fields. */
  readonly fields: readonly {
    readonly name: string;
    readonly enterprise: number;
    readonly id: number;
    readonly length: number;
    readonly isScope: boolean;
  }[];
}

/** An options data record: what the exporter says of itself, its interfaces, samplers … */
export interface DecodedOptions {
  readonly observationDomain: number;
  readonly templateId: number;
  readonly scope: Readonly<Record<string, ElementValue>>;
  readonly fields: Readonly<Record<string, ElementValue>>;
}

/** Data that could not be read for want of its template. */
export interface MissingTemplate {
  readonly observationDomain: number;
  readonly templateId: number;
  /** Data sets of the datagram that need it. */
  readonly sets: number;
}

/** All that one datagram says. */
export interface DecodedDatagram {
  /** Family of the format; with `header.version` it says which one. */
  readonly format: 'netflow' | 'ipfix' | 'sflow' | 'unknown';
  /** Of the first message, where an IPFIX datagram holds several. */
  readonly header: MessageHeader;
  readonly records: FlowRecord[];
  readonly templates: DecodedTemplate[];
  readonly options: DecodedOptions[];
  /** Templates to wait for; give the datagram to `decode` again when they have come. Empty when everything was read. */
  readonly missing: MissingTemplate[];
  /** What could not be used, by cause (see docs/library.md); an empty object for a sound datagram. */
  readonly faults: Partial<Record<Fault, number>>;
}

export interface TemplateStateOptions {
  /** Elements to know beside the built-in ones; see `parseUserElements`. */
  readonly registry?: ElementRegistry;
  /** What `toJSON` of another state gave. */
  readonly saved?: unknown;
  /** False interprets all templates: for processes that forbid code generation. */
  readonly mayCompile?: boolean;
}

export interface DecodeOptions extends Exporter {
  /** Templates and sampling rates from one datagram to the next; without it the datagram stands alone. */
  readonly state?: TemplateState;
  /**
   * `iana` (default): records as they are on the wire, under the names of their information elements. `schema`: under Netweir's column names, as
   * `createDecoder` gives them, with times, sampling rate and the like worked out. sFlow has no information elements: its records are always `schema`.
   */
  readonly names?: 'iana' | 'schema';
}

/** Observation domains one state knows; it is meant for few exporters. */
const MAX_DOMAINS = 1_024;
/** Rows of a batch: more than one datagram holds as a rule. */
const ROWS = 2_048;

/**
 * Decodes one export datagram, octets or hexadecimal text: NetFlow v1 to v9, IPFIX, sFlow. v9 and IPFIX need the templates that came before: pass the same
 * `state` (`createTemplateState()`) each time. Whatever the datagram holds, nothing is thrown for it: an unknown version or damage is in `faults`,
 * data without template in `missing`. Throws WEIR_INPUT for text that is not hexadecimal and an address that is none.
 */
export function decode(datagram: Uint8Array | string, options: DecodeOptions = {}): DecodedDatagram {
  const { state = createTemplateState({ mayCompile: false }), names = 'iana', ...exporter } = options;
  return state.decode(datagramOctets(datagram), exporter, names);
}

/** A state for `decode`: what templates and options data have taught, bounded. `JSON.stringify` saves it, `{ saved: JSON.parse(text) }` restores it. */
export function createTemplateState(options: TemplateStateOptions = {}): TemplateState {
  return new TemplateState(options);
}

/** What `decode` keeps from one datagram to the next. */
export class TemplateState {
  readonly #registry: ElementRegistry;
  readonly #decoder: MessageDecoder;
  readonly #sourceOf = sourceFinder();
  readonly #rows = new BatchList(ROWS);
  #elements: ElementObject[] = [];
  #wantsElements = false;
  #templates: DecodedTemplate[] = [];
  #options: DecodedOptions[] = [];

  constructor({ registry = createElementRegistry(), saved, mayCompile = true }: TemplateStateOptions) {
    this.#registry = registry;
    this.#decoder = new MessageDecoder({
      registry,
      sink: this.#rows,
      mayCompile,
      limits: { domains: MAX_DOMAINS },
      observer: {
        template: (domain, event) => this.#templates.push(this.#templateOf(domain, event)),
        options: (domain, templateId, { scope, fields }) =>
          this.#options.push({ observationDomain: domain.id, templateId, scope, fields }),
        data: (plan, bytes, start, end, context) => {
          if (!this.#wantsElements) return;
          const { registry: elements = registry, templates, port } = context;
          this.#elements.push(...elementRecords(plan, bytes, start, end, { registry: elements, templates, port }));
        },
      },
    });
    loadState(this.#decoder, saved);
  }

  /** Templates known, of all exporters and domains. */
  get size(): number {
    return this.#decoder.domains.templates;
  }

  /** As plain data, for a file; `saved` takes it back. */
  toJSON(): SavedState {
    return saveState(this.#decoder, Date.now());
  }

  /** See `decode`, the function. */
  decode(bytes: Uint8Array, exporter: Exporter, names: 'iana' | 'schema'): DecodedDatagram {
    const before = this.#faults();
    this.#rows.clear();
    this.#elements = [];
    this.#wantsElements = names === 'iana';
    this.#templates = [];
    this.#options = [];
    this.#decoder.decode(bytes, this.#sourceOf(exporter), (exporter.receivedAt ?? Date.now()) * 1000);
    const missing = this.#takeMissing();
    const faults = this.#faults();
    for (const [fault, count] of before) faults.set(fault, (faults.get(fault) ?? 0) - count);
    return {
      format: formatOf(bytes),
      header: readHeader(bytes),
      records: this.#elements.length > 0 ? this.#elements : this.#rows.batches.flatMap((batch) => [...records(batch)]),
      templates: this.#templates,
      options: this.#options,
      missing,
      faults: Object.fromEntries([...faults].filter(([, count]) => count > 0)),
    };
  }

  /** What the datagram's data sets wait for. They are given up: who calls keeps the datagram, and a record must not come out with another one. */
  #takeMissing(): MissingTemplate[] {
    const { held } = this.#decoder;
    const waiting = [...this.#decoder.awaited()];
    for (const [domain] of waiting) domain.counters.setsDropped += held.forget(domain);
    return waiting.map(([domain, { templateId, sets }]) => ({ observationDomain: domain.id, templateId, sets }));
  }

  #faults(): Map<Fault, number> {
    const total = new Map<Fault, number>();
    for (const { faults } of this.#decoder.domains)
      for (const [fault, count] of faults) total.set(fault, (total.get(fault) ?? 0) + count);
    return total;
  }

  #templateOf({ id: observationDomain, version }: Domain, event: TemplateEvent): DecodedTemplate {
    if (!('record' in event)) {
      const { withdraw: templateId, kind } = event;
      return { observationDomain, templateId, kind, withdrawn: true, fields: [] };
    }
    const { id: templateId, kind, scopeCount, fields } = event.record;
    return {
      observationDomain,
      templateId,
      kind,
      withdrawn: false,
      fields: fields.map((field, index) => {
        const isScope = index < scopeCount;
        return { name: fieldName(field, version, isScope, this.#registry), ...field, isScope };
      }),
    };
  }
}
