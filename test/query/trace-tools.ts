import { onTestFinished } from 'vitest';
import { QueryDuck } from '#weir/query/duck.js';
import type { Evidence } from '#weir/query/trace/evidence.js';
import { readTraceQuestion, type TraceFlags } from '#weir/query/trace/question.js';
import { type TraceAnswer, traceInside, traceNat, type UsesAnswer } from '#weir/query/trace/trace.js';
import { tempFolder } from '../helpers/temp.ts';
import { type PlainRow, writeStore } from './fixture.ts';

const CONTEXT = { now: Date.UTC(2026, 2, 2), zone: 'utc' } as const;

/** A time of the day that the stores of these tests are of: `12:00`, `12:00:01.5`. */
export const day = (clock: string): string => `2026-03-01T${clock.length === 5 ? `${clock}:00` : clock}Z`;

/** A NAT event as RFC 8158 has them: source translation, of TCP. */
export const event = (nat_event: number, clock: string, more: PlainRow): PlainRow => ({
  exporter: '192.0.2.254',
  flow_type: 4,
  record_kind: 2,
  nat_event,
  time_start: day(clock),
  duration: 0,
  proto: 6,
  ...more,
});

/** A session of an inside end behind 198.51.100.1, towards 203.0.113.9:443. */
export const session = (inside: string, port: number, publicPort: number): PlainRow => ({
  src_addr: inside,
  src_port: port,
  dst_addr: '203.0.113.9',
  dst_port: 443,
  post_nat_src_addr: '198.51.100.1',
  post_nat_src_port: publicPort,
  post_nat_dst_addr: '203.0.113.9',
  post_nat_dst_port: 443,
});

export interface Asking {
  readonly trace: (text: string, at: string, flags?: TraceFlags) => Promise<TraceAnswer>;
  readonly uses: (text: string, flags: TraceFlags) => Promise<UsesAnswer>;
}

/** Ways to ask a store in this folder, in this process. */
export async function asking(data: string): Promise<Asking> {
  const duck = new QueryDuck({ temporary: `${data}/tmp-trace`, threads: 1 });
  await duck.open();
  onTestFinished(() => duck.close());
  return {
    trace: (text, at, flags = {}) =>
      traceNat({ data, duck }, readTraceQuestion(text, { at: day(at), ...flags }, CONTEXT)),
    uses: (inside, flags) => traceInside({ data, duck }, readTraceQuestion(undefined, { inside, ...flags }, CONTEXT)),
  };
}

/** The same for a store of these rows, which goes with the test. */
export async function storeOf(rows: readonly PlainRow[], small?: Parameters<typeof writeStore>[2]): Promise<Asking> {
  const folder = tempFolder('trace');
  await writeStore(folder.path, [rows], small);
  return asking(folder.path);
}

/** An answer in short: its class, whether it is open, and the inside ends. */
export function short({ class: answerClass, open, candidates }: TraceAnswer): string {
  const ends = candidates.map(
    ({ inside_addr, inside_port }) => `${inside_addr}${inside_port === null ? '' : `:${inside_port}`}`,
  );
  return [answerClass, ...(open ? ['open'] : []), ...ends].join(' ');
}

/** Clock times of evidence. */
export function spans(evidence: readonly Evidence[]): (string | null)[][] {
  const clock = (micros: number | null): string | null =>
    micros === null ? null : new Date(micros / 1000).toISOString().slice(11, 19);
  return evidence.map(({ kind, start, end }) => [kind, clock(start), clock(end)]);
}
