import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Protocol } from '#weir/export/encoder.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';

import { PCAP_OVERHEAD, pcapFileHeader, writePcapRecord } from '#weir/wire/pcap/writer.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { address, encodedFor, NOW, recordsFor, sendEncoded, table } from './encode-records.ts';

/* What weir encodes, read by others: every field that the peer shows is the one that was encoded. */

const KEY = ['src_addr', 'dst_addr', 'src_port', 'dst_port', 'proto', 'tos', 'tcp_flags', 'bytes', 'packets'];
const INTERFACES = ['in_if', 'out_if'];
const TIMES = ['time_start', 'time_end'];
const AS = ['src_as', 'dst_as'];
const MASKS = ['src_mask', 'dst_mask'];
const HOP = ['next_hop'];
const without = (...gone: string[][]) =>
  [KEY, INTERFACES, TIMES, AS, MASKS, HOP].filter((names) => !gone.includes(names)).flat();

type Row = Record<string, string | number | undefined>;
const number = (row: Row, name: string): number => Number(row[name] ?? 0);
const FLAGS = 'CEUAPRSF';

describeWithTool(['nfcapd', 'nfdump'], 'what weir encodes, in nfdump', () => {
  it.each([
    ['netflow1', without(AS, MASKS)],
    // nfcapd 1.7.1 leaves out the masks of v5 and v7.
    ['netflow5', without(MASKS)],
    ['netflow7', without(MASKS)],
    ['netflow9', without()],
    ['ipfix', without()],
  ] as const)('%s: every field is the one that was encoded', async (protocol, names) => {
    const folder = tempFolder('nfcapd');
    const port = await freeUdpPort();
    const flags = ['-4', '-b', '127.0.0.1', '-p', `${port}`, '-w', folder.path, '-y', '-t', '3600'];
    const nfcapd = startProcess(requireTool('nfcapd'), flags);
    await nfcapd.waitFor('Startup');
    await sendEncoded(protocol, port);
    await sleep(500);
    const said = await nfcapd.stop('SIGTERM');
    expect(said.stdout + said.stderr).toMatch(/Sequence Errors: 0, Bad Packets: 0/);
    const file = readdirSync(folder.path).find((name) => /^nfcapd\.\d+$/.test(name)) ?? '';
    const { stdout } = await runProcess(requireTool('nfdump'), ['-r', folder.join(file), '-o', 'json'], {
      env: { TZ: 'UTC' },
    });
    const found = (JSON.parse(stdout) as Row[]).map(fromNfdump);
    expect(table(found, names)).toEqual(table(recordsFor(protocol), names));
  });
});

function fromNfdump(row: Row): FlowRecord {
  const text = (...names: string[]) =>
    address(String(names.map((name) => row[name]).find((value) => value !== undefined)));
  const flags = String(row['tcp_flags'] ?? '').split('');
  return {
    src_addr: text('src4_addr', 'src6_addr'),
    dst_addr: text('dst4_addr', 'dst6_addr'),
    next_hop: text('ip4_next_hop', 'ip6_next_hop'),
    src_port: number(row, 'src_port'),
    dst_port: number(row, 'dst_port'),
    proto: number(row, 'proto'),
    tos: number(row, 'src_tos'),
    tcp_flags: flags.reduce((sum, flag, bit) => sum + (flag === FLAGS[bit] ? 128 >> bit : 0), 0),
    bytes: number(row, 'in_bytes'),
    packets: number(row, 'in_packets'),
    in_if: number(row, 'input_snmp'),
    out_if: number(row, 'output_snmp'),
    src_as: number(row, 'src_as'),
    dst_as: number(row, 'dst_as'),
    src_mask: number(row, 'src_mask'),
    dst_mask: number(row, 'dst_mask'),
    time_start: `${String(row['first'])}Z`,
    time_end: `${String(row['last'])}Z`,
  };
}

/** sfacctd 1.7.7 multiplies counters by the rate, and shows the upper four bits of IPv6's traffic class only. */
const SFACCTD_ELSE = ['packets', 'bytes', 'tos'];
const PMACCT_KEYS =
  'src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,in_iface,out_iface,src_as,dst_as,src_mask,dst_mask,timestamp_start,timestamp_end';

describeWithTool(['nfacctd', 'sfacctd'], 'what weir encodes, in pmacct', () => {
  it.each([
    // pmacct shows no next hop but BGP's; the print plugin rounds times to seconds.
    ['nfacctd', 'netflow5', without(HOP, TIMES)],
    ['nfacctd', 'netflow9', without(HOP, TIMES)],
    ['nfacctd', 'ipfix', without(HOP, TIMES)],
    [
      'sfacctd',
      'sflow',
      [...without(HOP, TIMES).filter((name) => !SFACCTD_ELSE.includes(name)), 'src_mac', 'dst_mac', 'src_vlan'],
    ],
  ] as const)('%s, %s', async (daemon, protocol, names) => {
    const folder = tempFolder(daemon);
    const port = await freeUdpPort();
    const output = folder.join('out.json');
    const keys = protocol === 'sflow' ? `${PMACCT_KEYS},src_mac,dst_mac,vlan` : PMACCT_KEYS;
    writeFileSync(
      folder.join('conf'),
      [
        'daemonize: false',
        `${daemon}_ip: 127.0.0.1`,
        `${daemon}_port: ${port}`,
        `${daemon}_as: netflow`,
        `${daemon}_net: netflow`,
        'plugins: print[a]',
        `aggregate[a]: ${keys}`,
        'print_output[a]: json',
        `print_output_file[a]: ${output}`,
        'print_refresh_time[a]: 1',
        'print_output_file_append[a]: true',
        '',
      ].join('\n'),
    );
    const running = startProcess(requireTool(daemon), ['-f', folder.join('conf')]);
    try {
      // The core process listens before its plugin does.
      await running.waitFor('cache entries');
      await sleep(500);
      await sendEncoded(protocol, port);
      const rows = () => (existsSync(output) ? readFileSync(output, 'utf8').trim().split('\n') : []);
      const expected = recordsFor(protocol);
      for (let tries = 0; tries < 100 && rows().length < expected.length; tries++) await sleep(100);
      await sleep(200);
      const found = rows().map((line) => fromPmacct(JSON.parse(line) as Row));
      expect(table(found, names)).toEqual(table(expected, names));
    } finally {
      running.kill();
      await running.finished;
    }
  });
});

function fromPmacct(row: Row): FlowRecord {
  return {
    src_addr: address(String(row['ip_src'])),
    dst_addr: address(String(row['ip_dst'])),
    src_port: number(row, 'port_src'),
    dst_port: number(row, 'port_dst'),
    proto: row['ip_proto'] === 'tcp' ? 6 : 17,
    tos: number(row, 'tos'),
    tcp_flags: number(row, 'tcp_flags'),
    bytes: number(row, 'bytes'),
    packets: number(row, 'packets'),
    in_if: number(row, 'iface_in'),
    out_if: number(row, 'iface_out'),
    src_as: number(row, 'as_src'),
    dst_as: number(row, 'as_dst'),
    src_mask: number(row, 'mask_src'),
    dst_mask: number(row, 'mask_dst'),
    src_mac: String(row['mac_src']),
    dst_mac: String(row['mac_dst']),
    src_vlan: number(row, 'vlan'),
  };
}

const CACHE = join(homedir(), '.cache/netweir');
const GOFLOW2 = join(CACHE, 'bin/goflow2');

describeUnless(existsSync(GOFLOW2) ? undefined : 'goflow2 not installed', 'what weir encodes, in goflow2', () => {
  it.each([
    ['netflow', 'netflow5', without(MASKS)],
    ['netflow', 'netflow9', without(MASKS)],
    ['netflow', 'ipfix', without(MASKS)],
    ['sflow', 'sflow', [...without(MASKS, TIMES), 'src_mac', 'dst_mac', 'src_vlan', 'dst_vlan', 'sampling_rate']],
  ] as const)('%s://, %s', async (scheme, protocol, names) => {
    const folder = tempFolder('goflow2');
    const port = await freeUdpPort();
    const output = folder.join('out.json');
    const http = await freeUdpPort();
    const flags = [
      '-listen',
      // One worker: several may decode data before the template that was sent first, and write lines into each other.
      `${scheme}://127.0.0.1:${port}/?count=1&workers=1`,
      '-transport',
      'file',
      '-transport.file',
      output,
      '-format',
      'json',
    ];
    const running = startProcess(GOFLOW2, [...flags, '-addr', `127.0.0.1:${http}`]);
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

function fromGoflow2(row: Row, line: string): FlowRecord {
  // Nanoseconds are beyond what a number holds exactly.
  const time = (name: string) => new Date(Number(new RegExp(`"${name}":(\\d+)\\d{6}`).exec(line)?.[1])).toISOString();
  const copied =
    'src_port dst_port tcp_flags bytes packets in_if out_if src_as dst_as src_mac dst_mac src_vlan dst_vlan sampling_rate';
  return {
    ...Object.fromEntries(copied.split(' ').map((name) => [name, row[name] as number])),
    src_addr: address(String(row['src_addr'])),
    dst_addr: address(String(row['dst_addr'])),
    next_hop: address(String(row['next_hop'])),
    proto: row['proto'] === 'TCP' ? 6 : 17,
    tos: number(row, 'ip_tos'),
    time_start: time('time_flow_start_ns'),
    time_end: time('time_flow_end_ns'),
  };
}

const PYTHON = join(CACHE, 'py/bin/python');
/** Reads hexadecimal datagrams, a line each, and prints the fields of their flows as JSON. */
const SCRIPT = `
import sys, json, netflow
templates = {"netflow": {}, "ipfix": {}}
for line in sys.stdin:
    packet = netflow.parse_packet(bytes.fromhex(line.strip()), templates)
    for flow in packet.flows:
        print(json.dumps(flow.data))
`;

describeUnless(
  existsSync(PYTHON) ? undefined : 'Python netflow not installed',
  'what weir encodes, in Python netflow',
  () => {
    it.each([
      ['netflow1', without(AS, MASKS, TIMES)],
      ['netflow5', without(TIMES)],
      ['netflow9', without(TIMES)],
      ['ipfix', without()],
    ] as const)('%s', async (protocol, names) => {
      const input = encodedFor(protocol)
        .map((message) => `${Buffer.from(message).toString('hex')}\n`)
        .join('');
      const { code, stdout, stderr } = await runProcess(PYTHON, ['-c', SCRIPT], { input });
      expect(code, stderr).toBe(0);
      const found = stdout
        .trim()
        .split('\n')
        .map((line) => fromPython(line));
      expect(table(found, names)).toEqual(table(recordsFor(protocol), names));
    });
  },
);

/** Names of a field in v1 and v5, v9, and IPFIX. */
const PYTHON_NAMES: Readonly<Record<string, string>> = {
  src_addr: 'IPV4_SRC_ADDR IPV6_SRC_ADDR sourceIPv4Address sourceIPv6Address',
  dst_addr: 'IPV4_DST_ADDR IPV6_DST_ADDR destinationIPv4Address destinationIPv6Address',
  next_hop: 'NEXT_HOP IPV4_NEXT_HOP IPV6_NEXT_HOP ipNextHopIPv4Address ipNextHopIPv6Address',
  src_port: 'SRC_PORT L4_SRC_PORT sourceTransportPort',
  dst_port: 'DST_PORT L4_DST_PORT destinationTransportPort',
  proto: 'PROTO PROTOCOL protocolIdentifier',
  tos: 'TOS SRC_TOS ipClassOfService',
  tcp_flags: 'TCP_FLAGS tcpControlBits',
  bytes: 'IN_OCTETS IN_BYTES octetDeltaCount',
  packets: 'IN_PACKETS IN_PKTS packetDeltaCount',
  in_if: 'INPUT INPUT_SNMP ingressInterface',
  out_if: 'OUTPUT OUTPUT_SNMP egressInterface',
  src_as: 'SRC_AS bgpSourceAsNumber',
  dst_as: 'DST_AS bgpDestinationAsNumber',
  src_mask: 'SRC_MASK IPV6_SRC_MASK sourceIPv4PrefixLength sourceIPv6PrefixLength',
  dst_mask: 'DST_MASK IPV6_DST_MASK destinationIPv4PrefixLength destinationIPv6PrefixLength',
  time_start: 'flowStartMilliseconds',
  time_end: 'flowEndMilliseconds',
};

function fromPython(line: string): FlowRecord {
  const record: Record<string, string | number> = {};
  for (const [column, names] of Object.entries(PYTHON_NAMES)) {
    // Addresses of 128 bits come as numbers, which JSON.parse would round.
    const found = new RegExp(`"(${names.replaceAll(' ', '|')})": ("?)([^",}]+)`).exec(line);
    if (found === null) continue;
    const [, name = '', quote, value = ''] = found;
    if (column.endsWith('_addr') || column === 'next_hop') {
      const isWide = BigInt(quote === '' ? value : 0) >> 32n > 0n || /IPv6/.test(name);
      record[column] = quote === '"' ? address(value) : isWide ? ipv6(BigInt(value)) : ipv4(Number(value));
    } else if (column.startsWith('time')) record[column] = new Date(Number(value)).toISOString();
    else record[column] = Number(value);
  }
  return record;
}

const ipv4 = (value: number): string => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
const ipv6 = (value: bigint): string => address(value.toString(16).padStart(32, '0').match(/.{4}/g)?.join(':') ?? '');

/** Fields of tshark for the columns, by dissector. */
const CFLOW = {
  src_addr: ['cflow.srcaddr', 'cflow.srcaddrv6'],
  dst_addr: ['cflow.dstaddr', 'cflow.dstaddrv6'],
  src_port: ['cflow.srcport'],
  dst_port: ['cflow.dstport'],
  proto: ['cflow.protocol'],
  bytes: ['cflow.octets', 'cflow.octets64'],
  packets: ['cflow.packets', 'cflow.packets64'],
  in_if: ['cflow.inputint'],
  out_if: ['cflow.outputint'],
} as const;

describeWithTool('tshark', 'what weir encodes, in tshark', () => {
  it.each(['netflow1', 'netflow5', 'netflow7', 'netflow9', 'ipfix'] as const)('%s', async (protocol) => {
    const expected = recordsFor(protocol);
    for (const [column, fields] of Object.entries(CFLOW)) {
      const values = (await tshark(protocol, 'cflow', fields)).map((value) => address(value));
      expect(values.sort(), column).toEqual(
        expected.map((record) => (record[column] as string | number).toString()).sort(),
      );
    }
    expect(await tshark(protocol, 'cflow', ['_ws.malformed'])).toEqual([]);
  });

  it('sFlow: the rebuilt headers are packets', async () => {
    const expected = recordsFor('sflow').map((record) => String(record['bytes'] as number));
    const lengths = await tshark('sflow', 'sflow', ['sflow_245.header.frame_length', 'sflow.header.frame_length']);
    expect(lengths.sort()).toEqual(expected.sort());
    expect(await tshark('sflow', 'sflow', ['_ws.malformed'])).toEqual([]);
  });
});

/** All values of these fields in the encoded datagrams. Fields that this version of tshark does not know are left out. */
async function tshark(protocol: Protocol, dissector: string, fields: readonly string[]): Promise<string[]> {
  const folder = tempFolder('tshark');
  const file = folder.join('x.pcap');
  const buffer = Buffer.alloc(1 << 20);
  buffer.set(pcapFileHeader(LINK_TYPE.ethernet));
  let at = 24;
  for (const payload of encodedFor(protocol)) {
    expect(payload.length + PCAP_OVERHEAD).toBeLessThan(2000);
    const loopback = [0, 0, 0xffff, 0x7f000001] as const;
    const ends = { source: loopback, sourcePort: 50_000, destination: loopback, destinationPort: 20_550 };
    at = writePcapRecord(buffer, at, { time: NOW * 1000, ...ends, payload }, LINK_TYPE.ethernet);
  }
  writeFileSync(file, buffer.subarray(0, at));
  const values: string[] = [];
  for (const field of fields) {
    const flags = ['-r', file, '-d', `udp.port==20550,${dissector}`, '-T', 'fields', '-E', 'occurrence=a', '-e', field];
    const { code, stdout } = await runProcess(requireTool('tshark'), flags);
    if (code !== 0) continue;
    values.push(...stdout.split(/[\n,]/).filter((value) => value !== ''));
  }
  return values;
}

describe('the records that peers get', () => {
  it('differ in every field, so that no two can be mixed up', () => {
    for (const protocol of ['netflow5', 'ipfix', 'sflow'] as const) {
      const records = recordsFor(protocol);
      for (const name of [
        'src_addr',
        'dst_addr',
        'src_port',
        'dst_port',
        'bytes',
        'in_if',
        'out_if',
        'src_as',
        'dst_as',
      ])
        expect(new Set(records.map((record) => record[name])).size, name).toBe(records.length);
    }
  });
});
