import { writeFileSync } from 'node:fs';
import type { Namespace } from './namespace.ts';
import { encodePcap } from './pcap.ts';
import { tempFolder } from './temp.ts';
import { requireTool } from './tools.ts';

export interface SendOptions {
  /** Length of the Ethernet frames. */
  readonly octets?: number;
  /** Destination port. */
  readonly port?: number;
  /** Source ports, from 1000 on, that take turns: so many flows. */
  readonly flows?: number;
}

/** Sends UDP datagrams into an interface, as fast as it goes: from 192.0.2.1 to 192.0.2.2, whether these are there or not. Needs tcpreplay. */
export async function sendPackets(
  from: Namespace,
  interfaceName: string,
  count: number,
  { octets = 100, port = 9, flows = 1000 }: SendOptions = {},
): Promise<void> {
  const folder = tempFolder('packets');
  const address = (last: number) => [0, 0, 0xffff, 0xc000_0200 + last] as const;
  const datagrams = Array.from({ length: count }, (_, n) => ({
    time: n,
    source: address(1),
    sourcePort: 1000 + (n % flows),
    destination: address(2),
    destinationPort: port,
    payload: new Uint8Array(octets - 42),
  }));
  writeFileSync(folder.join('packets.pcap'), encodePcap(datagrams));
  await from.run(requireTool('tcpreplay'), [
    '-q',
    '-K',
    '--topspeed',
    '-i',
    interfaceName,
    folder.join('packets.pcap'),
  ]);
}
