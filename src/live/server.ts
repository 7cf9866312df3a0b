import { randomInt } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { FlowBatch } from '../flow/batch.ts';
import { messageOf } from '../util/errors.ts';
import { placeSocket, type SocketPlace } from './socket-place.ts';
import { type LiveLimits, Subscriber } from './subscriber.ts';

export interface LiveServerOptions {
  /** The data folder, in which the socket lies. */
  readonly data: string;
  readonly limits: LiveLimits;
  /** ms since the epoch. */
  readonly now: () => number;
  /** ms from any beginning, for how long looking takes. */
  readonly clock: () => number;
  /** ms since any beginning in which this thread had nothing to do. */
  readonly idle: () => number;
  /** What `status` answers. */
  readonly status: () => unknown;
  readonly log: { warn(fields: object, text: string): void };
}

/** How much looking may take of the time in which there is nothing else to do, and for how long (ms) it may exceed that. */
const SHARE = 0.5;
const BURST = 200;

/**
 * Lets other programs of the same user look at the flows of a collector, through a local socket. Looking is cheap, and bounded: it takes at most half as much time as is
 * left idle, what does not fit is not looked at, and what a slow reader does not take is dropped. Both are counted and told.
 */
export class LiveServer {
  readonly #options: LiveServerOptions;
  readonly #subscribers = new Set<Subscriber>();
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #place: SocketPlace | undefined;
  /** ms that looking may take now. */
  #credit = BURST;
  #idle = 0;

  constructor(options: LiveServerOptions) {
    this.#options = options;
  }

  /** Listens. A collector works without: what goes wrong is a warning. The caller holds the lock of the data folder. */
  async start(): Promise<void> {
    const { data, log } = this.#options;
    try {
      await this.#listen(true).catch(() => this.#listen(false));
    } catch (error) {
      this.#place?.remove();
      this.#place = undefined;
      log.warn({ data, error: messageOf(error) }, 'weir tail and weir top cannot reach this collector');
    }
  }

  /** The path of the socket, while there is one. */
  get path(): string | undefined {
    return this.#place?.path;
  }

  /** Looks at a batch that is about to be handed on, for those who asked. */
  watch(batch: FlowBatch): void {
    if (this.#subscribers.size === 0) return;
    const idle = this.#options.idle();
    this.#credit = Math.min(BURST, this.#credit + (idle - this.#idle) * SHARE);
    this.#idle = idle;
    // Where there is not time for all, it is another one's turn with each batch.
    const [first] = this.#subscribers;
    if (first !== undefined && this.#subscribers.delete(first)) this.#subscribers.add(first);
    for (const subscriber of this.#subscribers) {
      if (!subscriber.watches) continue;
      if (this.#credit <= 0) {
        subscriber.unseen(batch.rows);
        continue;
      }
      const before = this.#options.clock();
      subscriber.watch(batch);
      this.#credit -= this.#options.clock() - before;
    }
  }

  /** To be called about twice a second, when all flows up to now have been watched. */
  tick(): void {
    if (this.#subscribers.size === 0) return;
    const now = this.#options.now();
    for (const subscriber of this.#subscribers) subscriber.tick(now);
  }

  /** Says goodbye and takes the socket away. */
  async close(): Promise<void> {
    for (const subscriber of this.#subscribers) subscriber.end();
    this.#subscribers.clear();
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      // One that does not read its last line must not keep the collector.
      const timer = setTimeout(() => this.#sockets.forEach((socket) => void socket.destroy()), 500);
      await closed;
      clearTimeout(timer);
    }
    this.#place?.remove();
    this.#place = undefined;
  }

  async #listen(mayLie: boolean): Promise<void> {
    this.#place?.remove();
    const place = placeSocket(this.#options.data, mayLie);
    this.#place = place;
    const server = createServer((socket) => this.#connected(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(place.bindAt, resolve);
    });
    try {
      place.ready();
    } catch (error) {
      server.close();
      throw error;
    }
    server.on('error', (error) =>
      this.#options.log.warn({ error: error.message }, 'the live socket reported an error'),
    );
    this.#server = server;
  }

  #connected(socket: Socket): void {
    const { limits, now, status } = this.#options;
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    if (this.#subscribers.size >= limits.subscribers) {
      socket.on('close', () => this.#sockets.delete(socket));
      const message = `${limits.subscribers} programs look at this collector already`;
      const hint = 'End one of them, or raise live.subscribers in its configuration.';
      socket.end(`${JSON.stringify({ type: 'error', code: 'WEIR_LIVE', message, hint })}\n`);
      return;
    }
    const subscriber = new Subscriber(socket, { limits, now, status, seed: randomInt(2 ** 31) });
    this.#subscribers.add(subscriber);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#subscribers.delete(subscriber);
    });
  }
}
