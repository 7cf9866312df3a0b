import type { FlowBatch } from '../flow/batch.ts';
import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import { float, u32, unsigned } from '../util/octets.ts';
import { type Columns, get, put, wide } from './cells.ts';
import { variableLength } from './data-record.ts';
import type { Plan } from './plan.ts';
import { recordRate, timeValue, writeTimes } from './plan-interpreter-times.ts';
import type { Step } from './plan-step.ts';
import { OVERRIDE, type RecordContext } from './record-context.ts';
import { VARIABLE } from './template.ts';

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;
const RATE = slot('sampling_rate');
const RATE_SOURCE = slot('sampling_source');
const LABELS = slot('mpls_labels');
const EXTRA = slot('extra');

/**
 * Runs a plan step by step: the same contract and the same results as the function `compilePlan` makes, slower, at no cost to set up. It serves
 * templates that have not proved hot, and processes that forbid code generation.
 */
export function interpretPlan(
  plan: Plan,
  bytes: Uint8Array,
  p: number,
  end: number,
  batch: FlowBatch,
  limit: number,
  context: RecordContext,
): number {
  const count = plan.segments.length;
  const bases = new Array<number>(count).fill(0);
  const values = new Array<number>(count).fill(0);
  const lengths = new Array<number>(count).fill(0);
  const needed = Math.max(plan.segments[0] as number, 1);
  context.dropLabels();
  context.position = p;
  let n = 0;
  for (let start = p; n < limit && start + needed <= end; n++) {
    bases[0] = start;
    if (!locate(plan, bytes, end, bases, values, lengths)) break;
    decodeRecord(plan, bytes, batch, batch.rows + n, bases, values, lengths, context);
    start = (bases[count - 1] as number) + (plan.segments[count - 1] as number);
    context.position = start;
  }
  return n;
}

/** Finds where every segment of the record at `bases[0]` starts. False when the record goes past `end`. */
function locate(
  plan: Plan,
  bytes: Uint8Array,
  end: number,
  bases: number[],
  values: number[],
  lengths: number[],
): boolean {
  for (let segment = 1; segment < plan.segments.length; segment++) {
    const from = (bases[segment - 1] as number) + (plan.segments[segment - 1] as number);
    const variable = variableLength(bytes, from, end);
    if (variable === undefined) return false;
    values[segment] = from + variable.prefix;
    lengths[segment] = variable.length;
    bases[segment] = from + variable.prefix + variable.length;
    if ((bases[segment] as number) + (plan.segments[segment] as number) > end) return false;
  }
  return true;
}

function decodeRecord(
  plan: Plan,
  bytes: Uint8Array,
  batch: FlowBatch,
  row: number,
  bases: readonly number[],
  values: readonly number[],
  lengths: readonly number[],
  context: RecordContext,
): void {
  const columns = batch.arrays;
  writeConstants(plan, columns, row, context);
  const times = { start: 0, end: 0, event: 0, duration: 0, reverse_start: 0, reverse_end: 0, reverse_after: 0 };
  const rates = new Map<number, number>();
  let uptime = context.uptime;
  let booted = false;
  for (const step of plan.steps) {
    const variable = step.length === VARIABLE;
    const at = variable ? (values[step.segment] as number) : (bases[step.segment] as number) + step.offset;
    const length = variable ? (lengths[step.segment] as number) : step.length;
    switch (step.op) {
      case 'init':
        // Of several the first counts, as everywhere below.
        if (!booted) {
          const boot = wide(bytes, at, length);
          if (boot > 0) uptime = (context.exportMillis - boot) >>> 0;
          booted = true;
        }
        break;
      case 'start':
      case 'end':
      case 'event':
      case 'duration':
      case 'reverse_start':
      case 'reverse_end':
      case 'reverse_after':
        times[step.op] ||= timeValue(step, bytes, at, length, uptime, context);
        break;
      case 'rate':
        if (!rates.has(step.number))
          rates.set(step.number, step.number === 311 ? float(bytes, at, length) : wide(bytes, at, length));
        break;
      case 'label':
        context.addLabel(bytes, at);
        break;
      case 'extra': {
        const offset = context.keep(batch, bytes, at, length, variable) + 1;
        if (get(columns, EXTRA, row) === 0) put(columns, EXTRA, row, offset);
        break;
      }
      case 'section':
        if (plan.section !== undefined) context.writeSection(plan.section, batch, row, bytes, at, length);
        break;
      case 'list': {
        const offset = context.keepList(batch, bytes, at, length, step.number) + 1;
        if (get(columns, EXTRA, row) === 0) put(columns, EXTRA, row, offset);
        break;
      }
      default:
        writeField(step, bytes, at, length, batch, row, context);
    }
  }
  if (plan.steps.some((step) => step.op === 'label')) put(columns, LABELS, row, context.labelsCode(batch));
  writeTimes(plan, columns, row, times, context);
  const rate = recordRate(rates);
  if (rate > 0 && context.samplingSource !== OVERRIDE) {
    put(columns, RATE, row, Math.min(rate, 4_294_967_295));
    put(columns, RATE_SOURCE, row, 2);
  }
}

function putAddress(columns: Columns, slot: number, row: number, w0: number, w1: number, w2: number, w3: number): void {
  put(columns, slot, row * 2, w1);
  put(columns, slot, row * 2 + 1, w0);
  put(columns, slot + 1, row * 2, w3);
  put(columns, slot + 1, row * 2 + 1, w2);
}

function writeConstants(plan: Plan, columns: Columns, row: number, context: RecordContext): void {
  put(columns, RATE, row, context.samplingRate);
  put(columns, RATE_SOURCE, row, context.samplingSource);
  if (plan.layout.extra.length > 0) put(columns, EXTRA, row, 0);
}

/** One field into its column. A field of lower rank (`ifZero`) writes only where the better one left zero. */
function writeField(
  step: Step,
  bytes: Uint8Array,
  at: number,
  length: number,
  batch: FlowBatch,
  row: number,
  context: RecordContext,
): void {
  const columns = batch.arrays;
  const { slot } = step;
  const pair = row * 2;
  switch (step.op) {
    case 'v4':
    case 'v6': {
      const upper = get(columns, slot, pair) | get(columns, slot, pair + 1) | get(columns, slot + 1, pair);
      const marker = get(columns, slot + 1, pair + 1);
      if (step.ifZero && !(upper === 0 && (marker === 0 || marker === 0xffff))) return;
      if (step.op === 'v4') putAddress(columns, slot, row, 0, 0, 0xffff, u32(bytes, at));
      else putAddress(columns, slot, row, u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8), u32(bytes, at + 12));
      return;
    }
    case 'u64':
      if (step.ifZero && (get(columns, slot, pair) | get(columns, slot, pair + 1)) !== 0) return;
      put(columns, slot, pair, unsigned(bytes, at + Math.max(0, length - 4), Math.min(4, length)));
      put(columns, slot, pair + 1, length > 4 ? unsigned(bytes, at, length - 4) : 0);
      return;
    case 'icmp':
      if (length === 1) {
        if (!step.ifZero || get(columns, slot, row) === 0) put(columns, slot, row, bytes[at] as number);
      } else if (!step.ifZero || (get(columns, slot, row) | get(columns, slot + 1, row)) === 0) {
        put(columns, slot, row, bytes[at] as number);
        put(columns, slot + 1, row, bytes[at + 1] as number);
      }
      return;
    default:
  }
  if (step.ifZero && get(columns, slot, row) !== 0) return;
  if (step.op === 'string') put(columns, slot, row, context.stringCode(batch, bytes, at, length));
  else if (step.op === 'hex') put(columns, slot, row, context.hexCode(batch, bytes, at, length));
  else if (step.op === 'application') put(columns, slot, row, context.applicationCode(batch, bytes, at, length));
  else if (step.op === 'communities') put(columns, slot, row, context.communitiesCode(batch, bytes, at, length));
  else {
    const octets = Math.min(length, step.op === 'u8' ? 1 : step.op === 'u16' ? 2 : 4);
    put(columns, slot, row, unsigned(bytes, at + length - octets, octets));
  }
}
