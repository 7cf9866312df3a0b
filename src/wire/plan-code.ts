import type { FlowBatch } from '../flow/batch.ts';
import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import { float, ntpMicros } from '../util/octets.ts';
import type { Plan } from './plan.ts';
import { at, lengthOf, low } from './plan-code-octets.ts';
import { isTime, rateSource, timesSource } from './plan-code-times.ts';
import type { Step } from './plan-step.ts';
import { EARLIEST, LATEST, type RecordContext, STALE } from './record-context.ts';
import { VARIABLE } from './template.ts';

/**
 * Decodes the records of a data set between `p` and `end` into the batch, from its row `batch.rows` on, at most `limit` of them. Returns how many;
 * `context.position` is where it stopped. The batch has begun a run with the plan's layout and has room. Does not move `batch.rows`.
 */
export type PlanRunner = (
  bytes: Uint8Array,
  p: number,
  end: number,
  batch: FlowBatch,
  limit: number,
  context: RecordContext,
) => number;

/** More fields than any exporter sends; a template beyond this is interpreted. */
export const MAX_COMPILED_STEPS = 400;

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;
const T = {
  rate: slot('sampling_rate'),
  rateSource: slot('sampling_source'),
  labels: slot('mpls_labels'),
  extra: slot('extra'),
} as const;

/** Slots that the batch fills (FlowBatch.shared). */
const SHARED: ReadonlySet<number> = new Set([
  slot('time_received'),
  slot('exporter'),
  slot('exporter') + 1,
  slot('observation_domain'),
  slot('flow_type'),
]);

/**
 * The plan as a function made for it. The source text is put together from numbers that `buildPlan` has checked (offsets, lengths, slots) and fixed
 * text only; nothing from the network reaches it as text. Must agree with `interpretPlan` on every input.
 */
export function compilePlan(plan: Plan): PlanRunner {
  // oxlint-disable-next-line typescript/no-implied-eval -- this is the compiler; see above for what the text is made of
  const make = new Function('float', 'ntpMicros', 'section', planSource(plan)) as (...helpers: unknown[]) => PlanRunner;
  return make(float, ntpMicros, plan.section);
}

/** The source text of the compiled plan. */
function planSource(plan: Plan): string {
  const fixed = new Map(plan.layout.fixed);
  const slots = plan.layout.slots.filter((slot) => !SHARED.has(slot) && !fixed.has(slot));
  const body: string[] = [];
  body.push(...rowConstants(plan));
  for (const [segment, steps] of bySegment(plan)) {
    // Octets of a later segment are where the values before it end.
    if (segment > 0) body.push(...openSegment(plan, segment));
    for (const step of steps) body.push(...stepSource(step, fixed));
  }
  const hasLabels = plan.steps.some((step) => step.op === 'label');
  if (hasLabels) body.push(`c${T.labels}[r]=x.labelsCode(B);`);
  body.push(...timesSource(plan), ...rateSource(plan));
  const isFixed = plan.segments.length === 1;
  const needed = plan.segments[0] as number;
  const last = plan.segments.length - 1;
  return `'use strict';
return function(b,p,end,B,limit,x){
const A=B.arrays,D=new DataView(b.buffer,b.byteOffset,b.byteLength);
${slots.map((s) => `const c${s}=A[${s}];`).join('')}
const sr=x.samplingRate,ss=x.samplingSource,xm=x.exportMillis,up=x.uptime;
const near=up>=0&&xm*1e3>=${EARLIEST + STALE}&&xm*1e3<${LATEST};
let n=0,r=B.rows,q0=p;
${hasLabels ? 'x.dropLabels();' : ''}
for(;n<limit&&q0+${Math.max(needed, 1)}<=end;n++,r++){
let s=0,e=0,v=0,d=0,k=0,y=0,z=0;
${
  isFixed
    ? ''
    : `let ${plan.segments
        .map((_, i) => (i === 0 ? '' : `q${i}=0,v${i}=0,L${i}=0`))
        .filter(Boolean)
        .join(',')};`
}
${body.join('\n')}
q0=${isFixed ? `q0+${needed}` : `q${last}+${plan.segments[last]}`};
}
x.position=q0;
return n;
};`;
}

/** What is not in the record: the rate as far as it is known before. The rest of what rows of a message share is put in by the batch. */
function rowConstants(plan: Plan): string[] {
  return [
    'const w=r+r;',
    `c${T.rate}[r]=sr;c${T.rateSource}[r]=ss;`,
    ...(plan.layout.extra.length > 0 ? [`c${T.extra}[r]=0;`] : []),
  ];
}

/** Steps that write to the batch's dictionary or heap, or to the context. */
const LASTING: ReadonlySet<Step['op']> = new Set([
  'string',
  'hex',
  'application',
  'communities',
  'label',
  'extra',
  'list',
  'section',
]);

/** Steps grouped so that every segment is opened once, in order, before the steps that read from it; order inside a segment is the plan's. */
function bySegment(plan: Plan): [number, Step[]][] {
  // Fields that only fill gaps must come after the better ones even when they lie before them: they are run in the last segment's group.
  const groups = plan.segments.map((_, segment): [number, Step[]] => [segment, []]);
  const last = plan.segments.length - 1;
  for (const step of plan.steps) {
    if (isTime(step) || step.op === 'rate') continue;
    // What outlives the row (texts, labels, extras) waits until all segments are known: a record that is cut off must leave nothing behind.
    const group = step.ifZero || LASTING.has(step.op) ? last : step.segment;
    groups[group]?.[1].push(step);
  }
  return groups;
}

function openSegment(plan: Plan, segment: number): string[] {
  const from = `q${segment - 1}+${plan.segments[segment - 1]}`;
  const [v, L, q] = [`v${segment}`, `L${segment}`, `q${segment}`];
  const rest = plan.segments[segment] as number;
  return [
    `${v}=${from};if(${v}>=end)break;${L}=b[${v}++];`,
    `if(${L}===255){if(${v}+2>end)break;${L}=b[${v}]<<8|b[${v}+1];${v}+=2;}`,
    `${q}=${v}+${L};if(${q}+${rest}>end)break;`,
  ];
}

function stepSource(step: Step, fixed: ReadonlyMap<number, number>): string[] {
  const c = `c${step.slot}`;
  const d = `c${step.slot + 1}`;
  const guard = (condition: string, body: string): string[] => [step.ifZero ? `if(${condition}){${body}}` : body];
  const addressIsZero = `(${c}[w]|${c}[w+1]|${d}[w])===0&&(${d}[w+1]===0||${d}[w+1]===65535)`;
  switch (step.op) {
    case 'u8':
      return guard(`${c}[r]===0`, `${c}[r]=${low(step, 1)};`);
    case 'u16':
      return guard(`${c}[r]===0`, `${c}[r]=${low(step, Math.min(2, step.length))};`);
    case 'u32':
      return guard(`${c}[r]===0`, `${c}[r]=${low(step, Math.min(4, step.length))};`);
    case 'u64': {
      const upper = step.length > 4 ? low(step, step.length - 4, 0) : '0';
      return guard(`(${c}[w]|${c}[w+1])===0`, `${c}[w]=${low(step, Math.min(4, step.length))};${c}[w+1]=${upper};`);
    }
    case 'v4':
      if (fixed.has(step.slot)) return [`${d}[w]=${low(step, 4)};${d}[w+1]=65535;`];
      return guard(addressIsZero, `${c}[w]=0;${c}[w+1]=0;${d}[w]=${low(step, 4)};${d}[w+1]=65535;`);
    case 'v6': {
      const word = (i: number): string => low(step, 4, i * 4);
      return guard(addressIsZero, `${c}[w]=${word(1)};${c}[w+1]=${word(0)};${d}[w]=${word(3)};${d}[w+1]=${word(2)};`);
    }
    case 'string':
      return guard(`${c}[r]===0`, `${c}[r]=x.stringCode(B,b,${at(step)},${lengthOf(step)});`);
    case 'hex':
      return guard(`${c}[r]===0`, `${c}[r]=x.hexCode(B,b,${at(step)},${lengthOf(step)});`);
    case 'application':
      return guard(`${c}[r]===0`, `${c}[r]=x.applicationCode(B,b,${at(step)},${lengthOf(step)});`);
    case 'communities':
      return guard(`${c}[r]===0`, `${c}[r]=x.communitiesCode(B,b,${at(step)},${lengthOf(step)});`);
    case 'label':
      return [`x.addLabel(b,${at(step)});`];
    case 'icmp':
      if (step.length === 1) return guard(`${c}[r]===0`, `${c}[r]=${low(step, 1)};`);
      return guard(`(${c}[r]|${d}[r])===0`, `${c}[r]=${low(step, 1, 0)};${d}[r]=${low(step, 1, 1)};`);
    case 'extra':
      return [
        `k=x.keep(B,b,${at(step)},${lengthOf(step)},${step.length === VARIABLE})+1;if(c${T.extra}[r]===0)c${T.extra}[r]=k;`,
      ];
    case 'section':
      return [`x.writeSection(section,B,r,b,${at(step)},${lengthOf(step)});`];
    case 'list':
      return [
        `k=x.keepList(B,b,${at(step)},${lengthOf(step)},${step.number})+1;if(c${T.extra}[r]===0)c${T.extra}[r]=k;`,
      ];
    default:
      return [];
  }
}
