import type { FlowBatch } from '../flow/batch.ts';
import { communityList, communityNumbers } from '../wire/bgp-communities.ts';
import { VARIABLE } from '../wire/template.ts';
import type { EncoderCounters } from './losses.ts';
import type { FieldWriter } from './row-selection.ts';

/**
 * Fields made of a text column. The octets of each text of a batch's dictionary are made once and kept while the batch is written. NetFlow v9 has fixed
 * lengths only (RFC 3954 section 5.2): there texts are cut to the field, or padded with zeros; in IPFIX their length stands before them (RFC 7011 section 7).
 */
export interface TextField {
  /** Octets, or VARIABLE. */
  readonly length: number;
  /** The octets of a row's value; at most `LONGEST_TEXT`, and at most `length` of a fixed field. */
  octets(batch: FlowBatch, row: number): Uint8Array;
}

/** Octets of a text in NetFlow v9, and at most in IPFIX. */
export const V9_TEXT = 64;
const LONGEST_TEXT = 512;
/** Communities of a record at most, as many as take those octets. */
const MOST_COMMUNITIES = 126;
/** Octets of applicationId in NetFlow v9: engine 1, selector 3, as Cisco sends it. */
const V9_APPLICATION = 4;
/** Octets of an access list's identification (Cisco ASA, NF_F_INGRESS_ACL_ID): three numbers of 32 bits. */
const V9_ACL = 12;
const NOTHING = new Uint8Array(0);
const encoder = new TextEncoder();
/** PANA-L7-PEN: the selector begins with an enterprise number (RFC 6759 section 4.1). */
const ENGINE_WITH_ENTERPRISE = 20;

/** UTF-8 text. */
export function textField(slot: number, version: 9 | 10, counters: EncoderCounters): TextField {
  const longest = version === 9 ? V9_TEXT : LONGEST_TEXT;
  return dictionaryField(slot, version === 9 ? V9_TEXT : VARIABLE, (text) => cutText(text, longest, counters));
}

/** A text in UTF-8, cut to `longest` octets. */
export function cutText(text: string, longest: number, counters: EncoderCounters): Uint8Array {
  return cutOctets(encoder.encode(text), longest, counters);
}

/** Octets of UTF-8, cut to `longest`, not inside a character; counted. */
export function cutOctets(octets: Uint8Array, longest: number, { changed }: EncoderCounters): Uint8Array {
  if (octets.length <= longest) return octets;
  changed.text_cut++;
  let end = longest;
  // Octets 10xxxxxx go on with a character.
  while (end > 0 && ((octets[end] as number) & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}

/** Octets that a column keeps as hexadecimal digits. */
export function hexField(slot: number, version: 9 | 10, counters: EncoderCounters): TextField {
  const longest = version === 9 ? V9_ACL : LONGEST_TEXT;
  return dictionaryField(slot, version === 9 ? V9_ACL : VARIABLE, (text) => {
    const octets = /^(?:[0-9a-f]{2})*$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : NOTHING;
    if (octets.length > longest || octets.length * 2 !== text.length) counters.changed.text_cut++;
    return octets.subarray(0, longest);
  });
}

/** bgpDestinationCommunityList of IPFIX. */
export function communitiesField(slot: number, { changed }: EncoderCounters): TextField {
  return dictionaryField(slot, VARIABLE, (text) => {
    const numbers = communityNumbers(text);
    if (numbers.length > MOST_COMMUNITIES) changed.text_cut++;
    return communityList(numbers.slice(0, MOST_COMMUNITIES));
  });
}

/** applicationId (RFC 6759 section 4): the column has `engine:selector`, or `20:enterprise:selector`. */
export function applicationField(slot: number, version: 9 | 10, counters: EncoderCounters): TextField {
  return dictionaryField(slot, version === 9 ? V9_APPLICATION : VARIABLE, (text) => {
    const octets = applicationOctets(text);
    if (octets !== undefined && (version === 10 || octets.length <= V9_APPLICATION)) return octets;
    if (text !== '') counters.changed.value_left_out++;
    return NOTHING;
  });
}

/** The octets of an application as `app_id` has it, at least four; undefined for a text that is none, and for enterprises in less than all octets. */
export function applicationOctets(text: string): Uint8Array | undefined {
  const parts = /^(\d{1,3}):(?:(\d{1,10}):)?(?:(\d{1,15})|0x((?:[0-9a-f]{2}){1,64}))$/.exec(text);
  if (parts === null) return undefined;
  const engine = Number(parts[1]);
  const enterprise = parts[2] === undefined ? undefined : Number(parts[2]);
  if (engine > 255 || (enterprise ?? 0) > 0xffff_ffff) return undefined;
  if ((enterprise !== undefined) !== (engine === ENGINE_WITH_ENTERPRISE)) return undefined;
  let digits = parts[4] ?? Number(parts[3]).toString(16);
  if (parts[4] === undefined) digits = digits.padStart(Math.max(6, digits.length + (digits.length % 2)), '0');
  if (parts[4] === undefined && digits.length > 12) return undefined;
  const head = engine.toString(16).padStart(2, '0');
  const middle = enterprise === undefined ? '' : enterprise.toString(16).padStart(8, '0');
  return new Uint8Array(Buffer.from(head + middle + digits, 'hex'));
}

/** Elements of the MPLS label stack: top first (IANA 70 to 79). */
const FIRST_LABEL = 70;
const LABELS = 10;

/** The ten label fields, three octets each: label 20 bits, experimental 3, bottom of stack 1. Places below the bottom are zero. */
export function labelFields(slot: number): [id: number, write: FieldWriter][] {
  let texts: readonly string[] | undefined;
  let stacks: (readonly number[] | undefined)[] = [];
  const stackOf = (batch: FlowBatch, row: number): readonly number[] => {
    if (batch.texts !== texts) {
      texts = batch.texts;
      stacks = [];
    }
    const code = batch.arrays[slot]?.[row] ?? 0;
    return (stacks[code] ??= labelEntries(texts[code] ?? ''));
  };
  return Array.from({ length: LABELS }, (_, place): [number, FieldWriter] => [
    FIRST_LABEL + place,
    (view, at, stride, batch, rows, from, to) => {
      for (let i = from; i < to; i++, at += stride) {
        const entry = stackOf(batch, rows[i] as number)[place] ?? 0;
        view.setUint16(at, entry >>> 8);
        view.setUint8(at + 2, entry);
      }
    },
  ]);
}

/** The label stack of a text such as the column `mpls_labels` has: 24 bits an entry, label 20, experimental 3, bottom of stack 1. */
export function labelEntries(text: string): number[] {
  if (text === '') return [];
  const labels = text.split(',').slice(0, LABELS).map(Number);
  return labels.map((label, place) => ((label & 0xfffff) << 4) | (place === labels.length - 1 ? 1 : 0));
}

/** A field whose octets depend on the text alone. */
function dictionaryField(slot: number, length: number, make: (text: string) => Uint8Array): TextField {
  let texts: readonly string[] | undefined;
  let made: (Uint8Array | undefined)[] = [];
  return {
    length,
    octets(batch, row) {
      // A batch that was cleared has a new dictionary.
      if (batch.texts !== texts) {
        texts = batch.texts;
        made = [];
      }
      const code = batch.arrays[slot]?.[row] ?? 0;
      return (made[code] ??= make(texts[code] ?? ''));
    },
  };
}
