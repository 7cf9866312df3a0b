import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';
import { CAPTURES } from './captures.ts';

/* pmacctd's sfprobe samples every packet of a capture; what weir stores of the samples is what tshark reads in the capture itself. */

const FIELDS = (
  'eth.src eth.dst ip.src ip.dst ipv6.src ipv6.dst ip.proto ipv6.nxt ip.ttl ipv6.hlim ' +
  'tcp.srcport tcp.dstport tcp.flags tcp.seq_raw udp.srcport udp.dstport frame.len'
).split(' ');
type Packet = Readonly<Record<string, string>>;

/** The first header of each kind in every IP packet of a capture. */
async function packetsOf(path: string): Promise<Packet[]> {
  const options = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', '-o', 'tcp.desegment_tcp_streams:FALSE'];
  const fields = FIELDS.flatMap((field) => ['-e', field]);
  const args = ['-r', path, ...options, '-Y', 'ip or ipv6', '-T', 'fields', '-E', 'occurrence=f', ...fields];
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

describeWithTool(['pmacctd', 'tshark'], 'sfprobe of pmacctd exports to weir', () => {
  it('every packet of the capture is a row, with every field of its headers', async () => {
    const capture = CAPTURES[0]?.path ?? '';
    const folder = tempFolder('sfprobe');
    const collector = await startCollector();
    const settings = [
      'daemonize: false',
      `pcap_savefile: ${capture}`,
      'plugins: sfprobe',
      `sfprobe_receiver: 127.0.0.1:${collector.port}`,
      'sfprobe_agentip: 192.0.2.66',
      'sfprobe_agentsubid: 9',
    ];
    writeFileSync(folder.join('pmacctd.conf'), `${settings.join('\n')}\n`);
    const probe = await runProcess(requireTool('pmacctd'), ['-f', folder.join('pmacctd.conf')]);
    expect(probe.code, probe.stderr).toBe(0);
    await collector.stop();
    const ask = async (args: readonly string[]): Promise<Record<string, unknown>[]> => {
      const { code, stdout, stderr } = await weir([...args, '--data', collector.data, '--format', 'ndjson']);
      expect(code, stderr).toBe(0);
      return parseNdjson(stdout);
    };

    const more =
      'ip_version,fragment_id,exporter,agent_addr,observation_domain,flow_type,record_kind,packets,sampling_rate';
    const rows = await ask(['query', '--raw', '--columns', `${COLUMNS},${more}`]);
    const packets = await packetsOf(capture);
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
    for (const row of rows) {
      expect(row).toMatchObject({
        exporter: '192.0.2.66',
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
});
