import { readFile } from 'node:fs/promises';
import { type Address, addressKey, compareAddress, formatAddress, parseAddress } from '../util/address.ts';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { formatPrefix, makePrefix, type Prefix, parsePrefix, V4_OFFSET } from '../util/prefix.ts';
import { PrefixTable } from '../util/prefix-table.ts';

/*
 * The senders from which datagrams are taken. An entry is one of
 *
 *   10.0.0.1          2001:db8::1             the host, from any port
 *   10.0.0.0/8        2001:db8::/32           the network; also 10.0.0.0/255.0.0.0
 *   10.0.0.1/1337     2001:db8::1/1337        the host, from this source port only
 *   10.0.0.1:1337     [2001:db8::1]:1337      the same
 *
 * A number after the slash is a prefix length as long as it can be one: up to 32 after IPv4, up to 128 after IPv6. A greater one is a
 * port. A port that small is written with the colon. A network with host bits set (10.0.0.1/24) could mean either, so it is refused.
 * IPv6 networks never hold IPv4 senders: `::/0` is every IPv6 sender, `0.0.0.0/0` every IPv4 one.
 */

/** Who may send. */
export interface AllowList {
  /** How many entries it was made from. */
  readonly size: number;
  /** Whether datagrams from this address (unsigned words) and UDP port are taken. Allocates nothing for IPv4. */
  allows(w0: number, w1: number, w2: number, w3: number, port: number): boolean;
}

/** An entry with the line of the file that it stands in. */
export interface AllowListLine {
  readonly text: string;
  readonly line: number;
}

interface Entry {
  readonly prefix: Prefix;
  /** Undefined: any port. */
  readonly port: number | undefined;
}

/**
 * Makes an allow-list of entries (forms above). `where` is the file or option they come from, for messages. An empty list would refuse
 * everyone and is an error; to accept everyone, have no allow-list.
 * Throws WEIR_ALLOW_LIST for the first entry that is wrong; `details` has `where`, `entry` and, when known, `line`.
 */
export function parseAllowList(entries: Iterable<string | AllowListLine>, where: string): AllowList {
  const ports = new Map<number | string, Set<number>>();
  // IPv4 is inside ::/0 in the 128-bit form; this keeps it out unless an IPv4 entry, which is longer or comes later, lets it in.
  const networks: [Prefix, boolean][] = [[makePrefix([0, 0, 0xffff, 0], V4_OFFSET), false]];
  let size = 0;
  for (const one of entries) {
    const text = typeof one === 'string' ? one : one.text;
    const { prefix, port } = parseEntry(text.trim(), where, typeof one === 'string' ? undefined : one.line);
    size++;
    if (port === undefined) {
      networks.push([prefix, true]);
    } else {
      const key = addressKey(...prefix.address);
      const set = ports.get(key);
      if (set === undefined) ports.set(key, new Set([port]));
      else set.add(port);
    }
  }
  if (size === 0) {
    throw new WeirError('WEIR_ALLOW_LIST', `${where} has no entries, so every sender would be refused`, {
      hint: 'list the exporters, one address or network each; 0.0.0.0/0 and ::/0 accept everyone',
      details: { where },
    });
  }
  const table = new PrefixTable(networks);
  return {
    size,
    allows: (w0, w1, w2, w3, port) =>
      table.lookup(w0, w1, w2, w3) === true ||
      (ports.size > 0 && ports.get(addressKey(w0, w1, w2, w3))?.has(port) === true),
  };
}

/**
 * Reads an allow-list file: one entry per line, `#` starts a comment, empty lines are skipped. Rejects with WEIR_ALLOW_LIST when the
 * file cannot be read or an entry is wrong; whoever reloads keeps the list it had.
 */
export async function loadAllowListFile(path: string): Promise<AllowList> {
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (error) {
    const code = systemCode(error);
    throw new WeirError('WEIR_ALLOW_LIST', `the allow-list ${path} cannot be read: ${messageOf(error)}`, {
      hint:
        code === 'ENOENT'
          ? 'create it with one address or network per line, or take it out of the configuration'
          : `make it readable for the user that runs weir: ls -l ${path}`,
      details: { where: path },
      cause: error,
    });
  }
  const lines = content
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((text, index) => ({ text: text.replace(/#.*/, '').trim(), line: index + 1 }))
    .filter(({ text }) => text !== '');
  return parseAllowList(lines, path);
}

function parseEntry(text: string, where: string, line: number | undefined): Entry {
  const fail = (problem: string, hint: string): WeirError =>
    new WeirError('WEIR_ALLOW_LIST', `${where}${line === undefined ? '' : `:${line}`}: "${text}" ${problem}`, {
      hint,
      details: { where, entry: text, ...(line === undefined ? {} : { line }) },
    });

  const colon = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text);
  if (colon !== null && (colon[1] !== undefined || colon[3] !== undefined)) {
    const inside = colon[1] ?? colon[2] ?? '';
    const address = parseAddress(inside);
    // Brackets belong to IPv6 and to nothing else.
    if (address === undefined || (colon[1] !== undefined) !== inside.includes(':')) throw fail(...notAnAddress(inside));
    return { prefix: makePrefix(address, 128), port: colon[3] === undefined ? undefined : port(colon[3], fail) };
  }

  const slash = text.indexOf('/');
  const addressText = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined) throw fail(...notAnAddress(addressText));
  if (slash < 0) return { prefix: makePrefix(address, 128), port: undefined };

  const rest = text.slice(slash + 1);
  const v6 = addressText.includes(':');
  const longest = v6 ? 128 : 32;
  if (/^\d+$/.test(rest) && Number(rest) > longest) return { prefix: makePrefix(address, 128), port: port(rest, fail) };

  const prefix = parsePrefix(text);
  if (prefix === undefined) {
    throw fail(
      `has "${rest}" after the slash`,
      `expected a prefix length (0–${longest}), a port (${longest + 1}–65535)${v6 ? '' : ' or a mask such as 255.255.255.0'}`,
    );
  }
  if (compareAddress(prefix.address, address) !== 0) {
    const host = formatAddress(...address);
    const ofPort =
      /^\d+$/.test(rest) && Number(rest) > 0
        ? `, or ${v6 ? `[${host}]` : host}:${rest} for that source port of the host`
        : '';
    throw fail(
      'has bits set after its prefix',
      `did you mean ${formatPrefix(prefix)} for the network, ${host} for the host${ofPort}?`,
    );
  }
  return { prefix, port: undefined };
}

function port(text: string, fail: (problem: string, hint: string) => WeirError): number {
  const value = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 65_535) throw fail(`has "${text}" where a port is expected`, 'a port is 1–65535');
  return value;
}

function notAnAddress(text: string): [problem: string, hint: string] {
  if (text.includes('%'))
    return ['has a zone', `leave out ${text.slice(text.indexOf('%'))}: senders are known by address alone`];
  if (/[g-z]/i.test(text) && !text.includes(':')) {
    return ['is not an address', 'names are not resolved here: write the address that the exporter sends from'];
  }
  return [
    'is not an address',
    'expected an address (10.0.0.1, 2001:db8::1), a network (10.0.0.0/8, 2001:db8::/32) or an address and port (10.0.0.1/1337, [2001:db8::1]:1337)',
  ];
}

/** What was refused from one address. */
export interface RefusedCount {
  /** The address as text, or `other` for all that came after the table was full. */
  readonly address: string;
  datagrams: number;
  bytes: number;
  connections: number;
}

/**
 * Refused datagrams and connections by address, of the first `limit` addresses that were refused; the rest is counted under `other`, because source
 * addresses can be forged and must not fill memory.
 */
export class RefusedSenders {
  readonly #limit: number;
  readonly #counts = new Map<number | string, RefusedCount>();
  readonly #other: RefusedCount = { address: 'other', datagrams: 0, bytes: 0, connections: 0 };

  constructor(limit = 4096) {
    this.#limit = limit;
  }

  /** The counter to add to for this address; valid for ever, so a caller may keep it. */
  counterOf([w0, w1, w2, w3]: Address): RefusedCount {
    const key = addressKey(w0, w1, w2, w3);
    let count = this.#counts.get(key);
    if (count === undefined) {
      if (this.#counts.size >= this.#limit) return this.#other;
      count = { address: formatAddress(w0, w1, w2, w3), datagrams: 0, bytes: 0, connections: 0 };
      this.#counts.set(key, count);
    }
    return count;
  }

  /** All counts, the most datagrams and connections first; `other` last, when there is any. */
  list(): readonly Readonly<RefusedCount>[] {
    const total = ({ datagrams, connections }: RefusedCount): number => datagrams + connections;
    const counts = [...this.#counts.values()].sort((a, b) => total(b) - total(a));
    return total(this.#other) > 0 ? [...counts, this.#other] : counts;
  }
}
