import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';

/** Where to send to, and from how many sockets. */
export interface UdpSenderOptions {
  /** An IP address or a name. */
  readonly host: string;
  readonly port: number;
  /** Time to live or hop limit of the datagrams; default the system's, to a multicast group 1. */
  readonly hopLimit?: number | undefined;
  /** Our address, where it is not to be the system's choice; datagrams to a multicast group leave from its interface. */
  readonly localAddress?: string | undefined;
}

/** What became of the datagrams that were handed over; nothing is lost without a count. */
export interface SendCounters {
  sent: number;
  /** Not sent, because an earlier one was answered with "port unreachable": nobody listens there. */
  refused: number;
  /** Not sent for another reason; `lastError` says which. */
  failed: number;
  lastError: string | undefined;
}

export interface UdpSender {
  readonly counters: SendCounters;
  /**
   * Opens one more connected socket, with a source port of its own, and returns its number (0, 1, …). Towards 127.0.0.0/8 its source
   * address is 127.0.0.1 for `address` 0, 127.0.0.2 for 1 and so on, where the system has such addresses.
   * Throws WeirError WEIR_SEND when the target cannot be resolved or a socket not be had.
   */
  open(address?: number): Promise<number>;
  /** Closes socket number `from`; a later `open` may give its number to another. */
  closeSocket(from: number): void;
  /** Sends `datagram` from socket number `from`. The bytes may be changed again once `backlog` is 0, normally at once. */
  send(datagram: Uint8Array, from: number): void;
  /** Datagrams that the system has not taken yet. */
  backlog(): number;
  /** Their octets. */
  backlogOctets(): number;
  /** Source address and port of a socket. */
  sourceOf(from: number): { readonly address: string; readonly port: number };
  /** Waits until the system has taken every datagram, 5 s at most, and closes the sockets. May be called twice. */
  close(): Promise<void>;
}

const SEND_BUFFER = 4 * 1024 * 1024;
/** The longest that `close` waits, ms: a system that takes nothing for so long will not. */
const LONGEST_CLOSE = 5000;
/** Loopback addresses used one after the other in each /24: 127.0.0.1 to 127.0.0.250. */
const ADDRESSES_PER_NET = 250;

/**
 * A sender of UDP datagrams from one or many connected sockets. Connected, because then the kernel looks the route up once, and tells
 * when nobody listens. Touches nothing until `open`.
 */
export function createUdpSender(options: UdpSenderOptions): UdpSender {
  const { host, port, hopLimit, localAddress } = options;
  const sockets: (Socket | undefined)[] = [];
  const free: number[] = [];
  const counters: SendCounters = { sent: 0, refused: 0, failed: 0, lastError: undefined };
  let waiting = 0;
  let waitingOctets = 0;

  const fail = (error: unknown) => {
    counters.lastError = messageOf(error);
    if (systemCode(error) === 'ECONNREFUSED') counters.refused++;
    else counters.failed++;
  };
  const onSent = (error: Error | null, octets: number) => {
    waiting--;
    if (error === null || error === undefined) {
      counters.sent++;
      waitingOctets -= octets;
    } else fail(error);
    // An error does not tell how long its datagram was.
    if (waiting === 0) waitingOctets = 0;
  };

  const connect = async (address: number): Promise<Socket> => {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', sendBufferSize: SEND_BUFFER });
    // "Port unreachable" comes here too, when it arrives between two sendings; the datagram behind it was sent, so it is not counted
    // as failed, but it does tell that nobody listens.
    socket.on('error', (error) => {
      counters.lastError = messageOf(error);
      if (systemCode(error) === 'ECONNREFUSED') counters.refused++;
    });
    if (address > 0 && host.startsWith('127.')) await bindTo(socket, loopbackAddress(address));
    try {
      if (localAddress !== undefined) {
        const bound = once(socket, 'listening');
        socket.bind({ address: localAddress, port: 0, exclusive: true });
        await bound;
        socket.setMulticastInterface(localAddress);
      }
      const connected = once(socket, 'connect');
      socket.connect(port, host);
      await connected;
      if (hopLimit !== undefined) {
        socket.setTTL(hopLimit);
        socket.setMulticastTTL(hopLimit);
      }
    } catch (error) {
      // It is bound by now and would keep the process alive.
      socket.close();
      throw error;
    }
    return socket;
  };

  return {
    counters,
    async open(address = 0) {
      try {
        const socket = await connect(address);
        const number = free.pop() ?? sockets.length;
        sockets[number] = socket;
        return number;
      } catch (error) {
        throw openError(error, host, port, sockets.length - free.length);
      }
    },
    closeSocket(from) {
      const socket = sockets[from];
      if (socket === undefined) return;
      sockets[from] = undefined;
      free.push(from);
      socket.close();
    },
    send(datagram, from) {
      waiting++;
      waitingOctets += datagram.length;
      sockets[from]!.send(datagram, onSent);
    },
    backlog: () => waiting,
    backlogOctets: () => waitingOctets,
    sourceOf(from) {
      const { address, port: source } = sockets[from]!.address();
      return { address, port: source };
    },
    async close() {
      const end = performance.now() + LONGEST_CLOSE;
      // oxlint-disable-next-line no-unmodified-loop-condition -- the send callback counts it down
      while (waiting > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 1));
      await closeAll(sockets);
    },
  };
}

/** The loopback address of a socket's index. */
function loopbackAddress(index: number): string {
  return `127.0.${Math.floor(index / ADDRESSES_PER_NET) % 256}.${1 + (index % ADDRESSES_PER_NET)}`;
}

/** Binds to the address, or leaves the choice to the system where it is not the host's (macOS has 127.0.0.1 alone). */
async function bindTo(socket: Socket, address: string): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off('listening', done).off('error', done);
      resolve();
    };
    socket.once('listening', done).once('error', done);
    socket.bind({ address, port: 0, exclusive: true });
  });
}

async function closeAll(sockets: (Socket | undefined)[]): Promise<void> {
  const open = sockets.splice(0).filter((socket) => socket !== undefined);
  await Promise.all(open.map((socket) => new Promise<void>((resolve) => void socket.close(() => resolve()))));
}

function openError(error: unknown, host: string, port: number, opened: number): WeirError {
  const code = systemCode(error);
  const target = `udp://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (code === 'EMFILE' || code === 'ENFILE') {
    return new WeirError('WEIR_SEND', `The system allows no more than ${opened} sockets here.`, {
      hint: 'Raise the limit (ulimit -n 65536), or lower --exporters and raise --domains.',
      cause: error,
    });
  }
  const isName = code === 'ENOTFOUND' || code === 'EAI_AGAIN';
  return new WeirError(
    'WEIR_SEND',
    isName ? `There is no host called ${host}.` : `Cannot send to ${target}: ${messageOf(error)}.`,
    {
      hint: 'Give the target as udp://HOST:PORT, for instance udp://127.0.0.1:2055.',
      cause: error,
    },
  );
}

/** The error for people when nobody listens at the target. */
export function nobodyListens(host: string, port: number): WeirError {
  return new WeirError('WEIR_SEND', `Nobody listens there: ${host} answered that its UDP port ${port} is closed.`, {
    hint: 'Start a collector first (weir collect), or use --keep-going to send all the same.',
    details: { host, port },
  });
}
