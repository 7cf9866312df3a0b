import { expect } from 'vitest';
import { createElementRegistry } from '#weir/elements/registry.js';
import { FlowBatch } from '#weir/flow/batch.js';
import { type FlowRecord, records } from '#weir/flow/record.js';
import { buildPlan, type Plan } from '#weir/wire/plan.js';
import { compilePlan, type PlanRunner } from '#weir/wire/plan-code.js';
import { interpretPlan } from '#weir/wire/plan-interpreter.js';
import { RecordContext } from '#weir/wire/record-context.js';
import { NOON, type Specifier, UPTIME } from './build.ts';

export const registry = createElementRegistry();

/** What one way of running a plan left behind, as plain data. */
export interface Outcome {
  readonly count: number;
  readonly position: number;
  readonly records: FlowRecord[];
  readonly texts: readonly string[];
  readonly heapUsed: number;
}

export function fieldsOf(specifiers: readonly Specifier[]) {
  return specifiers.map(([id, length, enterprise = 0]) => ({ id, length, enterprise }));
}

/** A context as a message exported at noon and received 5 ms later gives it. */
export function contextOf(more: Partial<RecordContext> = {}): RecordContext {
  return Object.assign(
    new RecordContext(),
    { exporter3: 0xc000_0201, observationDomain: 1, flowType: 4, uptime: UPTIME },
    { exportMillis: NOON * 1000, receivedMicros: NOON * 1e6 + 5000, registry },
    more,
  );
}

/** Interpreted, or compiled to code. */
export function runnerOf(plan: Plan, way: 'interpreted' | 'compiled'): PlanRunner {
  if (way === 'compiled') return compilePlan(plan);
  return (bytes, p, end, batch, limit, context) => interpretPlan(plan, bytes, p, end, batch, limit, context);
}

/** Runs a plan over all of `bytes`. */
export function runPlan(
  plan: Plan,
  way: 'interpreted' | 'compiled',
  bytes: Uint8Array,
  context = contextOf(),
  capacity = 256,
): Outcome {
  const batch = new FlowBatch(capacity);
  batch.beginRun(plan.layout);
  batch.shared.note(0, context);
  const count = runnerOf(plan, way)(bytes, 0, bytes.length, batch, capacity, context);
  batch.rows = count;
  const { position } = context;
  return { count, position, records: [...records(batch)], texts: batch.texts, heapUsed: batch.heapUsed };
}

/** Decodes records of a template both ways, expects the same from both, and gives the records. */
export function decode(
  version: 9 | 10,
  specifiers: readonly Specifier[],
  octets: readonly number[],
  context: Partial<RecordContext> = {},
): FlowRecord[] {
  const plan = buildPlan(version, fieldsOf(specifiers), registry);
  const bytes = Uint8Array.from(octets);
  const interpreted = runPlan(plan, 'interpreted', bytes, contextOf(context));
  expect(runPlan(plan, 'compiled', bytes, contextOf(context))).toEqual(interpreted);
  return interpreted.records;
}

/** `decode` of one record. */
export function decodeOne(
  version: 9 | 10,
  specifiers: readonly Specifier[],
  octets: readonly number[],
  context: Partial<RecordContext> = {},
): FlowRecord {
  const [record, ...rest] = decode(version, specifiers, octets, context);
  expect(record).toBeDefined();
  expect(rest).toEqual([]);
  return record as FlowRecord;
}
