import * as fc from 'fast-check';
import { micros, type PlainRow } from './fixture.ts';

/** A flow of those below; what is undefined the exporter did not send. */
export interface RandomFlow extends PlainRow {
  readonly src_addr: string;
  readonly dst_addr: string;
  readonly src_port: number | undefined;
  readonly dst_port: number;
  readonly proto: number;
  readonly time_start: bigint;
  readonly duration: number;
  readonly bytes: number;
  readonly packets: number;
  readonly sampling_rate: number | undefined;
}

export const BEGIN = micros('2026-03-01T12:00:00Z');
const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.0.2.7', '2001:db8::1', '2001:db8:0:1::1'];

/** Flows of few hosts over some minutes, so that groups have several of them. */
export const randomFlow: fc.Arbitrary<RandomFlow> = fc.record({
  src_addr: fc.constantFrom(...ADDRESSES),
  dst_addr: fc.constantFrom(...ADDRESSES),
  src_port: fc.constantFrom(undefined, 443, 40_000, 40_001),
  dst_port: fc.constantFrom(53, 443, 40_000),
  proto: fc.constantFrom(6, 17),
  time_start: fc.integer({ min: 0, max: 1200 }).map((tenths) => BEGIN + BigInt(tenths) * 1_000_000n),
  duration: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 900_000_000 })),
  bytes: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 0, max: 1e9 })),
  packets: fc.integer({ min: 1, max: 1000 }),
  sampling_rate: fc.constantFrom(undefined, 1, 100),
});

/** One to three segments of such flows. */
export const randomSegments: fc.Arbitrary<RandomFlow[][]> = fc.array(
  fc.array(randomFlow, { minLength: 1, maxLength: 40 }),
  { minLength: 1, maxLength: 3 },
);

/** What a flow's packets or bytes count for. */
export function counted(flow: RandomFlow, counter: 'bytes' | 'packets'): number {
  return flow[counter] * (flow.sampling_rate ?? 1);
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Flows by what `keyOf` says. */
export function groupFlows(
  flows: readonly RandomFlow[],
  keyOf: (flow: RandomFlow) => unknown,
): Map<string, RandomFlow[]> {
  const groups = new Map<string, RandomFlow[]>();
  for (const flow of flows) {
    const key = JSON.stringify(keyOf(flow) ?? null);
    groups.set(key, [...(groups.get(key) ?? []), flow]);
  }
  return groups;
}
