// Captures for the meter's benchmark, written as pcap with 96 octets of each packet: packets of the generator's flows, and a flood of SYNs.
import { closeSync, openSync, writeSync } from 'node:fs';
import { createFlowSource } from '../../dist/generate/flows.js';
import { createPopulation } from '../../dist/generate/population.js';
import { createRandom } from '../../dist/generate/random.js';

const SNAP = 96;
const ETHERNET = 14;
const IPV4 = 20;
const SYN = 0x02;
const FIN_ACK = 0x11;
const BEGIN = 1_700_000_000;
/** Flows that begin in a second, each direction of a conversation being one: with some 20 packets a flow a link of a gigabit. */
const FLOWS_PER_SECOND = 5000;
/** Packets of one flow that follow each other at once, as a sender's window lets them. */
const TRAIN = 8;
const TRAIN_GAP = 12e-6;

/** Writes pcap records of IPv4 packets through one buffer. */
class Writer {
  #fd;
  #buffer = Buffer.alloc(4 << 20);
  #at = 24;

  constructor(path) {
    this.#fd = openSync(path, 'w');
    const header = this.#buffer;
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(SNAP, 16);
    header.writeUInt32LE(1, 20);
  }

  packet(seconds, from, to, protocol, fromPort, toPort, flags, length) {
    if (this.#at > this.#buffer.length - 2 * SNAP) this.#flush();
    const buffer = this.#buffer;
    const whole = ETHERNET + Math.max(length, IPV4 + 8);
    const captured = Math.min(SNAP, whole);
    let at = this.#at;
    buffer.writeUInt32LE(BEGIN + Math.floor(seconds), at);
    buffer.writeUInt32LE(Math.floor((seconds % 1) * 1e6), at + 4);
    buffer.writeUInt32LE(captured, at + 8);
    buffer.writeUInt32LE(whole, at + 12);
    at += 16;
    this.#at = at + captured;
    buffer.fill(0, at, at + captured);
    buffer.writeUInt32BE(to, at + 2);
    buffer.writeUInt32BE(from, at + 8);
    buffer.writeUInt16BE(0x0800, at + 12);
    at += ETHERNET;
    buffer[at] = 0x45;
    buffer.writeUInt16BE(whole - ETHERNET, at + 2);
    buffer[at + 8] = 60;
    buffer[at + 9] = protocol;
    buffer.writeUInt32BE(from, at + 12);
    buffer.writeUInt32BE(to, at + 16);
    at += IPV4;
    // Of ICMP type and code stand where the source port would.
    buffer.writeUInt16BE(protocol === 1 ? toPort : fromPort, at);
    if (protocol !== 1) buffer.writeUInt16BE(toPort, at + 2);
    if (protocol === 17) buffer.writeUInt16BE(whole - ETHERNET - IPV4, at + 4);
    if (protocol === 6) {
      buffer[at + 12] = 0x50;
      buffer[at + 13] = flags;
    }
  }

  #flush() {
    writeSync(this.#fd, this.#buffer, 0, this.#at);
    this.#at = 0;
  }

  close() {
    this.#flush();
    closeSync(this.#fd);
  }
}

/** A capture of `count` packets of a mid-size network's flows, interleaved by time. */
export function writeUsualCapture(path, count) {
  const random = createRandom(1);
  const nextFlow = createFlowSource(createPopulation(random), random);
  const writer = new Writer(path);
  const heap = new Heap();
  let begun = 0;
  for (let written = 0; written < count; written++) {
    // The next packet is that of a flow that goes on, or the first one of a new flow.
    while (heap.size === 0 || begun / FLOWS_PER_SECOND <= heap.leastTime) {
      const flow = nextFlow();
      // The meter's way through tunnels and IPsec is not measured here.
      if (flow.protocol > 17) continue;
      heap.push(begun++ / FLOWS_PER_SECOND, { flow, sent: 0 });
    }
    const time = heap.leastTime;
    const one = heap.pop();
    const { flow } = one;
    const { from, to, protocol, sourcePort, destinationPort, packets, bytes, duration } = flow;
    const isLast = one.sent === packets - 1;
    const flags = one.sent === 0 ? SYN : isLast && duration > 0 ? FIN_ACK : 0x10;
    const least = protocol === 6 ? 40 : 28;
    const length = Math.max(least, Math.min(1500, Math.round(bytes / packets)));
    writer.packet(time, from.v4, to.v4, protocol, sourcePort, destinationPort, flags, length);
    if (isLast) continue;
    one.sent++;
    const trains = Math.ceil(packets / TRAIN);
    heap.push(time + (one.sent % TRAIN === 0 ? duration / 1000 / trains : TRAIN_GAP), one);
  }
  writer.close();
}

/** A capture of `count` SYNs, no two of one flow, a million a second. */
export function writeFloodCapture(path, count) {
  const random = createRandom(2);
  const writer = new Writer(path);
  for (let i = 0; i < count; i++)
    // The lower half of the address is a number of its own for each 65,536 packets, the port for each packet among them.
    writer.packet(i / 1e6, ((random.below(65_536) << 16) | (i >>> 16)) >>> 0, 0xcb00_7105, 6, i & 0xffff, 443, SYN, 40);
  writer.close();
}

/** A binary heap by time. */
class Heap {
  #times = [];
  #values = [];

  get size() {
    return this.#times.length;
  }

  get leastTime() {
    return this.#times[0];
  }

  push(time, value) {
    let at = this.#times.length;
    this.#times.push(time);
    this.#values.push(value);
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (this.#times[above] <= time) break;
      this.#move(above, at);
      at = above;
    }
    this.#times[at] = time;
    this.#values[at] = value;
  }

  pop() {
    const least = this.#values[0];
    const time = this.#times.pop();
    const value = this.#values.pop();
    const size = this.#times.length;
    if (size === 0) return least;
    let at = 0;
    for (let below = 1; below < size; below = 2 * at + 1) {
      if (below + 1 < size && this.#times[below + 1] < this.#times[below]) below++;
      if (this.#times[below] >= time) break;
      this.#move(below, at);
      at = below;
    }
    this.#times[at] = time;
    this.#values[at] = value;
    return least;
  }

  #move(from, to) {
    this.#times[to] = this.#times[from];
    this.#values[to] = this.#values[from];
  }
}
