import { readFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileSender } from '../export/file-sender.ts';
import { StreamSender } from '../export/stream-sender.ts';
import type { ExportTarget } from '../export/target.ts';
import { createUdpSender } from '../export/udp-sender.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { checkRefused, sendingNotes } from './sending.ts';

export interface SenderFlags {
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly keepGoing?: boolean;
}

/** One way to hand messages on, whatever the transport. */
export interface MessageSender {
  /** Octets of a message at most, unless the operator says otherwise. */
  readonly longest: number;
  /** Whether messages may be lost on the way, so that templates are repeated and the rate is bounded. */
  readonly isDatagram: boolean;
  start(): Promise<void>;
  send(message: Uint8Array): void;
  /** Waits until more can be sent. Throws WEIR_SEND when nothing will be. */
  ready(): Promise<void>;
  close(): Promise<void>;
  /** Messages that were not sent. */
  failed(): number;
  /** Sentences for a person about them. */
  notes(): string[];
}

const MOST_WAITING = 512;

/** The sender for a target. `onSession` is called when a connection has been made, before anything is sent on it. */
export async function openSender(
  target: ExportTarget,
  flags: SenderFlags,
  onSession: () => void,
): Promise<MessageSender> {
  if (target.transport === 'file') {
    const sender = new FileSender(target.path);
    return wrap(sender, { longest: 8192, failed: () => 0, notes: () => [] });
  }
  const { host, port } = target;
  if (target.transport === 'udp') return udpSender(host, port, flags.keepGoing === true);
  const tls = target.transport === 'tls' ? await tlsFiles(flags) : undefined;
  const sender = new StreamSender({ host, port, tls, onSession });
  const { counters } = sender;
  return wrap(sender, {
    longest: 8192,
    failed: () => counters.failed,
    notes: () =>
      counters.failed === 0 && counters.sessions <= 1
        ? []
        : [
            `${counters.sessions} connections, ${counters.failed} messages not sent: ${counters.lastError ?? 'the collector closed'}`,
          ],
  });
}

function wrap(
  sender: FileSender | StreamSender,
  more: { longest: number; failed: () => number; notes: () => string[] },
): MessageSender {
  return {
    ...more,
    isDatagram: false,
    start: () => sender.start(),
    send: (message) => sender.send(message),
    ready: () => sender.ready(),
    close: () => sender.close(),
  };
}

function udpSender(host: string, port: number, keepGoing: boolean): MessageSender {
  const sender = createUdpSender({ host, port });
  const { counters } = sender;
  return {
    longest: isIPv6(host) ? 1452 : 1472,
    isDatagram: true,
    start: async () => void (await sender.open()),
    send: (message) => sender.send(message, 0),
    async ready() {
      while (sender.backlog() > MOST_WAITING) await sleep(1);
      checkRefused(counters, { host, port }, keepGoing);
    },
    async close() {
      // "Port unreachable" comes after the datagram; a short run must wait for it.
      await sleep(20);
      await sender.close();
      checkRefused(counters, { host, port }, keepGoing);
    },
    failed: () => counters.failed,
    notes: () => sendingNotes(counters),
  };
}

/** Reads the files that the flags for TLS name. Throws WEIR_USAGE for one that cannot be read. */
export async function tlsFiles({
  tlsCa,
  tlsCert,
  tlsKey,
}: SenderFlags): Promise<{ ca?: Buffer; cert?: Buffer; key?: Buffer }> {
  const read = async (path: string): Promise<Buffer> => {
    try {
      return await readFile(path);
    } catch (error) {
      throw new WeirError('WEIR_USAGE', `Cannot read ${path}: ${messageOf(error)}.`, { cause: error });
    }
  };
  return {
    ...(tlsCa === undefined ? {} : { ca: await read(tlsCa) }),
    ...(tlsCert === undefined ? {} : { cert: await read(tlsCert) }),
    ...(tlsKey === undefined ? {} : { key: await read(tlsKey) }),
  };
}
