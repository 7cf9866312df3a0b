import { parseTimeLiteral } from '../filter/time-literal.ts';
import type { FlowBatch } from '../flow/batch.ts';
import type { ElementObject, ElementValue } from '../flow/element-value.ts';
import { JSON_TYPE, structuredOctets } from '../flow/extra.ts';
import type { ExtraField } from '../flow/layout.ts';
import { slotOf } from '../flow/slots.ts';
import { parseAddress } from '../util/address.ts';
import { VARIABLE } from '../wire/template.ts';
import type { ElementNumbers } from './element-numbers.ts';

/** What `extra` of a record holds, as a batch keeps it (see flow/extra.ts). */
export interface ExtraOctets {
  readonly fields: readonly ExtraField[];
  /** Tells fields from others: the same text, the same fields. */
  readonly key: string;
  readonly octets: Uint8Array;
}

const EXTRA = slotOf('extra');
/** Stands before integers that a number cannot hold exactly, while JSON is parsed. */
const EXACT = '#';
const NTP_TO_UNIX = 2_208_988_800;
const encoder = new TextEncoder();

/** The column `extra` of a file, integers above 2⁵³ as bigint. */
export function parseExtra(json: string): ElementObject {
  const marked = json.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (found) =>
    /^-?\d{16,}$/.test(found) ? `"${EXACT}${found}"` : found,
  );
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value === 'string' && value.startsWith(EXACT) && /^#-?\d{16,}$/.test(value) ? BigInt(value.slice(1)) : value,
  ) as ElementObject;
}

/**
 * Values by the names of their elements, as octets. An element has the length of its abstract data type; texts and octets have a variable one, octets in NetFlow v9
 * their own. What is no value of its type, and structured data, stay JSON.
 */
export function extraOctets(values: ElementObject, elements: ElementNumbers): ExtraOctets {
  const fields: ExtraField[] = [];
  const parts: Uint8Array[] = [];
  for (const [name, value] of Object.entries(values)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      const type = elements.find(name)?.type ?? 'octetArray';
      const octets = valueOctets(type, one);
      if (octets === undefined) {
        const json = structuredOctets(one as ElementObject);
        fields.push({ name, type: JSON_TYPE, length: VARIABLE });
        parts.push(word(json.length), json);
        continue;
      }
      const isVariable = type === 'string' || (type === 'octetArray' && elements.version === 10);
      fields.push({ name, type, length: isVariable ? VARIABLE : octets.length });
      if (isVariable) parts.push(variableLength(octets.length));
      parts.push(octets);
    }
  }
  const key = fields.map(({ name, type, length }) => `${name} ${type} ${length}`).join(',');
  return { fields, key, octets: new Uint8Array(Buffer.concat(parts)) };
}

/** Puts them into a row of a batch whose layout has these fields. */
export function keepExtra(batch: FlowBatch, row: number, { octets }: ExtraOctets): void {
  const offset = batch.heapReserve(octets.length);
  batch.heap?.set(octets, offset);
  (batch.arrays[EXTRA] as Uint32Array)[row] = offset + 1;
}

/** The octets of a value as `elementValue` (flow/element-value.ts) gives it; undefined for one that is none of its type. */
function valueOctets(type: string, value: ElementValue): Uint8Array | undefined {
  const bits = /^(?:un)?signed(8|16|32|64)$/.exec(type)?.[1];
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (type.startsWith('float')) return floatOctets(type, Number(value));
    return bits === undefined ? undefined : integerOctets(BigInt(value), Number(bits), type.startsWith('signed'));
  }
  if (typeof value === 'boolean') return type === 'boolean' ? Uint8Array.of(value ? 1 : 2) : undefined;
  if (typeof value !== 'string') return undefined;
  switch (type) {
    case 'string':
      return encoder.encode(value).subarray(0, 65_535);
    case 'ipv4Address':
    case 'ipv6Address':
      return addressOctets(type, value) ?? hexOctets(value);
    case 'macAddress':
      return hexOctets(value.replaceAll(':', ''));
    case 'float32':
    case 'float64':
      return ['NaN', 'Infinity', '-Infinity'].includes(value) ? floatOctets(type, Number(value)) : hexOctets(value);
    default:
      return type.startsWith('dateTime') ? (timeOctets(type, value) ?? hexOctets(value)) : hexOctets(value);
  }
}

function integerOctets(value: bigint, bits: number, isSigned: boolean): Uint8Array | undefined {
  const wrapped = BigInt.asUintN(bits, value);
  if ((isSigned ? BigInt.asIntN(bits, value) : wrapped) !== value) return undefined;
  return new Uint8Array(Buffer.from(wrapped.toString(16).padStart(bits / 4, '0'), 'hex'));
}

function floatOctets(type: string, value: number): Uint8Array {
  const isShort = type === 'float32' && (Number.isNaN(value) || Math.fround(value) === value);
  const view = new DataView(new ArrayBuffer(isShort ? 4 : 8));
  if (isShort) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return new Uint8Array(view.buffer);
}

function addressOctets(type: string, text: string): Uint8Array | undefined {
  const address = parseAddress(text);
  if (address === undefined) return undefined;
  if (type === 'ipv4Address' && !text.includes(':')) return word(address[3]);
  return new Uint8Array(Buffer.concat(address.map(word)));
}

function timeOctets(type: string, text: string): Uint8Array | undefined {
  const micros = text.includes('T') ? parseTimeLiteral(text) : undefined;
  if (micros === undefined || micros < 0n) return undefined;
  const seconds = micros / 1_000_000n;
  if (type === 'dateTimeSeconds') return integerOctets(seconds, seconds >= 1n << 32n ? 64 : 32, false);
  if (type === 'dateTimeMilliseconds') return integerOctets(micros / 1000n, 64, false);
  // NTP format; the fraction is rounded up, so that readers, who round down, get the same µs.
  const fraction = ((micros % 1_000_000n) * (1n << 32n) + 999_999n) / 1_000_000n;
  return integerOctets(((seconds + BigInt(NTP_TO_UNIX)) << 32n) | fraction, 64, false);
}

function hexOctets(text: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2})*$/.test(text) ? new Uint8Array(Buffer.from(text, 'hex')) : undefined;
}

function word(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** The length of a value as it stands before it (RFC 7011 section 7). */
function variableLength(length: number): Uint8Array {
  return length < 255 ? Uint8Array.of(length) : Uint8Array.of(255, length >>> 8, length);
}
