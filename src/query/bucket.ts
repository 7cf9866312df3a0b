import type { ZoneOffset } from './zone-offsets.ts';

const HOUR = 3_600_000_000n;

/**
 * A time rounded down. Buckets begin at full hours, and at midnight, of the zone's clocks: the day on which they are put forward has 23 hours. An hour
 * that comes twice is two buckets.
 */
export function bucketSql(time: string, micros: bigint, offsets: readonly ZoneOffset[]): string {
  const value = `epoch_us(${time})`;
  const offset = byTime(value, offsets, false);
  const local = `(${value} + ${offset}) // ${micros} * ${micros}`;
  const back = micros > HOUR ? byTime(`(${local})`, offsets, true) : offset;
  return offset === '0' ? `make_timestamp(${value} // ${micros} * ${micros})` : `make_timestamp(${local} - ${back})`;
}

/** The number of the bucket that a time (µs) is in; consecutive ones have consecutive numbers. */
export function bucketNumber(value: string, micros: bigint, offsets: readonly ZoneOffset[]): string {
  return `(${value} + ${byTime(value, offsets, false)}) // ${micros}`;
}

/** When the bucket of that number begins, µs. */
export function bucketBegin(number: string, micros: bigint, offsets: readonly ZoneOffset[]): string {
  const local = `(${number} * ${micros})`;
  return `${local} - ${byTime(local, offsets, true)}`;
}

/** The offset at a time, which is one of the zone's clocks (`local`) or UTC. */
function byTime(value: string, offsets: readonly ZoneOffset[], local: boolean): string {
  const cases = offsets.map(({ until, offset }) =>
    until === undefined ? `ELSE ${offset}` : `WHEN ${value} < ${local ? until + offset : until} THEN ${offset}`,
  );
  return offsets.length === 1 ? String(offsets[0]?.offset ?? 0n) : `CASE ${cases.join(' ')} END`;
}
