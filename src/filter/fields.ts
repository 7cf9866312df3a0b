import { COLUMNS, type ColumnDefinition, type ColumnType } from '../flow/schema.ts';
import { PROTOCOL_ALIASES, PROTOCOLS } from './protocols.ts';

/** What kind of value a subject is compared with, and so which operators it takes. */
export type ValueKind = 'number' | 'duration' | 'time' | 'mac' | 'address' | 'family' | 'flags' | 'text';

/** What a leaf looks at: one column, or several of which any may pass. */
export interface Subject {
  /** Its canonical name in a filter. */
  readonly name: string;
  readonly columns: readonly string[];
  readonly value: ValueKind;
  /** Greatest number it can have. */
  readonly max: bigint;
  /** Words for its numbers, all in lower case. */
  readonly words: ReadonlyMap<string, number>;
}

const MAX: Readonly<Record<ColumnType, bigint>> = {
  u8: 0xffn,
  u16: 0xffffn,
  u32: 0xffff_ffffn,
  u64: (1n << 64n) - 1n,
  mac: (1n << 48n) - 1n,
  time: (1n << 63n) - 1n,
  address: 0n,
  text: 0n,
  extra: 0n,
};

/** Measures that are computed from columns; they are compared as whole numbers, rounded down, as nfdump does. */
export const DERIVED: Readonly<Record<string, { readonly needs: readonly string[]; readonly about: string }>> = {
  duration: {
    needs: ['time_start', 'time_end'],
    about: 'Time from first to last packet; a plain number is milliseconds.',
  },
  pps: { needs: ['packets', 'time_start', 'time_end'], about: 'Packets per second; 0 when the duration is 0.' },
  bps: { needs: ['bytes', 'time_start', 'time_end'], about: 'Bits per second; 0 when the duration is 0.' },
  bpp: { needs: ['bytes', 'packets'], about: 'Octets per packet; 0 without packets.' },
};

const NO_WORDS: ReadonlyMap<string, number> = new Map();

function columnSubject(column: ColumnDefinition): Subject {
  return {
    name: column.name,
    columns: [column.name],
    value: valueKind(column),
    max: MAX[column.type],
    words: wordsOf(column),
  };
}

function valueKind({ type, display }: ColumnDefinition): ValueKind {
  if (type === 'address' || type === 'mac' || type === 'time' || type === 'text') return type;
  if (type === 'extra') return 'text';
  return display === 'flags' ? 'flags' : 'number';
}

function wordsOf({ display, words }: ColumnDefinition): ReadonlyMap<string, number> {
  if (display === 'proto') return new Map(Object.entries({ ...PROTOCOLS, ...PROTOCOL_ALIASES }));
  if (words === undefined) return NO_WORDS;
  return new Map(Object.entries(words).map(([number, word]) => [word, Number(number)]));
}

/** nfdump's words, and ours in its manner: each phrase with the columns it stands for. The first spelling of a subject is its canonical one. */
// biome-ignore format: one subject, one row
const PHRASES: readonly (readonly [phrases: readonly string[], columns: readonly string[]])[] = [
  [['ip', 'host', 'net', 'addr'], ['src_addr', 'dst_addr']],
  [['src ip', 'src host', 'src net', 'src addr'], ['src_addr']],
  [['dst ip', 'dst host', 'dst net', 'dst addr'], ['dst_addr']],
  [['port'], ['src_port', 'dst_port']],
  [['src port'], ['src_port']],
  [['dst port'], ['dst_port']],
  [['as'], ['src_as', 'dst_as']],
  [['src as'], ['src_as']],
  [['dst as'], ['dst_as']],
  [['prev as'], ['prev_as']],
  [['next as'], ['next_as']],
  [['mask'], ['src_mask', 'dst_mask']],
  [['src mask'], ['src_mask']],
  [['dst mask'], ['dst_mask']],
  [['if'], ['in_if', 'out_if']],
  [['in if', 'src if'], ['in_if']],
  [['out if', 'dst if'], ['out_if']],
  [['vlan'], ['src_vlan', 'dst_vlan']],
  [['src vlan'], ['src_vlan']],
  [['dst vlan'], ['dst_vlan']],
  [['mac'], ['src_mac', 'dst_mac', 'post_src_mac', 'post_dst_mac']],
  [['src mac'], ['src_mac', 'post_src_mac']],
  [['dst mac'], ['dst_mac', 'post_dst_mac']],
  [['in mac'], ['src_mac', 'dst_mac']],
  [['out mac'], ['post_src_mac', 'post_dst_mac']],
  [['in src mac'], ['src_mac']],
  [['in dst mac'], ['dst_mac']],
  [['out src mac'], ['post_src_mac']],
  [['out dst mac'], ['post_dst_mac']],
  [['proto'], ['proto']],
  [['flags', 'tcp flags'], ['tcp_flags']],
  [['tos', 'src tos'], ['tos']],
  [['dst tos'], ['post_tos']],
  [['bytes', 'octets', 'in bytes'], ['bytes']],
  [['out bytes'], ['out_bytes']],
  [['packets', 'in packets'], ['packets']],
  [['out packets'], ['out_packets']],
  [['exporter', 'exporter ip', 'exporter net', 'router ip'], ['exporter']],
  [['domain'], ['observation_domain']],
  [['kind'], ['record_kind']],
  [['next ip', 'next net', 'next hop'], ['next_hop']],
  [['bgpnext ip', 'bgp next ip', 'bgpnext net'], ['bgp_next_hop']],
  [['icmp-type'], ['icmp_type']],
  [['icmp-code'], ['icmp_code']],
  [['engine-type'], ['engine_type']],
  [['engine-id', 'sysid'], ['engine_id']],
  [['fwdstat'], ['forwarding_status']],
];

/** Columns that the words `ipv4` and `ipv6` look at. */
export const FAMILY_COLUMNS: readonly string[] = ['src_addr', 'dst_addr'];

const BY_COLUMN: ReadonlyMap<string, Subject> = new Map(COLUMNS.map((column) => [column.name, columnSubject(column)]));

/** Every phrase that begins a comparison, in lower case, and its subject. */
export const SUBJECTS: ReadonlyMap<string, Subject> = buildSubjects();

/** Phrases after which a network mask may follow the address as a second word. */
export const NET_PHRASE = /(?:^| )net$/;

function buildSubjects(): Map<string, Subject> {
  const subjects = new Map<string, Subject>(BY_COLUMN);
  for (const name of Object.keys(DERIVED)) {
    const value = name === 'duration' ? 'duration' : 'number';
    subjects.set(name, { name, columns: [name], value, max: MAX.u64, words: NO_WORDS });
  }
  for (const [phrases, columns] of PHRASES) {
    const first = BY_COLUMN.get(columns[0] as string) as Subject;
    const subject = columns.length === 1 ? first : { ...first, name: phrases[0] as string, columns };
    for (const phrase of phrases) subjects.set(phrase, subject);
  }
  return subjects;
}

/** First words of phrases, with what may follow each. */
export const PHRASE_WORDS: ReadonlyMap<string, readonly string[]> = buildPhraseWords();

function buildPhraseWords(): Map<string, string[]> {
  const words = new Map<string, string[]>();
  for (const phrase of SUBJECTS.keys()) {
    const parts = phrase.split(' ');
    for (let i = 1; i < parts.length; i++) {
      const prefix = parts.slice(0, i).join(' ');
      const next = words.get(prefix) ?? [];
      if (!next.includes(parts[i] as string)) next.push(parts[i] as string);
      words.set(prefix, next);
    }
  }
  return words;
}
