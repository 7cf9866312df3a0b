import { setTimeout as sleep } from 'node:timers/promises';

/** How lines leave. */
export interface LineTransport {
  /** Opens it; one that cannot be had now is tried again later. Throws WeirError for what waiting cannot mend. */
  start(): Promise<void>;
  readonly isOpen: boolean;
  /** Whether a line may be sent now. */
  readonly takesMore: boolean;
  /** Hands a line to the system. */
  send(line: string): void;
  /** Lines that the system did not take, and why the last of them. */
  counters(): { readonly failed: number; readonly lastError: string | undefined };
  /** Begins a new file under the same name, where that makes sense: its log has been rotated. */
  reopen?(): void;
  close(): Promise<void>;
}

/** What became of the lines: all that were written are sent, waiting, dropped, lost or failed. */
export interface LineSinkCounters {
  readonly name: string;
  readonly isOpen: boolean;
  /** Given to the system. */
  readonly lines: number;
  readonly waiting: number;
  /** Not kept, since too many waited already. */
  readonly dropped: number;
  /** Still waited at the end. */
  readonly lost: number;
  readonly failed: number;
  readonly lastError: string | undefined;
}

export interface LineSinkOptions {
  /** For messages and counters. */
  readonly name: string;
  readonly transport: LineTransport;
  /** Characters of lines that may wait; default 16 Mi. */
  readonly mostWaiting?: number | undefined;
}

const MOST_WAITING = 16 << 20;
/** Octets that may wait in a stream of Node: its own bound would take a line or two at a time. */
export const STREAM_WAITING = 1 << 20;
/** How often it is tried to send what waits, ms: where there is somewhere to send to, and where not. */
const SOON = 1;
const LATER = 50;
/** How long `close` waits for one that takes nothing, ms. */
const PATIENCE = 5000;
/** Lines sent before others get their turn. */
const AT_ONCE = 4096;

/**
 * Lines for another program. Writing never waits and never fails: what is not taken at once waits within bounds, and what comes beyond is dropped and
 * counted. Inert until `start`.
 */
export class LineSink {
  readonly #options: LineSinkOptions;
  readonly #mostWaiting: number;
  #queue: string[] = [];
  /** Index of the first that waits. */
  #head = 0;
  #characters = 0;
  #lines = 0;
  #dropped = 0;
  #lost = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LineSinkOptions) {
    this.#options = options;
    this.#mostWaiting = options.mostWaiting ?? MOST_WAITING;
  }

  /** Throws WeirError as its transport does. */
  start(): Promise<void> {
    return this.#options.transport.start();
  }

  write(line: string): void {
    const { transport } = this.#options;
    if (this.#waiting === 0 && transport.takesMore) {
      transport.send(line);
      this.#lines++;
      return;
    }
    if (this.#characters + line.length > this.#mostWaiting) {
      this.#dropped++;
      return;
    }
    this.#queue.push(line);
    this.#characters += line.length;
    this.#timer ??= setTimeout(this.#pump, transport.isOpen ? SOON : LATER);
  }

  reopen(): void {
    this.#options.transport.reopen?.();
  }

  counters(): LineSinkCounters {
    const { name, transport } = this.#options;
    return {
      name,
      isOpen: transport.isOpen,
      lines: this.#lines,
      waiting: this.#waiting,
      dropped: this.#dropped,
      lost: this.#lost,
      ...transport.counters(),
    };
  }

  /** Sends what waits, as long as some of it is taken within `patience` ms, and closes. What still waits then is lost, and counted. */
  async close(patience = PATIENCE): Promise<void> {
    let [left, since] = [this.#waiting, performance.now()];
    while (this.#waiting > 0) {
      this.#pump();
      if (this.#waiting < left) [left, since] = [this.#waiting, performance.now()];
      else if (performance.now() - since > patience) break;
      if (this.#waiting > 0) await sleep(SOON);
    }
    clearTimeout(this.#timer);
    this.#lost += this.#waiting;
    this.#clear();
    await this.#options.transport.close();
  }

  get #waiting(): number {
    return this.#queue.length - this.#head;
  }

  readonly #pump = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { transport } = this.#options;
    const end = Math.min(this.#queue.length, this.#head + AT_ONCE);
    while (this.#head < end && transport.takesMore) {
      const line = this.#queue[this.#head++] as string;
      this.#characters -= line.length;
      transport.send(line);
      this.#lines++;
    }
    if (this.#waiting === 0) this.#clear();
    else {
      // Not one by one, which would move all the others each time.
      if (this.#head > this.#queue.length / 2) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      this.#timer = setTimeout(this.#pump, transport.isOpen ? SOON : LATER);
    }
  };

  #clear(): void {
    this.#queue = [];
    this.#head = 0;
    this.#characters = 0;
  }
}
