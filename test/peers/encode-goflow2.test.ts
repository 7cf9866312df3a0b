import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { startProcess } from '../helpers/processes.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import {
  address,
  MACS,
  number,
  POST_MACS,
  type Row,
  recordsFor,
  type Shown,
  sendEncoded,
  TIMES,
  table,
  VLANS,
  without,
} from './encode-records.ts';

/* What weir encodes, as goflow2 prints it: every field that it shows. */

const GOFLOW2 = join(homedir(), '.cache/netweir/bin/goflow2');
const LINK = [...VLANS, 'bgp_next_hop'];
/** Of the addresses of both sides it keeps those of the way out, of the times to live the smallest; labels of v9 and IPFIX it does not read. */
const TEMPLATED = [...without(), ...POST_MACS, ...LINK, 'min_ttl', 'flow_label'];

describeUnless(existsSync(GOFLOW2) ? undefined : 'goflow2 not installed', 'what weir encodes, in goflow2', () => {
  it.each([
    ['netflow', 'netflow5', without()],
    ['netflow', 'netflow9', [...TEMPLATED, 'forwarding_status']],
    ['netflow', 'ipfix', [...TEMPLATED, 'forwarding_status']],
    ['sflow', 'sflow', [...without(TIMES), ...MACS, ...LINK, 'ttl', 'flow_label', 'sampling_rate']],
  ] as const)('%s://, %s', async (scheme, protocol, names) => {
    const folder = tempFolder('goflow2');
    const port = await freeUdpPort();
    const output = folder.join('out.json');
    const http = await freeUdpPort();
    // One worker: several may decode data before the template that was sent first, and write lines into each other.
    const listen = ['-listen', `${scheme}://127.0.0.1:${port}/?count=1&workers=1`, '-addr', `127.0.0.1:${http}`];
    const write = ['-transport', 'file', '-transport.file', output, '-format', 'json'];
    const running = startProcess(GOFLOW2, [...listen, ...write]);
    try {
      await running.waitFor(/start/i);
      await sleep(300);
      await sendEncoded(protocol, port);
      const rows = () => (existsSync(output) ? readFileSync(output, 'utf8').trim().split('\n').filter(Boolean) : []);
      const expected = recordsFor(protocol);
      for (let tries = 0; tries < 100 && rows().length < expected.length; tries++) await sleep(100);
      const found = rows().map((line) => fromGoflow2(JSON.parse(line) as Row, line));
      expect(table(found, names)).toEqual(table(expected, names));
    } finally {
      running.kill();
      await running.finished;
    }
  });
});

function fromGoflow2(row: Row, line: string): Shown {
  // Nanoseconds are beyond what a number holds exactly.
  const time = (name: string) => new Date(Number(new RegExp(`"${name}":(\\d+)\\d{6}`).exec(line)?.[1])).toISOString();
  const text = (name: string) => address(String(row[name]));
  const mask = (name: string) => Number(String(row[name]).split('/')[1] ?? 0);
  const copied =
    'src_port dst_port tcp_flags bytes packets in_if out_if src_as dst_as src_mac dst_mac src_vlan dst_vlan sampling_rate forwarding_status';
  return {
    ...Object.fromEntries(copied.split(' ').map((name) => [name, row[name] as number])),
    src_addr: text('src_addr'),
    dst_addr: text('dst_addr'),
    next_hop: text('next_hop'),
    bgp_next_hop: text('bgp_next_hop'),
    src_mask: mask('src_net'),
    dst_mask: mask('dst_net'),
    post_src_mac: text('src_mac'),
    post_dst_mac: text('dst_mac'),
    proto: row['proto'] === 'TCP' ? 6 : 17,
    tos: number(row, 'ip_tos'),
    ttl: number(row, 'ip_ttl'),
    min_ttl: number(row, 'ip_ttl'),
    flow_label: number(row, 'ipv6_flow_label'),
    time_start: time('time_flow_start_ns'),
    time_end: time('time_flow_end_ns'),
  };
}
