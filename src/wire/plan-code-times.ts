import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import type { Plan } from './plan.ts';
import { at, low, wide } from './plan-code-octets.ts';
import type { Step, StepOp } from './plan-step.ts';
import { AHEAD, EARLIEST, LATEST, OVERRIDE, STALE } from './record-context.ts';

/* Source text of times and sampling rates, for plan-code.ts: what a record's values become only when several of its fields are known. */

const slot = (name: string): number => FIRST_SLOT[columnIndex(name)] as number;
const T = {
  rate: slot('sampling_rate'),
  rateSource: slot('sampling_source'),
  start: slot('time_start'),
  end: slot('time_end'),
  timeSource: slot('time_source'),
  reverseStart: slot('reverse_time_start'),
  reverseEnd: slot('reverse_time_end'),
} as const;

/** The variable that each step's value goes into; the first that is not 0 counts. */
const VARIABLE_OF: Readonly<Partial<Record<StepOp, string>>> = {
  start: 's',
  end: 'e',
  event: 'v',
  duration: 'd',
  reverse_start: 'rs',
  reverse_end: 're',
  reverse_after: 'ra',
};

/** True for the steps that `timesSource` runs. */
export function isTime({ op }: Step): boolean {
  return op === 'init' || op in VARIABLE_OF;
}

/** Start, end and the rare repair; see RecordContext.repairTimes. Times of a biflow's other direction come after them. */
export function timesSource(plan: Plan): string[] {
  const out: string[] = [];
  const init = plan.steps.find((step) => step.op === 'init');
  const uptime = init === undefined ? 'up' : 'u';
  if (init !== undefined) out.push(`y=${wide(init)};const u=y>0?(xm-y)>>>0:up;`);
  const reverse: string[] = [];
  for (const step of plan.steps) {
    const name = VARIABLE_OF[step.op];
    if (name === undefined) continue;
    const lines = step.op.startsWith('reverse_') ? reverse : out;
    lines.push(`if(${name}===0){${timeSource(step, name, uptime)}}`);
  }
  const { start, end, timeSource: source } = T;
  if (plan.usesUptime) out.push(`if(e>0&&xm*1e3-e>${STALE}){x.relative++;if(d===0&&s>0&&e>s)d=e-s;s=0;e=0;}`);
  out.push(
    `if(s>=${EARLIEST}&&s<${LATEST}&&e>=${EARLIEST}&&e<${LATEST})c${source}[r]=0;`,
    `else{x.repairTimes(s,e,v,d);s=x.start;e=x.end;c${source}[r]=x.timeSource;}`,
  );
  const usual = usualStamps(plan);
  const lines = usual === undefined ? out : [`${usual}c${source}[r]=0;}else{`, ...out, '}'];
  lines.push(putTime(start, 's'), putTime(end, 'e'));
  if (reverse.length > 0) lines.push('{let rs=0,re=0,ra=0;', ...reverse, ...reverseSource(plan), '}');
  return lines;
}

function putTime(slot: number, name: string): string {
  return `c${slot}[w]=${name}>>>0;c${slot}[w+1]=${name}/4294967296;`;
}

/** Times of the other direction into their columns; those of the flow where none, or none that can be, was sent. */
function reverseSource({ layout }: Plan): string[] {
  const missing = (name: string): string => `!(${name}>=${EARLIEST}&&${name}<${LATEST})`;
  const out: string[] = [];
  if (layout.slots.includes(T.reverseStart))
    out.push(`if(${missing('rs')})rs=s+ra<${LATEST}?s+ra:s;`, putTime(T.reverseStart, 'rs'));
  if (layout.slots.includes(T.reverseEnd)) out.push(`if(${missing('re')})re=e;`, putTime(T.reverseEnd, 're'));
  return out;
}

/**
 * The head of a shortcut for nearly all records of v5 and v9: both stamps are there and lie in the week before the message, so none of the checks
 * below can find anything. A third of the time per record, measured with v5.
 */
function usualStamps(plan: Plan): string | undefined {
  const stamp = (op: StepOp): Step | undefined => {
    const first = plan.steps.find((step) => step.op === op);
    return first?.encoding === 'uptime' && first.length === 4 ? first : undefined;
  };
  const [first, last] = [stamp('start'), stamp('end')];
  if (first === undefined || last === undefined || plan.steps.some((step) => step.op === 'init')) return undefined;
  const week = STALE / 1000;
  return (
    `const g=${low(first, 4)},h=${low(last, 4)},f=(up-g)>>>0,l=(up-h)>>>0;` +
    `if(near&&g!==0&&h!==0&&f<=${week}&&l<=${week}){s=(xm-f)*1e3;e=(xm-l)*1e3;`
  );
}

function timeSource(step: Step, name: string, uptime: string): string {
  switch (step.encoding) {
    case 's':
      return `${name}=${wide(step)}*1e6;`;
    case 'ms':
      return `${name}=${wide(step)}*1e3;`;
    case 'ntp':
      return `${name}=ntpMicros(${low(step, 4, 0)},${low(step, 4, 4)});`;
    case 'ago':
      return `${name}=xm*1e3-${wide(step)};`;
    case 'uptime': {
      // A flow may have begun at boot; when that is long ago, 0 says that the exporter does not know.
      const zero = step.op === 'start' ? `||${uptime}>0&&${uptime}<=${AHEAD}` : '';
      return (
        `y=${low(step, Math.min(4, step.length))};if(${uptime}<0)${name}=y*1e3;` +
        `else if(y!==0${zero}){y=(${uptime}-y)>>>0;${name}=(xm-(y>${4_294_967_295 - AHEAD}?y-4294967296:y))*1e3;}`
      );
    }
    default:
      return `${name}=${wide(step)}*${step.number};`;
  }
}

/** A rate the record itself carries beats all others but the override: 34 and 50 plainly, 305 of 305 + 306, 309 of 310, or 1 / 311 (RFC 5477 section 8.2). */
export function rateSource(plan: Plan): string[] {
  const field = (id: number): Step | undefined => plan.steps.find((step) => step.op === 'rate' && step.number === id);
  const out: string[] = [];
  const [interval, random, count, space, size, population, probability] = [34, 50, 305, 306, 309, 310, 311].map(field);
  if (interval !== undefined) out.push(`z=${wide(interval)};`);
  if (random !== undefined) out.push(`if(z===0)z=${wide(random)};`);
  if (count !== undefined) {
    const gap = space === undefined ? '' : `y=${wide(count)};if(z===0&&y>0)z=Math.round((y+${wide(space)})/y);`;
    out.push(gap || `if(z===0)z=${wide(count)};`);
  }
  if (size !== undefined && population !== undefined)
    out.push(`y=${wide(size)};if(z===0&&y>0)z=Math.round(${wide(population)}/y);`);
  if (probability !== undefined) {
    out.push(`y=float(b,${at(probability)},${probability.length});if(z===0&&y>0&&y<=1)z=Math.round(1/y);`);
  }
  if (out.length > 0)
    out.push(`if(z>0&&ss!==${OVERRIDE}){c${T.rate}[r]=Math.min(z,4294967295);c${T.rateSource}[r]=2;}`);
  return out;
}
