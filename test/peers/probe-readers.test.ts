import { createSocket } from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import type { FlowRecord } from '#weir/flow/record.js';
import { createCaptureReader } from '#weir/wire/pcap/capture-reader.js';
import { createCaptureStats } from '#weir/wire/pcap/packet.js';
import { encodePcap } from '../helpers/pcap.ts';
import { makeTempFolder, tempFolder } from '../helpers/temp.ts';
import { describeWithTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';
import { Metering } from '../meter/metering.ts';
import { KEY, MACS, NOW, type Shown, TIMES, table } from './encode-records.ts';
import { collectedByPmacct } from './pmacct-records.ts';
import { weirProbe } from './probe-exporter.ts';
import { taggedCapture } from './tagged-capture.ts';
import { startTee } from './tee.ts';
import { dissected, fromCflow, type Values } from './tshark-records.ts';

/*
 * What `weir probe` exports of a capture, read by tshark, nfacctd and weir: every field of every record is what the meter, asked directly, made of the same packets.
 */

const START = NOW - 10_000;

/** Ways to export, and how the meter is told to do the same. */
const FORMS = {
  v5: { version: 5, flags: [], keys: 'full', isBiflow: false },
  v9: { version: 9, flags: ['-T', 'ether'], keys: 'ether', isBiflow: false },
  ipfix: { version: 10, flags: ['-T', 'ether'], keys: 'ether', isBiflow: false },
  biflow: { version: 10, flags: ['-T', 'ether', '-b'], keys: 'ether', isBiflow: true },
} as const;
type Form = keyof typeof FORMS;

const exported = new Map<Form, Uint8Array[]>();

beforeAll(async () => {
  for (const [name, { version, flags }] of Object.entries(FORMS)) {
    using folder = makeTempFolder('probe');
    const file = folder.join('tagged.pcap');
    writeFileSync(file, taggedCapture(START));
    const tee = await startTee('127.0.0.1', []);
    await weirProbe(version, flags)(file, tee);
    await tee.close();
    exported.set(
      name as Form,
      tee.passed.map(({ payload }) => payload),
    );
  }
});

/** What the meter makes of the capture; v5 has IPv4 alone. */
function metered(form: Form): Shown[] {
  const { keys, isBiflow, version } = FORMS[form];
  const metering = new Metering({ keys, isBiflow, expiry: 'when-full' });
  const reader = createCaptureReader(metering.meter, createCaptureStats());
  if (reader.push(taggedCapture(START))) reader.end();
  return metering
    .end()
    .filter((record) => version !== 5 || record['ip_version'] === 4)
    .map(shown);
}

/** Times in ms, and ICMP's type and code where they are as a port. */
function shown(record: FlowRecord): Shown {
  const ms = (name: string): string | undefined =>
    record[name] === undefined ? undefined : new Date(Date.parse(record[name] as string)).toISOString();
  const icmp = Number(record['icmp_type'] ?? 0) * 256 + Number(record['icmp_code'] ?? 0);
  return {
    ...record,
    dst_port: record['dst_port'] ?? icmp,
    time_start: ms('time_start'),
    time_end: ms('time_end'),
    reverse_time_start: ms('reverse_time_start'),
    reverse_time_end: ms('reverse_time_end'),
  };
}

const REVERSE =
  'reverse_bytes reverse_packets reverse_tcp_flags reverse_tos reverse_time_start reverse_time_end biflow_direction'.split(
    ' ',
  );
const LINK = [...MACS, 'src_vlan', 'customer_vlan', 'mpls_labels', 'ethernet_type'];
const MORE = 'ip_version flow_label min_ttl max_ttl min_packet_length max_packet_length flow_end_reason'.split(' ');
const NAMES: Readonly<Record<Form, readonly string[]>> = {
  v5: [...KEY, ...TIMES],
  v9: [...KEY, ...TIMES, ...LINK, ...MORE],
  ipfix: [...KEY, ...TIMES, ...LINK, ...MORE],
  biflow: [...KEY, ...TIMES, ...LINK, ...MORE, ...REVERSE],
};
const forms = Object.keys(FORMS) as Form[];

it.each(forms)('%s, in weir', async (form) => {
  const { records } = await decoded(form);
  expect(records.length).toBeGreaterThan(20);
  expect(table(records, NAMES[form])).toEqual(table(metered(form), NAMES[form]));
});

describeWithTool('tshark', 'in tshark', () => {
  it.each(forms)('%s', async (form) => {
    const found = await dissected(exported.get(form) ?? [], NOW, 'cflow', fromTshark);
    expect(table(found, NAMES[form])).toEqual(table(metered(form), NAMES[form]));
  });
});

describeWithTool('nfacctd', 'in nfacctd', () => {
  it.each(forms)('%s', async (form) => {
    const keys = 'src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,timestamp_start,timestamp_end';
    const more = form === 'v5' ? '' : ',src_mac,dst_mac,vlan,mpls_label_top,mpls_label_bottom';
    const expected = metered(form).map((record) => shownByPmacct(record, form));
    const found = await collectedByPmacct('nfacctd', keys + more, (port) => send(form, port), expected.length);
    const names = [...KEY, ...TIMES, ...(form === 'v5' ? [] : [...MACS, 'vlan'])];
    // pmacct 1.7.7 reads MPLS labels of v9 alone.
    if (form === 'v9') names.push('mpls_labels');
    expect(table(found, names)).toEqual(table(expected, names));
  });
});

/** A record as pmacct 1.7.7 has it. It does not know the other direction of a biflow, nor ICMP's type and code in fields of their own. */
function shownByPmacct(record: Shown, form: Form): Shown {
  // It counts sysUptime stamps in whole seconds, backwards from the header's.
  const whole = (time: unknown): string => new Date(Math.ceil(Date.parse(time as string) / 1000) * 1000).toISOString();
  const hasStamps = form === 'v5' || form === 'v9';
  return {
    ...record,
    dst_port: form !== 'v5' && (record['proto'] === 1 || record['proto'] === 58) ? 0 : record['dst_port'],
    vlan: record['src_vlan'],
    mpls_labels: record['mpls_labels'] ?? '0,0',
    ...(hasStamps ? { time_start: whole(record['time_start']), time_end: whole(record['time_end']) } : {}),
  };
}

async function send(form: Form, port: number): Promise<void> {
  const socket = createSocket('udp4');
  for (const message of exported.get(form) ?? []) {
    await new Promise((resolve) => socket.send(message, port, '127.0.0.1', resolve));
    await sleep(2);
  }
  socket.close();
}

async function decoded(form: Form): Promise<{ records: Shown[] }> {
  const file = tempFolder('decode').join('export.pcap');
  const loopback = [0, 0, 0xffff, 0x7f000001] as const;
  const ends = { source: loopback, sourcePort: 50_000, destination: loopback, destinationPort: 2055 };
  writeFileSync(
    file,
    encodePcap((exported.get(form) ?? []).map((payload) => ({ time: NOW * 1000, ...ends, payload }))),
  );
  const { stdout } = await weir(['decode', file, '--format', 'json']);
  return { records: (JSON.parse(stdout) as FlowRecord[]).map(shown) };
}

/** A record as tshark has it; of the other direction it tells each element as a second value of the same name, but times the other way round. */
function fromTshark(values: Values, clock: Values): Shown {
  const all = (name: string): string[] => [...(values.get(`cflow.${name}`) ?? [])];
  const number = (name: string, at = 0): number => Number(all(name)[at] ?? 0);
  const apart = ['icmp_ipv4', 'icmp_ipv6'].map((name) => number(`${name}_type`) * 256 + number(`${name}_code`));
  const icmp = [number('icmp_type_code_ipv4'), ...apart].reduce((sum, one) => sum + one);
  const time = (name: string, at: number): string | undefined => {
    const text = all(name).at(at);
    return text === undefined ? undefined : new Date(Date.parse(text)).toISOString();
  };
  const flow = fromCflow(values, clock);
  const more = {
    dst_port: flow['dst_port'] || icmp,
    customer_vlan: number('dot1q_customer_vlan_id'),
    ethernet_type: number('ethernet_type'),
    ip_version: number('ip_version'),
    min_packet_length: number('length_min'),
    max_packet_length: number('length_max'),
  };
  if (number('biflow_direction') === 0) return { ...flow, ...more };
  return {
    ...flow,
    ...more,
    time_start: time('abstimestart', -1),
    time_end: time('abstimeend', -1),
    reverse_time_start: time('abstimestart', 0),
    reverse_time_end: time('abstimeend', 0),
    reverse_bytes: number('octets', 1),
    reverse_packets: number('packets', 1),
    reverse_tcp_flags: number('tcpflags', 1),
    reverse_tos: number('tos', 1),
    biflow_direction: number('biflow_direction'),
  };
}
