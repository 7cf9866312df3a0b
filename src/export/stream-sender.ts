import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { messageOf, WeirError } from '../util/errors.ts';

export interface StreamSenderOptions {
  readonly host: string;
  readonly port: number;
  /** For TLS: certificates and the like, as Node's `tls.connect` takes them. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'rejectUnauthorized' | 'servername'> | undefined;
  /** Called when a connection stands, before anything is sent on it: a new transport session, which needs templates again. */
  readonly onSession: () => void;
  /** ms from a lost connection to the first try at a new one; doubled up to 30 s. Default 1,000. */
  readonly retryMillis?: number;
}

/** What became of the messages; nothing is lost without a count. */
export interface StreamCounters {
  /** Given to the system on a connection that stood. */
  sent: number;
  octets: number;
  /** Not sent, because no connection stood. */
  failed: number;
  sessions: number;
  lastError: string | undefined;
}

const LONGEST_RETRY = 30_000;
/** Octets that wait for the peer before `ready` waits for it. */
const HIGH_WATER = 1 << 20;

/**
 * IPFIX over TCP or TLS (RFC 7011 section 10.4): one connection is one transport session; when it is lost, a new one is made and `onSession` called. What was
 * in flight then is lost with it, as TCP does not say what arrived.
 */
export class StreamSender {
  readonly counters: StreamCounters = { sent: 0, octets: 0, failed: 0, sessions: 0, lastError: undefined };
  readonly #options: StreamSenderOptions;
  #socket: Socket | undefined;
  #closed = false;
  #reconnecting: Promise<void> | undefined;

  constructor(options: StreamSenderOptions) {
    this.#options = options;
  }

  /** Makes the first connection. Throws WEIR_SEND when it fails. */
  async start(): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      const { host, port, tls } = this.#options;
      const scheme = tls === undefined ? 'tcp' : 'tls';
      throw new WeirError('WEIR_SEND', `Cannot connect to ${scheme}://${host}:${port}: ${messageOf(error)}.`, {
        hint: 'Is a collector listening there, with this transport?',
        cause: error,
      });
    }
  }

  /** Sends a message, or counts it as failed while no connection stands. The octets must not change afterwards. */
  send(message: Uint8Array): void {
    const socket = this.#socket;
    if (socket === undefined) {
      this.counters.failed++;
      return;
    }
    socket.write(message);
    this.counters.sent++;
    this.counters.octets += message.length;
  }

  /** Waits until a connection stands and takes more. Returns at once after `close`. */
  async ready(): Promise<void> {
    while (!this.#closed) {
      const socket = this.#socket;
      if (socket === undefined) await (this.#reconnecting ?? sleep(10));
      else if (socket.writableLength > HIGH_WATER) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
      else return;
    }
  }

  /** Sends what waits and ends the connection, giving the peer five seconds. May be called twice. */
  async close(): Promise<void> {
    this.#closed = true;
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    const ended = once(socket, 'close');
    socket.end();
    await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
    socket.destroy();
  }

  async #connect(): Promise<void> {
    const { host, port, tls, onSession } = this.#options;
    const socket = tls === undefined ? connectTcp({ host, port }) : connectTls({ host, port, ...tls });
    try {
      await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    } catch (error) {
      socket.destroy();
      throw error;
    }
    if (this.#closed) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    // A collector has nothing to say (RFC 7011 section 10.4.1); reading is how its end is noticed.
    socket.resume();
    socket.on('error', (error) => {
      this.counters.lastError = messageOf(error);
    });
    socket.once('close', () => this.#lost(socket));
    // An exporter ends its session when the collector does.
    socket.once('end', () => socket.destroy());
    this.#socket = socket;
    this.counters.sessions++;
    onSession();
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    if (!this.#closed) this.#reconnecting = this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    let wait = this.#options.retryMillis ?? 1000;
    while (!this.#closed) {
      await sleep(wait, undefined, { ref: false });
      try {
        if (!this.#closed) await this.#connect();
        return;
      } catch (error) {
        this.counters.lastError = messageOf(error);
        wait = Math.min(wait * 2, LONGEST_RETRY);
      }
    }
  }
}
