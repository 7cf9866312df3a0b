import { formatTimeLiteral } from '../../filter/time-literal.ts';
import { formatAddress } from '../../util/address.ts';
import { type Zone, zoneOffset } from '../../util/zone.ts';
import type { Candidate, Evidence } from './evidence.ts';
import type { Endpoint, TraceQuestion } from './question.ts';
import type { TraceAnswer, UsesAnswer } from './trace.ts';
import type { Use } from './uses.ts';

/** An answer of `traceNat` as an object for JSON; its keys are documented in docs/trace.md and stay. Times are ISO 8601, lengths of time seconds. */
export function traceJson(answer: TraceAnswer, zone: Zone): Record<string, unknown> {
  return {
    asked: questionJson(answer.question, zone),
    class: answer.class,
    open: answer.open,
    candidates: answer.candidates.map(candidateJson),
    reasons: answer.reasons,
    nearest: { before: evidenceJson(answer.nearest.before), after: evidenceJson(answer.nearest.after) },
    warnings: answer.warnings,
    searched: answer.searched,
  };
}

/** The same of an answer of `traceInside`. */
export function usesJson(answer: UsesAnswer, zone: Zone): Record<string, unknown> {
  return {
    asked: questionJson(answer.question, zone),
    uses: answer.uses.map(useJson),
    reasons: answer.reasons,
    warnings: answer.warnings,
    searched: answer.searched,
  };
}

function questionJson(
  { side, endpoint, peer, proto, from, to, tolerance, ttl }: TraceQuestion,
  zone: Zone,
): Record<string, unknown> {
  const end = (one: Endpoint | undefined) =>
    one === undefined ? null : { addr: formatAddress(...one.address), port: one.port ?? null };
  return {
    side,
    endpoint: end(endpoint),
    to: end(peer),
    proto: proto ?? null,
    from: time(Number(from)),
    from_local: localTime(Number(from), zone),
    until: time(Number(to)),
    until_local: localTime(Number(to), zone),
    tolerance_s: Number(tolerance) / 1e6,
    ttl_s: Number(ttl) / 1e6,
  };
}

function candidateJson({ distance, evidence, ...rest }: Candidate): Record<string, unknown> {
  return { ...rest, distance_s: distance / 1e6, evidence: evidence.map(evidenceJson) };
}

function evidenceJson(one: Evidence | null): Record<string, unknown> | null {
  if (one === null) return null;
  const { start, end, from, until, distance, packets, bytes, ...rest } = one;
  return {
    ...rest,
    start: time(start),
    end: time(end),
    counts_from: time(from),
    counts_until: time(until),
    distance_s: distance / 1e6,
    packets: counter(packets),
    bytes: counter(bytes),
  };
}

function useJson({ start, end, ...rest }: Use): Record<string, unknown> {
  return { ...rest, start: time(start), end: time(end) };
}

/** Counters beyond what a JSON number holds exactly stay text. */
function counter(digits: string | null): number | string | null {
  const value = Number(digits);
  return digits === null ? null : Number.isSafeInteger(value) ? value : digits;
}

function time(micros: number | null): string | null {
  return micros === null ? null : formatTimeLiteral(BigInt(micros));
}

/** ISO 8601 in the zone that people chose, the local one where that is UTC, with its offset. */
function localTime(micros: number, chosen: Zone): string {
  const millis = Math.floor(micros / 1000);
  const minutes = Math.trunc(zoneOffset(chosen === 'utc' ? 'local' : chosen, millis) / 60_000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  return new Date(millis + minutes * 60_000).toISOString().replace('Z', offset);
}
