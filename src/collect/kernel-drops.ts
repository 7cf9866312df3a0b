import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { endianness } from 'node:os';
import { type Address, parseAddress } from '../util/address.ts';

/** What the kernel says of a bound UDP socket. */
export interface SocketCounters {
  /** Datagrams that arrived and were dropped because the receive buffer was full (or the checksum wrong), since the socket was made. */
  readonly drops: number;
  /** Memory of the receive buffer now in use, in bytes as the kernel accounts them: more than the datagrams' own bytes. */
  readonly queuedBytes: number;
}

/** Where a socket is bound, as `dgram.Socket.address()` tells it. */
export interface BoundAddress {
  readonly address: string;
  readonly family: 'IPv4' | 'IPv6';
  readonly port: number;
}

/** The two ways into /proc, handed in by tests. */
export interface ProcFiles {
  /** The text of a file. */
  readonly read: (path: string) => string;
  /** The targets of the links in a folder; those that cannot be read are left out. */
  readonly links: (path: string) => readonly string[];
}

/**
 * Returns a function that reads the counters of the socket that this process has bound at `bound`, or undefined where the kernel
 * does not tell (not Linux, no /proc). It costs one read of /proc/net/udp or udp6, some 60 µs with few sockets on the machine: meant to
 * be called about once a second.
 *
 * Node does not give out a socket's file descriptor, so the socket is found among those of the process (/proc/self/fd) by family, local
 * address and port, once; from then on it is told from the sockets of other processes on the same port by its inode. Should this process have bound
 * several sockets to the very same address and port, their sum is returned. The kernel's count has 32 bits; its wrapping is undone,
 * given a call at least every 2^32 drops.
 */
export function socketCounterReader(
  bound: BoundAddress,
  files: ProcFiles = procFiles,
): () => SocketCounters | undefined {
  const path = bound.family === 'IPv6' ? '/proc/net/udp6' : '/proc/net/udp';
  const address = parseAddress(bound.address, { zone: 'strip' });
  if (address === undefined) return () => undefined;
  const local = `${hexOf(address, bound.family)}:${bound.port.toString(16).toUpperCase().padStart(4, '0')}`;
  const own = new Set<string>();
  for (const link of files.links('/proc/self/fd')) {
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined) own.add(inode);
  }
  const seen = new Map<string, { base: number; last: number }>();

  return () => {
    let text: string;
    try {
      text = files.read(path);
    } catch {
      return undefined;
    }
    let found = false;
    let drops = 0;
    let queuedBytes = 0;
    for (let at = text.indexOf(local); at >= 0; at = text.indexOf(local, at + 1)) {
      // sl local remote st tx:rx tr:tm->when retrnsmt uid timeout inode ref pointer drops
      const end = text.indexOf('\n', at);
      const fields = text
        .slice(at, end < 0 ? undefined : end)
        .trim()
        .split(/\s+/);
      const inode = fields[8];
      const count = Number(fields[11]) >>> 0;
      // The text could also be found in the column of remote addresses; then there are fewer fields behind it.
      if (inode === undefined || fields.length < 12 || (own.size > 0 && !own.has(inode))) continue;
      found = true;
      queuedBytes += Number.parseInt(fields[3]?.split(':')[1] ?? '0', 16);
      const before = seen.get(inode) ?? { base: 0, last: 0 };
      if (count < before.last) before.base += 2 ** 32;
      before.last = count;
      seen.set(inode, before);
      drops += before.base + count;
    }
    return found ? { drops, queuedBytes } : undefined;
  };
}

/** An address as /proc/net writes it: each 32-bit word in hexadecimal as this machine reads it from network order. */
function hexOf(address: Address, family: 'IPv4' | 'IPv6'): string {
  const swap = endianness() === 'LE';
  return (family === 'IPv6' ? address : [address[3]])
    .map((word) => {
      const value = swap
        ? (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0
        : word;
      return value.toString(16).toUpperCase().padStart(8, '0');
    })
    .join('');
}

const procFiles: ProcFiles = {
  read: (path) => readFileSync(path, 'latin1'),
  links: (path) => {
    try {
      return readdirSync(path).flatMap((name) => {
        try {
          return [readlinkSync(`${path}/${name}`)];
        } catch {
          return []; // closed in between, as the descriptor of this very listing is
        }
      });
    } catch {
      return [];
    }
  },
};
