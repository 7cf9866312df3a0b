import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeUdpPort } from './free-port.ts';
import { startProcess } from './processes.ts';
import { repositoryPath } from './repository.ts';
import type { TempFolder } from './temp.ts';
import { requireTool } from './tools.ts';

/** The same flows, stored by both. */
export interface BothStores {
  /** The file of nfcapd. */
  readonly file: string;
  /** The data folder of weir. */
  readonly data: string;
}

/** Runs `nfcapd` and `weir collect` while `send` sends the same datagrams to the ports of both, and gives what they stored. */
export async function collectInBoth(
  folder: TempFolder,
  send: (ports: readonly [number, number]) => Promise<void>,
): Promise<BothStores> {
  const ports = [await freeUdpPort(), await freeUdpPort()] as const;
  const theirs = ['-4', '-b', '127.0.0.1', '-p', `${ports[0]}`, '-w', folder.path, '-t', '3600', '-B', '8000000'];
  const nfcapd = startProcess(requireTool('nfcapd'), theirs);
  const data = folder.join('data');
  const ours = ['collect', '--listen', `udp://127.0.0.1:${ports[1]}`, '--data', data];
  const collector = startProcess(process.execPath, [repositoryPath('bin/weir.js'), ...ours]);
  try {
    await nfcapd.waitFor(/Startup|Init/i);
    await collector.waitFor('"msg":"collecting"');
    await send(ports);
    await sleep(1000);
  } finally {
    await Promise.all([nfcapd.stop(), collector.stop()]);
  }
  const name = readdirSync(folder.path).find((each) => /^nfcapd\.\d+$/.test(each)) ?? 'none';
  return { file: folder.join(name), data };
}

/** Sends each datagram to each of the ports, no faster than both take them. */
export async function sendToBoth(datagrams: Iterable<Uint8Array>, ports: readonly number[]): Promise<void> {
  const socket = createSocket('udp4');
  try {
    for (const datagram of datagrams) {
      for (const port of ports) socket.send(datagram, port, '127.0.0.1');
      await sleep(2);
    }
  } finally {
    socket.close();
  }
}
