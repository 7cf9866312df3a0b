import * as fc from 'fast-check';
import type { FlowRecord } from '#weir/flow/record.js';
import { COLUMNS } from '#weir/flow/schema.js';

type Value = number | bigint | string;

/** Base of all times, µs. */
export const NOON = Date.parse('2026-11-21T12:00:00Z') * 1000;

export const ipv4 = fc.ipV4();
export const ipv6 = fc
  .tuple(fc.integer({ min: 1, max: 0xffff }), fc.integer({ min: 0, max: 0xfffe }))
  .map(([a, b]) => `2001:db8:${a.toString(16)}::${(b + 1).toString(16)}`);

export const isoTime = (micros: number): string =>
  `${new Date(Math.floor(micros / 1e6) * 1000).toISOString().slice(0, -5)}.${String(micros % 1e6).padStart(6, '0')}Z`;

const text = fc
  .string({ minLength: 1, maxLength: 50 })
  .map((value) => `${value}é`)
  .filter((value) => !value.includes('\0'));

/** Values of a column of the schema; undefined for columns that no element carries. */
function valueOf(name: string, type: string, digits: number): fc.Arbitrary<Value> | undefined {
  switch (name) {
    case 'mpls_labels':
      return fc
        .array(fc.integer({ min: 1, max: 0xfffff }), { minLength: 1, maxLength: 10 })
        .map((list) => list.join(','));
    case 'bgp_communities': {
      const half = fc.integer({ min: 0, max: 0xffff });
      const community = fc.tuple(half, half).map(([upper, lower]) => `${upper}:${lower}`);
      return fc.array(community, { minLength: 1, maxLength: 126 }).map((list) => list.join(' '));
    }
    case 'app_id':
      return fc
        .tuple(fc.integer({ min: 1, max: 19 }), fc.integer({ min: 0, max: 0xffffff }))
        .map(([engine, selector]) => `${engine}:${selector}`);
    case 'ingress_acl':
    case 'egress_acl':
      return fc.uint8Array({ minLength: 12, maxLength: 12 }).map((octets) => Buffer.from(octets).toString('hex'));
    default:
  }
  switch (type) {
    case 'u8':
      return fc.integer({ min: 0, max: 0xff });
    case 'u16':
      return fc.integer({ min: 0, max: 0xffff });
    case 'u32':
      return fc.integer({ min: 0, max: 0xffff_ffff });
    case 'u64':
      return fc
        .bigInt({ min: 0n, max: (1n << 64n) - 1n })
        .map((value) => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value));
    case 'address':
      return fc.oneof(ipv4, ipv6);
    case 'mac':
      return fc
        .uint8Array({ minLength: 6, maxLength: 6 })
        .map((octets) => [...octets].map((octet) => octet.toString(16).padStart(2, '0')).join(':'));
    case 'text':
      return text;
    case 'time': {
      // Those of the other direction, in the order that a start and an end have.
      const least = name.endsWith('start') ? 3_600e6 / digits : 1;
      return fc.integer({ min: least, max: least + 3_599e6 / digits }).map((ago) => isoTime(NOON - ago * digits));
    }
    default:
      return undefined;
  }
}

const COLLECTORS = new Set(
  'time_received exporter observation_domain flow_type record_kind sampling_rate sampling_source time_start time_end time_source extra'.split(
    ' ',
  ),
);

/** Columns of the schema that a message may carry. */
export const CARRIED = COLUMNS.filter(({ name }) => !COLLECTORS.has(name));

export interface RecordOptions {
  /** Names of the columns to choose from. */
  readonly columns: readonly string[];
  /** µs that all times are multiples of. */
  readonly resolution: number;
  /** Values for columns that are not to have any. */
  readonly values?: Readonly<Record<string, fc.Arbitrary<Value>>>;
  readonly domains?: fc.Arbitrary<number>;
  readonly rates?: fc.Arbitrary<number>;
}

/** Lists of records, in stretches that have the same columns. */
export function arbitraryRecords(options: RecordOptions): fc.Arbitrary<FlowRecord[]> {
  const { resolution, values = {} } = options;
  const columns = COLUMNS.filter(({ name }) => options.columns.includes(name));
  const stretch = fc.subarray(columns, { minLength: 1 }).chain((chosen) => {
    // Options data of domain 0 would speak for other domains, too (session/sampling).
    const model: Record<string, fc.Arbitrary<Value>> = {
      observation_domain: options.domains ?? fc.integer({ min: 1, max: 4 }),
      sampling_rate: options.rates ?? fc.constantFrom(0, 1, 100, 100, 50_000),
      time_start: fc
        .integer({ min: 3_600e6 / resolution, max: 7_200e6 / resolution })
        .map((ago) => isoTime(NOON - ago * resolution)),
      time_end: fc.integer({ min: 1, max: 3_600e6 / resolution }).map((ago) => isoTime(NOON - ago * resolution)),
    };
    // One of them alone would be completed by the other.
    const reverse = chosen.some(({ name }) => name.startsWith('reverse_time'))
      ? columns.filter(({ name }) => name.startsWith('reverse_time'))
      : [];
    for (const { name, type } of [...chosen, ...reverse]) {
      const value = values[name] ?? valueOf(name, type, resolution);
      if (value !== undefined) model[name] = value;
    }
    return fc.array(fc.record(model), { minLength: 1, maxLength: 40 });
  });
  return fc.array(stretch, { minLength: 1, maxLength: 4 }).map((list) => list.flat());
}

/** What is compared: the columns that `names` has, as one line each, in an order of their own (records are regrouped by template). */
export function lines(records: readonly FlowRecord[], names: ReadonlySet<string>): string[] {
  return records
    .map((record) =>
      Object.entries(record)
        .filter(([name]) => names.has(name))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}=${String(value as string | number | bigint)}`)
        .join(' '),
    )
    .sort();
}
