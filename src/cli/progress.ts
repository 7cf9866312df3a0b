import { scaled } from '../query/output/humanize.ts';
import type { Io } from './io.ts';

/** How far something is that takes its time. */
export interface Progress {
  readonly rows: number;
  readonly totalRows: number;
  /** Octets of the files that are read; undefined where nobody counted them. */
  readonly bytes?: number;
}

const BAR = 24;
const PATIENCE_MS = 1000;
const EVERY_MS = 200;

/**
 * Shows how far something is on a line of the terminal, from its second second on, and takes the line away again before anything else is written and
 * at the end. Returns the function that ends it. Nothing is shown where standard error is no terminal.
 */
export function showProgress(io: Io, read: () => Progress | undefined): { clear(): void; end(): void } {
  const { stderr } = io;
  if (stderr.isTTY !== true) return { clear: () => {}, end: () => {} };
  const begun = io.now();
  let shown = false;
  const clear = (): void => {
    if (shown) stderr.write('\r\u001B[K');
    shown = false;
  };
  const timer = setInterval(() => {
    const seconds = (io.now() - begun) / 1000;
    const progress = read();
    if (seconds * 1000 < PATIENCE_MS || progress === undefined) return;
    shown = true;
    stderr.write(`\r\u001B[K${progressText(progress, seconds).slice(0, (stderr.columns ?? 80) - 1)}`);
  }, EVERY_MS);
  timer.unref();
  return {
    clear,
    end: () => {
      clearInterval(timer);
      clear();
    },
  };
}

/** `[#######-----------------] 31 %  12.3 M of 40.1 M rows, 1.2 GB, 5 s left`. */
export function progressText({ rows, totalRows, bytes }: Progress, seconds: number): string {
  const fraction = totalRows > 0 ? Math.min(1, rows / totalRows) : 0;
  const full = Math.round(fraction * BAR);
  const bar = `[${'#'.repeat(full)}${'-'.repeat(BAR - full)}]`;
  const octets = bytes === undefined ? '' : `, ${scaled(bytes)}B`;
  const left = fraction > 0.02 ? `, ${Math.ceil(seconds / fraction - seconds)} s left` : '';
  return `${bar} ${Math.floor(fraction * 100)} %  ${scaled(rows)} of ${scaled(totalRows)} rows${octets}${left}`;
}
