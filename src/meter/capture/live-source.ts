import type { PacketHandler } from '../../wire/pcap/packet.ts';
import type { CaptureProgram, CaptureSettings } from './capture-program.ts';
import { InterfaceCapture, type LiveLog } from './interface-capture.ts';
import type { InterfaceName } from './interface-name.ts';
import { type CaptureSource, createCaptureCounters } from './source.ts';

export interface LiveSourceOptions {
  /** At least one. Each is captured by a process of its own. */
  readonly interfaces: readonly InterfaceName[];
  readonly program: CaptureProgram;
  readonly settings: CaptureSettings;
  readonly log: LiveLog;
  /** ms from any beginning. */
  readonly clock: () => number;
}

/** How often the capturing programs are asked what they lost, ms. */
const ASK = 5000;

/**
 * Packets of network interfaces, by way of tcpdump or dumpcap. A capturing program that dies is started again, also when its interface has gone and comes
 * back; that nothing was captured meanwhile is counted and said. Packets of different interfaces come in the order in which they are read.
 */
export class LiveSource implements CaptureSource {
  readonly counters = createCaptureCounters();
  readonly #captures: readonly InterfaceCapture[];
  #timer: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #settle: () => void = () => {};
  readonly ended = new Promise<void>((resolve) => {
    this.#settle = resolve;
  });

  constructor({ interfaces, ...options }: LiveSourceOptions) {
    const { counters } = this;
    this.#captures = interfaces.map((one) => new InterfaceCapture({ ...options, interface: one, counters }));
  }

  async start(handler: PacketHandler): Promise<void> {
    try {
      await Promise.all(this.#captures.map((capture) => capture.start(handler)));
    } catch (error) {
      await this.close();
      throw error;
    }
    this.#timer = setInterval(() => {
      for (const capture of this.#captures) capture.askLosses();
    }, ASK);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#captures.map((capture) => capture.close()));
    this.#settle();
  }
}
