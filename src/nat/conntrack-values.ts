/* Values in conntrack's lines: octets in, numbers out. */

const SPACE = 0x20;
const LETTER_X = 0x78;

/** Months by their second and third letters, which tell them apart. */
const MONTHS: ReadonlyMap<number, number> = new Map(
  ['an', 'eb', 'ar', 'pr', 'ay', 'un', 'ul', 'ug', 'ep', 'ct', 'ov', 'ec'].map((two, month) => [
    two.charCodeAt(0) * 256 + two.charCodeAt(1),
    month,
  ]),
);

/** `Sat Nov 21 18:41:44 2026` (UTC) as seconds since the epoch; 0 when it is none. */
export function calendarSeconds(bytes: Uint8Array, from: number, end: number): number {
  if (end - from !== 24) return 0;
  const month = MONTHS.get((bytes[from + 5] as number) * 256 + (bytes[from + 6] as number));
  const day = number(bytes, bytes[from + 8] === SPACE ? from + 9 : from + 8, from + 10);
  const hour = number(bytes, from + 11, from + 13);
  const minute = number(bytes, from + 14, from + 16);
  const second = number(bytes, from + 17, from + 19);
  const year = number(bytes, from + 20, from + 24);
  if (month === undefined || day < 1 || year < 1970) return 0;
  return Date.UTC(year, month, day, hour, minute, second) / 1000;
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Digits, or hexadecimal ones after 0x, up to the first other octet. */
export function number(bytes: Uint8Array, from: number, end: number): number {
  if (bytes[from] === 0x30 && bytes[from + 1] === LETTER_X && from + 2 < end) return hexadecimal(bytes, from + 2, end);
  let value = 0;
  for (let p = from; p < end; p++) {
    const digit = (bytes[p] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

function hexadecimal(bytes: Uint8Array, from: number, end: number): number {
  let value = 0;
  for (let p = from; p < end; p++) {
    const byte = bytes[p] as number;
    const lower = byte | 0x20;
    const digit = isDigit(byte) ? byte - 0x30 : lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
    if (digit < 0) break;
    value = value * 16 + digit;
  }
  return value;
}
