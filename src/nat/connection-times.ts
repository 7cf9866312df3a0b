import type { Connection } from './connection.ts';

const SECOND = 1e6;

/*
 * conntrack(8) tells two kinds of time: when it read an event, to the µs, and the kernel's own, in whole seconds (`nf_conntrack_timestamp`). Events
 * wait in a buffer, and connections that time out are cleared away seconds later, so the kernel's second is the truth and the event's time says more
 * only within it.
 */

/** When a connection began by what its line tells, µs since the epoch; 0 when the line does not tell. Only NEW events are of that time. */
export function startOf({ kind, eventMicros, startSeconds }: Connection): number {
  const event = kind === 'new' ? eventMicros : 0;
  if (startSeconds === 0) return event;
  return event === 0 ? startSeconds * SECOND : withinSecond(event, startSeconds);
}

/** When a destroyed connection ended, that began at `startMicros` (0: not known), µs since the epoch. */
export function endOf({ eventMicros, stopSeconds, lifeSeconds }: Connection, startMicros: number): number {
  if (stopSeconds === 0) return eventMicros;
  const stop = stopSeconds * SECOND;
  if (eventMicros >= stop && eventMicros < stop + SECOND) return eventMicros;
  // The event came late. The beginning and the whole seconds of life say more than the second alone.
  const least = startMicros > 0 && lifeSeconds >= 0 ? startMicros + lifeSeconds * SECOND : stop;
  return withinSecond(least, stopSeconds);
}

/** The time of a beginning that is known to the µs, set right by the kernel's second, which came later; 0 for none. */
export function startWithin(micros: number, { startSeconds }: Connection): number {
  return startSeconds === 0 ? micros : withinSecond(micros, startSeconds);
}

function withinSecond(micros: number, second: number): number {
  return Math.min(Math.max(micros, second * SECOND), (second + 1) * SECOND - 1);
}
