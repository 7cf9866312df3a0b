import type { BatchMessage } from '../flow/batch.ts';
import type { ErrorCode } from '../util/errors.ts';
import type { StartReport } from './repair.ts';
import type { Retention } from './retention.ts';
import type { RollupTier } from './rollup-cubes.ts';
import type { SmallTable } from './small-tables.ts';

/** Why rows that had been handed over were not stored. */
export type DropCause = 'disk_full' | 'write_error' | 'closed';

/** What the writing thread is started with. */
export interface WriterSettings {
  readonly dir: string;
  readonly rotateSeconds: number;
  readonly segmentMillis: number;
  readonly rollups: readonly RollupTier[];
  readonly retention: Retention;
  /** Rows of a merged file. */
  readonly unitRows: number;
  /** How long a file that is no longer listed stays for readers that began before, ms. */
  readonly graceMs: number;
  readonly memoryMegabytes: number;
  readonly now: number;
}

/** From the main thread to the writing thread. */
export type ToWriter =
  | { readonly type: 'batch'; readonly id: number; readonly message: BatchMessage }
  | { readonly type: 'rows'; readonly table: SmallTable; readonly rows: readonly object[] }
  /** Once a second: what time it is. */
  | { readonly type: 'tick'; readonly now: number }
  | { readonly type: 'flush'; readonly id: number }
  | { readonly type: 'close' };

/** The writing thread's figures. */
export interface WriterStats {
  /** Rows in segments, durable. */
  readonly rowsStored: number;
  readonly rowsDropped: Readonly<Record<DropCause, number>>;
  readonly segmentsWritten: number;
  readonly bytesWritten: number;
  /** Rows of small tables that were not stored. */
  readonly smallRowsDropped: number;
  /** Attempts to write that failed, and why the last one did, while it has not succeeded since. */
  readonly writeErrors: number;
  readonly failing: string | undefined;
  readonly lastWriteMs: number;
  /** What the catalogue lists. */
  readonly listed: {
    readonly segments: number;
    readonly fresh: number;
    readonly rows: number;
    readonly bytes: number;
    readonly oldestMs: number | undefined;
  };
  /** Fresh segments of ended slots that wait to be merged. */
  readonly backlog: { readonly files: number; readonly rows: number };
  readonly merges: number;
  /** Files of roll-ups that were made, from flows and from smaller ones. */
  readonly rollups: number;
  /** How long flows of ended slots have been waiting to be counted, ms; 0 when none does. */
  readonly rollupsBehindMs: number;
  readonly mergeErrors: number;
  readonly rowsMerged: number;
  readonly merging: boolean;
  /** Segments given up by retention. */
  readonly segmentsExpired: number;
  /** Files off the list that still lie on disk. */
  readonly retired: number;
}

/** From the writing thread to the main thread. */
export type FromWriter =
  | { readonly type: 'ready'; readonly report: Omit<StartReport, 'tookOverFrom'> }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string; readonly hint: string | undefined }
  /** The batches with these numbers are no longer needed. */
  | { readonly type: 'done'; readonly ids: readonly number[]; readonly stats: WriterStats }
  | { readonly type: 'stats'; readonly stats: WriterStats }
  | { readonly type: 'flushed'; readonly id: number; readonly error: string | undefined }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: Record<string, unknown>;
      readonly text: string;
    }
  | { readonly type: 'closed'; readonly stats: WriterStats };
