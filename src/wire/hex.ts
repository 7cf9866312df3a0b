/*
 * Export datagrams as hexadecimal text, in the shapes people paste them in:
 *
 *   0005001e…                       one datagram per line; `0x` in front, and spaces, `:`, `-`, `,` or `\x` between bytes, do no harm
 *   00000000: 0005 001e …  ....     offset dumps of xxd, hexdump -C and Wireshark: a datagram until the offset is 0 again
 *   0005001e…<newline>0000…         plain dumps of `xxd -p`: a line of at most 64 bytes that its own header shows to be only the
 *                                   beginning of a message goes on in the next line, until a shorter line ends it
 *
 * An empty line ends a datagram; `#` begins a comment.
 */
import { WeirError } from '../util/errors.ts';
import { viewOf } from '../util/octets.ts';

/** A line of the text may be as long as the largest datagram written with separators. */
const MAX_LINE = 400_000;
const MAX_DATAGRAM = 65_535;
/** Longest line of a plain dump that is taken for a part: `fold -w 128`. */
const MAX_WRAPPED = 64;
const OFFSET = /^(?:0x)?([0-9a-f]{4,16})(?::\s|:?\s{2,})(.*)$/i;
/** `hexdump -C` ends with the length alone on a line. */
const LAST_OFFSET = /^[0-9a-f]{7,16}$/i;
const SEPARATORS = /\\x|0x|[\s:,-]/gi;

/** One datagram of a hex text, with the line (from 1) where it begins. */
export interface HexDatagram {
  readonly bytes: Uint8Array;
  readonly line: number;
}

interface Open {
  readonly line: number;
  readonly parts: Uint8Array[];
  length: number;
  readonly width: number;
  readonly isDump: boolean;
  ended: boolean;
}

/**
 * Reads hex text, one datagram at a time, holding no more than a chunk, a line and a datagram.
 *
 * @throws WeirError WEIR_INPUT with the line number when a line is not hexadecimal, has half a byte, or a datagram is above 65,535 bytes
 */
export async function* readHex(source: AsyncIterable<Uint8Array>): AsyncGenerator<HexDatagram, void, undefined> {
  let open: Open | undefined;
  for await (const { text, number } of lines(source)) {
    const line = text.replace(/#[^]*$/, '').trim();
    if (line === '') {
      if (open !== undefined) yield close(open);
      open = undefined;
      continue;
    }
    if (open?.isDump === true && LAST_OFFSET.test(line)) continue;
    const dump = OFFSET.exec(line);
    const bytes = dump === null ? parseLine(line, number) : parseLine(dumpColumns(dump[2] ?? ''), number);
    const continues =
      open !== undefined &&
      (dump === null ? isContinuation(open, bytes) : open.isDump && Number.parseInt(dump[1] ?? '', 16) > 0);
    if (open !== undefined && continues) {
      open.parts.push(bytes);
      open.length += bytes.length;
      open.ended = bytes.length < open.width;
      if (open.length > MAX_DATAGRAM) throw tooLong(open.line);
      continue;
    }
    if (open !== undefined) yield close(open);
    if (bytes.length > MAX_DATAGRAM) throw tooLong(number);
    open = {
      line: number,
      parts: [bytes],
      length: bytes.length,
      width: bytes.length,
      isDump: dump !== null,
      ended: false,
    };
  }
  if (open !== undefined) yield close(open);
}

function close(open: Open): HexDatagram {
  return {
    bytes: open.parts.length === 1 ? (open.parts[0] ?? new Uint8Array()) : Buffer.concat(open.parts),
    line: open.line,
  };
}

function tooLong(line: number): WeirError {
  return new WeirError('WEIR_INPUT', `Line ${line}: a datagram of more than ${MAX_DATAGRAM} bytes.`, {
    hint: 'UDP carries no more; put an empty line between two datagrams.',
    details: { line },
  });
}

function parseLine(text: string, line: number): Uint8Array {
  const digits = text.replace(SEPARATORS, '');
  const wrong = digits.search(/[^0-9a-f]/i);
  if (wrong >= 0) {
    throw new WeirError('WEIR_INPUT', `Line ${line}: ${JSON.stringify(digits[wrong])} is no hexadecimal digit.`, {
      hint: 'Expected one datagram per line, like 0005001e…, or the output of xxd.',
      details: { line },
    });
  }
  if (digits.length % 2 !== 0) {
    throw new WeirError('WEIR_INPUT', `Line ${line}: ${digits.length} hexadecimal digits, half a byte too many.`, {
      hint: 'Expected two digits per byte; was the line cut?',
      details: { line },
    });
  }
  return Buffer.from(digits, 'hex');
}

/** The hex columns of a dump's line: without `|text|` at its end, or without what follows two spaces (hexdump -C has those inside, too). */
function dumpColumns(rest: string): string {
  const bar = rest.indexOf('|');
  if (bar >= 0) return rest.slice(0, bar);
  const columns = rest.trimStart();
  const gap = columns.search(/\s{2,}/);
  if (gap < 0) return columns;
  const before = columns.slice(0, gap);
  const after = columns.slice(gap).trim();
  // Eight bytes, a wide gap and eight more: a dump without a text column. xxd's text is never made of pairs of digits and blanks alone.
  return /^(?:[0-9a-f]{2} ){7}[0-9a-f]{2}$/i.test(before) && /^(?:[0-9a-f]{2} ?){1,8}(?:\s{2,}.*)?$/i.test(after)
    ? `${before} ${after.replace(/\s{2,}.*$/, '')}`
    : before;
}

/** Whether a plain line goes on with the datagram of the lines before it. */
function isContinuation(open: Open, bytes: Uint8Array): boolean {
  if (open.isDump || open.ended || open.width > MAX_WRAPPED || bytes.length > open.width) return false;
  const first = open.parts[0];
  return first !== undefined && open.length < statedLength(first);
}

/** How long a message must at least be, by what its first bytes state; 0 when they state nothing. */
function statedLength(bytes: Uint8Array): number {
  if (bytes.length < 16) return 0;
  const view = viewOf(bytes);
  const count = view.getUint16(2, false);
  switch (view.getUint16(0, false)) {
    case 0: // sFlow v5: four bytes of version, then at least a header and one sample.
      return view.getUint32(0, false) === 5 ? 100 : 0;
    case 1:
      return 16 + 52 * count;
    case 5:
      return 24 + 48 * count;
    case 6:
      return 24 + 52 * count;
    case 7:
      return 24 + 52 * count;
    case 8:
      return 28 + 28 * count;
    case 9: // The length of the first FlowSet, where it is in sight.
      return bytes.length >= 24 ? 20 + view.getUint16(22, false) : 24;
    case 10:
      return count;
    default:
      return 0;
  }
}

/** The lines of a text with their numbers from 1; CR LF, LF and a last line without end alike. */
async function* lines(source: AsyncIterable<Uint8Array>): AsyncGenerator<{ text: string; number: number }> {
  const decoder = new TextDecoder('latin1');
  let rest = '';
  let number = 0;
  for await (const chunk of source) {
    const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = pieces.pop() ?? '';
    for (const text of pieces) yield { text, number: ++number };
    if (rest.length > MAX_LINE) {
      throw new WeirError('WEIR_INPUT', `Line ${number + 1} is longer than ${MAX_LINE} characters.`, {
        hint: 'Expected hexadecimal text with one datagram per line.',
        details: { line: number + 1 },
      });
    }
  }
  if (rest !== '') yield { text: rest, number: number + 1 };
}
