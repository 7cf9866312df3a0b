import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../util/errors.ts';
import { LINK_TYPE } from '../../wire/packet/link-types.ts';
import type { PacketHandler } from '../../wire/pcap/packet.ts';
import { CaptureChild } from './capture-child.ts';
import type { CaptureProgram, CaptureSettings } from './capture-program.ts';
import { captureRefused, isWaitedFor } from './capture-refused.ts';
import { ANY, type InterfaceName, systemIndex } from './interface-name.ts';
import type { CaptureCounters } from './source.ts';

export interface LiveLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface InterfaceCaptureOptions {
  readonly interface: InterfaceName;
  readonly program: CaptureProgram;
  readonly settings: CaptureSettings;
  readonly counters: CaptureCounters;
  readonly log: LiveLog;
  /** ms from any beginning. */
  readonly clock: () => number;
}

/** Waiting before it is tried again, ms: doubled each time, and from the beginning after a while without a fault. */
const [SHORTEST, LONGEST, WHILE] = [250, 8000, 10_000];

/** Packets of one interface: a capturing program, and another one when it has died. */
export class InterfaceCapture {
  readonly #options: InterfaceCaptureOptions;
  readonly #closing = new AbortController();
  #child: CaptureChild | undefined;
  #keeping: Promise<void> = Promise.resolve();
  #wait = SHORTEST;

  constructor(options: InterfaceCaptureOptions) {
    this.#options = options;
  }

  /** Resolves once packets are captured, or the interface is one that is only down: it is waited for. Throws WEIR_CAPTURE or WEIR_USAGE. */
  async start(handler: PacketHandler): Promise<void> {
    const { program, settings } = this.#options;
    const { name } = this.#options.interface;
    const why = await this.#try(handler);
    if (why !== undefined && !isWaitedFor(why)) throw captureRefused(program, name, settings.filter, why);
    if (why === undefined) this.#options.log.info({ target: name }, `is captured by ${program.path}`);
    this.#keeping = this.#keep(handler, why);
  }

  askLosses(): void {
    this.#child?.askLosses();
  }

  /** Ends it; what has been captured is handed over first. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#child?.stop();
    await this.#keeping;
  }

  /** Captures until it is closed. `why` is given where it has not begun yet. */
  async #keep(handler: PacketHandler, why: string | undefined): Promise<void> {
    const { interface: of, counters, log, clock } = this.#options;
    const isClosing = () => this.#closing.signal.aborted;
    let reason = why;
    for (;;) {
      if (reason === undefined) {
        const begun = clock();
        reason = await this.#child?.ended;
        if (isClosing()) return;
        if (clock() - begun >= WHILE) this.#wait = SHORTEST;
        counters.interruptions++;
      }
      const since = clock();
      for (let told: string | undefined; reason !== undefined; reason = await this.#try(handler)) {
        // Not each attempt is news.
        if (told !== reason) log.warn({ target: of.name, error: reason }, 'nothing is captured; it is tried again');
        told = reason;
        await sleep(this.#wait, undefined, { signal: this.#closing.signal }).catch(() => {});
        if (isClosing()) return;
        this.#wait = Math.min(LONGEST, this.#wait * 2);
      }
      const millis = Math.round(clock() - since);
      counters.blindMillis += millis;
      log.info({ target: of.name }, `packets are captured again, after ${(millis / 1000).toFixed(1)} s`);
    }
  }

  /** Begins to capture; resolves to why it cannot. */
  async #try(handler: PacketHandler): Promise<string | undefined> {
    const { interface: of, program, settings, counters } = this.#options;
    const child = new CaptureChild({
      program,
      interfaceName: of.name,
      settings,
      handler: numbered(handler, of),
      counters,
    });
    try {
      const why = await child.start();
      if (why === undefined) this.#child = child;
      // Closed meanwhile.
      if (this.#closing.signal.aborted) await child.stop();
      return why;
    } catch (error) {
      return messageOf(error);
    }
  }
}

/** Hands packets on with the number of their interface: where all are captured, each packet tells its own. */
function numbered(handler: PacketHandler, { name, index }: InterfaceName): PacketHandler {
  const fixed = index ?? systemIndex(name);
  const isTold = name === ANY && index === undefined;
  return {
    packet: (bytes, start, end, originalLength, timeMicros, linkType) => {
      const told = isTold && linkType === LINK_TYPE.linuxCooked2 && end - start >= 8;
      handler.packet(bytes, start, end, originalLength, timeMicros, linkType, told ? cookedIndex(bytes, start) : fixed);
    },
  };
}

/** Interface index of a packet with LINUX_SLL2's header: 0 u16 protocol, 2 u16 reserved, 4 u32 interface index. */
function cookedIndex(bytes: Uint8Array, at: number): number {
  const octet = (offset: number) => bytes[at + offset] as number;
  return ((octet(4) << 24) | (octet(5) << 16) | (octet(6) << 8) | octet(7)) >>> 0;
}
