import {
  type Connection,
  type ConnectionListener,
  ORIGINAL_DESTINATION,
  ORIGINAL_SOURCE,
  REPLY_DESTINATION,
  REPLY_SOURCE,
} from './connection.ts';

export interface FlowToolsLinesOptions {
  /** What stands as the exporter's address (EXADDR). */
  readonly exporter: string;
  /** When sysUptime was 0, ms since the epoch. */
  readonly bootMillis: number;
  /** Lines of IPv6 connections too, which flow-tools cannot read. */
  readonly hasIpv6?: boolean | undefined;
  /** Takes a line, without a newline. */
  readonly take: (line: string) => void;
}

export interface FlowToolsLinesCounters {
  lines: number;
  /** Connections over IPv6 of which no lines were made. */
  ipv6LeftOut: number;
}

/** sysUptime stamps of NetFlow v5 have 32 bits, and begin anew after 49.7 days. */
const STAMPS = 2 ** 32;

/**
 * Connections as lines of flow-tools' CSV, field mask 0xFF31EF: UNIX_SECS, UNIX_NSECS, SYSUPTIME, EXADDR, DPKTS, DOCTETS, FIRST, LAST, SRCADDR, DSTADDR, NEXTHOP,
 * INPUT, OUTPUT, SRCPORT, DSTPORT, PROT, TOS, TCP_FLAGS. Three for each, as nfflowd has them: before translation, after it, and the way back. The time of a line
 * is that of its record's end.
 */
export class FlowToolsLines implements ConnectionListener {
  readonly counters: FlowToolsLinesCounters = { lines: 0, ipv6LeftOut: 0 };
  readonly #options: FlowToolsLinesOptions;

  constructor(options: FlowToolsLinesOptions) {
    this.#options = options;
  }

  continues(connection: Connection): void {
    this.#write(connection);
  }

  ended(connection: Connection): void {
    this.#write(connection);
  }

  #write(c: Connection): void {
    const { exporter, bootMillis, hasIpv6 = false, take } = this.#options;
    if (c.isIpv6 && !hasIpv6) {
      this.counters.ipv6LeftOut++;
      return;
    }
    const seconds = Math.floor(c.endMicros / 1e6);
    const first = stamp(c.fromMicros, bootMillis);
    const last = stamp(c.endMicros, bootMillis);
    const nanoseconds = Math.floor(c.endMicros % 1e6) * 1000;
    const head = `${seconds},${nanoseconds},${last},${exporter}`;
    const there = counts(c.packets - c.packetsBefore, c.bytes - c.bytesBefore);
    const back = counts(c.replyPackets - c.replyPacketsBefore, c.replyBytes - c.replyBytesBefore);
    const times = `${first},${last}`;
    const none = c.isIpv6 ? '::,0,0' : '0.0.0.0,0,0';
    const tail = `${c.proto},0,0`;
    // Ports of ICMP are none: nfflowd writes 0.
    const [port, postPort] = c.isIcmp ? [0, 0] : [c.originalSourcePort, c.replyDestinationPort];
    const [peerPort, postPeerPort] = [c.originalDestinationPort, c.replySourcePort];
    const source = c.addressText(ORIGINAL_SOURCE);
    const peer = c.addressText(ORIGINAL_DESTINATION);
    const postSource = c.addressText(REPLY_DESTINATION);
    const postPeer = c.addressText(REPLY_SOURCE);
    take(`${head},${there},${times},${source},${peer},${none},${port},${peerPort},${tail}`);
    take(`${head},${there},${times},${postSource},${postPeer},${none},${postPort},${postPeerPort},${tail}`);
    take(`${head},${back},${times},${postPeer},${postSource},${none},${postPeerPort},${postPort},${tail}`);
    this.counters.lines += 3;
  }
}

/** ms between the boot and a time; of connections that are older than the boot what NetFlow v5 has for them, so that differences are right. */
function stamp(micros: number, bootMillis: number): number {
  const millis = Math.floor(micros / 1000) - bootMillis;
  return ((millis % STAMPS) + STAMPS) % STAMPS;
}

/** Never less than nothing: the kernel's counters may be set to 0 in between. */
function counts(packets: number, octets: number): string {
  return `${Math.max(0, packets)},${Math.max(0, octets)}`;
}
