import type { DatagramSource } from '../session/message-decoder.ts';
import { type Address, addressKey, parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import type { Datagram } from '../wire/pcap/export-datagrams.ts';

const MAX_SOURCES = 65_536;

/** The same object for the same sender, as the decoder likes it. */
export function createSources(exporter: Address | undefined): (datagram: Datagram) => DatagramSource {
  const sources = new Map<number | string, Map<number, DatagramSource>>();
  let count = 0;
  return ({ source, sourcePort }) => {
    const address = exporter ?? source;
    const key = addressKey(...address);
    let ports = sources.get(key);
    if (ports === undefined) sources.set(key, (ports = new Map()));
    let found = ports.get(sourcePort);
    if (found === undefined) {
      if (++count > MAX_SOURCES) {
        sources.clear();
        count = 1;
        sources.set(key, (ports = new Map()));
      }
      found = { address, port: sourcePort };
      ports.set(sourcePort, found);
    }
    return found;
  };
}

/** Reads `--exporter`. Throws WEIR_USAGE. */
export function readExporter(text: string | undefined): Address | undefined {
  const address = text === undefined ? undefined : parseAddress(text);
  if (text === undefined || address !== undefined) return address;
  throw new WeirError('WEIR_USAGE', `--exporter ${text}: expected an IP address.`, {
    hint: 'For instance 192.0.2.1 or 2001:db8::1.',
  });
}
