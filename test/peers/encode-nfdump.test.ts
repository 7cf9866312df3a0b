import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Protocol } from '#weir/export/encoder.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import {
  AS,
  MACS,
  MASKS,
  NAT,
  POST_MACS,
  recordsFor,
  type Shown,
  sendEncoded,
  TIMES,
  table,
  VLANS,
  VRFS,
  without,
} from './encode-records.ts';
import { fromNfdump, type NfdumpRow } from './nfdump-row.ts';
import { queuedOctets } from './tee.ts';

/* What weir encodes, as nfdump reads it in the files of nfcapd and sfcapd: every field that it shows. */

const TEMPLATED = [...without(), ...MACS, ...POST_MACS, ...VLANS, ...VRFS, ...NAT, 'bgp_next_hop', 'direction'];

/** Receives the encoded records with nfcapd or sfcapd, and gives nfdump's rows. */
async function nfdumpOf(collector: 'nfcapd' | 'sfcapd', protocol: Protocol): Promise<Shown[]> {
  const folder = tempFolder(collector);
  const port = await freeUdpPort();
  const flags = ['-4', '-b', '127.0.0.1', '-p', `${port}`, '-w', folder.path, '-y', '-t', '3600'];
  const running = startProcess(requireTool(collector), flags);
  try {
    await running.waitFor('Startup');
    await sendEncoded(protocol, port);
    // It drops what is in its socket's buffer when it is told to end.
    for (let tries = 0; tries < 200 && queuedOctets(port) > 0; tries++) await sleep(50);
    await sleep(300);
    const { stdout, stderr } = await running.stop('SIGTERM');
    expect(stdout + stderr).toMatch(/Sequence Errors: 0, Bad Packets: 0/);
  } finally {
    running.kill();
    await running.finished;
  }
  const file = readdirSync(folder.path).find((name) => /^nfcapd\.\d+$/.test(name)) ?? '';
  const args = ['-r', folder.join(file), '-o', 'json'];
  const { stdout } = await runProcess(requireTool('nfdump'), args, { env: { TZ: 'UTC' } });
  return (JSON.parse(stdout) as NfdumpRow[]).map(fromNfdump);
}

describeWithTool(['nfcapd', 'nfdump'], 'what weir encodes, in nfcapd', () => {
  it.each([
    ['netflow1', without(AS, MASKS)],
    // nfcapd 1.7.1 leaves out the masks of v5 and v7.
    ['netflow5', without(MASKS)],
    ['netflow7', without(MASKS)],
    ['netflow9', [...TEMPLATED, 'forwarding_status']],
    // nfcapd 1.7.1 reads forwardingStatus in v9 alone, and MPLS labels rightly in neither.
    ['ipfix', TEMPLATED],
  ] as const)('%s: every field is the one that was encoded', async (protocol, names) => {
    const found = await nfdumpOf('nfcapd', protocol);
    expect(table(found, names)).toEqual(table(recordsFor(protocol), names));
  });
});

describeWithTool(['sfcapd', 'nfdump'], 'what weir encodes, in sfcapd', () => {
  it('sflow: every field is the one that was encoded, counters times the sampling rate', async () => {
    const names = [...without(TIMES), ...MACS, ...VLANS, 'bgp_next_hop'];
    const expected = recordsFor('sflow').map((record) => {
      const rate = Number(record['sampling_rate']);
      const counters = { bytes: Number(record['bytes']) * rate, packets: Number(record['packets']) * rate };
      // sfcapd 1.7.1 keeps no BGP next hop that is an IPv6 address.
      return { ...record, ...counters, ...(isIpv6(record) ? { bgp_next_hop: '' } : {}) };
    });
    const found = (await nfdumpOf('sfcapd', 'sflow')).map((record) => {
      // It shows the destination's address as that of the way out.
      return { ...record, dst_mac: record['post_dst_mac'] ?? '' };
    });
    expect(table(found, names)).toEqual(table(expected, names));
  });
});

function isIpv6(record: Shown): boolean {
  return (record['src_addr'] as string).includes(':');
}
