import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { extraJson } from '#weir/flow/extra.js';
import { columnIndex } from '#weir/flow/schema.js';
import { FIRST_SLOT } from '#weir/flow/slots.js';
import { buildPlan } from '#weir/wire/plan.js';
import type { FieldSpecifier } from '#weir/wire/template.js';
import { VARIABLE } from './build.ts';
import { contextOf, registry, runnerOf } from './run-plan.ts';

/*
 * A template is run step by step until it is hot and compiled from then on, so both ways must write the very same octets to the batch, for any
 * template and any record, whole or cut off.
 */

const known = [...registry.list()];
const EXTRA = FIRST_SLOT[columnIndex('extra')] as number;
/** Elements that the plan treats in their own way: times, durations, sampling, ICMP, labels, addresses of both families, application. */
// biome-ignore format: a list of numbers
const SPECIAL = [
  21, 22, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162, 258, 322, 323,
  324, 325, 34, 50, 305, 306, 309, 310, 311, 48, 302, 32, 139, 176, 177, 178, 179, 70,
  71, 72, 95, 96, 210, 1, 2, 85, 86, 8, 27, 12, 28, 225, 281, 15, 62, 6, 4, 56, 80, 371,
];

/** Times of a biflow's other direction, of all encodings, and YAF's delta; structured data. */
const REVERSE = [21, 22, 150, 151, 152, 153, 154, 155, 156, 157, 158, 159, 1, 2, 5, 6].map((id) =>
  registry.lookup(29_305, id),
);
const OTHERS = [
  registry.lookup(6871, 21),
  ...[291, 292, 293, 233, 466, 403, 104, 312, 313, 315, 316, 317].map((id) => registry.lookup(0, id)),
];

const length = (natural: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(natural) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 9 }) },
    { weight: 1, arbitrary: fc.constantFrom(16, 17, 300) },
    { weight: 2, arbitrary: fc.constant(VARIABLE) },
  );

// biome-ignore format: type and length
const NATURAL: Readonly<Record<string, number>> = {
  unsigned8: 1, unsigned16: 2, unsigned32: 4, unsigned64: 8, ipv4Address: 4, ipv6Address: 16, macAddress: 6,
  string: 5, float32: 4, float64: 8, boolean: 1, dateTimeSeconds: 4, dateTimeMilliseconds: 8,
  dateTimeMicroseconds: 8, dateTimeNanoseconds: 8,
};

const field = fc
  .oneof(
    { weight: 5, arbitrary: fc.constantFrom(...SPECIAL).map((id) => registry.lookup(0, id)) },
    { weight: 4, arbitrary: fc.constantFrom(...known) },
    { weight: 2, arbitrary: fc.constantFrom(...REVERSE, ...OTHERS) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  )
  .chain((element) =>
    fc.record({
      enterprise: fc.constant(element?.enterprise ?? 4_242_424),
      id: element === undefined ? fc.integer({ min: 1, max: 32_767 }) : fc.constant(element.id),
      length: length(NATURAL[element?.type ?? ''] ?? 4),
    }),
  );

/** Octets of a record for the fields: random, with small numbers and times near the context's more likely than chance. */
const VALUE = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc.constant(new Uint8Array(16)),
  fc.constant(Uint8Array.from([0x45, 0, 0, 60, 1, 2, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1])),
  fc.constant(Uint8Array.from([0, 0, 0, 0, 0x00, 0x98, 0x96, 0x80, 0, 0, 0, 0, 0, 0, 0, 1])),
  fc.constant(Uint8Array.from([0, 0, 0x01, 0xa0, 0xf7, 0x85, 0xb4, 0x00, 0xe6, 0, 0, 0, 0x80, 0, 0, 0])),
);

function recordOctets(
  fields: readonly FieldSpecifier[],
  values: readonly Uint8Array[],
  sizes: readonly number[],
): number[] {
  return fields.flatMap((specifier, i) => {
    const value = values[i % values.length] as Uint8Array;
    const take = (count: number): number[] => Array.from({ length: count }, (_, k) => value[k % 16] as number);
    if (specifier.length !== VARIABLE) return take(specifier.length);
    const size = sizes[i % sizes.length] as number;
    return size < 255 ? [size, ...take(size)] : [255, size >> 8, size & 255, ...take(size)];
  });
}

const scenario = fc
  .record({
    version: fc.constantFrom(9 as const, 10 as const),
    fields: fc
      .array(field, { minLength: 1, maxLength: 14 })
      .filter((fields) => fields.some(({ length }) => length > 0)),
    values: fc.array(VALUE, { minLength: 5, maxLength: 9 }),
    sizes: fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constantFrom(0, 254, 255, 256)), {
      minLength: 3,
      maxLength: 7,
    }),
    count: fc.integer({ min: 0, max: 5 }),
    cut: fc.nat(40),
    noise: fc.uint8Array({ maxLength: 60 }),
    kind: fc.constantFrom('whole', 'cut', 'noise'),
    limit: fc.constantFrom(3, 64),
    uptime: fc.constantFrom(-1, 0, 10_000_000, 0xffff_ff00),
    rate: fc.constantFrom([0, 0] as const, [100, 5] as const, [7, 7] as const),
  })
  .map(({ fields, values, sizes, count, cut, noise, kind, ...rest }) => {
    const all = Array.from({ length: count }, (_, i) =>
      recordOctets(fields, [...values.slice(i % values.length), ...values], sizes),
    ).flat();
    const bytes =
      kind === 'noise' ? noise : Uint8Array.from(kind === 'cut' ? all.slice(0, Math.max(0, all.length - cut)) : all);
    return { fields, bytes, ...rest };
  });

function outcome(way: 'interpreted' | 'compiled', { version, fields, bytes, limit, uptime, rate }: Scenario) {
  const plan = buildPlan(version, fields, registry);
  const batch = new FlowBatch(64);
  // What a recycled array holds must not matter.
  batch.beginRun(plan.layout);
  for (const slot of plan.layout.slots) batch.arrays[slot]?.fill(0xa5);
  const context = contextOf({ uptime, samplingRate: rate[0], samplingSource: rate[1] });
  batch.shared.note(0, context);
  const count = runnerOf(plan, way)(bytes, 0, bytes.length, batch, limit, context);
  batch.rows = count;
  batch.seal();
  const arrays = plan.layout.slots.map((slot) => {
    const array = batch.arrays[slot];
    return array === undefined ? [] : [...array.subarray(0, (array.length / 64) * count)];
  });
  const offsets = batch.arrays[EXTRA] ?? [];
  const extras: string[] = [];
  if (plan.layout.extra.length > 0 && batch.heap !== undefined) {
    for (let row = 0; row < count; row++) extras.push(extraJson(plan.layout, batch.heap, (offsets[row] as number) - 1));
  }
  const heap = [...(batch.heap?.subarray(0, batch.heapUsed) ?? [])];
  return { count, position: context.position, arrays, texts: batch.texts, heap, extras };
}

type Scenario = typeof scenario extends fc.Arbitrary<infer S> ? S : never;

it('both ways of running a plan write the same batch', () => {
  let decoded = 0;
  fc.assert(
    fc.property(scenario, (input) => {
      const interpreted = outcome('interpreted', input);
      expect(outcome('compiled', input)).toEqual(interpreted);
      expect(interpreted.position).toBeLessThanOrEqual(input.bytes.length);
      decoded += interpreted.count;
    }),
    { numRuns: Number(process.env['WEIR_AGREEMENT'] ?? 4000) },
  );
  expect(decoded).toBeGreaterThan(2000);
});
