/** Octets of a name that are kept at most: DNS names have 255, host names of TLS and HTTP are DNS names. */
export const LONGEST_NAME = 255;

const BACKSLASH = 0x5c;
/** What a person can read: letters with their marks, numbers, punctuation, symbols. Neither control characters nor those that turn the direction of text. */
const READABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;
const REPLACEMENT = '\ufffd';

/**
 * Text of `bytes[start, end)`, which somebody else has written: readable characters of UTF-8 as they are (names of multicast DNS are UTF-8, RFC 6762 section
 * 16), a backslash doubled, any other octet as `\DDD` (three decimal digits, RFC 1035 section 5.1). So a name never carries control characters
 * into a terminal, and never reads as another one.
 */
export function printable(bytes: Uint8Array, start: number, end: number): string {
  return escape(bytes, start, end, false);
}

/**
 * The same with ASCII letters in lower case: host names are equal whatever the case of their letters (RFC 4343). An octet that is `quoted` gets a backslash
 * before it: a dot within a label.
 */
export function printableName(bytes: Uint8Array, start: number, end: number, quoted = -1): string {
  return escape(bytes, start, end, true, quoted);
}

function escape(bytes: Uint8Array, start: number, end: number, isName: boolean, quoted = -1): string {
  let text = '';
  let at = start;
  while (at < end) {
    const octet = bytes[at] as number;
    if (octet < 0x80) {
      if (octet === quoted) text += '\\';
      text += asciiText(isName ? lowerCase(octet) : octet);
      at++;
      continue;
    }
    const length = characterLength(octet);
    const character = at + length <= end ? Buffer.from(bytes.subarray(at, at + length)).toString('utf8') : REPLACEMENT;
    const isReadable = character !== REPLACEMENT && READABLE.test(character);
    text += isReadable ? character : decimal(octet);
    at += isReadable ? length : 1;
  }
  return text;
}

/** Octets of the character of UTF-8 that begins with this octet. */
function characterLength(first: number): number {
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

function asciiText(octet: number): string {
  if (octet === BACKSLASH) return '\\\\';
  return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : decimal(octet);
}

function decimal(octet: number): string {
  return `\\${String(octet).padStart(3, '0')}`;
}

/** A letter of ASCII in lower case, any other octet as it is. */
function lowerCase(octet: number): number {
  return octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
}
