import { LONGEST_NAME, printable, printableName } from './name-text.ts';
import type { Progress } from './progress.ts';

/**
 * HTTP/1 requests (RFC 9112): `GET /target HTTP/1.1`, then fields `Name: value`, up to an empty line. Lines end with CR LF, or LF alone.
 */
const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;
const LF = 0x0a;
const COLON = 0x3a;
const VERSION = ' HTTP/1.';
const HOST = 'host';

/** Octets of a request target that are kept. */
const LONGEST_TARGET = 256;
/** IANA, "HTTP Method Registry": the longest one has 17 letters. */
const LONGEST_METHOD = 17;
/** Methods by which a request is known before the end of its first line, with the version, is there. */
// biome-ignore format: a list
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND', 'REPORT']);

/** '' stands for what the request does not tell. */
export interface HttpRequest {
  method: string;
  /** As sent, the first 256 octets. */
  target: string;
  /** In lower case, with the port where one was sent. */
  host: string;
}

/** Reads the request at the beginning of a stream: its first line, and then its fields until `Host`. */
export function readHttpRequest(bytes: Uint8Array, start: number, end: number, out: HttpRequest): Progress {
  const methodEnd = endOfMethod(bytes, start, end);
  if (methodEnd < 0) return 'none';
  const lineEnd = endOfLine(bytes, start, end);
  const method = printable(bytes, start, methodEnd);
  if (lineEnd < 0) {
    // A method that is cut may yet become one.
    if (methodEnd < end ? !METHODS.has(method) : ![...METHODS].some((known) => known.startsWith(method))) return 'none';
    if (methodEnd === end) return 'more';
  }
  const target = methodEnd + 1;
  const targetEnd = lineEnd < 0 ? end : targetEndOf(bytes, target, lineEnd);
  if (targetEnd < 0) return 'none';
  out.method = method;
  // A target is shown although it may go on: only its beginning is kept anyway.
  out.target = printable(bytes, target, Math.min(endOfWord(bytes, target, targetEnd), target + LONGEST_TARGET));
  return lineEnd < 0 ? 'more' : readFields(bytes, lineEnd + 1, end, out);
}

/** Where capital letters and hyphens end with a space, or with `end`; -1 where something else stands. */
function endOfMethod(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (; at < end && at - start <= LONGEST_METHOD; at++) {
    const octet = bytes[at] as number;
    if (octet === SPACE) return at > start ? at : -1;
    if ((octet < 0x41 || octet > 0x5a) && octet !== 0x2d) return -1;
  }
  return at === end && at > start ? at : -1;
}

/** Where the line feed is; -1 where there is none. */
function endOfLine(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes.subarray(start, end).indexOf(LF);
  return at < 0 ? -1 : start + at;
}

/** Where the target ends in a whole request line; -1 where this is none. */
function targetEndOf(bytes: Uint8Array, target: number, lineEnd: number): number {
  const end = bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
  // The version has one digit behind the dot.
  const version = end - VERSION.length - 1;
  if (version <= target) return -1;
  for (let i = 0; i < VERSION.length; i++) if (bytes[version + i] !== VERSION.charCodeAt(i)) return -1;
  return version;
}

function endOfWord(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== SPACE && bytes[at] !== CR) at++;
  return at;
}

function readFields(bytes: Uint8Array, from: number, end: number, out: HttpRequest): Progress {
  let at = from;
  for (;;) {
    const lineEnd = endOfLine(bytes, at, end);
    if (lineEnd < 0) return 'more';
    if (lineEnd === at || (bytes[at] === CR && lineEnd === at + 1)) return 'done';
    if (isHost(bytes, at, lineEnd)) {
      let first = at + HOST.length + 1;
      let last = lineEnd;
      while (first < last && isBlank(bytes[first] as number)) first++;
      while (last > first && isBlank(bytes[last - 1] as number)) last--;
      out.host = printableName(bytes, first, Math.min(last, first + LONGEST_NAME));
      return 'done';
    }
    at = lineEnd + 1;
  }
}

function isHost(bytes: Uint8Array, at: number, lineEnd: number): boolean {
  if (at + HOST.length >= lineEnd || bytes[at + HOST.length] !== COLON) return false;
  for (let i = 0; i < HOST.length; i++) if (((bytes[at + i] as number) | 0x20) !== HOST.charCodeAt(i)) return false;
  return true;
}

function isBlank(octet: number): boolean {
  return octet === SPACE || octet === TAB || octet === CR;
}
