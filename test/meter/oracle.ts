import type { FlowRecord } from '#weir/flow/record.js';
import type { MeterOptions } from '#weir/meter/options.js';
import type { Timeouts } from '#weir/meter/timeouts.js';
import { isoMicros } from '#weir/util/time.js';
import { addressOf, hasPorts, isIcmp, lengthOf, type PlainPacket, TCP, UDP } from './plain-packet.ts';

/** One direction of a flow. */
interface Side {
  first: PlainPacket;
  start: number;
  end: number;
  packets: number;
  bytes: number;
  flags: number;
  leastTtl: number;
  mostTtl: number;
  leastLength: number;
  mostLength: number;
}

interface Flow {
  key: string;
  begun: number;
  seen: number;
  /** By source, as `end` writes it. */
  sides: Map<string, Side>;
  initiator: string;
  hasSyn: boolean;
}

type OracleOptions = Pick<MeterOptions, 'isBiflow' | 'expiry'> & {
  columns: readonly string[];
  timeouts: Readonly<Timeouts>;
};

const SYN = 2;
const ACK = 16;
const RST = 4;
const FIN = 1;

/**
 * What a meter has to say of packets, worked out from plain facts with a Map, in the obvious way. It has no bound, looks through all flows with each packet
 * and is slow. Only for keys with both ends.
 */
export class Oracle {
  readonly records: FlowRecord[] = [];
  readonly #options: OracleOptions;
  readonly #flows = new Map<string, Flow>();

  constructor(options: OracleOptions) {
    this.#options = options;
  }

  packet(packet: PlainPacket): void {
    const { time } = packet;
    if (this.#options.expiry === 'by-time') for (const flow of this.#flows.values()) this.#expire(flow, time);
    const source = this.#source(packet);
    const key = this.#keyOf(packet);
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      flow = { key, begun: time, seen: time, sides: new Map(), initiator: source, hasSyn: false };
      this.#flows.set(key, flow);
    }
    flow.seen = time;
    const length = lengthOf(packet);
    const flags = packet.proto === TCP ? packet.flags : 0;
    let side = flow.sides.get(source);
    if (side === undefined) {
      // biome-ignore format: one set
      side = { first: packet, start: time, end: time, packets: 0, bytes: 0, flags: 0, leastTtl: 255, mostTtl: 0, leastLength: Infinity, mostLength: 0 };
      flow.sides.set(source, side);
    }
    side.end = time;
    side.packets++;
    side.bytes += length;
    side.flags |= flags;
    side.leastTtl = Math.min(side.leastTtl, packet.ttl);
    side.mostTtl = Math.max(side.mostTtl, packet.ttl);
    side.leastLength = Math.min(side.leastLength, length);
    side.mostLength = Math.max(side.mostLength, length);
    if ((flags & SYN) !== 0 && !flow.hasSyn) {
      flow.hasSyn = true;
      flow.initiator = (flags & ACK) === 0 ? source : this.#source(reversed(packet));
    }
  }

  end(): FlowRecord[] {
    for (const flow of this.#flows.values()) this.#end(flow, 4);
    return this.records;
  }

  /** Which end sent a packet: with its port where the key has ports, for an address may speak with itself. */
  #source(packet: PlainPacket): string {
    const port = this.#options.columns.includes('src_port') && hasPorts(packet.proto) ? packet.fromPort : '';
    return `${packet.from} ${port}`;
  }

  #keyOf(packet: PlainPacket): string {
    const { columns } = this.#options;
    const parts: unknown[] = [packet.version];
    if (columns.includes('proto')) parts.push(packet.proto);
    if (columns.includes('tos')) parts.push(packet.tos);
    if (columns.includes('src_vlan')) parts.push(packet.vlan ?? 'none');
    // Type and code belong to the direction, so that each has a flow of its own; but 0 and 0 (echo reply) are no difference, as in softflowd.
    const isTyped = packet.fromPort !== 0 || packet.toPort !== 0;
    if (columns.includes('src_port') && isIcmp(packet.proto) && isTyped)
      return [...parts, packet.from, packet.to, packet.fromPort, packet.toPort].join('|');
    return [...parts, ...[this.#source(packet), this.#source(reversed(packet))].toSorted()].join('|');
  }

  #expire(flow: Flow, now: number): void {
    const { timeouts } = this.#options;
    const [name, reason] = this.#timeoutOf(flow);
    const idle = timeouts[name];
    if (idle !== 0 && now - flow.seen > idle * 1e6) this.#end(flow, reason);
    else if (timeouts.maxlife !== 0 && now - flow.begun > timeouts.maxlife * 1e6) this.#end(flow, 2);
  }

  #timeoutOf(flow: Flow): [name: keyof Timeouts, reason: number] {
    const { timeouts, columns } = this.#options;
    const [any] = flow.sides.values();
    const { proto } = (any as Side).first;
    if (!columns.includes('proto')) return ['general', 1];
    if (proto === TCP) {
      const flags = [...flow.sides.values()].map((side) => side.flags);
      if (timeouts['tcp.rst'] !== 0 && flags.some((bits) => (bits & RST) !== 0)) return ['tcp.rst', 3];
      const hasEnded = flags.length === 2 && flags.every((bits) => (bits & FIN) !== 0);
      if (timeouts['tcp.fin'] !== 0 && hasEnded) return ['tcp.fin', 3];
      if (timeouts.tcp !== 0) return ['tcp', 1];
    }
    if (proto === UDP && timeouts.udp !== 0) return ['udp', 1];
    if (isIcmp(proto) && timeouts.icmp !== 0) return ['icmp', 1];
    return ['general', 1];
  }

  #end(flow: Flow, reason: number): void {
    this.#flows.delete(flow.key);
    const sides = [...flow.sides].toSorted(([a], [b]) => Number(b === flow.initiator) - Number(a === flow.initiator));
    const [first, second] = sides.map(([, side]) => side) as [Side, Side | undefined];
    if (this.#options.isBiflow && second !== undefined) {
      const { proto } = first.first;
      const isKnown = proto !== TCP || flow.hasSyn || !this.#options.columns.includes('proto');
      this.records.push({
        ...this.#record(first, reason),
        record_kind: 'biflow',
        reverse_bytes: second.bytes,
        reverse_packets: second.packets,
        reverse_tcp_flags: second.flags,
        reverse_tos: second.first.tos,
        reverse_time_start: isoMicros(second.start),
        reverse_time_end: isoMicros(second.end),
        biflow_direction: isKnown ? 1 : 0,
      });
      return;
    }
    this.records.push(this.#record(first, reason));
    if (second !== undefined) this.records.push(this.#record(second, reason));
  }

  #record(side: Side, reason: number): FlowRecord {
    const { columns } = this.#options;
    const { version, from, to, proto, fromPort, toPort, tos, vlan } = side.first;
    const isIpv6 = version === 6;
    return {
      record_kind: 'flow',
      ip_version: version,
      src_addr: addressOf(version, from),
      dst_addr: addressOf(version, to),
      ...(columns.includes('proto') && { proto }),
      ...(columns.includes('src_port') &&
        hasPorts(proto) && { src_port: fromPort, dst_port: toPort, tcp_flags: side.flags }),
      ...(columns.includes('src_port') && isIcmp(proto) && { icmp_type: fromPort, icmp_code: toPort }),
      ...(isIpv6 && { flow_label: 0 }),
      ...(vlan !== undefined && { src_vlan: vlan }),
      tos,
      ethernet_type: isIpv6 ? 0x86dd : 0x0800,
      src_mac: `02:00:00:00:00:0${from}`,
      dst_mac: `02:00:00:00:00:0${to}`,
      bytes: side.bytes,
      packets: side.packets,
      time_start: isoMicros(side.start),
      time_end: isoMicros(side.end),
      min_ttl: side.leastTtl,
      max_ttl: side.mostTtl,
      min_packet_length: side.leastLength,
      max_packet_length: side.mostLength,
      flow_end_reason: reason,
    };
  }
}

function reversed(packet: PlainPacket): PlainPacket {
  const { from, to, fromPort, toPort } = packet;
  return { ...packet, from: to, to: from, fromPort: toPort, toPort: fromPort };
}

/** Columns that every record has, and what only a meter knows. */
const COMMON = 'time_received exporter observation_domain flow_type sampling_rate sampling_source time_source'.split(
  ' ',
);

/** A record without them. */
export function comparable(record: FlowRecord): FlowRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !COMMON.includes(name)));
}
