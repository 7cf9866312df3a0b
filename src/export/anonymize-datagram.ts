import { createElementRegistry } from '../elements/registry.ts';
import type { Anonymity } from '../flow/anonymity.ts';
import { COLUMNS } from '../flow/schema.ts';
import type { CryptoPan } from '../util/crypto-pan.ts';
import { u16, u32 } from '../util/octets.ts';
import { locateFields } from '../wire/data-record.ts';
import { fixedElement, recordLength } from '../wire/fixed-fields.ts';
import { IPFIX_HEADER, IPFIX_OPTIONS_SET, IPFIX_TEMPLATE_SET } from '../wire/ipfix.ts';
import { V1_FIELDS, V1_HEADER, V1_SHORT_FIELDS, V1_SHORT_RECORD } from '../wire/netflow-v1.ts';
import { V5_FIELDS, V5_HEADER } from '../wire/netflow-v5.ts';
import { V6_FIELDS, V6_HEADER } from '../wire/netflow-v6.ts';
import { V7_FIELDS, V7_HEADER } from '../wire/netflow-v7.ts';
import { V9_HEADER, V9_OPTIONS_SET, V9_TEMPLATE_SET } from '../wire/netflow-v9.ts';
import { SetList } from '../wire/set-list.ts';
import { isListType } from '../wire/structured-data.ts';
import {
  type FieldSpecifier,
  readIpfixTemplates,
  readV9OptionsTemplates,
  readV9Templates,
  type TemplateEvent,
  type TemplateRecord,
} from '../wire/template.ts';
import { V9_SCOPE } from './description.ts';

/** Why a datagram was not rewritten, and must not go on. */
export type Withheld = 'sflow' | 'netflow8' | 'no_template' | 'structured' | 'malformed' | 'unknown';

type Treatment = 'stays' | 'replaced' | 'zeroed';

interface Plan {
  readonly fields: readonly FieldSpecifier[];
  /** One for each field; undefined for a template with lists (RFC 6313), whose records are not looked into. */
  readonly treatments: readonly Treatment[] | undefined;
}

/** Templates kept; beyond, all are forgotten and learned again. */
const MOST_TEMPLATES = 65_536;
const FIXED: Readonly<Record<number, readonly [header: number, fields: readonly FieldSpecifier[]]>> = {
  1: [V1_HEADER, V1_FIELDS],
  5: [V5_HEADER, V5_FIELDS],
  6: [V6_HEADER, V6_FIELDS],
  7: [V7_HEADER, V7_FIELDS],
};

/**
 * Anonymizes datagrams of NetFlow v1, v5, v6, v7, v9 and IPFIX: addresses are replaced; MAC addresses, texts, octets of any content and fields that
 * nobody knows are filled with zeros. What cannot be rewritten whole is withheld: it might tell what is to be hidden.
 */
export class DatagramAnonymizer {
  readonly withheld: Record<Withheld, number> = {
    sflow: 0,
    netflow8: 0,
    no_template: 0,
    structured: 0,
    malformed: 0,
    unknown: 0,
  };
  readonly #pan: CryptoPan;
  readonly #registry = createElementRegistry();
  /** Elements that stay, as `enterprise/number`, for each version. */
  readonly #kept: Readonly<Record<9 | 10, ReadonlySet<string>>>;
  /** By exporter, version, domain and template id. */
  readonly #templates = new Map<string, Plan>();
  readonly #fixed = new Map<readonly FieldSpecifier[], Plan>();
  readonly #sets = new SetList();
  readonly #words = new Uint32Array(4);

  constructor({ pan, keep }: Anonymity) {
    this.#pan = pan;
    this.#kept = { 9: keptElements(keep, 9), 10: keptElements(keep, 10) };
  }

  /** The datagram anonymized, in memory of its own; undefined, and counted, when it is withheld. `exporter` tells transport sessions apart. */
  rewrite(payload: Uint8Array, exporter: string): Uint8Array | undefined {
    const bytes = Uint8Array.from(payload);
    const done = this.#rewrite(bytes, exporter);
    if (typeof done === 'number') return bytes.subarray(0, done);
    this.withheld[done]++;
    return undefined;
  }

  /** Octets that are to go on, or why none are. */
  #rewrite(bytes: Uint8Array, exporter: string): number | Withheld {
    if (bytes.length < 16) return 'malformed';
    const version = u16(bytes, 0);
    if (version === 0) return 'sflow';
    if (version === 8) return 'netflow8';
    if (version === 9) return this.#sets9(bytes, `${exporter} 9 ${u32(bytes, 16)}`);
    if (version === 10) return this.#sets10(bytes, `${exporter} 10 ${u32(bytes, 12)}`);
    const fixed = FIXED[version];
    return fixed === undefined ? 'unknown' : this.#records(bytes, fixed[0], fixed[1]);
  }

  #records(bytes: Uint8Array, header: number, usual: readonly FieldSpecifier[]): number | Withheld {
    const count = u16(bytes, 2);
    const isShort = usual === V1_FIELDS && bytes.length === header + count * V1_SHORT_RECORD;
    const fields = isShort ? V1_SHORT_FIELDS : usual;
    const end = header + count * recordLength(fields);
    if (end > bytes.length) return 'malformed';
    const plan = this.#fixed.get(fields) ?? this.#plan(fields, 0, 9);
    this.#fixed.set(fields, plan);
    this.#treat(bytes, header, end, plan);
    return end;
  }

  #sets9(bytes: Uint8Array, stream: string): number | Withheld {
    if (bytes.length < V9_HEADER) return 'malformed';
    return this.#eachSet(bytes, V9_HEADER, bytes.length, stream, (id, start, end, emit) => {
      if (id === V9_TEMPLATE_SET) return readV9Templates(bytes, start, end, emit) ?? true;
      return id === V9_OPTIONS_SET && (readV9OptionsTemplates(bytes, start, end, emit) ?? true);
    });
  }

  #sets10(bytes: Uint8Array, stream: string): number | Withheld {
    const length = u16(bytes, 2);
    if (length < IPFIX_HEADER || length > bytes.length) return 'malformed';
    return this.#eachSet(bytes, IPFIX_HEADER, length, stream, (id, start, end, emit) => {
      if (id === IPFIX_TEMPLATE_SET) return readIpfixTemplates(bytes, start, end, 'data', emit) ?? true;
      return id === IPFIX_OPTIONS_SET && (readIpfixTemplates(bytes, start, end, 'options', emit) ?? true);
    });
  }

  /** `readTemplates` answers false for a set that has none, true when it read them, else what is wrong. */
  #eachSet(
    bytes: Uint8Array,
    header: number,
    length: number,
    stream: string,
    readTemplates: (id: number, start: number, end: number, emit: (event: TemplateEvent) => void) => boolean | string,
  ): number | Withheld {
    const sets = this.#sets;
    if (sets.read(bytes, header, length) !== undefined) return 'malformed';
    let done = header;
    for (let i = 0; i < sets.count; i++) {
      const [id, start, end] = [sets.ids[i], sets.starts[i], sets.ends[i]] as [number, number, number];
      done = end;
      const read = readTemplates(id, start, end, (event) => this.#learn(stream, event));
      if (read === true) continue;
      if (read !== false) return 'malformed';
      if (id < 256) return 'unknown';
      const plan = this.#templates.get(`${stream} ${id}`);
      if (plan === undefined) return 'no_template';
      if (plan.treatments === undefined) return 'structured';
      this.#treat(bytes, start, end, plan);
    }
    bytes.fill(0, done, length);
    return length;
  }

  #learn(stream: string, event: TemplateEvent): void {
    if ('withdraw' in event) {
      if (event.withdraw !== 0) this.#templates.delete(`${stream} ${event.withdraw}`);
      return;
    }
    const { id, fields, scopeCount }: TemplateRecord = event.record;
    if (this.#templates.size >= MOST_TEMPLATES) this.#templates.clear();
    const version = stream.split(' ')[1] === '9' ? 9 : 10;
    this.#templates.set(`${stream} ${id}`, this.#plan(fields, version === 9 ? scopeCount : 0, version));
  }

  #plan(fields: readonly FieldSpecifier[], v9Scopes: number, version: 9 | 10): Plan {
    const treatments: Treatment[] = [];
    for (const [index, { enterprise, id, length }] of fields.entries()) {
      if (index < v9Scopes) {
        // A system may be named by its address; other scopes are small numbers.
        treatments.push(id === V9_SCOPE.system || length > 4 ? 'zeroed' : 'stays');
        continue;
      }
      const type = (fixedElement(enterprise, id) ?? this.#registry.lookup(enterprise, id, version))?.type;
      if (isListType(type)) return { fields, treatments: undefined };
      treatments.push(
        this.#kept[version].has(`${enterprise}/${id}`)
          ? 'stays'
          : type === 'ipv4Address' || type === 'ipv6Address'
            ? 'replaced'
            : type === undefined || type === 'macAddress' || type === 'string' || type === 'octetArray'
              ? 'zeroed'
              : 'stays',
      );
    }
    return { fields, treatments };
  }

  /** Anonymizes the records in [start, end); what is left behind the last is padding. */
  #treat(bytes: Uint8Array, start: number, end: number, { fields, treatments = [] }: Plan): void {
    let at = start;
    for (;;) {
      const record = locateFields(fields, bytes, at, end);
      if (record === undefined || record.next === at) break;
      for (const [index, { offset, length }] of record.located.entries()) {
        if (treatments[index] === 'stays') continue;
        if (treatments[index] === 'replaced' && (length === 4 || length === 16)) this.#replace(bytes, offset, length);
        else bytes.fill(0, offset, offset + length);
      }
      at = record.next;
    }
    bytes.fill(0, at, end);
  }

  #replace(bytes: Uint8Array, offset: number, length: 4 | 16): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + offset, length);
    if (length === 4) {
      view.setUint32(0, this.#pan.v4(view.getUint32(0)));
      return;
    }
    const words = this.#words;
    for (let i = 0; i < 4; i++) words[i] = view.getUint32(i * 4);
    this.#pan.replace(words);
    for (let i = 0; i < 4; i++) view.setUint32(i * 4, words[i] as number);
  }
}

/** The elements that feed the columns that stay. */
function keptElements(keep: ReadonlySet<string>, version: 9 | 10): ReadonlySet<string> {
  const kept = new Set<string>();
  for (const { name, elements } of COLUMNS) {
    if (!keep.has(name)) continue;
    for (const element of elements) {
      const text = String(element);
      if (!text.startsWith('v9/')) kept.add(text.includes('/') ? text : `0/${text}`);
      else if (version === 9) kept.add(`0/${text.slice(3)}`);
    }
  }
  return kept;
}
