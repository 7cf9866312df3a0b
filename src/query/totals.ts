import { type CellKind, createCell } from './cells.ts';
import type { Rows } from './duck.ts';
import type { Plan } from './plan.ts';
import type { Probe } from './probe.ts';
import type { Source } from './source.ts';

/** What all flows of an answer come to, those that are not shown among them. */
export interface Totals {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  /** First start and last end, µs; NaN when there are no flows. */
  readonly first: number;
  readonly last: number;
}

/** Reads the row of totals at the head of a result. Without times in it, they are those of the source, all of whose rows count. */
export function readTotals(rows: Rows, plan: Plan, probe: Probe, source: Source): Totals {
  const { at, times } = plan.totals ?? { at: 1, times: false };
  const counter: CellKind = probe.doublesSuffice ? 'double' : 'hugeint';
  const read = (kind: CellKind, vector: number) => {
    const cell = createCell(kind, vector);
    cell.bind(rows);
    return cell.number(0);
  };
  const flows = read('i64', at);
  return {
    flows: Number.isNaN(flows) ? 0 : flows,
    packets: read(counter, at + 1),
    bytes: read(counter, at + 2),
    first: times ? read('time', at + 3) : (source.first ?? Number.NaN),
    last: times ? read('time', at + 4) : (source.last ?? Number.NaN),
  };
}
