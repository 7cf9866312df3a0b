import type { Address } from '../../util/address.ts';
import { u16, u32 } from '../../util/octets.ts';
import { readDnsName, skipDnsName } from './dns-name.ts';

/**
 * DNS messages (RFC 1035 section 4), also those of multicast DNS (RFC 6762) and LLMNR (RFC 4795).
 *
 *      0  id                          16       question   name, type 16, class 16
 *      2  response 1, operation 4,             record     name, type 16, class 16, time to live 32,
 *         flags 7, response code 4                        length 16, data
 *      4  questions                   16
 *      6  answers                     16
 *      8  authority records           16
 *     10  additional records          16
 */
const HEADER = 12;
const RECORD_HEADER = 10;
const RESPONSE = 0x8000;
const OPERATION = 0x7800;

const TYPE_A = 1;
const TYPE_CNAME = 5;
const TYPE_AAAA = 28;
const CLASS_IN = 1;
/** In multicast DNS the top bit of a class asks for a unicast answer, or has caches forget (RFC 6762 sections 5.4 and 10.2). */
const CLASS_MASK = 0x7fff;
/** Internet, chaos, hesiod, none, any: anything else is another protocol on this port. */
const CLASSES: readonly number[] = [1, 3, 4, 254, 255];

/** Questions and records gone through in one message, at most. */
const MAX_ENTRIES = 64;
/** Longest chain of aliases followed. */
const MAX_ALIASES = 16;

/** An address that an answer told. */
export interface DnsAddress {
  readonly address: Address;
  /** The name that was asked for: where aliases (CNAME) lead from it to the address, their first. */
  readonly name: string;
  /** Seconds; the shortest of the chain. */
  readonly ttl: number;
}

export interface DnsMessage {
  readonly isResponse: boolean;
  /** The first name asked for. */
  readonly query: string | undefined;
  readonly addresses: readonly DnsAddress[];
}

interface Alias {
  readonly owner: string;
  readonly ttl: number;
}

/**
 * Reads the message in `bytes[start, end)`: the first question, and in a response what its answers tell of addresses (`additional`: its additional records
 * too, which is where multicast DNS has them). What is cut tells what came before the cut. Undefined where this is no query or response to one.
 */
export function readDnsMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  additional = false,
): DnsMessage | undefined {
  if (start + HEADER > end) return undefined;
  const flags = u16(bytes, start + 2);
  const questions = u16(bytes, start + 4);
  if ((flags & OPERATION) !== 0 || questions > MAX_ENTRIES) return undefined;
  let at = start + HEADER;
  let query: string | undefined;
  for (let i = 0; i < questions; i++) {
    const after = skipDnsName(bytes, at, end);
    if (after < 0 || after + 4 > end || !CLASSES.includes(u16(bytes, after + 2) & CLASS_MASK)) {
      if (query === undefined) return undefined;
      return { isResponse: (flags & RESPONSE) !== 0, query, addresses: [] };
    }
    if (i === 0) {
      query = readDnsName(bytes, at, start, end);
      if (query === undefined) return undefined;
    }
    at = after + 4;
  }
  if ((flags & RESPONSE) === 0) return { isResponse: false, query, addresses: [] };
  const answers = u16(bytes, start + 6);
  // Records of authority tell nothing, but stand before the additional ones.
  const all = answers + u16(bytes, start + 8) + u16(bytes, start + 10);
  const count = Math.min(additional ? all : answers, MAX_ENTRIES);
  return { isResponse: true, query, addresses: readAddresses(bytes, at, start, end, count) };
}

/** What the `count` records from `at` on tell of addresses. */
function readAddresses(bytes: Uint8Array, from: number, start: number, end: number, count: number): DnsAddress[] {
  const found: DnsAddress[] = [];
  const aliases = new Map<string, Alias>();
  /** Owners are mostly pointers to the same place: each is made into text once. */
  const names = new Map<number, string | undefined>();
  const ownerAt = (at: number): string | undefined => {
    const place = (bytes[at] as number) >= 0xc0 ? start + (u16(bytes, at) & 0x3fff) : at;
    // A pointer to what is not before it is none.
    if (place > at) return undefined;
    if (!names.has(place)) names.set(place, readDnsName(bytes, place, start, end));
    return names.get(place);
  };
  let at = from;
  for (let i = 0; i < count; i++) {
    const after = skipDnsName(bytes, at, end);
    if (after < 0 || after + RECORD_HEADER > end) break;
    const data = after + RECORD_HEADER;
    const length = u16(bytes, after + 8);
    if (data + length > end) break;
    const type = u16(bytes, after);
    const ttl = u32(bytes, after + 4);
    if ((u16(bytes, after + 2) & CLASS_MASK) === CLASS_IN) {
      if (type === TYPE_A && length === 4) {
        const name = ownerAt(at);
        if (name !== undefined) found.push({ address: [0, 0, 0xffff, u32(bytes, data)], name, ttl });
      } else if (type === TYPE_AAAA && length === 16) {
        const name = ownerAt(at);
        if (name !== undefined) found.push({ address: wordsAt(bytes, data), name, ttl });
      } else if (type === TYPE_CNAME) {
        const owner = ownerAt(at);
        const target = readDnsName(bytes, data, start, end);
        if (owner !== undefined && target !== undefined) aliases.set(target, { owner, ttl });
      }
    }
    at = data + length;
  }
  return aliases.size === 0 ? found : found.map((one) => followAliases(one, aliases));
}

function followAliases({ address, name, ttl }: DnsAddress, aliases: ReadonlyMap<string, Alias>): DnsAddress {
  let first = name;
  let shortest = ttl;
  for (let i = 0; i < MAX_ALIASES; i++) {
    const alias = aliases.get(first);
    if (alias === undefined) break;
    first = alias.owner;
    shortest = Math.min(shortest, alias.ttl);
  }
  return { address, name: first, ttl: shortest };
}

function wordsAt(bytes: Uint8Array, at: number): Address {
  return [u32(bytes, at), u32(bytes, at + 4), u32(bytes, at + 8), u32(bytes, at + 12)];
}
