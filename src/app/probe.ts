import { ExportingProcess, type TargetCounters, type TargetOptions } from '../export/exporting-process.ts';
import { type SflowPacketOptions, SflowPackets } from '../export/sflow-packets.ts';
import type { CaptureCounters, CaptureSource } from '../meter/capture/source.ts';
import { readInterfaceCounters } from '../meter/interface-counters.ts';
import { Meter } from '../meter/meter.ts';
import type { MeterOptions } from '../meter/options.ts';
import type { MeterStatistics } from '../meter/statistics.ts';
import type { PacketHandler } from '../wire/pcap/packet.ts';
import { FlowOutputs, type FlowOutputsOptions, type OutputCounters } from './flow-outputs.ts';

/** Packet sampling of sFlow, beside or instead of flows. */
export interface SflowProbeOptions extends Omit<SflowPacketOptions, 'emit' | 'drops'> {
  readonly targets: readonly TargetOptions[];
  /** Interfaces whose counters are told; none for captures of former times. */
  readonly interfaces: readonly string[];
  /** How often they are told, ms. */
  readonly countersMillis: number;
}

export interface ProbeOptions {
  readonly source: CaptureSource;
  /** Packets come as they happen: flows end by the clock, also when none come. */
  readonly isLive: boolean;
  /** Undefined where only packets are sampled. */
  readonly meter: MeterOptions | undefined;
  readonly outputs: FlowOutputsOptions;
  readonly sflow?: SflowProbeOptions | undefined;
}

/** What a probe has done so far. */
export interface ProbeStatus {
  readonly capture: CaptureCounters;
  readonly flows: MeterStatistics | undefined;
  readonly outputs: OutputCounters;
  readonly sflow:
    | {
        readonly packets: number;
        readonly samples: number;
        /** Chosen packets of link types that sFlow has no place for. */
        readonly unsendable: number;
        readonly targets: readonly TargetCounters[];
      }
    | undefined;
}

/** Datagrams of sFlow wait for others to share them this long at most, ms (sFlow Version 5, section 4.2.2: a second). */
const SFLOW_FLUSH = 500;
const SECOND = 1000;

/** A metering process with its sources and its exporting process, wired: packets in, flow records and samples out. */
export class Probe {
  readonly outputs: FlowOutputs;
  readonly meter: Meter | undefined;
  readonly #options: ProbeOptions;
  readonly #sampler: SflowPackets | undefined;
  readonly #sflowExporting: ExportingProcess | undefined;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Of the last packet, µs since the epoch. */
  #lastPacket = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ProbeOptions) {
    const { meter, outputs, sflow, source } = options;
    this.#options = options;
    this.outputs = new FlowOutputs(outputs);
    this.meter = meter === undefined ? undefined : new Meter(meter, this.outputs);
    if (sflow === undefined) return;
    const { targets } = sflow;
    const exporting = new ExportingProcess({ ...outputs, targets });
    this.#sflowExporting = exporting;
    this.#sampler = new SflowPackets({
      ...sflow,
      drops: () => source.counters.dropped,
      emit: (datagram, samples) => exporting.writeMessage(datagram, samples),
    });
  }

  /** Opens outputs and source, in this order; when one step fails, those before it are undone. Throws WeirError. */
  async start(): Promise<void> {
    await this.outputs.start();
    try {
      await this.#sflowExporting?.start();
      await this.#options.source.start(this.#handler());
    } catch (error) {
      await this.#options.source.close();
      await Promise.all([this.outputs.close(), this.#sflowExporting?.close(0)]);
      throw error;
    }
    if (this.#options.isLive) this.#startClocks();
  }

  /** Settles when no more packets will come. Rejects with what ended them. */
  get ended(): Promise<void> {
    return this.#options.source.ended;
  }

  /** Resolves when the outputs have room for what the next packets may bring. */
  async ready(): Promise<void> {
    await this.outputs.ready();
    await this.#sflowExporting?.ready();
  }

  /** Templates and options are sent again before the next records. */
  renewTemplates(): void {
    this.outputs.exporting.renewTemplates();
  }

  status(): ProbeStatus {
    const sampler = this.#sampler;
    return {
      capture: { ...this.#options.source.counters },
      flows: this.meter?.statistics(),
      outputs: this.outputs.counters(),
      sflow:
        sampler === undefined
          ? undefined
          : {
              packets: sampler.packets,
              samples: sampler.samples,
              unsendable: sampler.unsendable,
              targets: this.#sflowExporting?.counters() ?? [],
            },
    };
  }

  /** Ends capturing, exports every flow (or, when they are to be discarded, none), and waits until that has been taken. May be called twice. */
  close({ isDiscarding = false } = {}): Promise<void> {
    this.#closing ??= this.#close(isDiscarding);
    return this.#closing;
  }

  async #close(isDiscarding: boolean): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#options.source.close();
    if (isDiscarding) this.meter?.deleteAll();
    else this.meter?.expireAll();
    this.#flushSamples();
    await Promise.all([this.outputs.close(), this.#sflowExporting?.close()]);
  }

  #startClocks(): void {
    const { sflow, outputs } = this.#options;
    this.#timers.push(setInterval(() => this.meter?.expire(outputs.now() * 1000), SECOND));
    if (sflow === undefined) return;
    this.#timers.push(setInterval(() => this.#flushSamples(), SFLOW_FLUSH));
    if (sflow.interfaces.length > 0)
      this.#timers.push(setInterval(() => this.#tellCounters(sflow.interfaces), sflow.countersMillis));
  }

  #flushSamples(): void {
    const { isLive, outputs } = this.#options;
    this.#sampler?.flush(isLive || this.#lastPacket === 0 ? outputs.now() : this.#lastPacket / 1000);
  }

  #tellCounters(interfaces: readonly string[]): void {
    for (const name of interfaces) {
      const counters = readInterfaceCounters(name);
      if (counters !== undefined) this.#sampler?.counterSample(counters);
    }
  }

  /** Where packets go: straight to the one that wants them, or to both. */
  #handler(): PacketHandler {
    const meter: PacketHandler | undefined = this.meter;
    const sampler = this.#sampler;
    if (sampler === undefined && meter !== undefined) return meter;
    return {
      packet: (bytes, start, end, originalLength, timeMicros, linkType, interfaceIndex) => {
        this.#lastPacket = timeMicros;
        meter?.packet(bytes, start, end, originalLength, timeMicros, linkType, interfaceIndex);
        sampler?.packet(bytes, start, end, originalLength, timeMicros, linkType, interfaceIndex);
      },
    };
  }
}
