import type { Socket } from 'node:net';
import type { FlowBatch } from '../flow/batch.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { type LiveAnswer, MAX_REQUEST, PROTOCOL, parseRequest } from './protocol.ts';
import { TailFeed } from './tail-feed.ts';
import { TopFeed } from './top-feed.ts';

/** Bounds of what those who look may cost. */
export interface LiveLimits {
  readonly subscribers: number;
  /** Octets that may wait for one that reads slowly. */
  readonly queueBytes: number;
  /** Flows a second that a `tail` is sent at most. */
  readonly flowsPerSecond: number;
}

export interface SubscriberOptions {
  readonly limits: LiveLimits;
  /** ms since the epoch. */
  readonly now: () => number;
  /** A number that who sends flows does not know. */
  readonly seed: number;
  /** What `status` answers. */
  readonly status: () => unknown;
}

/** One program that looks at the flows of a collector: its connection, and what it asked for. */
export class Subscriber {
  readonly #socket: Socket;
  readonly #options: SubscriberOptions;
  #request = '';
  #id: string | number | undefined;
  #tail: TailFeed | undefined;
  #top: TopFeed | undefined;
  /** Flows that it has not been told of yet: dropped for want of room, or not looked at. */
  #dropped = 0;
  #unseen = 0;

  constructor(socket: Socket, options: SubscriberOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.setEncoding('utf8').on('data', (text) => this.#read(String(text)));
    this.#send({ type: 'hello', protocol: PROTOCOL, pid: process.pid });
  }

  /** Whether it has asked for flows. */
  get watches(): boolean {
    return this.#tail !== undefined || this.#top !== undefined;
  }

  watch(batch: FlowBatch): void {
    try {
      this.#top?.watch(batch);
      this.#tail?.watch(batch, this.#options.now(), this.#sink);
    } catch (error) {
      // A fault in looking must not become one in receiving.
      this.#fail(error);
    }
  }

  /** So many flows went by that nobody looked at. */
  unseen(flows: number): void {
    this.#top?.unseen(flows);
    if (this.#tail !== undefined) this.#unseen += flows;
  }

  /** To be called when all flows up to now have been seen. */
  tick(now: number): void {
    const answer = this.#top?.tick(now);
    // One that is behind gets a newer one later.
    if (answer !== undefined && this.#hasRoom(0)) this.#send(answer);
    this.#tellLosses();
  }

  /** The collector ends. */
  end(): void {
    this.#tellLosses();
    this.#send({ type: 'end' });
    this.#socket.end();
  }

  readonly #sink = {
    flows: (text: string, flows: number): void => {
      if (!this.#hasRoom(text.length)) this.#dropped += flows;
      else {
        this.#tellLosses();
        this.#socket.write(text);
      }
    },
    sampled: (matched: number, sent: number): void => {
      if (this.#hasRoom(0)) this.#send({ type: 'sampled', ...this.#head(), matched, sent });
      else this.#dropped += matched - sent;
    },
  };

  #tellLosses(): void {
    if (this.#dropped + this.#unseen === 0 || !this.#hasRoom(0)) return;
    if (this.#dropped > 0) this.#send({ type: 'dropped', ...this.#head(), dropped: this.#dropped });
    if (this.#unseen > 0) this.#send({ type: 'unseen', ...this.#head(), unseen: this.#unseen });
    this.#dropped = 0;
    this.#unseen = 0;
  }

  #hasRoom(octets: number): boolean {
    return this.#socket.writableLength + octets <= this.#options.limits.queueBytes;
  }

  #read(text: string): void {
    this.#request += text;
    for (;;) {
      const end = this.#request.indexOf('\n');
      if (end < 0) break;
      const line = this.#request.slice(0, end);
      this.#request = this.#request.slice(end + 1);
      if (line.trim() !== '') this.#ask(line);
    }
    if (this.#request.length > MAX_REQUEST)
      this.#fail(new WeirError('WEIR_LIVE', `a request is longer than ${MAX_REQUEST} octets`));
  }

  /** What it asks for now takes the place of what it asked for before. */
  #ask(line: string): void {
    try {
      const { limits, now, seed, status } = this.#options;
      const request = parseRequest(line, { maxRate: limits.flowsPerSecond });
      this.#id = request.id;
      if (request.op === 'status') {
        this.#send({ type: 'status', ...this.#head(), status: status() });
        return;
      }
      this.#tail = request.op === 'tail' ? new TailFeed(request, { now: now() }) : undefined;
      this.#top = request.op === 'top' ? new TopFeed(request, seed) : undefined;
      this.#dropped = 0;
      this.#unseen = 0;
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    const code = error instanceof WeirError ? error.code : 'WEIR_LIVE';
    const hint = error instanceof WeirError && error.hint !== undefined ? { hint: error.hint } : {};
    this.#send({ type: 'error', ...this.#head(), code, message: messageOf(error), ...hint });
    this.#tail = undefined;
    this.#top = undefined;
    this.#request = '';
    this.#socket.end();
  }

  #head(): { readonly id?: string | number } {
    return this.#id === undefined ? {} : { id: this.#id };
  }

  #send(answer: LiveAnswer): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(answer)}\n`);
  }
}
