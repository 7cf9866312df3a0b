import { protocolName } from '../../filter/protocols.ts';
import { formatFlags } from '../../filter/values.ts';
import type { ColumnDefinition } from '../../flow/schema.ts';
import { type Zone, zoneOffset } from '../../util/zone.ts';

const PREFIXES = ['', ' k', ' M', ' G', ' T', ' P', ' E'];

/** `1234567` as `1.2 M`: powers of 1000, one decimal from 1000 on. */
export function scaled(value: number): string {
  if (!Number.isFinite(value)) return '-';
  let size = value;
  let step = 0;
  // 999,950 would print as 1000.0 k.
  while (Math.abs(size) >= (step === 0 ? 1000 : 999.95) && step < PREFIXES.length - 1) {
    size /= 1000;
    step++;
  }
  return step === 0 ? String(Math.round(size * 10) / 10) : `${size.toFixed(1)}${PREFIXES[step] as string}`;
}

/** A whole number with commas between thousands: 1203 as `1,203`. */
export function grouped(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
}

/** Octets as `1.2 MB`, `80 B`. */
export function scaledBytes(bytes: number): string {
  const text = scaled(bytes);
  return text.includes(' ') ? `${text}B` : `${text} B`;
}

/** µs as `0.120 s`, `12.5 s`, `3m 05s`, `2h 15m`, `3d 04h`. */
export function humanDuration(micros: number): string {
  if (!Number.isFinite(micros)) return '-';
  const seconds = Math.abs(micros) / 1e6;
  const sign = micros < 0 ? '-' : '';
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (seconds < 60) return `${sign}${seconds.toFixed(3)} s`;
  if (seconds < 3600) return `${sign}${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${sign}${Math.floor(seconds / 3600)}h ${two((seconds % 3600) / 60)}m`;
  return `${sign}${Math.floor(seconds / 86_400)}d ${two((seconds % 86_400) / 3600)}h`;
}

/** A time for people: `2026-11-21 09:30:15.123`, in the zone. */
export function humanTime(micros: number, zone: Zone): string {
  const millis = Math.floor(micros / 1000);
  const clock = new Date(millis + zoneOffset(zone, millis));
  if (Number.isNaN(clock.getTime())) return '-';
  return clock.toISOString().slice(0, 23).replace('T', ' ');
}

const HOUR = 3_600_000;
/** The year 10000, ms. */
const LAST = 253_402_300_800_000;
const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

/** `humanTime` for many times of one zone: those in order mostly share their hour, whose text is kept. */
export function createHumanTime(zone: Zone): (micros: number) => string {
  let hour = Number.NaN;
  let prefix = '';
  return (micros) => {
    const millis = Math.floor(micros / 1000);
    const clock = millis + zoneOffset(zone, millis);
    if (!(clock >= 0 && clock < LAST)) return humanTime(micros, zone);
    const found = Math.floor(clock / HOUR);
    if (found !== hour) {
      hour = found;
      prefix = new Date(found * HOUR).toISOString().slice(0, 14).replace('T', ' ');
    }
    const rest = clock - found * HOUR;
    const [minutes, seconds] = [Math.floor(rest / 60_000), Math.floor(rest / 1000) % 60];
    return `${prefix}${TWO_DIGITS[minutes] as string}:${TWO_DIGITS[seconds] as string}.${String(rest % 1000).padStart(3, '0')}`;
  };
}

/** Name of the zone at that time: `UTC`, `UTC+01:00`, `Europe/Vienna, UTC+01:00`. */
export function zoneName(zone: Zone, millis: number): string {
  const minutes = Math.trunc(zoneOffset(zone, millis) / 60_000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  const size = Math.abs(minutes);
  const offset = minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${two(size / 60)}:${two(size % 60)}`;
  return typeof zone === 'string' ? offset : `${zone.name}, ${offset}`;
}

/** A number of a column as people read it: names of protocols and codes, letters of flags, hexadecimal. */
export function humanNumber(value: number, text: string, column: ColumnDefinition): string {
  switch (column.display) {
    case 'proto':
      return protocolName(value) ?? text;
    case 'code':
      return column.words?.[value] ?? text;
    case 'flags':
      return humanFlags(value);
    case 'hex':
      return `0x${BigInt(text).toString(16)}`;
    default:
      return text;
  }
}

/** The six flags everyone knows at fixed places, as nfdump shows them: `.AP.SF`; further ones before them. */
export function humanFlags(value: number, places = 'UAPRSF'): string {
  const letters = Array.from(places, (letter, index) => ((value >> (places.length - 1 - index)) & 1 ? letter : '.'));
  return `${formatFlags(value & -(1 << places.length))}${letters.join('')}`;
}
