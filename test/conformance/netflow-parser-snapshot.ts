import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { TemplateRecord } from '#weir/wire/template.js';
import type { Theirs } from './compare-values.ts';
import { registry } from './field-names.ts';

/* A snapshot of netflow_parser (YAML): its headers, templates, options templates, data and options data, values in the form of ours. */

type Node = Readonly<Record<string, unknown>>;
type Pair = readonly [name: string, value: Theirs];

// biome-ignore format: pairs
const PROTOCOLS: Readonly<Record<string, number>> = { Hopopt: 0, Icmp: 1, Igmp: 2, Tcp: 6, Egp: 8, Udp: 17, Ipv6Icmp: 58, Icmpv6: 58, Ospfigp: 89 };
// biome-ignore format: pairs
const END_REASONS: Readonly<Record<string, number>> = {
  IdleTimeout: 1, ActiveTimeout: 2, EndOfFlow: 3, ForcedEnd: 4, LackOfResources: 5,
};
/** Flags in the order of their bits, from the lowest. */
const FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr', 'ns'];
const NTP_TO_UNIX = 2_208_988_800;

/** A field of a template of theirs, by its numbers; the name of the number is beside it. */
interface Specifier {
  readonly field_type_number: number;
  readonly field_length: number;
  readonly enterprise_number?: number;
}

export interface SnapshotRecord {
  readonly kind: 'data' | 'options';
  readonly fields: readonly Pair[];
}

export interface Snapshot {
  readonly records: SnapshotRecord[];
  readonly headers: (readonly Pair[])[];
  /** `template_id`, counts, and the numbers of every field by its place. */
  readonly templates: (readonly Pair[])[];
  /** Records of v5 and v7. */
  readonly fixed: (readonly Pair[])[];
  /** Names of fields that stand beside their number. */
  names: number;
  /** Sets that they could not read either. */
  unread: number;
}

/** Fields of the templates seen so far, by id; scope fields first. */
type Known = Map<number, { readonly scopes: number; readonly fields: readonly Specifier[] }>;

/** Reads a snapshot file. `ours` are the templates of the datagrams: a snapshot may have the last datagram's data alone. */
export function readSnapshot(file: string, ours: readonly TemplateRecord[]): Snapshot {
  const [, , text = ''] = readFileSync(file, 'utf8').split(/^---\n/m);
  const found: Snapshot = { records: [], headers: [], templates: [], fixed: [], names: 0, unread: 0 };
  const known: Known = new Map(
    ours.map(({ id, scopeCount, fields }) => [id, { scopes: scopeCount, fields: fields.map(specifierOf) }]),
  );
  const top = parse(text) as unknown;
  for (const packet of Array.isArray(top) ? (top as Node[]) : []) {
    for (const [version, content] of Object.entries(packet)) {
      const { header, flowsets } = content as { header: Node; flowsets: Node[] };
      found.headers.push(Object.entries(header) as Pair[]);
      for (const set of flowsets) {
        if (version === 'V5' || version === 'V7') found.fixed.push(fixedFields(set));
        else readSet(found, known, version === 'V9' ? 9 : 10, set);
      }
    }
  }
  return found;
}

function specifierOf({ enterprise, id, length }: TemplateRecord['fields'][number]): Specifier {
  return { field_type_number: id, field_length: length, enterprise_number: enterprise };
}

function readSet(found: Snapshot, known: Known, version: 9 | 10, set: Node): void {
  const { header, body } = set as { header: Readonly<Record<string, number>>; body: Node | string };
  const id = header['flowset_id'] ?? header['header_id'] ?? 0;
  for (const [kind, content] of Object.entries(typeof body === 'string' ? { [body]: {} } : body) as [string, Node][]) {
    const { scopes = 0, fields = [] } = known.get(id) ?? {};
    if (kind === 'NoTemplate' || kind === 'Empty') found.unread++;
    else if (kind === 'Data' || (kind === 'OptionsData' && version === 10)) {
      for (const record of content['fields'] as [unknown, unknown][][])
        found.records.push({ kind: kind === 'Data' ? 'data' : 'options', fields: pairs(record, fields, version) });
    } else if (kind === 'OptionsData') {
      for (const record of content['fields'] as { scope_fields: Node[]; options_fields: [unknown, unknown][] }[]) {
        const named = record.scope_fields.flatMap((scope) => Object.entries(scope).map(scopePair));
        found.records.push({
          kind: 'options',
          fields: [...named, ...pairs(record.options_fields, fields.slice(scopes), version)],
        });
      }
    } else {
      const templates = (Array.isArray(content) ? content : (content['templates'] ?? [content])) as Node[];
      for (const template of templates) readTemplate(found, known, template);
    }
  }
}

function readTemplate(found: Snapshot, known: Known, template: Node): void {
  const scopeFields = (template['scope_fields'] ?? []) as Specifier[];
  const optionFields = (template['fields'] ?? template['option_fields'] ?? []) as Specifier[];
  const fields = [...scopeFields, ...optionFields];
  const counts = Object.entries(template).filter(([, value]) => typeof value === 'number') as Pair[];
  const numbers = fields.flatMap(
    ({ field_type_number: number, field_length: length, enterprise_number }, place): Pair[] => [
      [`${place} number`, number],
      [`${place} length`, length],
      ...(enterprise_number === undefined ? [] : [[`${place} enterprise`, enterprise_number] as const]),
    ],
  );
  found.templates.push([...counts, ...numbers]);
  found.names += fields.length;
  const scopes = Number(template['scope_field_count'] ?? scopeFields.length);
  known.set(Number(template['template_id']), { scopes, fields });
}

/** A record's values under the names of the elements whose numbers its template has. */
function pairs(record: readonly [unknown, unknown][], specifiers: readonly Specifier[], version: 9 | 10): Pair[] {
  return record.map(([, value], place): Pair => {
    const { field_type_number: id = 0, enterprise_number: enterprise = 0 } = specifiers[place] ?? {};
    // The enterprise bit may be left in the number.
    const number = enterprise === 0 ? id : id & 0x7fff;
    const name = registry.lookup(enterprise, number, version)?.name ?? `${enterprise}/${number}`;
    return [name, plainValue(name, value as Node)];
  });
}

function scopePair([name, octets]: [string, unknown]): Pair {
  return [name === 'NetFlowCache' ? 'Cache' : name, `0x${Buffer.from(octets as number[]).toString('hex')}`];
}

function fixedFields(record: Node): Pair[] {
  return Object.entries(record).map(
    ([name, value]): Pair => [
      name,
      name === 'protocol_type' ? (PROTOCOLS[value as string] ?? (value as string)) : (value as Theirs),
    ],
  );
}

function plainValue(name: string, value: Node): Theirs {
  const [[kind, inner] = ['', undefined]] = Object.entries(value);
  switch (kind) {
    case 'DataNumber':
      return Object.values(inner as Record<string, number>)[0] ?? '';
    case 'ProtocolType':
      return PROTOCOLS[inner as string] ?? String(inner);
    case 'FlowEndReason':
      return END_REASONS[inner as string] ?? String(inner);
    case 'Vec':
      return `0x${Buffer.from(inner as number[]).toString('hex')}`;
    case 'TcpControlBits':
      return FLAGS.reduce(
        (bits, flag, i) => bits | ((inner as Record<string, boolean>)[flag] === true ? 1 << i : 0),
        0,
      );
    case 'ApplicationId': {
      const { classification_engine_id: engine, selector_id: selector } = inner as {
        classification_engine_id: number;
        selector_id: Record<string, number>;
      };
      return `${engine}:${Object.values(selector)[0]}`;
    }
    case 'Duration': {
      const { secs, nanos } = inner as { secs: number; nanos: number };
      // They leave NTP's seconds since 1900 as they are, and read its fraction as a count.
      if (/Micro|Nano/.test(name)) return (secs - NTP_TO_UNIX) * 1000;
      return secs * 1000 + Math.floor(nanos / 1e6);
    }
    default:
      return inner as Theirs;
  }
}
