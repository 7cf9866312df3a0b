import type { FlowBatch } from '../../flow/batch.ts';
import type { Address } from '../../util/address.ts';
import { PROTOCOL } from '../../wire/packet/layers.ts';
import { HAS, type PacketHeaders } from '../../wire/packet/packet-fields.ts';
import type { FlowNames } from '../options.ts';
import type { NameStatistics } from '../statistics.ts';
import { AddressNames } from './address-names.ts';
import { ClientNames, type Kept } from './client-names.ts';
import { ContinuedNames, conversationOf } from './continued-names.ts';
import { type DnsMessage, readDnsMessage } from './dns-message.ts';
import { readDnsStream } from './dns-stream.ts';
import { createFoundNames, type FoundNames, NameColumns } from './found-names.ts';
import { NAME_KINDS, type NameKind } from './name-kinds.ts';
import type { Progress } from './progress.ts';
import { StreamPrefix } from './stream-prefix.ts';
import { WaitingFlows } from './waiting.ts';

export interface NameReaderOptions {
  readonly kinds: ReadonlySet<NameKind>;
  /** Slots of the flow cache. */
  readonly maxFlows: number;
  /** Whether the flow key has protocol and ports, so that the first packet of a flow tells what the others may be; true when not given. */
  readonly hasPorts?: boolean;
  /** 32 bits at random, for tables whose keys come from the network. */
  readonly seed: number;
  /** Entries of the table of addresses: each answer takes two, one for who asked and one for everybody; 131,072 when not given. */
  readonly maxAddresses?: number;
  /** Names kept of flows that go on after their record; 65,536 when not given. */
  readonly maxContinued?: number;
  /** Octets kept of flows whose first packets are not enough; 16 MiB when not given. */
  readonly maxWaitingOctets?: number;
}

/** Packets with payload that are looked at, of both sides: so many come before STARTTLS. */
const PACKETS = 8;
/** The same of a flow that has begun a request or a ClientHello, which may come in small pieces. */
const PACKETS_WHILE_WAITING = 32;
/** State of a flow, 0 when it is done: packets still to be looked at; whether its addresses are yet to be; whether it has been granted more packets. */
const COUNT = 0x3f;
const IS_NEW = 0x40;
const HAS_WAITED = 0x80;

const DNS_PORT = 53;
const MULTICAST_DNS_PORT = 5353;
const LLMNR_PORT = 5355;
/** Clients keep answers for longer than their time to live: a name is remembered for at least 5 minutes, and at most a day. */
const LEAST_TTL = 300;
const MOST_TTL = 86_400;

/**
 * Names seen on the wire: of each flow those that its first packets tell, and those by which DNS answers told its addresses before. Work is bounded by
 * packets per flow, but for DNS: its flows are read as long as they last, since their answers name other flows. Memory is bounded by
 * flows, addresses and octets that wait. Nothing that a packet holds makes it throw.
 */
export class NameReader implements FlowNames {
  readonly columns: readonly string[];
  readonly #hasPorts: boolean;
  readonly #seed: number;
  readonly #states: Uint8Array;
  readonly #found: (FoundNames | undefined)[] = [];
  readonly #addresses: AddressNames | undefined;
  readonly #continued: ContinuedNames;
  readonly #waiting: WaitingFlows<Kept>;
  readonly #clients: ClientNames;
  readonly #writer: NameColumns;
  readonly #counts: Record<NameKind, number> = { dns: 0, tls: 0, http: 0, quic: 0 };
  #looks = 0;

  constructor(options: NameReaderOptions) {
    const {
      kinds,
      maxFlows,
      hasPorts = true,
      seed,
      maxAddresses = 131_072,
      maxContinued = 65_536,
      maxWaitingOctets = 16 << 20,
    } = options;
    this.columns = [...new Set([...kinds].flatMap((kind) => NAME_KINDS[kind]))];
    this.#hasPorts = hasPorts;
    this.#seed = seed;
    this.#states = new Uint8Array(maxFlows);
    this.#addresses = kinds.has('dns') ? new AddressNames(maxAddresses, seed) : undefined;
    this.#continued = new ContinuedNames(maxContinued, seed);
    this.#waiting = new WaitingFlows(maxWaitingOctets);
    this.#clients = new ClientNames(kinds, this.#waiting, this.#counts);
    this.#writer = new NameColumns(this.columns);
  }

  begin(flow: number): void {
    this.#forget(flow);
    this.#states[flow] = PACKETS | IS_NEW;
  }

  end(flow: number, goesOn: boolean): void {
    const found = this.#found[flow];
    if (goesOn && found !== undefined) this.#continued.keep(found);
    this.#forget(flow);
    this.#states[flow] = 0;
  }

  wants(flow: number): boolean {
    return this.#states[flow] !== 0;
  }

  look(bytes: Uint8Array, start: number, end: number, flow: number, fields: PacketHeaders, timeMicros: number): void {
    this.#looks++;
    const state = this.#states[flow] as number;
    if ((state & IS_NEW) !== 0) {
      this.#states[flow] = state & ~IS_NEW;
      const continued = this.#continued.take(fields);
      if (continued !== undefined) this.#setFound(flow, continued);
      if (this.#addresses !== undefined) this.#nameAddresses(this.#addresses, flow, fields, timeMicros);
    }
    const isTcp = fields.proto === PROTOCOL.tcp;
    const isUdp = fields.proto === PROTOCOL.udp;
    // Fragments but the first have no ports: their payload is from the middle.
    if ((isTcp || isUdp) && (fields.has & HAS.ports) === 0) return;
    const addresses = (isTcp || isUdp) && isDns(fields) ? this.#addresses : undefined;
    if (addresses !== undefined) {
      if (start >= end) return;
      if (isTcp) this.#readDnsSegment(addresses, bytes, start, end, flow, fields, timeMicros);
      else {
        const message = readDnsMessage(bytes, start, end, isMulticast(fields));
        if (message !== undefined) this.#takeDns(addresses, message, flow, fields, timeMicros);
      }
    } else if (isTcp ? this.#clients.readsTcp : isUdp && this.#clients.readsUdp) {
      if (start >= end) return;
      const progress = isTcp
        ? this.#clients.readTcp(bytes, start, end, flow, fields)
        : this.#clients.readUdp(bytes, start, end, flow, fields);
      this.#takeClient(progress, flow, fields);
    } else if (this.#hasPorts) {
      // The flow's other packets tell nothing either.
      this.#states[flow] = 0;
    } else this.#countDown(flow);
  }

  write(batch: FlowBatch, row: number, flow: number): void {
    this.#writer.write(batch, row, this.#found[flow]);
  }

  statistics(): NameStatistics {
    return {
      looks: this.#looks,
      found: { ...this.#counts },
      addresses: this.#addresses?.told ?? 0,
      addressesEvicted: this.#addresses?.evicted ?? 0,
      waiting: this.#waiting.size,
      waitingOctets: this.#waiting.octets,
      givenUp: this.#waiting.givenUp + this.#clients.tooLong,
    };
  }

  #takeClient(progress: Progress, flow: number, fields: PacketHeaders): void {
    const { names } = this.#clients;
    if (progress !== 'none' && (names.serverName !== '' || names.alpn !== '' || names.method !== '')) {
      const found = this.#foundOf(flow, fields);
      if (names.method !== '') {
        found.method = names.method;
        found.target = names.target;
        found.host = names.host;
      } else {
        found.serverName = names.serverName;
        found.alpn = names.alpn;
      }
    }
    if (progress === 'done') this.#states[flow] = 0;
    else if (progress === 'more' && ((this.#states[flow] as number) & HAS_WAITED) === 0)
      this.#states[flow] = PACKETS_WHILE_WAITING | HAS_WAITED;
    else this.#countDown(flow);
  }

  #countDown(flow: number): void {
    const state = this.#states[flow] as number;
    if ((state & COUNT) > 1) this.#states[flow] = state - 1;
    else {
      this.#states[flow] = 0;
      this.#waiting.delete(flow);
    }
  }

  #foundOf(flow: number, fields: PacketHeaders): FoundNames {
    const found = this.#found[flow] ?? createFoundNames(fields, conversationOf(fields, this.#seed));
    this.#setFound(flow, found);
    return found;
  }

  #setFound(flow: number, found: FoundNames): void {
    // An array with holes would become a slow one.
    while (this.#found.length < flow) this.#found.push(undefined);
    this.#found[flow] = found;
  }

  #forget(flow: number): void {
    if (this.#waiting.size > 0) this.#waiting.delete(flow);
    if (flow < this.#found.length) this.#found[flow] = undefined;
  }

  #nameAddresses(addresses: AddressNames, flow: number, fields: PacketHeaders, timeMicros: number): void {
    if (addresses.told === 0 || (fields.has & HAS.addresses) === 0) return;
    // Those of a flow that goes on are from when it began.
    if (this.#found[flow] !== undefined) return;
    const source = sourceOf(fields);
    const destination = destinationOf(fields);
    const now = Math.floor(timeMicros / 1e6);
    const destinationName = addresses.find(source, destination, now);
    const sourceName = addresses.find(destination, source, now);
    if (destinationName === '' && sourceName === '') return;
    const found = this.#foundOf(flow, fields);
    found.sourceName = sourceName;
    found.destinationName = destinationName;
  }

  #takeDns(
    addresses: AddressNames,
    { query, isResponse, addresses: told }: DnsMessage,
    flow: number,
    fields: PacketHeaders,
    timeMicros: number,
  ): void {
    this.#counts.dns++;
    if (query !== undefined) {
      const found = this.#foundOf(flow, fields);
      if (found.query === '') found.query = query;
    }
    if (!isResponse || told.length === 0 || (fields.has & HAS.addresses) === 0) return;
    // Answers to a group are everybody's.
    const client = isMulticast(fields) ? undefined : destinationOf(fields);
    const now = Math.floor(timeMicros / 1e6);
    for (const { address, name, ttl } of told) {
      addresses.tell(client, address, name, now, now + Math.min(Math.max(ttl, LEAST_TTL), MOST_TTL));
    }
  }

  #readDnsSegment(
    addresses: AddressNames,
    bytes: Uint8Array,
    start: number,
    end: number,
    flow: number,
    fields: PacketHeaders,
    timeMicros: number,
  ): void {
    const visit = (message: DnsMessage): void => this.#takeDns(addresses, message, flow, fields, timeMicros);
    const kept = this.#waiting.get(flow);
    if (kept instanceof StreamPrefix && kept.append(bytes, start, end, fields.tcpSequence)) {
      const rest = readDnsStream(kept.bytes, 0, kept.length, visit);
      if (rest === 0 && !kept.isFull) this.#waiting.set(flow, kept);
      else if (rest > 0 && rest < kept.length)
        this.#waiting.set(flow, new StreamPrefix(kept.bytes, rest, kept.length, kept.sequenceAt(rest)));
      else this.#waiting.delete(flow);
      return;
    }
    const rest = readDnsStream(bytes, start, end, visit);
    if (rest >= 0 && rest < end)
      this.#waiting.set(flow, new StreamPrefix(bytes, rest, end, (fields.tcpSequence + rest - start) >>> 0));
  }
}

function isDns({ srcPort, dstPort }: PacketHeaders): boolean {
  return isDnsPort(srcPort) || isDnsPort(dstPort);
}

function isDnsPort(port: number): boolean {
  return port === DNS_PORT || port === MULTICAST_DNS_PORT || port === LLMNR_PORT;
}

/** Multicast DNS and LLMNR. */
function isMulticast({ srcPort, dstPort }: PacketHeaders): boolean {
  return srcPort !== DNS_PORT && dstPort !== DNS_PORT;
}

function sourceOf({ src0, src1, src2, src3 }: PacketHeaders): Address {
  return [src0, src1, src2, src3];
}

function destinationOf({ dst0, dst1, dst2, dst3 }: PacketHeaders): Address {
  return [dst0, dst1, dst2, dst3];
}
