/** µs since the epoch as ISO 8601 in UTC with six digits: `2026-11-21T14:02:00.000001Z`. Out of a Date's range: the plain number. */
export function isoMicros(micros: number): string {
  const seconds = Math.floor(micros / 1e6);
  const rest = micros - seconds * 1e6;
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(micros);
  return `${date.toISOString().slice(0, -5)}.${String(rest).padStart(6, '0')}Z`;
}
