import { COLUMNS, type ColumnDefinition, type ColumnType } from '../flow/schema.ts';
import { DERIVED } from './derived.ts';
import { ACL_PARTS, PHRASES } from './phrases.ts';
import { PROTOCOL_ALIASES, PROTOCOLS } from './protocols.ts';
import { SERVICES } from './services.ts';
import type { NumberRange } from './tree.ts';
import { MORE_WORDS, RANGE_WORDS } from './words.ts';

/** What kind of value a subject is compared with, and so which operators it takes. `acl` is a part of an access list's identifier. */
export type ValueKind = 'number' | 'duration' | 'time' | 'mac' | 'address' | 'flags' | 'text' | 'acl';

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
  /** Words for ranges of its numbers. */
  readonly ranges: ReadonlyMap<string, NumberRange>;
  /** The words that its numbers have in the canonical form. */
  readonly canonical: ReadonlyMap<number, string>;
  /** One sentence, for completion. */
  readonly about: string;
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

function columnSubject(column: ColumnDefinition): Subject {
  const { name, display, words = {} } = column;
  const canonical = Object.entries(words).map(([number, word]): [number, string] => [Number(number), word]);
  const all = new Map<string, number>(canonical.map(([number, word]) => [word, number]));
  if (display === 'proto') {
    for (const [word, number] of Object.entries(PROTOCOLS)) canonical.push([number, word]);
    for (const [word, number] of Object.entries({ ...PROTOCOLS, ...PROTOCOL_ALIASES })) all.set(word, number);
  }
  if (display === 'port') for (const [word, number] of Object.entries(SERVICES)) all.set(word, number);
  for (const [word, number] of Object.entries(MORE_WORDS[name] ?? {})) all.set(word, number);
  return {
    name,
    columns: [name],
    value: valueKind(column),
    max: MAX[column.type],
    words: all,
    ranges: new Map(Object.entries(RANGE_WORDS[name] ?? {})),
    canonical: new Map(canonical),
    about: column.about,
  };
}

function derivedSubject(name: string): Subject {
  const { value, max, about } = DERIVED[name] as (typeof DERIVED)[string];
  const words = new Map(Object.entries(MORE_WORDS[name] ?? {}));
  return { name, columns: [name], value, max, words, ranges: new Map(), canonical: new Map(), about };
}

function valueKind({ type, display }: ColumnDefinition): ValueKind {
  if (type === 'address' || type === 'mac' || type === 'time' || type === 'text') return type;
  if (type === 'extra') return 'text';
  return display === 'flags' ? 'flags' : 'number';
}

/** Columns that the words `ipv4` and `ipv6` look at. */
export const FAMILY_COLUMNS: readonly string[] = ['src_addr', 'dst_addr'];

/** Every phrase that begins a comparison, in lower case, and its subject. */
export const SUBJECTS: ReadonlyMap<string, Subject> = buildSubjects();

/** Phrases after which a network mask may follow the address as a second word. */
export const NET_PHRASE = /(?:^| )[nx]?net$/;

function buildSubjects(): Map<string, Subject> {
  const subjects = new Map<string, Subject>(COLUMNS.map((column) => [column.name, columnSubject(column)]));
  for (const name of Object.keys(DERIVED)) subjects.set(name, derivedSubject(name));
  for (const [phrases, columns] of PHRASES) {
    const first = subjects.get(columns[0] as string) as Subject;
    const subject = columns.length === 1 ? first : { ...first, name: phrases[0] as string, columns };
    for (const phrase of phrases) subjects.set(phrase, subject);
  }
  for (const [phrase, [column]] of ACL_PARTS) {
    subjects.set(phrase, { ...(subjects.get(column) as Subject), value: 'acl', max: MAX.u32 });
  }
  return subjects;
}

/** The phrases that a filter may begin a comparison with. */
export interface Vocabulary {
  readonly subjects: ReadonlyMap<string, Subject>;
  /** First words of phrases, with what may follow each. */
  readonly next: ReadonlyMap<string, readonly string[]>;
}

const SCHEMA: Vocabulary = { subjects: SUBJECTS, next: nextWords(SUBJECTS) };

/** The phrases of the schema, with columns that only the caller knows, such as names that a query looks up. */
export function vocabularyWith(more: readonly ColumnDefinition[]): Vocabulary {
  if (more.length === 0) return SCHEMA;
  const subjects = new Map(SUBJECTS);
  for (const column of more) if (!subjects.has(column.name)) subjects.set(column.name, columnSubject(column));
  return { subjects, next: SCHEMA.next };
}

function nextWords(subjects: ReadonlyMap<string, Subject>): Map<string, string[]> {
  const words = new Map<string, string[]>();
  for (const phrase of subjects.keys()) {
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
