import { u16 } from '../../util/octets.ts';
import { type DnsMessage, readDnsMessage } from './dns-message.ts';

/** Length of the length that stands before each message over TCP (RFC 1035 section 4.2.2). */
const LENGTH = 2;
const LEAST_MESSAGE = 12;

/**
 * Reads the messages in `bytes[start, end)`, which begins with the length of one, and calls back for each. Returns where the first message begins that goes
 * on behind `end` (`end` where none does), or -1 where no message begins at `start`.
 */
export function readDnsStream(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (message: DnsMessage) => void,
): number {
  let at = start;
  while (at + LENGTH <= end) {
    const message = at + LENGTH;
    const length = u16(bytes, at);
    if (length < LEAST_MESSAGE) return at === start ? -1 : end;
    if (message + length > end) return at;
    const read = readDnsMessage(bytes, message, message + length);
    if (read === undefined) return at === start ? -1 : end;
    visit(read);
    at = message + length;
  }
  return at;
}
