/*
 * Counter records (sFlow Version 5, section 5.3): u32 data format (enterprise << 12 | format), u32 length, structure. A counter that the
 * agent cannot give has all bits set. Two structures hold lists:
 *
 *   host_adapters [2001]  u32 count, each u32 ifIndex  u32 count  mac …              ("sFlow Host Structures")
 *   sfp [10]              u32 module  u32 lanes in all  u32 supply voltage, mV  i32 temperature, °C / 1000
 *                         u32 count, each ten u32 of a lane                          ("sFlow Optical Interface Structures")
 */
import { float, hex, text, u32 } from '../../util/octets.ts';
import { COUNTER_STRUCTURES } from './counter-structures.ts';
import { type FieldKind, type StructureField, walkFields } from './structure.ts';

/** A value of a counter structure: an exact number (bigint above 2⁵³), text, or a list of structures. */
export type CounterValue = number | bigint | string | readonly CounterValues[];
export interface CounterValues {
  readonly [name: string]: CounterValue;
}

export interface CounterRecord {
  /** Name of the structure; `enterprise/format` of one that weir does not know, whose octets are then its only value. */
  readonly kind: string;
  readonly values: CounterValues;
  /** Offset behind what was read: where the next structure begins in versions 2 and 4. */
  readonly next: number;
}

const ADAPTERS = 2001;
const SFP = 10;
const SFP_FIELDS: readonly StructureField[] = [
  ['module_id', 'u32'],
  ['module_num_lanes', 'u32'],
  ['module_supply_voltage', 'u32'],
  ['module_temperature', 'i32'],
];
const LANE = 40;
const LANE_FIELDS: readonly StructureField[] = [
  'index',
  'tx_bias_current',
  'tx_power',
  'tx_power_min',
  'tx_power_max',
  'tx_wavelength',
  'rx_power',
  'rx_power_min',
  'rx_power_max',
  'rx_wavelength',
].map((name) => [name, 'u32'] as const);

/** Reads the structure of a counter record between `start` and `end`. One that ends early gives what it has. */
export function readCounterRecord(bytes: Uint8Array, start: number, end: number, format: number): CounterRecord {
  if (format === ADAPTERS) return readAdapters(bytes, start, end);
  if (format === SFP) return readSfp(bytes, start, end);
  const structure = COUNTER_STRUCTURES.get(format);
  if (structure === undefined) {
    const kind = `${format >>> 12}/${format & 0xfff}`;
    return { kind, values: { octets: hex(bytes, start, end - start) }, next: end };
  }
  const values: Record<string, CounterValue> = {};
  const next = readFields(structure.fields, bytes, start, end, values);
  return { kind: structure.name, values, next };
}

function readFields(
  fields: readonly StructureField[],
  bytes: Uint8Array,
  start: number,
  end: number,
  values: Record<string, CounterValue>,
): number {
  return walkFields(fields, bytes, start, end, (name, kind, offset, length) => {
    const value = valueOf(kind, bytes, offset, length);
    if (value !== undefined) values[name] = value;
  });
}

/** The value of a field; undefined when the agent could not give it. */
function valueOf(kind: FieldKind, bytes: Uint8Array, offset: number, length: number): CounterValue | undefined {
  switch (kind) {
    case 'u32': {
      const value = u32(bytes, offset);
      return value === 0xffff_ffff ? undefined : value;
    }
    case 'u64':
      return wide(u32(bytes, offset), u32(bytes, offset + 4));
    case 'i32':
      return u32(bytes, offset) | 0;
    case 'f32': {
      const value = float(bytes, offset, 4);
      // Not a number, or −1: the agent does not know.
      return value >= 0 && value < Number.POSITIVE_INFINITY ? value : undefined;
    }
    case 'string':
      return text(bytes, offset, length);
    case 'mac':
      return hex(bytes, offset, length).replace(/..(?=.)/g, '$&:');
    case 'uuid':
      return hex(bytes, offset, length).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
    default:
      return hex(bytes, offset, length);
  }
}

function wide(high: number, low: number): number | bigint | undefined {
  if (high === 0xffff_ffff && low === 0xffff_ffff) return undefined;
  return high < 0x20_0000 ? high * 4_294_967_296 + low : (BigInt(high) << 32n) | BigInt(low);
}

function readAdapters(bytes: Uint8Array, start: number, end: number): CounterRecord {
  const adapters: CounterValues[] = [];
  const count = start + 4 <= end ? u32(bytes, start) : 0;
  let p = start + 4;
  for (let i = 0; i < count && p + 8 <= end; i++) {
    const ifIndex = u32(bytes, p);
    const macs = Math.min(u32(bytes, p + 4), Math.floor((end - p - 8) / 8));
    p += 8;
    const addresses: string[] = [];
    for (let j = 0; j < macs; j++, p += 8) addresses.push(valueOf('mac', bytes, p, 6) as string);
    adapters.push({ ifIndex, mac_addresses: addresses.join(' ') });
  }
  return { kind: 'host_adapters', values: { adapters }, next: end };
}

function readSfp(bytes: Uint8Array, start: number, end: number): CounterRecord {
  const values: Record<string, CounterValue> = {};
  let p = readFields(SFP_FIELDS, bytes, start, end, values);
  const count = p + 4 <= end ? u32(bytes, p) : 0;
  const lanes: CounterValues[] = [];
  p += 4;
  for (let i = 0; i < count && p + LANE <= end; i++, p += LANE) {
    const lane: Record<string, CounterValue> = {};
    readFields(LANE_FIELDS, bytes, p, p + LANE, lane);
    lanes.push(lane);
  }
  values['lanes'] = lanes;
  return { kind: 'sfp', values, next: end };
}
