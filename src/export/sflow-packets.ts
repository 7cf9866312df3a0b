import type { Address } from '../util/address.ts';
import { LINK_TYPE } from '../wire/packet/link-types.ts';
import type { PacketHandler } from '../wire/pcap/packet.ts';
import { SAMPLE } from '../wire/sflow/sample-v5.ts';
import type { MessageClock } from './field-writers.ts';
import { createCounters } from './losses.ts';
import { SflowDatagrams, type SflowSource, type SflowStream, sourceOf } from './sflow-datagrams.ts';
import { type InterfaceCounters, writeInterfaceCounters } from './sflow-interface-counters.ts';

export interface SflowPacketOptions {
  /** Address by which the agent names itself. */
  readonly agent: Address;
  readonly subAgent?: number;
  /** One packet in so many is sent. */
  readonly rate: number;
  /** Each N-th packet, or at random so that the mean is one in N. The specification wants the second (section 4.2.1). */
  readonly method: 'count' | 'random';
  /** Octets of a packet that are sent at most; default 128. */
  readonly headerLength?: number;
  /** Octets of a datagram at most; default 1,400. */
  readonly longest?: number;
  /** Packets that were lost before they could be looked at, up to now. */
  readonly drops?: () => number;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  /** Takes a finished datagram with its number of samples. */
  readonly emit: (datagram: Uint8Array, samples: number) => void;
}

const HEADER_LENGTH = 128;
const LONGEST = 1400;
const HEADER_RECORD = 1;
/** Octets of a flow sample with one sampled_header, up to the header. */
const FLOW_SAMPLE = 64;
const COUNTER_SAMPLE = 20;

/** Numbers of header_protocol (sFlow Version 5, section 5.4). */
const PROTOCOL = { ethernet: 1, ppp: 7, ipv4: 11, ipv6: 12, mpls: 13, ieee80211: 15 } as const;

/** Link types whose frames are sent as they are. */
const WHOLE: ReadonlyMap<number, number> = new Map([
  [LINK_TYPE.ethernet, PROTOCOL.ethernet],
  [LINK_TYPE.ppp, PROTOCOL.ppp],
  [LINK_TYPE.ieee80211, PROTOCOL.ieee80211],
  [LINK_TYPE.mpls, PROTOCOL.mpls],
]);
/** Octets before the IP header, of link types that have no header of a network of their own. */
const BEFORE_IP: ReadonlyMap<number, number> = new Map([
  [LINK_TYPE.raw, 0],
  [LINK_TYPE.rawBsd, 0],
  [LINK_TYPE.rawOpenBsd, 0],
  [LINK_TYPE.ipv4, 0],
  [LINK_TYPE.ipv6, 0],
  [LINK_TYPE.null, 4],
  [LINK_TYPE.loop, 4],
  [LINK_TYPE.linuxCooked, 16],
  [LINK_TYPE.linuxCooked2, 20],
]);

/**
 * Packet sampling of sFlow version 5: chooses packets and sends the head of each, with the number of packets it was chosen from; and counters of interfaces.
 * Datagrams go out when they are full and by `flush`, which the specification wants within a second.
 */
export class SflowPackets implements PacketHandler {
  readonly counters = createCounters();
  /** Packets that could have been chosen, and chosen ones that have no form in sFlow. */
  packets = 0;
  unsendable = 0;
  readonly #options: SflowPacketOptions;
  readonly #headerLength: number;
  readonly #clock: MessageClock = { exportMillis: 0, uptime: 0 };
  readonly #datagrams: SflowDatagrams;
  readonly #agent: Uint32Array;
  readonly #subAgent: number;
  /** Packets up to the next chosen one. */
  #skip: number;
  #boot = -1;
  #index = -1;
  #source: SflowSource | undefined;
  #samplesWritten = 0;

  constructor(options: SflowPacketOptions) {
    const { agent, subAgent = 0, headerLength = HEADER_LENGTH, longest = LONGEST, emit } = options;
    this.#options = options;
    this.#headerLength = headerLength;
    this.#agent = Uint32Array.from(agent);
    this.#subAgent = subAgent;
    this.#datagrams = new SflowDatagrams(longest, this.#clock, this.counters);
    this.#datagrams.to((datagram) => {
      // A sample that did not fit has been written but goes with the next datagram.
      const samples = new DataView(datagram.buffer, datagram.byteOffset).getUint32(datagram[7] === 1 ? 24 : 36);
      emit(datagram, samples);
    });
    this.#skip = this.#nextSkip();
  }

  /** Samples that have been taken. */
  get samples(): number {
    return this.#samplesWritten;
  }

  packet(
    bytes: Uint8Array,
    start: number,
    end: number,
    originalLength: number,
    timeMicros: number,
    linkType: number,
    interfaceIndex: number,
  ): void {
    this.packets++;
    let source = this.#source;
    if (interfaceIndex !== this.#index || source === undefined) source = this.#begin(interfaceIndex);
    source.pool = (source.pool + 1) >>> 0;
    if (--this.#skip > 0) return;
    this.#skip = this.#nextSkip();
    this.#tell(timeMicros / 1000);
    const protocol = WHOLE.get(linkType);
    if (protocol !== undefined) this.#sample(bytes, start, end, originalLength, protocol, source);
    else this.#sampleIp(bytes, start, end, originalLength, linkType, source);
  }

  /** Counters of an interface as a counter sample. */
  counterSample(interfaceCounters: InterfaceCounters): void {
    const source = this.#begin(interfaceCounters.ifIndex);
    this.#open();
    const { view, at: start } = this.#datagrams;
    const end = writeInterfaceCounters(view, start + COUNTER_SAMPLE, interfaceCounters);
    view.setUint32(start, SAMPLE.counters);
    view.setUint32(start + 4, end - start - 8);
    view.setUint32(start + 8, source.counters);
    view.setUint32(start + 12, interfaceCounters.ifIndex);
    view.setUint32(start + 16, 1);
    if (this.#datagrams.wrote(end)) source.counters++;
  }

  /** Sends the datagram that is begun, as of `nowMillis`, ms since the epoch. */
  flush(nowMillis: number): void {
    this.#tell(nowMillis);
    this.#datagrams.close();
  }

  /** The time of messages, and since the first one. */
  #tell(millis: number): void {
    const whole = Math.floor(millis);
    if (this.#boot < 0) this.#boot = whole;
    this.#clock.exportMillis = whole;
    this.#clock.uptime = Math.max(0, whole - this.#boot) >>> 0;
  }

  #begin(interfaceIndex: number): SflowSource {
    const source = sourceOf(this.#open(), interfaceIndex);
    this.#index = interfaceIndex;
    this.#source = source;
    return source;
  }

  #open(): SflowStream {
    return this.#datagrams.open(this.#agent, this.#subAgent);
  }

  #nextSkip(): number {
    const { rate, method, random } = this.#options;
    // Evenly from 1 to 2N − 1: the mean is N.
    return method === 'count' ? rate : 1 + Math.floor(random() * (2 * rate - 1));
  }

  /** Link types without a place in sFlow are sent from the IP header on. */
  #sampleIp(
    bytes: Uint8Array,
    start: number,
    end: number,
    originalLength: number,
    linkType: number,
    source: SflowSource,
  ): void {
    const before = BEFORE_IP.get(linkType);
    const version = before === undefined || start + before >= end ? 0 : (bytes[start + before] as number) >> 4;
    if (before === undefined || (version !== 4 && version !== 6)) {
      this.unsendable++;
      return;
    }
    const protocol = version === 4 ? PROTOCOL.ipv4 : PROTOCOL.ipv6;
    this.#sample(bytes, start + before, end, originalLength - before, protocol, source);
  }

  #sample(
    bytes: Uint8Array,
    start: number,
    end: number,
    frameLength: number,
    protocol: number,
    source: SflowSource,
  ): void {
    this.#open();
    const { view, at } = this.#datagrams;
    const length = Math.min(end - start, this.#headerLength);
    const next = at + FLOW_SAMPLE + ((length + 3) & ~3);
    view.setUint32(at, SAMPLE.flow);
    view.setUint32(at + 4, next - at - 8);
    view.setUint32(at + 8, source.samples);
    // Source and input are the interface (class 0, an ifIndex of 24 bits); where the packet goes is not known here: 0.
    view.setUint32(at + 12, this.#index & 0xff_ffff);
    view.setUint32(at + 16, this.#options.rate);
    view.setUint32(at + 20, source.pool);
    view.setUint32(at + 24, (this.#options.drops?.() ?? 0) >>> 0);
    view.setUint32(at + 28, this.#index & 0x3fff_ffff);
    view.setUint32(at + 36, 1);
    view.setUint32(at + 40, HEADER_RECORD);
    view.setUint32(at + 44, next - at - 48);
    view.setUint32(at + 48, protocol);
    view.setUint32(at + 52, frameLength);
    view.setUint32(at + 60, length);
    this.#datagrams.bytes.set(bytes.subarray(start, start + length), at + FLOW_SAMPLE);
    source.samples++;
    this.#samplesWritten++;
    this.#datagrams.wrote(next);
  }
}
