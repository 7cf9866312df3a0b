import type { SlotArray } from '../flow/slots.ts';
import { AHEAD } from '../wire/record-context.ts';
import type { Change, EncoderCounters } from './losses.ts';
import type { FieldWriter } from './row-selection.ts';

/**
 * Writers of fixed-length fields. Each is a closure over the slot it reads; its loop runs over the rows of one message, so that the call costs nothing per
 * record. Loops that look alike are written out: shared between arrays of different width they would be slower by half.
 */

/** The time of the message being written, for stamps relative to it. */
export interface MessageClock {
  /** ms since the epoch, as the header says it (v9: whole seconds). */
  exportMillis: number;
  /** sysUptime at that time, ms modulo 2³². */
  uptime: number;
}

/** Stamps older than this, relative to the message, are clamped: weir and other collectors take them for another boot's. ms. */
const OLDEST = 7 * 86_400e3;

const array = (slots: readonly (SlotArray | undefined)[], slot: number): SlotArray => slots[slot] as SlotArray;

/** Octets of zero: they are there already. */
export const writeNothing: FieldWriter = () => {};

/** Eight octets of zero, for a count that is not known. */
export const zeroQuad: FieldWriter = (view, at, stride, _batch, _rows, from, to) => {
  for (let i = from; i < to; i++, at += stride) view.setBigUint64(at, 0n);
};

/** A one-octet column in one octet. */
export function octet(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) view.setUint8(at, values[rows[i] as number] as number);
  };
}

/** A two-octet column in two octets. */
export function word(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) view.setUint16(at, values[rows[i] as number] as number);
  };
}

/** A four-octet column in four octets. */
export function double(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) view.setUint32(at, values[rows[i] as number] as number);
  };
}

/** A 64-bit column in eight octets. */
export function quad(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      view.setUint32(at, values[low + 1] as number);
      view.setUint32(at + 4, values[low] as number);
    }
  };
}

/** A 64-bit column in its lower four octets; the caller has seen that they suffice, or counted it. */
export function lowerDouble(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      view.setUint32(at, values[low + 1] === 0 ? (values[low] as number) : 0xffff_ffff);
    }
  };
}

/** A MAC address: the lower six octets of a 64-bit column. */
export function mac(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      view.setUint16(at, values[low + 1] as number);
      view.setUint32(at + 2, values[low] as number);
    }
  };
}

/** The IPv4 address of an address column: its lowest 32 bits. */
export function address4(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const lower = array(arrays, slot + 1);
    for (let i = from; i < to; i++, at += stride) view.setUint32(at, lower[(rows[i] as number) * 2] as number);
  };
}

/** All 128 bits of an address column. */
export function address6(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const upper = array(arrays, slot);
    const lower = array(arrays, slot + 1);
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      view.setUint32(at, upper[low + 1] as number);
      view.setUint32(at + 4, upper[low] as number);
      view.setUint32(at + 8, lower[low + 1] as number);
      view.setUint32(at + 12, lower[low] as number);
    }
  };
}

/** The low octet of a wider column; values that do not fit are counted. */
export function lowOctet(slot: number, { changed }: EncoderCounters): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    let cut = 0;
    for (let i = from; i < to; i++, at += stride) {
      const value = values[rows[i] as number] as number;
      if (value > 0xff) cut++;
      view.setUint8(at, value);
    }
    if (cut > 0) changed.flags_cut += cut;
  };
}

/** A four-octet column in two octets: `instead` for values that do not fit, which are counted as `change`. */
export function narrowed(slot: number, instead: number, change: Change, { changed }: EncoderCounters): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    let cut = 0;
    for (let i = from; i < to; i++, at += stride) {
      const value = values[rows[i] as number] as number;
      view.setUint16(at, value);
      if (value <= 0xffff) continue;
      view.setUint16(at, instead);
      cut++;
    }
    if (cut > 0) changed[change] += cut;
  };
}

/** A time column as seconds since the epoch in four octets (dateTimeSeconds). */
export function seconds(slot: number, { changed }: EncoderCounters): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      const micros = (values[low + 1] as number) * 4_294_967_296 + (values[low] as number);
      const whole = Math.floor(micros / 1e6);
      if (whole * 1e6 !== micros) changed.time_rounded++;
      view.setUint32(at, whole);
    }
  };
}

/** A time column as ms since the epoch in eight octets (dateTimeMilliseconds). */
export function milliseconds(slot: number, { changed }: EncoderCounters): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      const micros = (values[low + 1] as number) * 4_294_967_296 + (values[low] as number);
      const millis = Math.floor(micros / 1000);
      if (millis * 1000 !== micros) changed.time_rounded++;
      view.setUint32(at, millis / 4_294_967_296);
      view.setUint32(at + 4, millis);
    }
  };
}

/** Seconds from 1900 (NTP era 0) to 1970. */
const NTP_TO_UNIX = 2_208_988_800;

/** A time column in NTP format in eight octets (dateTimeMicroseconds and dateTimeNanoseconds, RFC 7011 sections 6.1.9 and 6.1.10). */
export function microseconds(slot: number): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      const micros = (values[low + 1] as number) * 4_294_967_296 + (values[low] as number);
      const seconds = Math.floor(micros / 1e6);
      view.setUint32(at, seconds + NTP_TO_UNIX);
      // Rounded up, because a reader rounds down: the µs come back as they were.
      view.setUint32(at + 4, Math.ceil(((micros - seconds * 1e6) * 4_294_967_296) / 1e6));
    }
  };
}

/**
 * A time column as sysUptime stamp in four octets. 0 says "unknown" to readers, so a flow of the very first ms is stamped 1. Times more than a week before
 * the message, or an hour after it, are clamped.
 */
export function uptimeStamp(slot: number, clock: MessageClock, { changed }: EncoderCounters): FieldWriter {
  return (view, at, stride, { arrays }, rows, from, to) => {
    const values = array(arrays, slot);
    const { exportMillis, uptime } = clock;
    for (let i = from; i < to; i++, at += stride) {
      const low = (rows[i] as number) * 2;
      const micros = (values[low + 1] as number) * 4_294_967_296 + (values[low] as number);
      const millis = Math.floor(micros / 1000);
      if (millis * 1000 !== micros) changed.time_rounded++;
      let ago = exportMillis - millis;
      if (ago > OLDEST || ago < -AHEAD) {
        ago = ago < 0 ? -AHEAD : OLDEST;
        changed.time_clamped++;
      }
      const stamp = uptime - ago;
      view.setUint32(at, stamp === 0 ? 1 : stamp);
    }
  };
}
