import type { RandomFlow } from './random-flows.ts';

/** What a flow has in one bucket. */
export interface Part {
  readonly bucket: bigint;
  readonly proto: number;
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
}

/** A flow's parts in steps from `origin` on, written a second time: what was counted until the end of each bucket, less what was before. */
export function partsOf(flow: RandomFlow, step: bigint, from: bigint, to: bigint, origin = 0n): Part[] {
  const [begin, end] = [flow.time_start, flow.time_start + BigInt(flow.duration)];
  const [first, last] = [begin > from ? begin : from, end < to ? end : to];
  const rate = flow.sampling_rate ?? 1;
  const parts: Part[] = [];
  const begins = first - ((first - origin) % step);
  for (let bucket = begins; bucket === begins || bucket < last; bucket += step) {
    const until = bucket + step < last ? bucket + step : last;
    const since = bucket > first ? bucket : first;
    const counter = (value: number): number => {
      if (end === begin) return value * rate;
      const at = (time: bigint) => (BigInt(value) * (time - begin)) / (end - begin);
      return Number(at(until) - at(since)) * rate;
    };
    const flows = parts.length === 0 ? 1 : 0;
    parts.push({ bucket, proto: flow.proto, flows, packets: counter(flow.packets), bytes: counter(flow.bytes) });
  }
  return parts;
}
