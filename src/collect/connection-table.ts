import type { Socket } from 'node:net';
import { addressKey, formatAddress, isV4, parseAddress } from '../util/address.ts';
import type { AllowList, RefusedSenders } from './allow-list.ts';
import { STREAM_ENDS, STREAM_REFUSALS, type StreamEnd, type StreamRefusal } from './stream-causes.ts';
import { StreamConnection } from './stream-connection.ts';

/** Bounds of one listener; times in ms. */
export interface StreamLimits {
  /** Connections in all, handshakes included, and those of one address. */
  readonly connections: number;
  readonly connectionsPerAddress: number;
  /** How long a connection may be silent. */
  readonly idle: number;
  /** How long a TLS handshake may take. */
  readonly handshake: number;
  /** How long an exporter may take over one message. */
  readonly message: number;
  /** Octets of unfinished messages of all connections together; one connection has at most one message, of 65,535 octets. */
  readonly bufferBytes: number;
}

export const DEFAULT_STREAM_LIMITS: StreamLimits = {
  connections: 4096,
  connectionsPerAddress: 256,
  idle: 3_600_000,
  handshake: 10_000,
  message: 30_000,
  bufferBytes: 64 << 20,
};

/** What a listener has seen; totals since it started. */
export interface StreamCounters {
  /** Connections that are open now, handshakes included. */
  readonly open: number;
  /** Connections taken, and of these ended by cause; those refused by cause. */
  readonly accepted: number;
  readonly ended: Readonly<Record<StreamEnd, number>>;
  readonly refused: Readonly<Record<StreamRefusal, number>>;
  /** Whole messages handed on, and all octets received. */
  readonly messages: number;
  readonly bytes: number;
  /** Octets of messages that were never complete, of connections that have ended. */
  readonly unfinishedBytes: number;
}

/** A session that is open. */
export interface StreamSessionStatus {
  readonly exporter: string;
  readonly seconds: number;
  readonly messages: number;
  readonly bytes: number;
  /** `TLSv1.3` …; empty over TCP. */
  readonly protocol: string;
  readonly subject: string;
}

/** Longer silence, in ms, ends a NetFlow v9 message, which says nothing of its length, and the first one of v1. */
const PAUSE = 1000;
export interface ConnectionTableOptions {
  readonly limits: StreamLimits;
  readonly allowList: AllowList | undefined;
  readonly refused: RefusedSenders;
  /** A monotonic clock in milliseconds. */
  readonly clock: () => number;
}

/** The connections of one listener: who may come in, what they send, and when they have to go. Every cause is counted. */
export class ConnectionTable {
  readonly #limits: StreamLimits;
  readonly #refused: RefusedSenders;
  readonly #clock: () => number;
  readonly #connections = new Map<string, StreamConnection>();
  readonly #perAddress = new Map<number | string, number>();
  /** Connections without a message yet, oldest first. */
  readonly #unproven = new Set<StreamConnection>();
  readonly #ended = zeros(STREAM_ENDS);
  readonly #refusals = zeros(STREAM_REFUSALS);
  #allowList: AllowList | undefined;
  /** Octets of unfinished messages. */
  #pending = 0;
  #accepted = 0;
  #messages = 0;
  #bytes = 0;
  #unfinishedBytes = 0;

  constructor({ limits, allowList, refused, clock }: ConnectionTableOptions) {
    this.#limits = limits;
    this.#allowList = allowList;
    this.#refused = refused;
    this.#clock = clock;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Octets received, for whoever waits until no more come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The counters as they are now. */
  counters(): StreamCounters {
    return {
      open: this.#connections.size,
      accepted: this.#accepted,
      ended: { ...this.#ended },
      refused: { ...this.#refusals },
      messages: this.#messages,
      bytes: this.#bytes,
      unfinishedBytes: this.#unfinishedBytes,
    };
  }

  /** The sessions that are open, those with the most octets first, at most `limit`. */
  sessions(limit: number): StreamSessionStatus[] {
    const now = this.#clock();
    return [...this.#connections.values()]
      .filter(({ handler }) => handler !== undefined)
      .sort((a, b) => b.octets - a.octets)
      .slice(0, limit)
      .map(({ text, opened, messages, octets, protocol, subject }) => ({
        exporter: text,
        seconds: Math.round((now - opened) / 1000),
        messages,
        bytes: octets,
        protocol,
        subject,
      }));
  }

  /** Replaces the allow-list (none: everyone may connect). Connections that it does not allow are closed. */
  setAllowList(allowList: AllowList | undefined): void {
    this.#allowList = allowList;
    for (const connection of this.#connections.values()) if (!this.#allows(connection)) connection.close('disallowed');
  }

  /** Takes a socket that has just connected; undefined, and the socket destroyed, when it may not stay. The owner calls `end` when it has closed. */
  admit(socket: Socket): StreamConnection | undefined {
    const { remoteAddress, remotePort: port } = socket;
    const address = parseAddress(remoteAddress ?? '', { zone: 'strip' });
    if (address === undefined || port === undefined) {
      // Gone before it was taken.
      socket.destroy();
      return undefined;
    }
    const host = formatAddress(...address);
    const text = isV4(address[0], address[1], address[2]) ? `${host}:${port}` : `[${host}]:${port}`;
    const connection = new StreamConnection(socket, keyOf(socket), { address, port, text }, this.#clock());
    const refusal = this.#refusal(connection);
    if (refusal !== undefined) {
      this.#refusals[refusal]++;
      if (refusal === 'allow_list') this.#refused.counterOf(address).connections++;
      socket.destroy();
      return undefined;
    }
    this.#accepted++;
    this.#connections.set(connection.key, connection);
    this.#unproven.add(connection);
    const addressed = addressKey(...address);
    this.#perAddress.set(addressed, (this.#perAddress.get(addressed) ?? 0) + 1);
    return connection;
  }

  /** The connection of a socket, or of the TLS socket around it. */
  find(socket: Socket): StreamConnection | undefined {
    return this.#connections.get(keyOf(socket));
  }

  /** Takes in what a connection has sent. */
  receive(connection: StreamConnection, chunk: Uint8Array): void {
    // TLS may have decrypted some more of a connection that has been closed.
    if (connection.cause !== undefined) return;
    this.#bytes += chunk.length;
    this.#follow(connection, () => connection.take(chunk, this.#clock()));
    if (this.#pending > this.#limits.bufferBytes) this.#oldestUnfinished()?.close('buffer');
  }

  /** The connection has closed, for `otherwise` unless a cause is known. A second call does nothing. */
  end(connection: StreamConnection, otherwise: StreamEnd): void {
    if (!this.#connections.delete(connection.key)) return;
    const { address, framer, handler } = connection;
    const addressed = addressKey(...address);
    const left = (this.#perAddress.get(addressed) ?? 1) - 1;
    if (left === 0) this.#perAddress.delete(addressed);
    else this.#perAddress.set(addressed, left);

    this.#follow(connection, () => connection.flush());
    this.#unproven.delete(connection);
    this.#pending -= framer.pending;
    this.#unfinishedBytes += framer.pending;
    this.#ended[connection.cause ?? otherwise]++;
    connection.handler = undefined;
    handler?.end();
  }

  /** Closes what has taken too long. */
  sweep(): void {
    const now = this.#clock();
    const { handshake, message, idle } = this.#limits;
    for (const connection of this.#connections.values()) {
      const { handler, heard, opened, framer } = connection;
      if (handler === undefined) {
        if (now - opened > handshake) connection.close('handshake_timeout');
        continue;
      }
      if (framer.pending > 0 && now - heard > PAUSE) this.#follow(connection, () => connection.flush());
      if (connection.begun >= 0 && now - connection.begun > message) connection.close('stalled');
      else if (now - heard > idle) connection.close('idle');
    }
  }

  /** Closes all. */
  close(): void {
    for (const connection of this.#connections.values()) {
      connection.close('stopped');
      // Not only when the socket says that it has closed: whoever closes a listener wants the last message now.
      this.end(connection, 'stopped');
    }
  }

  #allows({ address: [w0, w1, w2, w3], port }: StreamConnection): boolean {
    return this.#allowList === undefined || this.#allowList.allows(w0, w1, w2, w3, port);
  }

  #refusal(connection: StreamConnection): StreamRefusal | undefined {
    if (!this.#allows(connection)) return 'allow_list';
    const { connections, connectionsPerAddress } = this.#limits;
    const ofAddress = this.#perAddress.get(addressKey(...connection.address)) ?? 0;
    if (ofAddress >= connectionsPerAddress) return 'connections_per_address';
    if (this.#connections.size < connections) return undefined;
    // An exporter sends its templates at once; who has sent nothing for longest gives way.
    const [oldest] = this.#unproven;
    if (oldest === undefined) return 'connections';
    oldest.close('crowded_out');
    this.end(oldest, 'crowded_out');
    return undefined;
  }

  /** Runs what may complete messages of a connection, and keeps the accounts. */
  #follow(connection: StreamConnection, run: () => void): void {
    const { framer, messages } = connection;
    const before = framer.pending;
    run();
    this.#pending += framer.pending - before;
    this.#messages += connection.messages - messages;
    if (messages === 0 && connection.messages > 0) this.#unproven.delete(connection);
  }

  #oldestUnfinished(): StreamConnection | undefined {
    let oldest: StreamConnection | undefined;
    for (const connection of this.#connections.values()) {
      if (connection.begun < 0 || connection.cause !== undefined) continue;
      if (oldest === undefined || connection.begun < oldest.begun) oldest = connection;
    }
    return oldest;
  }
}

function zeros<T extends string>(causes: readonly T[]): Record<T, number> {
  return Object.fromEntries(causes.map((cause) => [cause, 0])) as Record<T, number>;
}

/** The same for a socket and the TLS socket around it. */
function keyOf({ localAddress, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${remoteAddress} ${remotePort}`;
}
