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
  /** Called when a connection that stood is lost. */
  readonly onLost?: () => void;
  /** Our address, where it is not to be the system's choice. */
  readonly localAddress?: string | undefined;
  /** ms from a lost connection to the first try at a new one; doubled up to 30 s. Default 1,000. */
  readonly retryMillis?: number;
}

/** What became of the messages; nothing is lost without a count. */
export interface StreamCounters {
  /** Given to the system on a connection that stood. */
  sent: number;
  octets: number;
  /** Not sent, because no connection stood or the one that did broke. */
  failed: number;
  sessions: number;
  lastError: string | undefined;
}

const LONGEST_RETRY = 30_000;
/** Octets that wait for the peer before `ready` waits for it. */
const HIGH_WATER = 1 << 20;
/** The longest that a connection may take to be made, and that a peer may take nothing of what waits for it, ms. */
const CONNECT_PATIENCE = 10_000;
const STALL_PATIENCE = 60_000;

/**
 * IPFIX over TCP or TLS (RFC 7011 section 10.4): one connection is one transport session; when it is lost, a new one is made and `onSession` called. What was
 * in flight then is lost with it, as TCP does not say what arrived.
 */
export class StreamSender {
  readonly counters: StreamCounters = { sent: 0, octets: 0, failed: 0, sessions: 0, lastError: undefined };
  readonly #options: StreamSenderOptions;
  #socket: Socket | undefined;
  /** One that does not stand yet. */
  #connecting: Socket | undefined;
  #closed = false;
  #reconnecting: Promise<void> | undefined;

  constructor(options: StreamSenderOptions) {
    this.#options = options;
  }

  /** Makes the first connection. Throws WEIR_SEND when it fails; a patient start goes on trying instead, and resolves after the first try. */
  async start({ isPatient = false } = {}): Promise<void> {
    try {
      await this.#connect();
    } catch (error) {
      if (isPatient) {
        this.counters.lastError = messageOf(error);
        this.#reconnecting = this.#reconnect();
        return;
      }
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
    this.counters.sent++;
    this.counters.octets += message.length;
    socket.write(message, (error) => {
      if (error === null || error === undefined) return;
      this.counters.sent--;
      this.counters.octets -= message.length;
      this.counters.failed++;
    });
  }

  /** Whether a connection stands. */
  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Whether a connection stands and takes more at once. */
  get takesMore(): boolean {
    return this.#socket !== undefined && this.#socket.writableLength <= HIGH_WATER;
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
    this.#connecting?.destroy(new Error('the sender was closed'));
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    // A connection that breaks now has ended as well; what was lost with it is counted.
    const ended = once(socket, 'close').catch(() => {});
    socket.end();
    await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
    socket.destroy();
  }

  async #connect(): Promise<void> {
    const { host, port, tls, onSession, localAddress } = this.#options;
    const where = { host, port, ...(localAddress === undefined ? {} : { localAddress }) };
    const socket = tls === undefined ? connectTcp(where) : connectTls({ ...where, ...tls });
    this.#connecting = socket;
    const impatience = setTimeout(
      () => socket.destroy(new Error(`no connection within ${CONNECT_PATIENCE / 1000} s`)),
      CONNECT_PATIENCE,
    );
    try {
      await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(impatience);
      this.#connecting = undefined;
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
    socket.setTimeout(STALL_PATIENCE, () => {
      if (socket.writableLength > 0)
        socket.destroy(new Error(`the collector has taken nothing for ${STALL_PATIENCE / 1000} s`));
    });
    // An exporter ends its session when the collector does.
    socket.once('end', () => socket.destroy());
    this.#socket = socket;
    this.counters.sessions++;
    onSession();
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#options.onLost?.();
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
