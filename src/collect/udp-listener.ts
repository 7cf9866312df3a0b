import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { type AllowList, RefusedSenders } from './allow-list.ts';
import { bindTo } from './bind.ts';
import { type BoundAddress, type SocketCounters, socketCounterReader } from './kernel-drops.ts';
import { bufferWarning } from './listen-messages.ts';
import type { ListenUrl } from './listen-url.ts';
import { drain, type ListenerDeps, type ListenerOptions, systemDeps } from './listener.ts';
import { type Sender, SenderTable } from './sender-table.ts';

/** The receive buffer asked for when nothing else is said: about a second of 60,000 datagrams. */
const DEFAULT_RECEIVE_BUFFER_BYTES = 64 * 1024 * 1024;

export interface UdpListenerOptions extends ListenerOptions {
  /**
   * Called for each datagram of an allowed sender, with its payload, which the callee may keep (the memory is not used again). It must not
   * throw and should be quick: while it runs, the kernel's buffer fills.
   */
  readonly onDatagram: (bytes: Uint8Array, sender: Sender) => void;
  /** Bytes to ask the kernel for; the default is 64 MiB. */
  readonly receiveBufferBytes?: number | undefined;
  /** How many senders are remembered; the default is 65,536. */
  readonly maxSenders?: number | undefined;
  readonly deps?: Partial<UdpListenerDeps> | undefined;
}

/** The world outside, for tests. */
export interface UdpListenerDeps extends ListenerDeps {
  readonly createSocket: typeof createSocket;
}

/** What a listener has seen; totals since it started. */
export interface UdpListenerCounters {
  /** Datagrams handed to `onDatagram`, and their payload bytes. */
  readonly datagrams: number;
  readonly bytes: number;
  /** Datagrams of senders that are not on the allow-list, and their payload bytes. */
  readonly refusedDatagrams: number;
  readonly refusedBytes: number;
  /** Errors that the socket reported while receiving. */
  readonly errors: number;
}

/**
 * One UDP socket that receives flow records. `[::]` receives IPv6 and IPv4, also on machines without IPv6. Datagrams of senders that
 * the allow-list does not name are counted and go no further.
 */
export class UdpListener {
  readonly url: ListenUrl;
  /** Refused datagrams by address. */
  readonly refused: RefusedSenders;
  readonly #options: UdpListenerOptions;
  readonly #deps: UdpListenerDeps;
  readonly #senders: SenderTable;
  #started: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  #socket: Socket | undefined;
  #bound: BoundAddress | undefined;
  #bufferBytes = 0;
  #bufferWarning: string | undefined;
  #readKernel: () => SocketCounters | undefined = () => undefined;
  #kernel: SocketCounters | undefined;
  #datagrams = 0;
  #bytes = 0;
  #refusedDatagrams = 0;
  #refusedBytes = 0;
  #errors = 0;

  /** Does nothing yet: see `start`. */
  constructor(options: UdpListenerOptions) {
    this.url = options.url;
    this.refused = options.refused ?? new RefusedSenders();
    this.#options = options;
    this.#deps = {
      ...systemDeps(),
      createSocket,
      ...options.deps,
    };
    this.#senders = new SenderTable({
      limit: options.maxSenders ?? 65_536,
      allowList: options.allowList,
      refused: this.refused,
    });
  }

  /** Where the socket is bound, with the port that the system chose when port 0 was asked for; undefined before `start` is done. */
  get bound(): BoundAddress | undefined {
    return this.#bound;
  }

  /** The size of the receive buffer that the kernel granted, in bytes as they were asked for (Linux itself doubles the figure). */
  get receiveBufferBytes(): number {
    return this.#bufferBytes;
  }

  /** When the kernel granted a smaller receive buffer than asked for: a sentence with the command that lifts the cap. */
  get bufferWarning(): string | undefined {
    return this.#bufferWarning;
  }

  /** How many senders are remembered now. */
  get senders(): number {
    return this.#senders.size;
  }

  /** The counters as they are now. */
  counters(): UdpListenerCounters {
    return {
      datagrams: this.#datagrams,
      bytes: this.#bytes,
      refusedDatagrams: this.#refusedDatagrams,
      refusedBytes: this.#refusedBytes,
      errors: this.#errors,
    };
  }

  /**
   * Datagrams that the kernel dropped at this socket and what waits in its buffer (see `socketCounterReader`); reads a file in /proc. Undefined where
   * the kernel does not tell. After `close`, the last that was read.
   */
  kernelCounters(): SocketCounters | undefined {
    if (this.#socket !== undefined) this.#kernel = this.#readKernel() ?? this.#kernel;
    return this.#kernel;
  }

  /** Replaces the allow-list (none: everyone may send), from the next datagram on. */
  setAllowList(allowList: AllowList | undefined): void {
    this.#senders.setAllowList(allowList);
  }

  /**
   * Binds the socket; resolves once it receives. Rejects with WEIR_LISTEN, with what to do about it, when it cannot be bound. A second
   * call returns the same promise. A listener that was closed cannot be started again.
   */
  start(): Promise<void> {
    this.#started ??= this.#closed === undefined ? this.#start() : Promise.reject(new Error('the listener is closed'));
    return this.#started;
  }

  /**
   * Stops receiving: reads what the kernel has queued (until the buffer is empty or `drainMilliseconds` have passed), hands it on,
   * and closes the socket. Never rejects; a second call returns the same promise.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #start(): Promise<void> {
    return bindTo(this.url, this.#deps, (host, family) => this.#bind(host, family));
  }

  #bind(host: string, family: 4 | 6): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = this.#deps.createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: false });
      const failed = (error: Error): void => {
        socket.close();
        reject(error);
      };
      socket.once('error', failed);
      // Before it is bound, so that no datagram can come before its handler.
      socket.on('message', this.#receive);
      socket.bind({ address: host, port: this.url.port, exclusive: true }, () => {
        socket.off('error', failed);
        socket.on('error', (error) => {
          this.#errors++;
          this.#options.onError?.(error);
        });
        this.#socket = socket;
        this.#setBuffer(socket);
        const { address, port } = socket.address();
        this.#bound = { address, family: family === 4 ? 'IPv4' : 'IPv6', port };
        if (this.#deps.platform === 'linux') this.#readKernel = socketCounterReader(this.#bound);
        resolve();
      });
    });
  }

  #setBuffer(socket: Socket): void {
    const requested = this.#options.receiveBufferBytes ?? DEFAULT_RECEIVE_BUFFER_BYTES;
    // Linux caps in silence; the BSDs refuse, and then half as much is asked for.
    for (let size = requested; size > 0; size = Math.floor(size / 2)) {
      try {
        socket.setRecvBufferSize(size);
        break;
      } catch {
        // Too much; at worst what the socket has by default stays.
      }
    }
    const { platform } = this.#deps;
    this.#bufferBytes = socket.getRecvBufferSize() / (platform === 'linux' ? 2 : 1);
    this.#bufferWarning = bufferWarning(requested, this.#bufferBytes, platform);
  }

  /** The hot path: nothing here allocates once the sender is known. */
  readonly #receive = (bytes: Uint8Array, rinfo: RemoteInfo): void => {
    const sender = this.#senders.get(rinfo.address, rinfo.port);
    if (sender.allowed) {
      this.#datagrams++;
      this.#bytes += bytes.length;
      this.#options.onDatagram(bytes, sender);
    } else {
      this.#refusedDatagrams++;
      this.#refusedBytes += bytes.length;
      this.#senders.countRefused(sender, bytes.length);
    }
  };

  async #close(): Promise<void> {
    try {
      await this.#started;
    } catch {
      return; // it never listened
    }
    const socket = this.#socket;
    if (socket === undefined) return;
    await drain(() => this.#datagrams + this.#refusedDatagrams, this.#deps.clock, this.#options.drainMilliseconds);
    this.kernelCounters();
    this.#socket = undefined;
    await new Promise<void>((resolve) => {
      socket.close(() => resolve());
    });
  }
}
