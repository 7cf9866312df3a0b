import { expect } from 'vitest';
import { datagrams } from '../filter/nfdump-datagrams.ts';
import { type BothStores, collectInBoth, sendToBoth } from '../helpers/both-collectors.ts';
import type { TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';

/** Flows of an hour of NetFlow v5 from two exporters with two engines each. */
const V5 = ['--version', '5', '--flows', '20000', '--distinct', '20000', '--exporters', '2', '--domains', '2'];
/** Flows of NetFlow v9 with all that nfdump keeps: IPv6, MACs, VLANs, MPLS … */
const V9_FLOWS = 3600;
const BEGIN = Date.UTC(2026, 2, 1, 12);

/** The flows that both are asked about, stored by `nfcapd` and by `weir collect`. */
export async function storeInBoth(folder: TempFolder): Promise<BothStores> {
  const capture = folder.join('v5.pcap');
  const from = ['--duration', '1h', '--from', new Date(BEGIN).toISOString()];
  const made = await weir(['generate', '--write', capture, ...V5, ...from]);
  expect(made.code, made.stderr).toBe(0);
  return collectInBoth(folder, async (ports) => {
    for (const port of ports) {
      const sent = await weir(['replay', capture, `udp://127.0.0.1:${port}`, '--rate', '1000']);
      expect(sent.code, sent.stderr).toBe(0);
    }
    await sendToBoth(datagrams(V9_FLOWS, BEGIN / 1000 + 3600), ports);
  });
}
