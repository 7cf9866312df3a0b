import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowBatch } from '../flow/batch.ts';
import { createEncoder, type Encoder, type EncoderOptions } from './encoder.ts';
import { createTransport, type LinkTransport, type TransportOptions } from './link-transport.ts';
import type { EncoderCounters } from './losses.ts';
import { MessageQueue } from './message-queue.ts';
import type { ExportTarget } from './target.ts';

/** One collector, or file, that records are exported to, and how. */
export interface TargetOptions {
  readonly target: ExportTarget;
  /** How it was written, for messages. */
  readonly text: string;
  readonly encoder?: Omit<EncoderOptions, 'protocol'> | undefined;
  readonly transport?: Omit<TransportOptions, 'onLost'> | undefined;
  /** Kinds of record (codes of RECORD_KINDS) that it gets; default all. */
  readonly accepts?: ((recordKind: number) => boolean) | undefined;
  /** Messages per second at most, so that a burst does not flow over in the collector; default 10,000 over UDP, 0 for no bound elsewhere. */
  readonly rate?: number | undefined;
}

/** What became of the records for one target; all that were written are sent, waiting, refused by the encoder, dropped or lost. */
export interface TargetCounters {
  readonly target: string;
  readonly isOpen: boolean;
  /** Messages and their octets, given to the system. */
  readonly messages: number;
  readonly octets: number;
  /** Data records in those messages. */
  readonly records: number;
  readonly waiting: { readonly messages: number; readonly octets: number; readonly records: number };
  /** Records that were not encoded, since too much waited already. */
  readonly dropped: number;
  /** Records in messages that waited when their connection broke, or still waited at the end. */
  readonly lost: number;
  /** Messages that the system did not take, or had not passed on when the connection broke. */
  readonly failed: number;
  /** UDP: answers that nobody listens. */
  readonly refused: number;
  readonly sessions: number;
  readonly lastError: string | undefined;
  /** What the format cannot carry. */
  readonly encoder: EncoderCounters;
}

export interface LinkLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface LinkOptions {
  /** Octets of messages that may wait; records that come beyond are dropped and counted. */
  readonly mostWaiting: number;
  /** Monotonic milliseconds. */
  readonly clock: () => number;
  readonly log: LinkLog;
}

const UDP_RATE = 10_000;
/** The bucket holds so many seconds' worth of messages: a burst that a collector's socket has room for. */
const BURST_SECONDS = 1 / 200;
/** How often it is tried to send what waits, ms: where there is somewhere to send to, and where not. */
const SOON = 1;
const LATER = 50;

/**
 * Encodes records for one target and sends them as fast as it takes them. What waits is bounded. While a TCP or TLS target is away, what is encoded is for the
 * session to come, which begins with its templates; what waited for the session that broke is lost with it.
 */
export class TargetLink {
  readonly options: TargetOptions;
  readonly #transport: LinkTransport;
  readonly #encoder: Encoder;
  readonly #queue = new MessageQueue();
  readonly #mostWaiting: number;
  readonly #clock: () => number;
  readonly #log: LinkLog;
  readonly #rate: number;
  #tokens = 1;
  #filled = 0;
  #timer: NodeJS.Timeout | undefined;
  #messages = 0;
  #octets = 0;
  #records = 0;
  #dropped = 0;
  #lost = 0;
  #refusedSeen = 0;
  #isAway = false;

  constructor(options: TargetOptions, { mostWaiting, clock, log }: LinkOptions) {
    const { target, encoder, transport, rate } = options;
    this.options = options;
    this.#mostWaiting = mostWaiting;
    this.#clock = clock;
    this.#log = log;
    this.#transport = createTransport(target, { ...transport, onLost: () => this.#sessionLost() });
    const { isDatagram, longest } = this.#transport;
    this.#rate = rate ?? (isDatagram ? UDP_RATE : 0);
    // Where nothing is lost, templates are sent once.
    const never = { refreshMillis: Number.POSITIVE_INFINITY, refreshMessages: Number.POSITIVE_INFINITY };
    const given = { protocol: target.protocol, maxLength: longest, ...(isDatagram ? {} : never), ...encoder };
    this.#encoder = createEncoder(given);
  }

  /** See `LinkTransport.start`. */
  async start(isPatient: boolean): Promise<void> {
    await this.#transport.start(isPatient);
    this.#filled = this.#clock();
    if (this.#transport.isOpen()) return;
    this.#isAway = true;
    this.#log.warn({ target: this.options.text, error: this.#transport.counters().lastError }, 'cannot be reached yet');
  }

  /** Whether more is taken; otherwise `write` drops and counts. */
  get hasRoom(): boolean {
    return this.#queue.octets < this.#mostWaiting;
  }

  /** Octets that wait. */
  get waitingOctets(): number {
    return this.#queue.octets;
  }

  get isOpen(): boolean {
    return this.#transport.isOpen();
  }

  /** Encodes the batch, whose memory may be used again afterwards, and sends what can be sent. */
  write(batch: FlowBatch, exportMillis: number): void {
    if (!this.hasRoom) {
      this.#dropped += batch.rows;
      return;
    }
    this.#tellWhenHeard();
    const { counters } = this.#encoder;
    let before = counters.records;
    const emit = (message: Uint8Array): void => {
      this.#queue.push(message, counters.records - before);
      before = counters.records;
    };
    this.#encoder.encodeTo(batch, emit, { exportMillis });
    this.#pump();
  }

  /** A message made elsewhere, of so many records. */
  writeMessage(message: Uint8Array, records: number): void {
    if (!this.hasRoom) {
      this.#dropped += records;
      return;
    }
    this.#queue.push(message, records);
    this.#pump();
  }

  /** Templates and options are sent again before the next records. */
  renewTemplates(): void {
    this.#encoder.renewTemplates();
  }

  counters(): TargetCounters {
    const { failed, refused, sessions, lastError } = this.#transport.counters();
    const { length: messages, octets, records } = this.#queue;
    return {
      target: this.options.text,
      isOpen: this.#transport.isOpen(),
      messages: this.#messages,
      octets: this.#octets,
      records: this.#records,
      waiting: { messages, octets, records },
      dropped: this.#dropped,
      lost: this.#lost,
      failed,
      refused,
      sessions,
      lastError,
      encoder: this.#encoder.counters,
    };
  }

  /** Sends what waits, as long as some of it leaves within `patience` ms, and closes. What still waits then is lost, and counted. */
  async close(patience: number): Promise<void> {
    let [left, since] = [this.#queue.length, this.#clock()];
    while (this.#queue.length > 0) {
      this.#pump();
      if (this.#queue.length < left) [left, since] = [this.#queue.length, this.#clock()];
      else if (this.#clock() - since > patience) break;
      if (this.#queue.length > 0) await sleep(SOON);
    }
    clearTimeout(this.#timer);
    this.#lost += this.#queue.records;
    this.#queue.clear();
    await this.#transport.close();
  }

  /** Sends what may be sent now, and sees to it that the rest follows. */
  readonly #pump = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const transport = this.#transport;
    while (this.#queue.length > 0 && transport.takesMore() && this.#takeToken()) {
      const { message, records } = this.#queue.shift() ?? { message: new Uint8Array(), records: 0 };
      transport.send(message);
      this.#messages++;
      this.#octets += message.length;
      this.#records += records;
    }
    if (this.#isAway && transport.isOpen()) {
      this.#isAway = false;
      this.#log.info({ target: this.options.text }, 'is there again');
    }
    if (this.#queue.length > 0) this.#timer = setTimeout(this.#pump, transport.isOpen() ? SOON : LATER);
  };

  #takeToken(): boolean {
    if (this.#rate === 0) return true;
    const now = this.#clock();
    const most = Math.max(1, this.#rate * BURST_SECONDS);
    this.#tokens = Math.min(this.#tokens + ((now - this.#filled) * this.#rate) / 1000, most);
    this.#filled = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  #sessionLost(): void {
    this.#lost += this.#queue.records;
    this.#queue.clear();
    this.#encoder.reset();
    this.#isAway = true;
    const { lastError } = this.#transport.counters();
    this.#log.warn({ target: this.options.text, error: lastError }, 'the connection is lost');
  }

  /** Nobody listened to the last templates: whoever does now needs them at once. */
  #tellWhenHeard(): void {
    const { refused, lastError } = this.#transport.counters();
    if (refused === this.#refusedSeen) return;
    if (this.#refusedSeen === 0)
      this.#log.warn({ target: this.options.text, error: lastError }, 'nobody listens there; sending goes on');
    this.#refusedSeen = refused;
    this.#encoder.renewTemplates();
  }
}
