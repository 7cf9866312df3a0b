import type { PacketHandler } from '../../wire/pcap/packet.ts';

interface Waiting {
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  readonly timeMicros: number;
  readonly linkType: number;
  readonly interfaceIndex: number;
}

/** Timers are no finer. */
const SHORTEST_WAIT = 2;
/** A gap in a capture is waited for up to so long at a time, so that a clock that was put forward does not wait for years unheard. */
const LONGEST_WAIT = 0x7fff_ffff;

/** Hands packets on with the gaps that their times have: `packet` keeps them, `deliver` gives them out when it is their time. */
export class PacedHandler implements PacketHandler {
  readonly #handler: PacketHandler;
  readonly #speed: number;
  #waiting: Waiting[] = [];
  /** Capture time (µs) of the first packet, and ms of the clock when it was handed on. */
  #first: number | undefined;
  #begun = 0;
  #isStopped = false;
  #wake = () => {};

  /** `speed` 1 is that of the capture, 10 ten times as fast. */
  constructor(handler: PacketHandler, speed: number) {
    this.#handler = handler;
    this.#speed = speed;
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
    this.#waiting.push({
      bytes: new Uint8Array(bytes.subarray(start, end)),
      originalLength,
      timeMicros,
      linkType,
      interfaceIndex,
    });
  }

  /** Resolves when all packets that wait have been handed on, or after `stop`. */
  async deliver(): Promise<void> {
    for (const { bytes, originalLength, timeMicros, linkType, interfaceIndex } of this.#waiting) {
      this.#first ??= this.#begin(timeMicros);
      for (let left = this.#left(timeMicros); left >= SHORTEST_WAIT && !this.#isStopped; left = this.#left(timeMicros))
        await this.#sleep(Math.min(left, LONGEST_WAIT));
      if (this.#isStopped) break;
      this.#handler.packet(bytes, 0, bytes.length, originalLength, timeMicros, linkType, interfaceIndex);
    }
    this.#waiting = [];
  }

  /** Ends waiting; what has not been handed on is not any more. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  #begin(timeMicros: number): number {
    this.#begun = performance.now();
    return timeMicros;
  }

  /** ms until a packet is due. */
  #left(timeMicros: number): number {
    return this.#begun + (timeMicros - (this.#first as number)) / 1000 / this.#speed - performance.now();
  }

  #sleep(millis: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, millis);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
