import { createSocket } from 'node:dgram';
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { datagrams } from '../filter/nfdump-datagrams.ts';
import { freeUdpPort } from '../helpers/free-port.ts';
import { startProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import type { TempFolder } from '../helpers/temp.ts';
import { requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';

/** The same flows, stored by both. */
export interface BothStores {
  /** The file of nfcapd. */
  readonly file: string;
  /** The data folder of weir. */
  readonly data: string;
}

/** Flows of an hour of NetFlow v5 from two exporters with two engines each. */
const V5 = ['--version', '5', '--flows', '20000', '--distinct', '20000', '--exporters', '2', '--domains', '2'];
/** Flows of NetFlow v9 with all that nfdump keeps: IPv6, MACs, VLANs, MPLS … */
const V9_FLOWS = 3600;
const BEGIN = Date.UTC(2026, 2, 1, 12);

/** Sends the same datagrams to `nfcapd` and to `weir collect`, and gives what they stored. */
export async function collectInBoth(folder: TempFolder): Promise<BothStores> {
  const capture = folder.join('v5.pcap');
  const from = ['--duration', '1h', '--from', new Date(BEGIN).toISOString()];
  const made = await weir(['generate', '--write', capture, ...V5, ...from]);
  expect(made.code, made.stderr).toBe(0);
  const ports = [await freeUdpPort(), await freeUdpPort()] as const;
  const theirs = ['-4', '-b', '127.0.0.1', '-p', `${ports[0]}`, '-w', folder.path, '-t', '3600', '-B', '8000000'];
  const nfcapd = startProcess(requireTool('nfcapd'), theirs);
  const data = folder.join('data');
  const ours = ['collect', '--listen', `udp://127.0.0.1:${ports[1]}`, '--data', data];
  const collector = startProcess(process.execPath, [repositoryPath('bin/weir.js'), ...ours]);
  const socket = createSocket('udp4');
  try {
    await nfcapd.waitFor(/Startup|Init/i);
    await collector.waitFor('"msg":"collecting"');
    for (const port of ports) {
      const sent = await weir(['replay', capture, `udp://127.0.0.1:${port}`, '--rate', '1000']);
      expect(sent.code, sent.stderr).toBe(0);
    }
    for (const datagram of datagrams(V9_FLOWS, BEGIN / 1000 + 3600)) {
      for (const port of ports) socket.send(datagram, port, '127.0.0.1');
      await sleep(2);
    }
    await sleep(1000);
  } finally {
    socket.close();
    await Promise.all([nfcapd.stop(), collector.stop()]);
  }
  const name = readdirSync(folder.path).find((each) => /^nfcapd\.\d+$/.test(each)) ?? 'none';
  return { file: folder.join(name), data };
}
