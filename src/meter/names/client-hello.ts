import { u16 } from '../../util/octets.ts';
import { LONGEST_NAME, printable, printableName } from './name-text.ts';
import { LONGEST_PREFIX, type Progress } from './progress.ts';

/**
 * ClientHello (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2), of TLS and of QUIC.
 *
 *      0  type 8 = 1, length 24
 *      4  version 16, random 256
 *     38  session id 8 + …, cipher suites 16 + …, compression methods 8 + …, extensions 16 + …
 *
 *     extension                      server_name (0, RFC 6066 section 3)      application_layer_protocol_negotiation (16, RFC 7301 section 3.1)
 *      0  type 16, length 16          0  length of the list 16                 0  length of the list 16
 *                                     2  type 8: 0 host_name, length 16, name  2  length 8, name, again and again
 */
const CLIENT_HELLO = 1;
const HEADER = 4;
const SESSION_ID = HEADER + 2 + 32;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const ALPN = 16;
const MAX_EXTENSIONS = 128;
const MAX_PROTOCOLS = 16;

/** What a client says of where it wants to: '' where it has not. With ECH the name is that of the client-facing server. */
export interface ClientHello {
  serverName: string;
  /** Protocols offered, with commas between; those of GREASE (RFC 8701), which mean nothing, left out. */
  alpn: string;
}

/**
 * Reads a handshake message from its header on. Of a message that goes on behind `end` it reads the extensions that are whole. A message longer than
 * `LONGEST_PREFIX` is `none`.
 */
export function readClientHello(bytes: Uint8Array, start: number, end: number, out: ClientHello): Progress {
  if (start >= end) return 'more';
  if (bytes[start] !== CLIENT_HELLO) return 'none';
  if (start + HEADER > end) return 'more';
  const length = ((bytes[start + 1] as number) << 16) | u16(bytes, start + 2);
  if (length < SESSION_ID - HEADER || length > LONGEST_PREFIX) return 'none';
  const messageEnd = start + HEADER + length;
  const isWhole = messageEnd <= end;
  const limit = isWhole ? messageEnd : end;
  const extensions = extensionsAt(bytes, start + SESSION_ID, limit);
  if (extensions < 0) return isWhole ? 'done' : 'more';
  readExtensions(bytes, extensions, limit, out);
  return isWhole || (out.serverName !== '' && out.alpn !== '') ? 'done' : 'more';
}

/** Where the first extension begins; -1 where there is none before `end`. */
function extensionsAt(bytes: Uint8Array, sessionId: number, end: number): number {
  if (sessionId >= end) return -1;
  const suites = sessionId + 1 + (bytes[sessionId] as number);
  if (suites + 2 > end) return -1;
  const compression = suites + 2 + u16(bytes, suites);
  if (compression >= end) return -1;
  const extensions = compression + 1 + (bytes[compression] as number);
  return extensions + 2 <= end ? extensions + 2 : -1;
}

function readExtensions(bytes: Uint8Array, from: number, end: number, out: ClientHello): void {
  let at = from;
  for (let i = 0; i < MAX_EXTENSIONS && at + 4 <= end; i++) {
    const type = u16(bytes, at);
    const data = at + 4;
    at = data + u16(bytes, at + 2);
    if (at > end) return;
    if (type === SERVER_NAME) out.serverName = readServerName(bytes, data, at);
    else if (type === ALPN) out.alpn = readProtocols(bytes, data, at);
  }
}

function readServerName(bytes: Uint8Array, start: number, end: number): string {
  if (start + 5 > end || bytes[start + 2] !== HOST_NAME) return '';
  const length = u16(bytes, start + 3);
  const name = start + 5;
  if (name + length > end || length > LONGEST_NAME) return '';
  return printableName(bytes, name, name + length);
}

function readProtocols(bytes: Uint8Array, start: number, end: number): string {
  const protocols: string[] = [];
  let at = start + 2;
  while (at < end && protocols.length < MAX_PROTOCOLS) {
    const name = at + 1;
    at = name + (bytes[at] as number);
    if (at > end) break;
    if (!isGrease(bytes, name, at)) protocols.push(printable(bytes, name, at));
  }
  return protocols.join(',');
}

/** Names of two equal octets 0a, 1a … fa. */
function isGrease(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start === 2 && ((bytes[start] as number) & 0x0f) === 0x0a && bytes[start] === bytes[start + 1];
}
