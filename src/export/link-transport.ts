import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, systemCode } from '../util/errors.ts';
import { FileSender } from './file-sender.ts';
import { StreamSender, type StreamSenderOptions } from './stream-sender.ts';
import { createUdpSender } from './udp-sender.ts';

/** How the messages for one target leave, whatever the protocol beneath. */
export interface LinkTransport {
  /** Octets of a message at most, unless somebody says otherwise. */
  readonly longest: number;
  /** Whether messages may be lost or come in another order, so that templates are repeated. */
  readonly isDatagram: boolean;
  /** Opens it. Throws WEIR_SEND when it cannot be had; a patient start does so only for what waiting cannot mend, and tries on otherwise. */
  start(isPatient: boolean): Promise<void>;
  /** Whether there is somewhere to send to: a socket, a connection, a file. */
  isOpen(): boolean;
  /** Whether a message may be sent now. */
  takesMore(): boolean;
  /** Hands a message to the system; its octets must not change afterwards. */
  send(message: Uint8Array): void;
  counters(): TransportCounters;
  close(): Promise<void>;
}

/** Where messages go; an ExportTarget is one. */
export type TransportTarget =
  | { readonly transport: 'udp' | 'tcp' | 'tls'; readonly host: string; readonly port: number }
  | { readonly transport: 'file'; readonly path: string };

/** What became of the messages that were handed to the system. */
export interface TransportCounters {
  readonly sent: number;
  /** Not taken by the system, or lost in it when a connection broke. */
  readonly failed: number;
  /** UDP: answers that nobody listens at the port. */
  readonly refused: number;
  /** TCP and TLS: connections made. */
  readonly sessions: number;
  readonly lastError: string | undefined;
}

export interface TransportOptions {
  /** Certificates for TLS targets. */
  readonly tls?: StreamSenderOptions['tls'];
  /** UDP: time to live or hop limit. */
  readonly hopLimit?: number | undefined;
  /** Our address, where it is not to be the system's choice. */
  readonly localAddress?: string | undefined;
  /** TCP and TLS: ms from a lost connection to the first try at a new one. */
  readonly retryMillis?: number;
  /** A connection that stood is lost: what is encoded from now on is for the next one. */
  readonly onLost: () => void;
}

/** The transport of a target; nothing is opened before `start`. */
export function createTransport(target: TransportTarget, options: TransportOptions): LinkTransport {
  if (target.transport === 'file') return fileTransport(target.path);
  return target.transport === 'udp' ? udpTransport(target, options) : streamTransport(target, options);
}

/** Datagrams that the system has not taken yet: with more, the next ones wait. */
const MOST_WAITING = 512;
/** ms from a failed try to open a socket to the next one. */
const RETRY = 5000;
/** "Port unreachable" comes after the datagram; what is sent last must be waited for, ms. */
const ANSWER = 20;

function udpTransport(
  { host, port }: { readonly host: string; readonly port: number },
  { hopLimit, localAddress }: TransportOptions,
): LinkTransport {
  const sender = createUdpSender({ host, port, hopLimit, localAddress });
  const { counters } = sender;
  let isOpen = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  const open = async (isPatient: boolean): Promise<void> => {
    try {
      await sender.open();
      isOpen = true;
    } catch (error) {
      // A name that does not exist is a slip of the pen; a network that is not there yet comes.
      const code = systemCode((error as Error).cause);
      if (!isPatient || code === 'ENOTFOUND' || code === 'EINVAL') throw error;
      counters.lastError = messageOf(error);
      timer = setTimeout(() => void retry(), RETRY);
      timer.unref();
    }
  };
  const retry = async (): Promise<void> => {
    try {
      if (!isClosed) await open(true);
    } catch (error) {
      counters.lastError = messageOf(error);
      timer = setTimeout(() => void retry(), RETRY);
      timer.unref();
    }
  };
  return {
    longest: isIPv6(host) ? 1452 : 1472,
    isDatagram: true,
    start: open,
    isOpen: () => isOpen,
    takesMore: () => isOpen && sender.backlog() < MOST_WAITING,
    send: (message) => sender.send(message, 0),
    counters: () => ({ ...counters, sessions: 0 }),
    async close() {
      isClosed = true;
      clearTimeout(timer);
      if (counters.sent + sender.backlog() > 0) await sleep(ANSWER);
      await sender.close();
      isOpen = false;
    },
  };
}

/** Octets of a message over a stream or into a file: long ones cost fewer headers. */
const LONGEST = 8192;

function streamTransport(
  { host, port }: { readonly host: string; readonly port: number },
  { tls, localAddress, retryMillis, onLost }: TransportOptions,
): LinkTransport {
  const more = retryMillis === undefined ? {} : { retryMillis };
  const sender = new StreamSender({ host, port, tls, localAddress, onSession: () => {}, onLost, ...more });
  return {
    longest: LONGEST,
    isDatagram: false,
    start: (isPatient) => sender.start({ isPatient }),
    isOpen: () => sender.isConnected,
    takesMore: () => sender.takesMore,
    send: (message) => sender.send(message),
    counters: () => ({ ...sender.counters, refused: 0 }),
    close: () => sender.close(),
  };
}

function fileTransport(path: string): LinkTransport {
  const sender = new FileSender(path);
  let lastError: string | undefined;
  return {
    longest: LONGEST,
    isDatagram: false,
    start: () => sender.start(),
    isOpen: () => true,
    takesMore: () => sender.takesMore,
    send: (message) => sender.send(message),
    counters: () => ({ sent: sender.counters.sent, failed: 0, refused: 0, sessions: 0, lastError }),
    async close() {
      try {
        await sender.close();
      } catch (error) {
        lastError = messageOf(error);
      }
    },
  };
}
