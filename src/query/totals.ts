import { type CellKind, createCell } from './cells.ts';
import { INEXACT } from './counters.ts';
import type { Rows } from './duck.ts';
import type { Plan } from './plan.ts';
import type { Probe } from './probe.ts';
import { hasTiers, type Source } from './source.ts';

/** What all flows of an answer come to, those that are not shown among them. */
export interface Totals {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  /** First start and last end, µs; NaN when there are no flows. */
  readonly first: number;
  readonly last: number;
}

export const NO_TOTALS: Totals = { flows: 0, packets: 0, bytes: 0, first: Number.NaN, last: Number.NaN };

/** Reads the row of totals at the head of a result. Without times in it, they are those of the source, all of whose rows count. */
export function readTotals(rows: Rows, plan: Plan, source: Source): Totals {
  const {
    at,
    times,
    timesAt,
    kind,
    reverse = [],
  } = plan.totals ?? { at: 1, times: false, timesAt: 4, kind: 'double' as const };
  const read = (cellKind: CellKind, vector: number) => {
    const cell = createCell(cellKind, vector);
    cell.bind(rows);
    return cell.number(0);
  };
  const backwards = (index: number) => (reverse[index] === undefined ? 0 : read('double', reverse[index]));
  const flows = read('i64', at);
  return {
    flows: Number.isNaN(flows) ? 0 : flows,
    packets: read(kind, at + 1) + backwards(0),
    bytes: read(kind, at + 2) + backwards(1),
    ...(times ? timesWithin(source, read('time', timesAt), read('time', timesAt + 1)) : timesOf(source)),
  };
}

function timesOf({ first, last }: Source): { first: number; last: number } {
  return { first: first ?? Number.NaN, last: last ?? Number.NaN };
}

/** Rows of roll-ups have the times of their buckets, which may begin before the first flow and end after the last. */
function timesWithin(source: Source, first: number, last: number): { first: number; last: number } {
  if (!hasTiers(source)) return { first, last };
  return { first: Math.max(first, source.first ?? first), last: Math.min(last, source.last ?? last) };
}

/** The totals of a question, where the probe has seen them already: it is about all rows, all of which are traffic, and nothing is scaled. */
export function knownTotals(found: Probe, source: Source, raw: boolean): Totals | undefined {
  const { sums, rows, maxKind, maxRate } = found;
  if (sums === undefined || rows === 0 || maxKind > 1 || (maxRate > 1 && !raw)) return undefined;
  if (Math.max(sums.packets, sums.bytes) >= INEXACT) return undefined;
  return { flows: rows, ...sums, ...timesOf(source) };
}

/** Whether sums that were computed as doubles may have been rounded. */
export function mayBeRounded({ packets, bytes }: Totals, plan: Plan): boolean {
  return plan.totals?.kind === 'double' && Math.max(packets, bytes) >= INEXACT;
}
