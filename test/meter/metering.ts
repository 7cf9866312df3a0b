import { FlowBatch } from '#weir/flow/batch.js';
import { type FlowRecord, records } from '#weir/flow/record.js';
import { Meter } from '#weir/meter/meter.js';
import type { MeterOptions } from '#weir/meter/options.js';
import { DEFAULT_TIMEOUTS } from '#weir/meter/timeouts.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { createCaptureReader } from '#weir/wire/pcap/capture-reader.js';
import { createCaptureStats } from '#weir/wire/pcap/packet.js';
import { pcapFileHeader } from '#weir/wire/pcap/writer.js';

/** 2026-01-01, µs. */
export const T0 = 1_767_225_600_000_000;
export const SECOND = 1_000_000;

/** A meter with everything as `weir probe` has it unless `options` say otherwise, and what comes out of it. */
export class Metering {
  readonly meter: Meter;
  readonly #batches: FlowBatch[] = [];

  constructor(options: Partial<MeterOptions> = {}) {
    this.meter = new Meter(
      {
        keys: 'full',
        isBiflow: false,
        timeouts: DEFAULT_TIMEOUTS,
        expiry: 'by-time',
        maxFlows: 1000,
        maxBytes: 1 << 24,
        tunnels: 'outer',
        sampling: undefined,
        names: undefined,
        exporter: [0, 0, 0xffff, 0xc000_0201],
        observationDomain: 7,
        seed: [0x1234_5678, 0x9abc_def0],
        random: Math.random,
        ...options,
      },
      { batch: () => this.#batch() },
    );
  }

  #batch(): FlowBatch {
    const last = this.#batches.at(-1);
    if (last?.hasRoom(1) === true) return last;
    const next = new FlowBatch(64);
    this.#batches.push(next);
    return next;
  }

  /** A packet as it would come from a capture, in the midst of other octets. */
  packet(bytes: Uint8Array, time = T0, linkType: number = LINK_TYPE.ethernet, originalLength = bytes.length): void {
    const around = new Uint8Array(bytes.length + 64).fill(0x45);
    around.set(bytes, 32);
    this.meter.packet(around, 32, 32 + bytes.length, originalLength, time, linkType, 0);
  }

  /** Packets of one Ethernet capture file, in pieces of `length` octets. */
  capture(packets: readonly { readonly bytes: Uint8Array; readonly time: number }[], length: number): void {
    const reader = createCaptureReader(this.meter, createCaptureStats());
    const file = Buffer.concat([
      pcapFileHeader(LINK_TYPE.ethernet),
      ...packets.flatMap(({ bytes, time }) => [recordHeader(time, bytes.length), bytes]),
    ]);
    for (let at = 0; at < file.length; at += length) reader.push(file.subarray(at, at + length));
    reader.end();
  }

  /** All records written so far. */
  records(): FlowRecord[] {
    return this.#batches.flatMap((batch) => [...records(batch)]);
  }

  /** Ends what goes on, and gives all records. */
  end(): FlowRecord[] {
    this.meter.expireAll();
    return this.records();
  }
}

/** draft-ietf-opsawg-pcap section 5: seconds, µs, captured and original length. */
function recordHeader(time: number, length: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(Math.floor(time / SECOND), 0);
  header.writeUInt32BE(time % SECOND, 4);
  header.writeUInt32BE(length, 8);
  header.writeUInt32BE(length, 12);
  return header;
}
