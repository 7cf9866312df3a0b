import { WeirError } from '../util/errors.ts';
import { u16, u32 } from '../util/octets.ts';
import { IPFIX_HEADER } from './ipfix.ts';
import { type FramingFault, StreamFramer } from './ipfix-stream.ts';

/*
 * IPFIX files (RFC 5655 section 5): IPFIX messages one after the other, with nothing before, between or behind them. A file is a transport session
 * of its own: templates come before the data they describe, and no other file knows them. YAF, super_mediator and ipfixDump read and write the same.
 * NetFlow v9, v5 and v1 datagrams written one after the other are read as well (see `ipfix-stream.ts`); no standard describes them.
 */

/** What a file of messages held; filled while it is read. */
export interface MessageFileStats {
  messages: number;
  octets: number;
  /** Octets at the end that are no whole message. */
  unfinished: number;
  /** Why reading ended before the end of the file, and at which octet. */
  fault: { readonly cause: FramingFault; readonly offset: number } | undefined;
}

export function createMessageFileStats(): MessageFileStats {
  return { messages: 0, octets: 0, unfinished: 0, fault: undefined };
}

/**
 * What a file that begins with these octets (512, or all there are) holds: IPFIX messages or NetFlow datagrams, one after the other; undefined for anything else. The
 * first message must be plausible.
 */
export function messageFileFormat(start: Uint8Array): 'ipfix' | 'netflow' | undefined {
  const framer = new StreamFramer();
  let messages = 0;
  const fault = framer.push(start, () => void messages++);
  if (start.length < IPFIX_HEADER || (fault !== undefined && messages === 0)) return undefined;
  return framer.version === 10 ? 'ipfix' : 'netflow';
}

/** The messages of a file, some at a time, as views of its chunks. It ends at the first octet that cannot be framed; `stats` says where and why. */
export async function* readMessageFile(
  source: AsyncIterable<Uint8Array>,
  stats: MessageFileStats,
): AsyncGenerator<Uint8Array[], void, undefined> {
  const framer = new StreamFramer();
  let messages: Uint8Array[] = [];
  const keep = (message: Uint8Array): void => {
    messages.push(message);
    stats.messages++;
    stats.octets += message.length;
  };
  for await (const chunk of source) {
    const cause = framer.push(chunk, keep);
    if (messages.length > 0) yield messages;
    messages = [];
    if (cause === undefined) continue;
    stats.fault = { cause, offset: stats.octets };
    return;
  }
  framer.flush(keep);
  if (messages.length > 0) yield messages;
  stats.unfinished = framer.pending;
}

/** The time in the header of a message, µs since the epoch: export time, or what NetFlow calls UNIX seconds. */
export function messageMicros(message: Uint8Array): number {
  return u32(message, u16(message, 0) === 10 ? 4 : 8) * 1_000_000;
}

/** An IPFIX file that is being written: `write` gets its octets in order. */
export interface IpfixFile {
  /** Appends one message. Throws WEIR_INPUT for octets that are not exactly one IPFIX message, and writes nothing of them. */
  add(message: Uint8Array): void;
  readonly messages: number;
  readonly octets: number;
  /** Lowest and highest export time, ms since the epoch; undefined while the file is empty. */
  readonly window: { readonly from: number; readonly to: number } | undefined;
}

/** Begins an IPFIX file. Whoever adds messages gives it templates first, as at the beginning of any transport session (RFC 7011 section 8). */
export function createIpfixFile(write: (octets: Uint8Array) => void): IpfixFile {
  let messages = 0;
  let octets = 0;
  let window: { from: number; to: number } | undefined;
  return {
    add(message) {
      const { length } = message;
      if (length < IPFIX_HEADER || u16(message, 0) !== 10 || u16(message, 2) !== length) {
        throw new WeirError(
          'WEIR_INPUT',
          `${length} octets that are not one IPFIX message cannot go into an IPFIX file`,
          {
            hint: 'An IPFIX file holds whole IPFIX messages (version 10); write other formats as a capture.',
          },
        );
      }
      write(message);
      messages++;
      octets += length;
      const time = u32(message, 4) * 1000;
      window = { from: Math.min(time, window?.from ?? time), to: Math.max(time, window?.to ?? time) };
    },
    get messages() {
      return messages;
    },
    get octets() {
      return octets;
    },
    get window() {
      return window;
    },
  };
}
