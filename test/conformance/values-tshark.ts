import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isoMicros } from '#weir/util/time.js';
import { addRecord, newValues, type Rules, type SourceValues } from './compare-values.ts';
import { fileDatagrams } from './datagrams.ts';
import { type DecodedRecord, decodeWhole } from './decoded-case.ts';
import { elementsFor, plainText } from './tshark-fields.ts';

/* tshark's readings of the captures of NetFlow and IPFIX, record by record: a second opinion, not the truth. Compared with what is on the wire. */

type Tree = Readonly<Record<string, unknown>>;

const FIELD = /^cflow\.(.+)$/;

/** The records in what tshark prints of a datagram. */
function* flowsIn(tree: Tree): Generator<Tree> {
  for (const [name, inner] of Object.entries(tree)) {
    if (typeof inner !== 'object' || inner === null) continue;
    if (/^Flow \d+$/.test(name)) yield inner as Tree;
    else yield* flowsIn(inner as Tree);
  }
}

/** The fields of a record, those in subtrees with them; a field that comes twice has a number behind its name. */
function fieldsOf(flow: Tree): [string, string][] {
  const found: [string, string][] = [];
  for (const [key, value] of Object.entries(flow)) {
    const [, name] = FIELD.exec(key) ?? [];
    const texts = Array.isArray(value) ? value : [value];
    for (const text of texts) {
      if (text === '' && /_tree$|^pie\.\w+$/.test(name ?? '')) continue;
      if (typeof text === 'string' && name !== undefined) found.push([name, plainText(name, text)]);
      // What tshark finds in a sampled packet is compared by test/wire/packet.
      else if (typeof text === 'object' && text !== null && key !== 'cflow.data_link_frame_section_tree')
        found.push(...fieldsOf(text as Tree));
    }
  }
  return found;
}

/** Fields that come again get `#1`, `#2` … behind their name. */
function numbered(fields: readonly (readonly [string, string])[]): [string, string][] {
  const seen = new Map<string, number>();
  return fields.map(([name, text]) => {
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return [before === 0 ? name : `${name}#${before}`, text];
  });
}

const LABELS = ['mplsTopLabelStackSection', ...[2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `mplsLabelStackSection${n}`)];

function value(field: string, { elements }: DecodedRecord): unknown {
  const [name = '', place = '0'] = field.split('#');
  const index = Number(place);
  if (name.startsWith('mpls_') && name !== 'mpls_label_length') {
    const section = Number.parseInt(String(LABELS.map((label) => elements[label]).filter(Boolean)[index]), 16);
    if (Number.isNaN(section)) return undefined;
    return name === 'mpls_label' ? section >>> 4 : name === 'mpls_exp' ? (section >>> 1) & 7 : section & 1;
  }
  if (name.startsWith('forwarding_status')) {
    const status = elements['forwardingStatus'];
    if (typeof status !== 'number') return undefined;
    return name === 'forwarding_status' ? status >> 6 : status & 63;
  }
  const names = elementsFor(name);
  if (typeof names === 'string') return undefined;
  const all = names
    .flatMap((one) => [elements[one], elements[`reverse${(one[0] ?? '').toUpperCase()}${one.slice(1)}`]])
    .flat()
    .filter((one) => one !== undefined);
  return partOf(name, all[index]);
}

/** tshark takes some values apart, and shows stamps of 0 as 1970. */
function partOf(name: string, found: unknown): unknown {
  const number = Number(found);
  switch (name) {
    case 'appl_id.classification_engine_id':
      return Number.parseInt(String(found).slice(0, 2), 16);
    case 'appl_id.selector_id':
      return String(found).slice(2);
    case 'icmp_ipv6_type':
      return number >>> 8;
    case 'icmp_ipv6_code':
      return number & 255;
    // Six bits of type, the rest of 16 or 32 is its value.
    case 'pie.juniper.resiliency.cpid':
      return number >>> (number < 65_536 ? 10 : 26);
    case 'pie.juniper.resiliency.cpdesc':
      return number & (number < 65_536 ? 0x3ff : 0x3ff_ffff);
    case 'pie.barracuda.timestamp':
      return isoMicros(number * 1e6);
    default:
      return name.startsWith('abstime') && number === 0 ? isoMicros(0) : found;
  }
}

const rules: Rules = {
  value,
  outside: (field) => {
    const names = elementsFor(field.split('#')[0] ?? field);
    return typeof names === 'string' ? names : undefined;
  },
};

export async function tsharkValues(corpus: string): Promise<SourceValues> {
  const folder = join(corpus, 'reference-decodes');
  const values = newValues();
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.tshark.json'),
  );
  for (const name of files.filter((one) => !one.includes('sflow'))) {
    const trees = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Tree[];
    const { records } = decodeWhole(await fileDatagrams(join(folder, name.replace('.tshark.json', '.wrapped.pcap'))));
    const taken = new Set<DecodedRecord>();
    for (const tree of trees)
      for (const flow of flowsIn(tree)) addRecord(values, name, numbered(fieldsOf(flow)), records, rules, taken);
  }
  return values;
}
