import { parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import type { DatagramSource } from './message-decoder.ts';

/** Who sent a datagram. Templates are kept per address (and port where they disagree). */
export interface Exporter {
  /** IPv4 or IPv6 address; default 0.0.0.0. */
  readonly address?: string;
  /** UDP source port; default 0. */
  readonly port?: number;
  /** When it arrived, ms since the epoch; default now. */
  readonly receivedAt?: number;
}

/** Senders kept before all are forgotten and found anew. */
const MAX_SOURCES = 65_536;

/** Finds the same `DatagramSource` for the same sender. The function throws WEIR_INPUT for an address that is none. */
export function sourceFinder(): (exporter: Exporter) => DatagramSource {
  const sources = new Map<string, DatagramSource>();
  return ({ address = '0.0.0.0', port = 0 }) => {
    const key = `${address} ${port}`;
    const known = sources.get(key);
    if (known !== undefined) return known;
    const parsed = parseAddress(address);
    if (parsed === undefined) throw new WeirError('WEIR_INPUT', `'${address}' is not an IP address`);
    const source = { address: parsed, port };
    if (sources.size >= MAX_SOURCES) sources.clear();
    sources.set(key, source);
    return source;
  };
}

/** A datagram given as octets or as hexadecimal text (blanks, colons and `0x` in front do no harm). Throws WEIR_INPUT for text that is not hexadecimal. */
export function datagramOctets(datagram: Uint8Array | string): Uint8Array {
  if (typeof datagram !== 'string') return datagram;
  const digits = datagram.replace(/[\s:]/g, '').replace(/^0x/i, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    throw new WeirError('WEIR_INPUT', 'the datagram is not hexadecimal text: expected pairs of the digits 0-9 a-f');
  }
  return Uint8Array.from(Buffer.from(digits, 'hex'));
}
