import { readAddress } from './address-octets.ts';
import {
  ASSURED,
  BY_PROGRAM,
  type Connection,
  OFFLOADED,
  ORIGINAL_SOURCE,
  REPLY_SOURCE,
  UNREPLIED,
} from './connection.ts';
import { calendarSeconds, isDigit, number } from './conntrack-values.ts';

/*
 * Lines of conntrack(8) of conntrack-tools 1.4, as it prints them with `-L` and `-E`, whatever the `-o` (but xml and save), and of /proc/net/nf_conntrack:
 *
 *   [1795286504.033022]  [NEW] ipv4 2 tcp 6 120 SYN_SENT src=10.1.0.2 dst=203.0.113.2 sport=38844 dport=8080 [UNREPLIED] src=203.0.113.2
 *     dst=203.0.113.1 sport=8080 dport=38844 zone=7 delta-time=0 [start=Sat Nov 21 18:41:44 2026] id=3365103276
 *
 * A tuple of addresses and ports for each direction, counters after each, and around them words, KEY=VALUE and [FLAG]. What is not known is passed over:
 * versions differ. Times in words are UTC, as the program is run with TZ=UTC.
 */

const SPACE = 0x20;
const TAB = 0x09;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const EQUALS = 0x3d;

/**
 * Reads the line between `start` and `end` (without its newline) into `connection`. Returns false when it tells of no connection: no protocol, or not both
 * directions. Never throws; what `connection` holds then does not matter.
 */
export function readConntrackLine(bytes: Uint8Array, start: number, end: number, connection: Connection): boolean {
  reset(connection);
  /** 0 before the first tuple, 1 in the original direction, 2 in the reply. */
  let tuple = 0;
  /** Addresses seen, a bit each: source and destination of the original direction, then of the reply. */
  let addresses = 0;
  /** Numbers among the words before the first tuple: the protocol's comes first, after the name of a layer 3 the second. */
  let proto = -1;
  let skipsNumber = false;
  /** In an ICMP tuple whose id has not come. */
  let awaitsIcmpId = false;
  let p = start;
  while (p < end) {
    const first = bytes[p] as number;
    if (first === SPACE || first === TAB) {
      p++;
      continue;
    }
    const from = p;
    if (first === OPEN) {
      while (p < end && bytes[p] !== CLOSE) p++;
      readBracket(bytes, from + 1, p, connection);
      p++;
      continue;
    }
    let equals = -1;
    for (; p < end; p++) {
      const byte = bytes[p] as number;
      if (byte === SPACE || byte === TAB) break;
      if (byte === EQUALS && equals < 0) equals = p;
    }
    if (equals < 0) {
      if (tuple > 0) continue;
      if (!isDigit(first)) skipsNumber = p - from === 4 && isLayer3(bytes, from);
      else if (skipsNumber) skipsNumber = false;
      else if (proto < 0) proto = number(bytes, from, p);
      continue;
    }
    const value = equals + 1;
    const at = tuple === 2 ? REPLY_SOURCE : ORIGINAL_SOURCE;
    switch (keyOf(bytes, from, equals)) {
      case KEY.src:
        if (++tuple > 2) return false;
        if (!readAddress(bytes, value, p, connection.addresses, tuple === 2 ? REPLY_SOURCE : ORIGINAL_SOURCE))
          return false;
        addresses |= tuple === 2 ? 4 : 1;
        break;
      case KEY.dst:
        if (tuple === 0 || !readAddress(bytes, value, p, connection.addresses, at + 4)) return false;
        addresses |= tuple === 2 ? 8 : 2;
        break;
      case KEY.sport:
      case KEY.srckey:
        if (tuple === 2) connection.replySourcePort = number(bytes, value, p) & 0xffff;
        else connection.originalSourcePort = number(bytes, value, p) & 0xffff;
        break;
      case KEY.dport:
      case KEY.dstkey:
        if (tuple === 2) connection.replyDestinationPort = number(bytes, value, p) & 0xffff;
        else connection.originalDestinationPort = number(bytes, value, p) & 0xffff;
        break;
      case KEY.type:
        awaitsIcmpId = true;
        if (tuple === 2) connection.replyIcmpType = number(bytes, value, p) & 0xff;
        else connection.icmpType = number(bytes, value, p) & 0xff;
        break;
      case KEY.code:
        if (tuple === 2) connection.replyIcmpCode = number(bytes, value, p) & 0xff;
        else connection.icmpCode = number(bytes, value, p) & 0xff;
        break;
      case KEY.id:
        if (!awaitsIcmpId) connection.id = number(bytes, value, p);
        else if (tuple === 2) connection.replyDestinationPort = number(bytes, value, p) & 0xffff;
        else connection.originalSourcePort = number(bytes, value, p) & 0xffff;
        awaitsIcmpId = false;
        break;
      case KEY.packets:
        connection.hasCounters = true;
        if (tuple === 2) connection.replyPackets = number(bytes, value, p);
        else connection.packets = number(bytes, value, p);
        break;
      case KEY.bytes:
        if (tuple === 2) connection.replyBytes = number(bytes, value, p);
        else connection.bytes = number(bytes, value, p);
        break;
      case KEY.mark:
        connection.mark = number(bytes, value, p) >>> 0;
        break;
      case KEY.zone:
        connection.zone = number(bytes, value, p) & 0xffff;
        connection.replyZone = connection.zone;
        break;
      case KEY.zoneOrig:
        connection.zone = number(bytes, value, p) & 0xffff;
        break;
      case KEY.zoneReply:
        connection.replyZone = number(bytes, value, p) & 0xffff;
        break;
      case KEY.delta:
        connection.lifeSeconds = number(bytes, value, p);
        break;
    }
  }
  if (addresses !== 15 || proto < 0 || proto > 255) return false;
  connection.proto = proto;
  connection.isIpv6 = !(
    connection.addresses[2] === 0xffff &&
    connection.addresses[1] === 0 &&
    connection.addresses[0] === 0
  );
  return true;
}

function reset(connection: Connection): void {
  connection.kind = 'listed';
  connection.originalSourcePort = 0;
  connection.originalDestinationPort = 0;
  connection.replySourcePort = 0;
  connection.replyDestinationPort = 0;
  connection.icmpType = 0;
  connection.icmpCode = 0;
  connection.replyIcmpType = 0;
  connection.replyIcmpCode = 0;
  connection.id = 0;
  connection.mark = 0;
  connection.zone = 0;
  connection.replyZone = 0;
  connection.flags = 0;
  connection.hasCounters = false;
  connection.packets = 0;
  connection.bytes = 0;
  connection.replyPackets = 0;
  connection.replyBytes = 0;
  connection.eventMicros = 0;
  connection.startSeconds = 0;
  connection.stopSeconds = 0;
  connection.lifeSeconds = -1;
}

const KEY = {
  none: 0,
  src: 1,
  dst: 2,
  sport: 3,
  dport: 4,
  type: 5,
  code: 6,
  id: 7,
  packets: 8,
  bytes: 9,
  mark: 10,
  zone: 11,
  zoneOrig: 12,
  zoneReply: 13,
  delta: 14,
  srckey: 15,
  dstkey: 16,
} as const;

/** Names by length, so that few are compared. */
const KEYS: readonly (readonly (readonly [octets: Uint8Array, key: number])[])[] = byLength({
  src: KEY.src,
  dst: KEY.dst,
  sport: KEY.sport,
  dport: KEY.dport,
  type: KEY.type,
  code: KEY.code,
  id: KEY.id,
  packets: KEY.packets,
  bytes: KEY.bytes,
  mark: KEY.mark,
  zone: KEY.zone,
  'zone-orig': KEY.zoneOrig,
  'zone-reply': KEY.zoneReply,
  'delta-time': KEY.delta,
  srckey: KEY.srckey,
  dstkey: KEY.dstkey,
});

function byLength(names: Readonly<Record<string, number>>): (readonly [Uint8Array, number])[][] {
  const table: (readonly [Uint8Array, number])[][] = [];
  for (const [name, key] of Object.entries(names)) {
    while (table.length <= name.length) table.push([]);
    table[name.length]?.push([Buffer.from(name, 'latin1'), key]);
  }
  return table;
}

function keyOf(bytes: Uint8Array, from: number, to: number): number {
  const candidates = KEYS[to - from];
  if (candidates === undefined) return KEY.none;
  for (let i = 0; i < candidates.length; i++) {
    const [octets, key] = candidates[i] as readonly [Uint8Array, number];
    if (startsWith(bytes, from, octets)) return key;
  }
  return KEY.none;
}

/** Whether `octets` stand at `from`. */
function startsWith(bytes: Uint8Array, from: number, octets: Uint8Array): boolean {
  for (let i = 0; i < octets.length; i++) if (bytes[from + i] !== octets[i]) return false;
  return true;
}

const word = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const [NEW, UPDATE, DESTROY] = [word('NEW]'), word('UPDATE]'), word('DESTROY]')];
const [START, STOP] = [word('start='), word('stop=')];
const FLAGS: readonly (readonly [Uint8Array, number])[] = [
  [word('UNREPLIED]'), UNREPLIED],
  [word('ASSURED]'), ASSURED],
  [word('OFFLOAD]'), OFFLOADED],
  [word('HW_OFFLOAD]'), OFFLOADED],
  [word('USERSPACE]'), BY_PROGRAM],
];

/** What stands in brackets: the time, the event, a flag, or a time of the kernel. `end` is where the bracket closes. */
function readBracket(bytes: Uint8Array, from: number, end: number, connection: Connection): void {
  if (isDigit(bytes[from] ?? 0)) {
    let dot = from;
    while (dot < end && isDigit(bytes[dot] as number)) dot++;
    connection.eventMicros = number(bytes, from, dot) * 1e6 + number(bytes, dot + 1, end);
    return;
  }
  if (startsWith(bytes, from, NEW)) connection.kind = 'new';
  else if (startsWith(bytes, from, UPDATE)) connection.kind = 'update';
  else if (startsWith(bytes, from, DESTROY)) connection.kind = 'destroy';
  else if (startsWith(bytes, from, START)) connection.startSeconds = calendarSeconds(bytes, from + START.length, end);
  else if (startsWith(bytes, from, STOP)) connection.stopSeconds = calendarSeconds(bytes, from + STOP.length, end);
  else for (const [octets, flag] of FLAGS) if (startsWith(bytes, from, octets)) connection.flags |= flag;
}

/** `ipv4` or `ipv6`, the name before its own number. */
function isLayer3(bytes: Uint8Array, from: number): boolean {
  return bytes[from] === 0x69 && bytes[from + 1] === 0x70 && bytes[from + 2] === 0x76;
}
