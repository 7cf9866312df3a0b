import { formatAddress } from '../util/address.ts';

/** Where the four addresses of a connection begin in `Connection.addresses`, in words. */
export const ORIGINAL_SOURCE = 0;
export const ORIGINAL_DESTINATION = 4;
export const REPLY_SOURCE = 8;
export const REPLY_DESTINATION = 12;
const ADDRESS_WORDS = 16;

/** What a line of conntrack(8) is: an entry of the table, or an event. */
export type EntryKind = 'listed' | 'new' | 'update' | 'destroy';

/** IPS_ flags of the kernel that conntrack(8) prints, and who destroyed the connection. */
export const UNREPLIED = 1;
export const ASSURED = 2;
export const OFFLOADED = 4;
/** Deleted by a program (`conntrack -D`, `-F`), not by its end or its timeout. */
export const BY_PROGRAM = 8;

export const ICMP = 1;
export const ICMPV6 = 58;

/**
 * A tracked connection, as numbers. One object is used for many connections: who wants to keep something copies it.
 *
 * The original direction is that of the first packet, as it came in; the reply direction is how answers come in. Without translation the one is the
 * other turned around.
 */
export class Connection {
  kind: EntryKind = 'listed';
  /** IP protocol number. */
  proto = 0;
  isIpv6 = false;
  /** Four addresses of four words each in network order, IPv4 as ::ffff:a.b.c.d; see ORIGINAL_SOURCE and so on. */
  readonly addresses = new Uint32Array(ADDRESS_WORDS);
  /** Ports, or keys of GRE; ICMP's query id stands in `originalSourcePort` and, translated, `replyDestinationPort`. 0 where the protocol has none. */
  originalSourcePort = 0;
  originalDestinationPort = 0;
  replySourcePort = 0;
  replyDestinationPort = 0;
  icmpType = 0;
  icmpCode = 0;
  replyIcmpType = 0;
  replyIcmpCode = 0;
  /** The kernel's number of the connection, 0 when not told. Connections that exist at the same time may have the same. */
  id = 0;
  mark = 0;
  /** Of the original and of the reply direction; 0 is the usual one. */
  zone = 0;
  replyZone = 0;
  /** UNREPLIED, ASSURED … */
  flags = 0;
  /** Whether counters were told (`nf_conntrack_acct`). */
  hasCounters = false;
  /** Packets and octets (layer 3) of the whole connection, up to now. */
  packets = 0;
  bytes = 0;
  replyPackets = 0;
  replyBytes = 0;
  /** When conntrack(8) read the event, µs since the epoch; 0 of listed entries. */
  eventMicros = 0;
  /** The kernel's own times (`nf_conntrack_timestamp`), whole seconds since the epoch; 0 when not told. */
  startSeconds = 0;
  stopSeconds = 0;
  /** The kernel's whole seconds between them, -1 when not told. */
  lifeSeconds = -1;

  // What the tracker adds.
  /** Beginning and end, µs since the epoch. The end of an open connection is the time of its record. */
  startMicros = 0;
  endMicros = 0;
  /** Beginning of what this record tells, and what earlier records of the connection have counted. */
  fromMicros = 0;
  packetsBefore = 0;
  bytesBefore = 0;
  replyPacketsBefore = 0;
  replyBytesBefore = 0;
  /** Code of END_REASONS (flow/codes). */
  endReason = 0;

  /** An address as text. */
  addressText(at: number): string {
    const { addresses } = this;
    return formatAddress(
      addresses[at] as number,
      addresses[at + 1] as number,
      addresses[at + 2] as number,
      addresses[at + 3] as number,
    );
  }

  /** Whether the protocol is ICMP or ICMPv6, which have an id instead of ports. */
  get isIcmp(): boolean {
    return this.proto === ICMP || this.proto === ICMPV6;
  }
}

/** What the tracker tells of connections. The object is valid during the call only. */
export interface ConnectionListener {
  /** A connection began, or was found open at the start. */
  begun?(connection: Connection): void;
  /** A connection is open for long: an interim record is due. Counters as in `Connection`. */
  continues?(connection: Connection): void;
  /** A connection ended, as far as is known. */
  ended(connection: Connection): void;
}
