import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

export interface PacerOptions {
  /** Units (datagrams or flows) per second; undefined for as fast as possible. */
  readonly rate?: number | undefined;
  /**
   * Sends about `due` units, at least one datagram, and returns how many units it did; less than `due` only when nothing is left.
   */
  readonly step: (due: number) => number;
  /** Whether there is nothing left, or someone asked to stop; asked before each step. */
  readonly isDone: () => boolean;
  /** Datagrams handed over that the system has not taken yet. */
  readonly backlog: () => number;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
}

/** Without a rate: units per turn of the event loop, so that signals and errors are still heard. */
const BURST = 128;
/** Above this many datagrams not yet taken by the system, wait for it: the queue must not grow. */
const MAX_BACKLOG = 512;
/** What could not be sent in time is made up for up to this many ms; beyond, the rate is simply not reached. */
const MAX_DEBT_MS = 50;

/**
 * Calls `step` at the rate asked for until `isDone`: a token bucket, filled by the clock and looked at every millisecond. It returns
 * when all is handed over. At high rates a step is a burst of a millisecond's worth.
 */
export async function pace({ rate, step, isDone, backlog, clock }: PacerOptions): Promise<void> {
  let last = clock();
  let tokens = rate === undefined ? 0 : 1;
  while (!isDone()) {
    if (backlog() > MAX_BACKLOG) {
      await sleep(1);
      continue;
    }
    if (rate === undefined) {
      step(BURST);
      await nextTurn();
      continue;
    }
    const now = clock();
    const most = Math.max(1, (rate * MAX_DEBT_MS) / 1000);
    tokens = Math.min(tokens + ((now - last) * rate) / 1000, most);
    last = now;
    // A datagram may hold more units than are due: the debt is paid off before the next one.
    if (tokens >= 1) tokens -= step(Math.floor(tokens));
    await sleep(tokens >= 1 ? 1 : Math.min(100, Math.max(1, ((1 - tokens) * 1000) / rate)));
  }
}
