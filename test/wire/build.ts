/** Puts NetFlow and IPFIX messages together from their parts, independently of `src/generate`. */

/** Element, length, enterprise number. */
export type Specifier = readonly [id: number, length: number, enterprise?: number];
export const VARIABLE = 65_535;

type Part = number | bigint | string | readonly number[] | Uint8Array;

/** An integer in so many octets, network order. */
export function integer(value: number | bigint, length: number): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(length * 8, BigInt(value));
  for (let i = 0; i < length; i++, rest >>= 8n) out.unshift(Number(rest & 255n));
  return out;
}

export const u8 = (value: number): number[] => integer(value, 1);
export const u16 = (value: number): number[] => integer(value, 2);
export const u32 = (value: number): number[] => integer(value, 4);
export const u64 = (value: number | bigint): number[] => integer(value, 8);
export const ip4 = (text: string): number[] => text.split('.').map(Number);
export const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];
export const fromHex = (text: string): number[] =>
  (text.replace(/\s/g, '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));

/** IEEE 754. */
export function float(value: number, length: 4 | 8): number[] {
  const view = new DataView(new ArrayBuffer(length));
  if (length === 4) view.setFloat32(0, value);
  else view.setFloat64(0, value);
  return [...new Uint8Array(view.buffer)];
}

/** A variable-length value with its length before it, in one octet or (from 255 on, or when asked) in three. */
export function variable(value: readonly number[], long = false): number[] {
  return value.length < 255 && !long ? [value.length, ...value] : [255, ...u16(value.length), ...value];
}

/** NTP format: seconds since 1900 and their fraction, from µs since 1970. */
export function ntp(micros: number): number[] {
  const seconds = Math.floor(micros / 1e6);
  return [...u32(seconds + 2_208_988_800), ...u32(Math.ceil(((micros % 1e6) * 2 ** 32) / 1e6))];
}

export function octets(...parts: readonly Part[]): number[] {
  return parts.flatMap((part) =>
    typeof part === 'string'
      ? ascii(part)
      : typeof part === 'number'
        ? u8(part)
        : typeof part === 'bigint'
          ? u64(part)
          : [...part],
  );
}

export function set(id: number, ...content: readonly (readonly number[])[]): number[] {
  const body = content.flat();
  return [...u16(id), ...u16(body.length + 4), ...body];
}

const specifier = ([id, length, enterprise]: Specifier): number[] =>
  enterprise === undefined || enterprise === 0
    ? [...u16(id), ...u16(length)]
    : [...u16(id | 0x8000), ...u16(length), ...u32(enterprise)];

/** Template record and options template record, of both versions; `scopes` of the fields are scope fields. */
export const templateRecord = (id: number, fields: readonly Specifier[]): number[] => [
  ...u16(id),
  ...u16(fields.length),
  ...fields.flatMap(specifier),
];
export const optionsRecord9 = (id: number, scopes: number, fields: readonly Specifier[]): number[] => [
  ...u16(id),
  ...u16(scopes * 4),
  ...u16((fields.length - scopes) * 4),
  ...fields.flatMap(specifier),
];
export const optionsRecord10 = (id: number, scopes: number, fields: readonly Specifier[]): number[] => [
  ...u16(id),
  ...u16(fields.length),
  ...u16(scopes),
  ...fields.flatMap(specifier),
];

/** Sets with one such record. */
export function templateSet(version: 9 | 10, id: number, fields: readonly Specifier[]): number[] {
  return set(version === 9 ? 0 : 2, templateRecord(id, fields));
}
export function optionsTemplateSet(
  version: 9 | 10,
  id: number,
  scopes: number,
  fields: readonly Specifier[],
): number[] {
  return version === 9 ? set(1, optionsRecord9(id, scopes, fields)) : set(3, optionsRecord10(id, scopes, fields));
}

export interface MessageHeader {
  readonly domain?: number;
  readonly sequence?: number;
  /** Export time, s. */
  readonly seconds?: number;
  /** ms; v5 and v9. */
  readonly uptime?: number;
}

/** Noon, 1 October 2026, s. */
export const NOON = 1_790_856_000;
export const UPTIME = 10_000_000;

/** A v9 or IPFIX message of these sets. */
export function message(version: 9 | 10, sets: readonly (readonly number[])[], header: MessageHeader = {}): Uint8Array {
  const { domain = 1, sequence = 0, seconds = NOON, uptime = UPTIME } = header;
  const body = sets.flat();
  const start =
    version === 9 ? [...u16(9), ...u16(sets.length), ...u32(uptime)] : [...u16(10), ...u16(body.length + 16)];
  return Uint8Array.from([...start, ...u32(seconds), ...u32(sequence), ...u32(domain), ...body]);
}

export interface Record5 {
  readonly src?: string;
  readonly dst?: string;
  readonly packets?: number;
  readonly bytes?: number;
  readonly first?: number;
  readonly last?: number;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly proto?: number;
}

/** A NetFlow v5 record. */
export function record5(record: Record5 = {}): number[] {
  const { src = '192.0.2.1', dst = '198.51.100.2', packets = 1, bytes = 100, proto = 6 } = record;
  const { first = UPTIME - 2000, last = UPTIME - 1000, srcPort = 40_000, dstPort = 443 } = record;
  return octets(
    [...ip4(src), ...ip4(dst), ...ip4('203.0.113.3'), ...u16(1), ...u16(2), ...u32(packets), ...u32(bytes)],
    [...u32(first), ...u32(last), ...u16(srcPort), ...u16(dstPort), 0, 0x1b, proto, 0x20],
    [...u16(64_500), ...u16(64_501), 24, 16, 0, 0],
  );
}

/** A NetFlow v5 datagram; `count` may lie. */
export function message5(
  records: readonly (readonly number[])[],
  header: MessageHeader & { readonly count?: number; readonly sampling?: number; readonly nanos?: number } = {},
): Uint8Array {
  const { domain = 0, sequence = 0, seconds = NOON, uptime = UPTIME, count = records.length } = header;
  const { sampling = 0, nanos = 0 } = header;
  return Uint8Array.from([
    ...u16(5),
    ...u16(count),
    ...u32(uptime),
    ...u32(seconds),
    ...u32(nanos),
    ...u32(sequence),
    ...u16(domain),
    ...u16(sampling),
    ...records.flat(),
  ]);
}
