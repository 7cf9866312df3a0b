import type { BatchSink } from '../session/message-decoder.ts';
import { LAYER } from '../wire/packet/layers.ts';
import { LINK_TYPE } from '../wire/packet/link-types.ts';
import { createPacketFields, HAS, type PacketFields, type PacketHeaders } from '../wire/packet/packet-fields.ts';
import { parsePacket } from '../wire/packet/parse-packet.ts';
import type { PacketColumns, PacketsHandler } from '../wire/pcap/packet.ts';
import { hasPorts, portsOf, writeHeaders } from './any-packet.ts';
import { type FlowLine, flowLine } from './flow-line.ts';
import { FlowTable } from './flow-table.ts';
import { FragmentPorts } from './fragments.ts';
import { KeyedHash } from './hash.ts';
import { createFlowKey, type FlowKey } from './key.ts';
import { KnownPackets } from './known-packets.ts';
import { OBSERVATION_WORDS, WORD, writePorts } from './observation.ts';
import type { MeterOptions } from './options.ts';
import { Sampler } from './sampler.ts';
import type { MeterStatistics } from './statistics.ts';
import { UsualPackets } from './usual-packet.ts';

/** Packets as old as this before the one that came last are late ones; older ones mean that the clock has been put back, µs. */
const LATENESS = 60e6;

/**
 * Metering process (RFC 7011 section 2): packets in, flow records out. Packets of any kind, broken ones too, are counted and never an error.
 *
 * Time is that of the packets, and of `expire` where that is called. Records are written as flows end: by their timeouts, when others need the room, and
 * by `expireAll`, which whoever uses the meter calls at the end.
 */
export class Meter implements PacketsHandler {
  /** Whether packets are metered (`start-gather`, `stop-gather`). */
  isGathering = true;
  readonly #options: MeterOptions;
  readonly #key: FlowKey;
  readonly #table: FlowTable;
  readonly #fragments: FragmentPorts;
  readonly #sampler: Sampler | undefined;
  /** Where most packets can go a shorter way. */
  readonly #known: KnownPackets | undefined;
  readonly #words = new Int32Array(OBSERVATION_WORDS);
  readonly #fields: PacketFields = createPacketFields();
  readonly #usual: UsualPackets;
  readonly #seesTunnels: boolean;
  readonly #hasPorts: boolean;
  readonly #isByTime: boolean;
  readonly #expint: number;
  /** Time of the packet that came last, or of a later `expire`. */
  #clock = 0;
  #nextCheck = 0;
  #packets = 0;
  #meteredPackets = 0;
  #meteredBytes = 0;
  #nonIp = 0;
  #tooShort = 0;
  #notSampled = 0;
  #notGathered = 0;
  #fragmentCount = 0;
  #clockSteps = 0;

  /** Records go to the batches that `sink` gives. Memory for the flow cache is reserved here. Throws WeirError WEIR_USAGE for keys that are none. */
  constructor(options: MeterOptions, sink: BatchSink) {
    this.#options = options;
    this.#key = createFlowKey(options.keys);
    const hash = new KeyedHash(options.seed);
    this.#table = new FlowTable(this.#key, hash, options, sink);
    this.#fragments = new FragmentPorts(hash, (words, sums) => {
      this.#table.addHeld(words, sums, this.#clock);
    });
    const { sampling, random } = options;
    this.#sampler = sampling === undefined || sampling.rate <= 1 ? undefined : new Sampler(sampling, random);
    this.#seesTunnels = options.tunnels !== 'outer';
    this.#usual = new UsualPackets(this.#seesTunnels);
    this.#hasPorts = this.#key.columns.has('src_port') || this.#key.columns.has('dst_port');
    this.#isByTime = options.expiry === 'by-time';
    this.#expint = options.timeouts.expint * 1e6;
    const isPlain = this.#key.apply === undefined && !this.#seesTunnels;
    if (isPlain && this.#sampler === undefined && options.names === undefined)
      this.#known = new KnownPackets(this.#table, hash, this.#isByTime);
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
    this.#packets++;
    if (!this.isGathering) {
      this.#notGathered++;
      return;
    }
    // A packet without a believable time comes with the one before.
    const time = timeMicros > 0 && timeMicros <= Number.MAX_SAFE_INTEGER ? timeMicros : this.#clock;
    if (this.#isByTime && (time >= this.#nextCheck || time < this.#clock - LATENESS)) this.#check(time);
    this.#clock = time;
    if (this.#sampler !== undefined && !this.#sampler.take()) {
      this.#notSampled++;
      return;
    }
    const words = this.#words;
    words[WORD.interface] = interfaceIndex;
    if (linkType === LINK_TYPE.ethernet && this.#usual.read(bytes, start, end, words)) {
      this.#meteredPackets++;
      this.#meteredBytes += words[WORD.length] as number;
      const slot = this.#table.add(words, time);
      if (this.#options.names?.wants(slot) === true) this.#nameUsual(bytes, start, end, slot, time);
      return;
    }
    this.#readAny(bytes, start, end, originalLength, time, linkType, interfaceIndex);
  }

  packetColumns(bytes: Uint8Array, columns: PacketColumns): void {
    const { starts, ends, originalLengths, times, count, linkType, interfaceIndex } = columns;
    const known = this.isGathering && linkType === LINK_TYPE.ethernet ? this.#known : undefined;
    const lateness = this.#isByTime ? LATENESS : Infinity;
    known?.begin();
    for (let i = 0; i < count; i++) {
      if (known !== undefined) {
        const until = this.#isByTime ? this.#nextCheck : Infinity;
        const next = known.meter(bytes, columns, i, until, this.#clock, lateness);
        this.#packets += next - i;
        if (next > i) this.#clock = times[next - 1] as number;
        i = next;
        if (i === count) return;
      }
      const [start, end] = [starts[i] as number, ends[i] as number];
      this.packet(bytes, start, end, originalLengths[i] as number, times[i] as number, linkType, interfaceIndex);
    }
  }

  /** Ends the flows whose time has come; `nowMicros` is µs since the epoch. For live captures, so that flows end without packets too. */
  expire(nowMicros: number): void {
    if (!this.#isByTime || (nowMicros < this.#nextCheck && nowMicros >= this.#clock - LATENESS)) return;
    this.#check(nowMicros);
    this.#clock = nowMicros;
  }

  /** Ends all flows and writes their records. Returns how many flows there were. */
  expireAll(): number {
    this.#fragments.flush();
    this.#setNow(this.#clock);
    return this.#table.endAll();
  }

  /** Throws all flows away, untold. Returns how many there were. */
  deleteAll(): number {
    this.#fragments.clear();
    return this.#table.deleteAll();
  }

  statistics(): MeterStatistics {
    return {
      activeFlows: this.#table.cache.size,
      maxFlows: this.#table.cache.capacity,
      packets: this.#packets,
      meteredPackets: this.#meteredPackets + (this.#known?.packets ?? 0),
      meteredBytes: this.#meteredBytes + (this.#known?.octets ?? 0),
      nonIp: this.#nonIp,
      tooShort: this.#tooShort,
      notSampled: this.#notSampled,
      notGathered: this.#notGathered,
      fragments: this.#fragmentCount,
      fragmentsWithoutPorts: this.#fragments.lost,
      clockSteps: this.#clockSteps,
      deleted: this.#table.deleted,
      records: this.#table.records.records,
      names: this.#options.names?.statistics(),
      ...this.#table.tally.summary(),
    };
  }

  /** The flows in the cache, the one that began first first. They must not change meanwhile. */
  *dumpFlows(): Iterable<FlowLine> {
    const { cache } = this.#table;
    for (let slot = cache.oldest(); slot >= 0; slot = cache.younger(slot))
      yield flowLine(cache, this.#key, this.#options.timeouts, slot);
  }

  #check(now: number): void {
    this.#nextCheck = now + this.#expint;
    this.#setNow(now);
    if (now < this.#clock - LATENESS) {
      this.#clockSteps++;
      this.#fragments.flush();
      this.#table.endAll();
      return;
    }
    this.#fragments.expire(now);
    this.#table.expire(now);
  }

  /** Records are told of in whole seconds: rows that share a time cost less. */
  #setNow(now: number): void {
    this.#table.records.nowMicros = Math.ceil(now / 1e6) * 1e6;
  }

  /** Shows a usual packet to who reads names. */
  #nameUsual(bytes: Uint8Array, start: number, end: number, slot: number, time: number): void {
    const payload = start + parsePacket(bytes, start, end, LINK_TYPE.ethernet, this.#fields);
    this.#lookAt(bytes, payload, this.#fields, slot, time);
  }

  /** A packet that is not a usual one, with all its headers. */
  #readAny(
    bytes: Uint8Array,
    start: number,
    end: number,
    originalLength: number,
    time: number,
    linkType: number,
    interfaceIndex: number,
  ): void {
    const fields = this.#fields;
    const payload = start + parsePacket(bytes, start, end, linkType, fields);
    if ((fields.has & HAS.addresses) === 0) {
      if ((fields.has & HAS.ip) !== 0 || fields.next === LAYER.cut) this.#tooShort++;
      else this.#nonIp++;
      return;
    }
    const length = Math.max(originalLength, end - start);
    const hasInner = this.#seesTunnels && (fields.inner.has & HAS.addresses) !== 0;
    let slot = -1;
    if (!hasInner || this.#options.tunnels === 'both') slot = this.#meterHeaders(fields, length, time, interfaceIndex);
    if (hasInner) slot = this.#meterHeaders(fields.inner, length, time, interfaceIndex);
    if (slot >= 0 && this.#options.names?.wants(slot) === true)
      this.#lookAt(bytes, payload, hasInner ? fields.inner : fields, slot, time);
  }

  /** Shows a packet to who reads names: what is behind `payload`, of a packet with a transport header. */
  #lookAt(bytes: Uint8Array, payload: number, ip: PacketHeaders, slot: number, time: number): void {
    const { next, end } = this.#fields;
    // What a tunnel carries is not what the packet around it carries.
    const isAround = ip === this.#fields && this.#fields.hasInner === 1;
    if (next !== LAYER.payload || ip.fragmentOffset !== 0 || isAround) return;
    this.#options.names?.look(bytes, Math.min(payload, end), end, slot, ip, time);
  }

  /** Meters the IP packet of these headers, which are `#fields` or its inner ones. Returns its slot, or -1 when it is held. */
  #meterHeaders(ip: PacketHeaders, length: number, time: number, interfaceIndex: number): number {
    const words = this.#words;
    const fields = this.#fields;
    words[WORD.interface] = interfaceIndex;
    writeHeaders(fields, ip, length, words);
    this.#meteredPackets++;
    this.#meteredBytes += words[WORD.length] as number;
    if ((fields.has & HAS.mpls) !== 0) this.#table.setLabels(fields.mplsLabels, fields.mplsCount);
    if (ip.isFragment === 1) {
      this.#fragmentCount++;
      if (this.#hasPorts && hasPorts(ip.proto) && !this.#findPorts(ip, words, time)) return -1;
    }
    return this.#table.add(words, time);
  }

  /** Gives a fragment the ports of its datagram. Returns false when it is held because they are not known yet. */
  #findPorts(ip: PacketHeaders, words: Int32Array, time: number): boolean {
    if (ip.fragmentOffset === 0) {
      if ((ip.has & (HAS.ports | HAS.icmp)) !== 0) this.#fragments.learn(ip, portsOf(ip), time);
      return true;
    }
    const ports = this.#fragments.portsOf(ip, time);
    if (ports >= 0) {
      writePorts(words, ports);
      return true;
    }
    this.#fragments.hold(ip, words, time);
    return false;
  }
}
