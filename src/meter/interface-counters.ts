import { readFileSync } from 'node:fs';
import type { InterfaceCounters } from '../export/sflow-interface-counters.ts';

const FOLDER = '/sys/class/net';

/** IANA ifType by Linux's hardware type (ARPHRD): Ethernet, PPP, loopback, IEEE 802.11; 1 is "other". */
const IF_TYPE: ReadonlyMap<number, number> = new Map([
  [1, 6],
  [512, 23],
  [772, 24],
  [801, 71],
  [803, 71],
]);
const OTHER = 1;
const [IFF_UP, IFF_PROMISC] = [1, 0x100];

/** Counters of a network interface as Linux tells them, or undefined where there is no such interface, or no Linux. */
export function readInterfaceCounters(name: string, folder = FOLDER): InterfaceCounters | undefined {
  // Names of interfaces have no slash; the pseudo-interface `any` has no counters.
  if (!/^[^/\s]{1,15}$/.test(name) || name === '..' || name === '.') return undefined;
  const text = (file: string): string | undefined => {
    try {
      return readFileSync(`${folder}/${name}/${file}`, 'latin1').trim();
    } catch {
      // Virtual interfaces have no speed, those that are down give an error for it.
      return undefined;
    }
  };
  const ifIndex = Number(text('ifindex'));
  if (!(ifIndex > 0)) return undefined;
  const count = (file: string): bigint => {
    const value = text(`statistics/${file}`) ?? '';
    return /^\d+$/.test(value) ? BigInt(value) : 0n;
  };
  const flags = Number(text('flags') ?? 0);
  const speed = Number(text('speed') ?? 0);
  const duplex = text('duplex');
  const multicast = count('multicast');
  const packets = count('rx_packets');
  return {
    ifIndex,
    ifType: IF_TYPE.get(Number(text('type'))) ?? OTHER,
    ifSpeed: speed > 0 ? speed * 1e6 : 0,
    isFullDuplex: duplex === 'full' ? true : duplex === 'half' ? false : undefined,
    isUp: (flags & IFF_UP) !== 0,
    isRunning: text('operstate') !== 'down',
    isPromiscuous: (flags & IFF_PROMISC) !== 0,
    ifInOctets: count('rx_bytes'),
    // Linux counts multicasts among all packets.
    ifInUcastPkts: packets > multicast ? packets - multicast : 0n,
    ifInMulticastPkts: multicast,
    ifInDiscards: count('rx_dropped'),
    ifInErrors: count('rx_errors'),
    ifOutOctets: count('tx_bytes'),
    ifOutUcastPkts: count('tx_packets'),
    ifOutDiscards: count('tx_dropped'),
    ifOutErrors: count('tx_errors'),
  };
}
