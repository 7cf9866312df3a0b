import { viewOf } from '../util/octets.ts';
import { createFlowSource, type Flow } from './flows.ts';
import type { Description, GeneratedVersion, Layout } from './layout.ts';
import { createPopulation } from './population.ts';
import { createRandom } from './random.ts';
import { checkOptions, hasEngines, LAYOUTS, type TrafficOptions } from './traffic-options.ts';

/** What was handed out so far; exact. */
export interface TrafficTotals {
  datagrams: number;
  flows: number;
  /** Sums of the flows' counters, as exported. */
  packets: number;
  bytes: number;
  /** Bytes of the datagrams. */
  octets: number;
}

export interface Traffic {
  readonly version: GeneratedVersion;
  readonly exporters: number;
  readonly totals: TrafficTotals;
  /** Which exporter (from 0) the datagram that `next` returned last is from. */
  readonly exporter: number;
  /**
   * The next datagram, with the times it would have were it exported at `nowMs` (ms since the epoch, whole, not before the last).
   * It is valid until the next call. Undefined once all `flows` have been handed out.
   */
  next(nowMs: number): Uint8Array | undefined;
}

/** An Ethernet frame's room for a UDP payload over IPv4. */
const MAX_PAYLOAD = 1472;
const DAY = 86_400_000;

/** The flows made beforehand, as whole datagrams without times and header. */
interface Ring {
  readonly datagrams: readonly Uint8Array[];
  readonly views: readonly DataView[];
  readonly isIpv6: Uint8Array;
  readonly records: Uint16Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  /** Ms before the export at which each record's flow began and ended, `stride` to a datagram. */
  readonly began: Uint32Array;
  readonly ended: Uint32Array;
  readonly stride: number;
}

/** One exporter and domain. */
interface Stream {
  readonly exporter: number;
  readonly domain: number;
  readonly boot: number;
  sequence: number;
  sinceTemplate: number;
  templateTime: number;
}

export type { TrafficOptions } from './traffic-options.ts';

/**
 * Synthetic exporters: an object whose `next` gives one datagram after the other, round robin over the streams. All flows are made
 * here, at about 1 µs each; `next` only patches times and sequence numbers.
 *
 * @throws WeirError WEIR_USAGE for options that contradict each other or do not fit into a datagram
 */
export function createTraffic(options: TrafficOptions): Traffic {
  const { version, exporters = 1, domains = 1, sampling = 1, flows = Number.POSITIVE_INFINITY } = options;
  const layout = LAYOUTS[version];
  const { templateDatagrams = 1000, templateMs = 30_000 } = options;
  checkOptions(options, layout);
  const random = createRandom(options.seed ?? 1);
  const ring = createRing(layout, options);
  const description = layout.describe({ hasIpv6: (options.ipv6 ?? 0) > 0, sampling });
  const descriptionView = description === undefined ? undefined : viewOf(description.datagram);
  const streams = Array.from({ length: exporters * domains }, (_, index): Stream => {
    const domain = Math.floor(index / exporters) + (hasEngines(version) ? 0 : 1);
    // Up between a day and forty: below the 49.7 days after which sysUptime starts again.
    const boot = DAY + random.below(39 * DAY);
    return { exporter: index % exporters, domain, boot, sequence: 0, sinceTemplate: 0, templateTime: Number.NaN };
  });
  const scratch = new Uint8Array(65_536);
  const totals: TrafficTotals = { datagrams: 0, flows: 0, packets: 0, bytes: 0, octets: 0 };
  let ringAt = 0;
  let streamAt = 0;
  let start = Number.NaN;

  const count = (records: number, packets: number, bytes: number, octets: number) => {
    totals.datagrams++;
    totals.flows += records;
    totals.packets += packets;
    totals.bytes += bytes;
    totals.octets += octets;
  };

  const sendDescription = (stream: Stream, { datagram, dataRecords }: Description, view: DataView, now: number) => {
    const uptime = now - start + stream.boot;
    layout.patchHeader(view, 0, { now, uptime, sequence: stream.sequence, domain: stream.domain, sampling });
    stream.sequence = (stream.sequence + (layout.unit === 'messages' ? 1 : dataRecords)) >>> 0;
    stream.sinceTemplate = 0;
    stream.templateTime = now;
    count(0, 0, 0, datagram.length);
    return datagram;
  };

  const next = (nowMs: number): Uint8Array | undefined => {
    if (totals.flows >= flows) return undefined;
    const now = Math.floor(nowMs);
    if (Number.isNaN(start)) start = now;
    const stream = streams[streamAt]!;
    traffic.exporter = stream.exporter;
    if (description !== undefined && descriptionView !== undefined) {
      const isDue = stream.sinceTemplate >= templateDatagrams || !(now - stream.templateTime < templateMs);
      if (isDue) return sendDescription(stream, description, descriptionView, now);
    }
    streamAt = streamAt + 1 === streams.length ? 0 : streamAt + 1;
    const index = ringAt;
    ringAt = ringAt + 1 === ring.datagrams.length ? 0 : ringAt + 1;
    const uptime = (now - start + stream.boot) % 2 ** 32;
    const view = ring.views[index]!;
    layout.patchHeader(view, 0, { now, uptime, sequence: stream.sequence, domain: stream.domain, sampling });
    const isIpv6 = ring.isIpv6[index] === 1;
    patchTimes(view, layout, isIpv6, ring, index, layout.times?.is === 'epoch' ? now : uptime);
    const datagram = ring.datagrams[index]!;
    const records = ring.records[index]!;
    const left = flows - totals.flows;
    const taken = left < records ? left : records;
    stream.sinceTemplate++;
    stream.sequence = (stream.sequence + (layout.unit === 'messages' ? 1 : taken)) >>> 0;
    if (taken === records) {
      count(records, ring.packets[index]!, ring.bytes[index]!, datagram.length);
      return datagram;
    }
    return cut(datagram, taken, isIpv6);
  };

  /** The last datagram of an exact total: its first `records` records. */
  const cut = (datagram: Uint8Array, records: number, isIpv6: boolean): Uint8Array => {
    scratch.set(datagram);
    layout.shorten(scratch, records, isIpv6);
    const short = scratch.subarray(0, layout.datagramLength(records, isIpv6));
    const view = viewOf(short);
    const stride = layout.recordLength(isIpv6);
    let packets = 0;
    let bytes = 0;
    for (let i = 0; i < records; i++) {
      const at = layout.headerLength + i * stride + (isIpv6 ? layout.ipv6Shift : 0);
      packets += layout.counters.packets === undefined ? 1 : view.getUint32(at + layout.counters.packets, false);
      bytes += view.getUint32(at + layout.counters.bytes, false);
    }
    count(records, packets, bytes, short.length);
    return short;
  };

  const traffic = { version, exporters, totals, exporter: 0, next };
  return traffic;
}

/** Writes the times of a datagram's records: `now` is the uptime or the epoch, whichever the layout's times are. */
function patchTimes(view: DataView, layout: Layout, isIpv6: boolean, ring: Ring, index: number, now: number): void {
  const { times } = layout;
  if (times === undefined) return;
  const { began, ended } = ring;
  const shift = layout.headerLength + (isIpv6 ? layout.ipv6Shift : 0);
  const length = layout.recordLength(isIpv6);
  let startAt = shift + times.start;
  let endAt = shift + times.end;
  const from = index * ring.stride;
  const to = from + ring.records[index]!;
  if (times.is === 'uptime') {
    for (let i = from; i < to; i++) {
      view.setUint32(startAt, now - began[i]!, false);
      view.setUint32(endAt, now - ended[i]!, false);
      startAt += length;
      endAt += length;
    }
    return;
  }
  const high = Math.floor(now / 2 ** 32);
  const low = now % 2 ** 32;
  for (let i = from; i < to; i++) {
    // setUint32 takes a negative lower half modulo 2^32, so that only the borrow is left to do.
    const startLow = low - began[i]!;
    const endLow = low - ended[i]!;
    view.setUint32(startAt, startLow < 0 ? high - 1 : high, false);
    view.setUint32(startAt + 4, startLow, false);
    view.setUint32(endAt, endLow < 0 ? high - 1 : high, false);
    view.setUint32(endAt + 4, endLow, false);
    startAt += length;
    endAt += length;
  }
}

function createRing(layout: Layout, options: TrafficOptions): Ring {
  const { ipv6 = 0, flows = Number.POSITIVE_INFINITY } = options;
  const distinct = options.distinct ?? (Number.isFinite(flows) ? Math.min(flows, 3_000_000) : 1_000_000);
  const fit = (isIpv6: boolean) => Math.floor((MAX_PAYLOAD - layout.headerLength) / layout.recordLength(isIpv6));
  const perDatagram = (isIpv6: boolean) => options.records ?? Math.min(layout.defaultRecords, fit(isIpv6));
  const stride = perDatagram(false);
  const count = Math.max(1, Math.ceil(distinct / perDatagram(ipv6 === 1)));
  const random = createRandom((options.seed ?? 1) + 0x5eed);
  const population = createPopulation(random);
  const nextFlow = createFlowSource(population, random);
  const families = Uint8Array.from({ length: count }, () => (ipv6 > 0 && random.float() < ipv6 ? 1 : 0));
  const lengths = [
    layout.datagramLength(perDatagram(false), false),
    layout.datagramLength(perDatagram(true), true),
  ] as const;
  const total = families.reduce((sum, isIpv6) => sum + (isIpv6 === 1 ? lengths[1] : lengths[0]), 0);
  const memory = new ArrayBuffer(total);
  const datagrams: Uint8Array[] = [];
  const views: DataView[] = [];
  const ring: Ring = {
    datagrams,
    views,
    isIpv6: families,
    records: new Uint16Array(count),
    packets: new Float64Array(count),
    bytes: new Float64Array(count),
    began: new Uint32Array(count * stride),
    ended: new Uint32Array(count * stride),
    stride,
  };
  for (let index = 0, at = 0; index < count; index++) {
    const isIpv6 = families[index] === 1;
    const flows: Flow[] = Array.from({ length: perDatagram(isIpv6) }, nextFlow);
    const { adapt } = layout;
    const batch = adapt === undefined ? flows : flows.map(adapt);
    const length = lengths[isIpv6 ? 1 : 0];
    const datagram = new Uint8Array(memory, at, length);
    layout.writeDatagram(datagram, batch, isIpv6);
    for (const [i, flow] of batch.entries()) {
      ring.ended[index * stride + i] = flow.age;
      ring.began[index * stride + i] = flow.age + flow.duration;
      ring.packets[index]! += flow.packets;
      ring.bytes[index]! += flow.bytes;
    }
    ring.records[index] = batch.length;
    datagrams.push(datagram);
    views.push(viewOf(datagram));
    at += length;
  }
  return ring;
}
