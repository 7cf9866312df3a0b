import { constants } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createServer as createTlsServer,
  type SecureContextOptions,
  type TLSSocket,
  type Server as TlsServer,
} from 'node:tls';
import { type AllowList, RefusedSenders } from './allow-list.ts';
import { bindTo } from './bind.ts';
import {
  ConnectionTable,
  DEFAULT_STREAM_LIMITS,
  type StreamCounters,
  type StreamLimits,
  type StreamSessionStatus,
} from './connection-table.ts';
import type { BoundAddress } from './kernel-drops.ts';
import { bindError } from './listen-messages.ts';
import type { ListenUrl } from './listen-url.ts';
import { drain, type ListenerDeps, type ListenerOptions, systemDeps } from './listener.ts';
import type { SessionHandler, StreamConnection, StreamPeer } from './stream-connection.ts';
import type { TlsCredentials, TlsSettings, TlsVersion } from './tls-settings.ts';

export interface StreamListenerOptions extends ListenerOptions {
  /** Called when a connection can carry messages; over TLS, after the handshake. */
  readonly onSession: (peer: StreamPeer) => SessionHandler;
  readonly limits?: Partial<StreamLimits> | undefined;
  /** Needed for tls:// */
  readonly tls?: TlsSettings | undefined;
  readonly deps?: Partial<StreamListenerDeps> | undefined;
}

/** The world outside, for tests. */
export interface StreamListenerDeps extends ListenerDeps {
  /** How often connections are looked through for those that have taken too long, ms. */
  readonly sweepMilliseconds: number;
}

/** A dead peer is found by the kernel's probes (ms after the last octet), however long it may be silent. */
const KEEP_ALIVE = 60_000;
const BACKLOG = 4096;

/**
 * One TCP port on which exporters connect (RFC 7011 section 10.4), with TLS when the URL says so (section 11). Each connection is a transport session of
 * its own. A connection that breaks a bound is closed and counted by cause; the others do not notice.
 */
export class StreamListener {
  readonly url: ListenUrl;
  readonly limits: StreamLimits;
  /** Refused connections by address. */
  readonly refused: RefusedSenders;
  readonly #options: StreamListenerOptions;
  readonly #deps: StreamListenerDeps;
  readonly #table: ConnectionTable;
  #server: Server | undefined;
  #tls: TlsServer | undefined;
  #bound: BoundAddress | undefined;
  #started: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #sweepTimer: NodeJS.Timeout | undefined;
  #errors = 0;

  /** Does nothing yet: see `start`. */
  constructor(options: StreamListenerOptions) {
    this.url = options.url;
    this.limits = { ...DEFAULT_STREAM_LIMITS, ...options.limits };
    this.refused = options.refused ?? new RefusedSenders();
    this.#options = options;
    this.#deps = {
      ...systemDeps(),
      sweepMilliseconds: 1000,
      ...options.deps,
    };
    this.#table = new ConnectionTable({
      limits: this.limits,
      allowList: options.allowList,
      refused: this.refused,
      clock: this.#deps.clock,
    });
  }

  /** Where the socket is bound, with the port that the system chose when port 0 was asked for; undefined before `start` is done. */
  get bound(): BoundAddress | undefined {
    return this.#bound;
  }

  /** The counters as they are now. */
  counters(): StreamCounters {
    return this.#table.counters();
  }

  /** Errors that the listening socket reported after it was bound. */
  get errors(): number {
    return this.#errors;
  }

  /** The sessions that are open, those with the most octets first, at most `limit`. */
  sessions(limit: number): StreamSessionStatus[] {
    return this.#table.sessions(limit);
  }

  /** Replaces the allow-list (none: everyone may connect). Connections that it does not allow are closed. */
  setAllowList(allowList: AllowList | undefined): void {
    this.#table.setAllowList(allowList);
  }

  /** Replaces certificate, key and authorities, for handshakes from now on. Throws what Node throws for PEM text that is not usable. */
  setCredentials(credentials: TlsCredentials): void {
    this.#tls?.setSecureContext(contextOf(credentials, this.#options.tls?.minimumVersion));
  }

  /**
   * Binds the socket; resolves once it accepts connections. Rejects with WEIR_LISTEN, with what to do about it, when it cannot be bound or the certificate
   * cannot be used. A second call returns the same promise. A listener that was closed cannot be started again.
   */
  start(): Promise<void> {
    this.#started ??= this.#closed === undefined ? this.#start() : Promise.reject(new Error('the listener is closed'));
    return this.#started;
  }

  /**
   * Stops accepting, reads what has arrived (until there is no more or `drainMilliseconds` have passed), hands it on, and closes all connections. Never rejects; a
   * second call returns the same promise.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #start(): Promise<void> {
    if (this.url.scheme === 'tls') this.#tls = this.#createTls();
    await bindTo(this.url, this.#deps, (host, family) => this.#bind(host, family));
    this.#sweepTimer = setInterval(() => this.#table.sweep(), this.#deps.sweepMilliseconds);
  }

  #createTls(): TlsServer {
    const { tls } = this.#options;
    if (tls === undefined) throw bindError(new Error('it has no certificate and key'), this.url, this.#deps.platform);
    try {
      const server = createTlsServer({
        ...contextOf(tls, tls.minimumVersion),
        requestCert: tls.clientCertificates !== 'none',
        // Whoever is not authorized is closed by us, so that the cause is counted.
        rejectUnauthorized: false,
        // Longer than ours, which counts.
        handshakeTimeout: 2 * this.limits.handshake + 1000,
      });
      server.on('secureConnection', (socket) => this.#secured(socket));
      server.on('tlsClientError', (_, socket) => this.#handshakeFailed(socket));
      return server;
    } catch (error) {
      throw bindError(error, this.url, this.#deps.platform);
    }
  }

  #bind(host: string, family: 4 | 6): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.#accept(socket));
      server.once('error', reject);
      server.listen({ host, port: this.url.port, backlog: BACKLOG, exclusive: true, ipv6Only: false }, () => {
        server.off('error', reject);
        server.on('error', (error) => {
          this.#errors++;
          this.#options.onError?.(error);
        });
        this.#server = server;
        const { address, port } = server.address() as { address: string; port: number };
        this.#bound = { address, family: family === 4 ? 'IPv4' : 'IPv6', port };
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    // Without a listener, an error of a socket ends the process; its 'close' follows.
    socket.on('error', () => {});
    const connection = this.#table.admit(socket);
    if (connection === undefined) return;
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.once('close', (hadError) => {
      const isHandshake = this.#tls !== undefined && connection.handler === undefined;
      this.#table.end(connection, isHandshake ? 'handshake' : hadError ? 'reset' : 'ended');
    });
    if (this.#tls === undefined) this.#open(connection, socket);
    else this.#tls.emit('connection', socket);
  }

  /** The connection can carry messages from now on. */
  #open(connection: StreamConnection, socket: Socket): void {
    const { address, port, text, subject } = connection;
    connection.handler = this.#options.onSession({ address, port, text, subject });
    socket.on('data', (chunk) => this.#table.receive(connection, chunk));
  }

  #secured(socket: TLSSocket): void {
    const connection = this.#table.find(socket);
    if (connection === undefined || connection.cause !== undefined) {
      socket.destroy();
      return;
    }
    socket.on('error', () => {
      connection.cause ??= 'reset';
    });
    connection.protocol = socket.getProtocol() ?? '';
    if (this.#options.tls?.clientCertificates === 'required' && !socket.authorized) {
      connection.close('client_certificate');
      return;
    }
    if (socket.authorized) connection.subject = subjectOf(socket);
    this.#open(connection, socket);
  }

  #handshakeFailed(socket: TLSSocket): void {
    // Node leaves it open after a timeout of its own.
    socket.destroy();
    this.#table.find(socket)?.close('handshake');
  }

  async #close(): Promise<void> {
    try {
      await this.#started;
    } catch {
      return; // it never listened
    }
    const server = this.#server;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    await drain(() => this.#table.bytes, this.#deps.clock, this.#options.drainMilliseconds);
    clearInterval(this.#sweepTimer);
    this.#table.close();
    await closed;
  }
}

/** The subject of the peer's certificate on one line; it comes from the network, so nothing in it may move a terminal's cursor. */
function subjectOf(socket: TLSSocket): string {
  // Without a certificate it is an empty object.
  const { subject } = socket.getPeerCertificate() as { subject?: Record<string, unknown> };
  return Object.entries(subject ?? {})
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(',')
    .replaceAll(/\p{C}/gu, '?')
    .slice(0, 200);
}

/** No session is resumed: who has shown a certificate once shows it again, and to the authorities of today. Exporters connect seldom. */
function contextOf({ cert, key, ca }: TlsCredentials, minVersion: TlsVersion = 'TLSv1.2'): SecureContextOptions {
  return { cert, key, ca, minVersion, secureOptions: constants.SSL_OP_NO_TICKET };
}
