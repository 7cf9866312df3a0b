import type { CellKind } from './cells.ts';
import type { Counting } from './counters.ts';
import type { Key } from './key.ts';
import type { PlannedKey } from './planned-key.ts';

/** What a measure is made for. */
export interface MeasureContext extends Counting {
  /** A key of `Measure.keys` as SQL. */
  readonly planned: (key: Key) => PlannedKey;
}

/** One column of figures of a group. */
export interface Measure {
  /** Its name in `--measures`, in `--order` and in the output. */
  readonly name: string;
  readonly label: string;
  readonly about: string;
  /** How it is shown: as a count, with decimals, as a time span in µs, or per cent. */
  readonly display: 'count' | 'decimal' | 'duration' | 'percent';
  readonly kind: CellKind;
  /** Columns of the files that `inner` names. */
  readonly needs: readonly string[];
  /** Made of sums of counters alone, which roll-ups have. */
  readonly ofSums?: boolean;
  /** Tells of single flows, whole ones. */
  readonly perFlow?: boolean;
  /** Tells of sums of this per interval of time, which `outer` finds beside the group's; see interval-rates.ts. */
  readonly perInterval?: 'bytes' | 'packets';
  /** Its sum over groups is that of all flows. */
  readonly additive?: boolean;
  /** Keys whose values `inner` looks at. */
  readonly keys?: readonly Key[];
  /** An SQL aggregate over the flows of a group; undefined for a measure made of others. */
  readonly inner?: (context: MeasureContext) => string;
  /**
   * SQL over a group's flows, packets, bytes and the result `own` of its `inner`; `seconds`, `total_bytes`, `total_packets` and `total_flows` are
   * those of the whole answer. Without it, `inner` itself is shown.
   */
  readonly outer?: (own: string) => string;
}
