import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';
import { flowOfWeir, WEIR_COLUMNS, withDuration } from './compare.ts';
import { RECORD, recordGolden } from './suite.ts';
import { type Passed, startTee } from './tee.ts';

/* pmacctd's sfprobe samples every packet of a capture; what weir stores of the samples is what tshark reads in the capture itself. */

const CAPTURE = repositoryPath('test/captures/traffic.pcap');
const FIELDS = (
  'eth.src eth.dst ip.src ip.dst ipv6.src ipv6.dst ip.proto ipv6.nxt ip.ttl ipv6.hlim ' +
  'tcp.srcport tcp.dstport tcp.flags tcp.seq_raw udp.srcport udp.dstport frame.len'
).split(' ');
type Packet = Readonly<Record<string, string>>;

/** The first header of each kind in every packet of a capture that the filter selects. */
async function packetsOf(path: string, filter: string): Promise<Packet[]> {
  const options = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', '-o', 'tcp.desegment_tcp_streams:FALSE'];
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const args = ['-r', path, ...options, '-Y', filter, '-T', 'fields', '-E', 'occurrence=f', ...fields];
  const { stdout } = await runProcess(requireTool('tshark'), args);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const values = line.split('\t');
      return Object.fromEntries(FIELDS.map((field, i) => [field, values[i] ?? '']));
    });
}

/** What weir should make of a packet, in the order of COLUMNS; ports of TCP and UDP alone, not of what an ICMP error quotes. */
function expected(packet: Packet): string {
  const number = (field: string): number | null => (packet[field] ? Number(packet[field]) : null);
  const isIpv4 = packet['ip.ttl'] !== '' && packet['ip.src'] !== '';
  const proto = packet[isIpv4 ? 'ip.proto' : 'ipv6.nxt'];
  const kind = proto === '6' ? 'tcp' : 'udp';
  const hasPorts = proto === '6' || proto === '17';
  return JSON.stringify([
    packet['eth.src'],
    packet['eth.dst'],
    packet[isIpv4 ? 'ip.src' : 'ipv6.src'],
    packet[isIpv4 ? 'ip.dst' : 'ipv6.dst'],
    number(isIpv4 ? 'ip.ttl' : 'ipv6.hlim'),
    // sfprobe counts the frame check sequence, which a capture does not have.
    (number('frame.len') ?? 0) + 4,
    hasPorts ? number(`${kind}.srcport`) : null,
    hasPorts ? number(`${kind}.dstport`) : null,
    proto === '6' ? number('tcp.flags') : null,
    proto === '6' ? number('tcp.seq_raw') : null,
  ]);
}

const COLUMNS = 'src_mac,dst_mac,src_addr,dst_addr,ttl,bytes,src_port,dst_port,tcp_flags,tcp_sequence';
const MORE =
  'ip_version,fragment_id,exporter,sender,agent_addr,observation_domain,flow_type,record_kind,packets,sampling_rate';
type Ask = (args: readonly string[]) => Promise<Record<string, unknown>[]>;

/** Lets sfprobe sample every packet of our own traffic that `filter` selects, and gives what passed and how to ask the collector's store. */
async function sample(filter: string): Promise<{ passed: readonly Passed[]; ask: Ask; sender: string }> {
  const folder = tempFolder('sfprobe');
  const collector = await startCollector();
  const tee = await startTee('127.0.2.1', [collector.port]);
  const settings = [
    'daemonize: false',
    `pcap_savefile: ${CAPTURE}`,
    ...(filter === '' ? [] : [`pcap_filter: ${filter}`]),
    'plugins: sfprobe',
    `sfprobe_receiver: 127.0.0.1:${tee.port}`,
    'sfprobe_agentip: 192.0.2.66',
    'sfprobe_agentsubid: 9',
  ];
  writeFileSync(folder.join('pmacctd.conf'), `${settings.join('\n')}\n`);
  try {
    const probe = await runProcess(requireTool('pmacctd'), ['-f', folder.join('pmacctd.conf')]);
    expect(probe.code, probe.stderr).toBe(0);
  } finally {
    await tee.close();
  }
  await collector.stop();
  const ask: Ask = async (args) => {
    const { code, stdout, stderr } = await weir([...args, '--data', collector.data, '--format', 'ndjson']);
    expect(code, stderr).toBe(0);
    return parseNdjson(stdout);
  };
  return { passed: tee.passed, ask, sender: tee.exporter };
}

/** The rows are what tshark reads in the first packets of the capture that the filter selects. */
async function check(rows: readonly Record<string, unknown>[], filter: string): Promise<void> {
  const packets = await packetsOf(CAPTURE, filter);
  // At its end sfprobe keeps what would not have filled another datagram.
  expect(rows.length).toBeLessThanOrEqual(packets.length);
  expect(packets.length - rows.length).toBeLessThan(8);
  // tshark does not look for ports in the first fragment of an IPv6 packet.
  const isUnread = (row: Record<string, unknown>, name: string): boolean =>
    name.endsWith('_port') && row['ip_version'] === 6 && typeof row['fragment_id'] === 'number';
  const ours = rows.map((row) =>
    JSON.stringify(COLUMNS.split(',').map((name) => (isUnread(row, name) ? null : (row[name] ?? null)))),
  );
  expect(ours.sort()).toEqual(packets.slice(0, rows.length).map(expected).sort());
}

describeWithTool(['pmacctd', 'tshark'], 'sfprobe of pmacctd exports to weir', () => {
  it('every packet of the capture is a row, with every field of its headers', async () => {
    const { ask, sender } = await sample('');
    const rows = await ask(['query', '--raw', '--columns', `${COLUMNS},${MORE}`]);
    await check(rows, 'ip or ipv6');
    for (const row of rows) {
      expect(row).toMatchObject({
        // Who made the samples, and who sent them.
        exporter: '192.0.2.66',
        sender,
        agent_addr: '192.0.2.66',
        observation_domain: 9,
        flow_type: 'sflow_5',
        record_kind: 'sample',
        packets: 1,
        sampling_rate: 1,
      });
    }
    const sums =
      'sum(records)::int records, sum(sequence_expected)::int expected, sum(sequence_received)::int received';
    const [quality] = await ask(['sql', `select ${sums} from quality where flow_type = 'sflow_5'`]);
    expect(quality?.['records']).toBe(rows.length);
    expect(quality?.['received']).toBe(quality?.['expected']);
  }, 60_000);

  // The golden capture: fewer packets, so that the file is small.
  it('and those alone that its filter selects', async () => {
    const { ask, passed } = await sample('tcp port 80 or icmp');
    const rows = await ask(['query', '--raw', '--columns', `${COLUMNS},${MORE},${WEIR_COLUMNS}`]);
    await check(rows, '(tcp.port == 80 or icmp) and not icmpv6 and (ip or ipv6)');
    expect(rows.length).toBeGreaterThan(40);
    if (RECORD) recordGolden('pmacctd-sflow', 'pmacctd sfprobe', passed, rows.map(flowOfWeir).map(withDuration));
  }, 60_000);
});
