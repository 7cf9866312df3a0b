import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, it } from 'vitest';
import { createIpfixFile } from '#weir/wire/ipfix-file.js';
import { createDatagramExtractor } from '#weir/wire/pcap/export-datagrams.js';
import { createCaptureStats } from '#weir/wire/pcap/packet.js';
import { readPackets } from '#weir/wire/pcap/read-packets.js';
import { logOf, sql, stopped } from '../cli/collect-tools.ts';
import { certificateMaker } from '../helpers/certificates.ts';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';

const TRAFFIC = repositoryPath('test/captures/traffic.pcap');
const capture = (version: number, more = '') =>
  repositoryPath(`test/captures/softflowd-${version === 10 ? `ipfix${more}` : `v${version}`}.pcap`);

/** The flows of a capture of UDP datagrams, as lines to compare. */
async function flowsOf(path: string): Promise<string[]> {
  const { stdout } = await weir(['decode', path, '--format', 'ndjson', '--quiet']);
  return parseNdjson<Record<string, string | number | undefined>>(stdout)
    .map((row) => KEYS.map((key) => String(row[key] ?? '-')).join(' '))
    .sort();
}
/** All that softflowd sends, but for the times: each run rounds them in its own way. */
const KEYS = (
  'src_addr dst_addr src_port dst_port proto bytes packets tcp_flags tos in_if out_if direction ip_version flow_end_reason ' +
  'src_mac dst_mac post_src_mac post_dst_mac src_vlan dst_vlan src_as dst_as src_mask dst_mask next_hop sampling_rate record_kind flow_type ' +
  'reverse_bytes reverse_packets reverse_tcp_flags reverse_tos'
).split(' ');

async function storedIn(data: string): Promise<string[]> {
  const columns = KEYS.map((key) => `coalesce(${key}::varchar, '-') as ${key}`).join(', ');
  const rows = await sql<Record<string, string>>(data, `select ${columns} from flows`);
  return rows.map((row) => KEYS.map((key) => row[key]).join(' ')).sort();
}

/** The messages of a capture, as an IPFIX file holds them. */
async function ipfixFile(path: string): Promise<{ octets: Buffer; messages: number }> {
  const parts: Uint8Array[] = [];
  const file = createIpfixFile((octets) => parts.push(octets.slice()));
  const extractor = createDatagramExtractor();
  async function* content(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(readFileSync(path));
  }
  for await (const packets of readPackets(content(), createCaptureStats())) {
    for (const packet of packets) {
      const datagram = extractor.take(packet);
      if (datagram !== undefined) file.add(datagram.payload);
    }
  }
  return { octets: Buffer.concat(parts), messages: file.messages };
}

describeWithTool('softflowd', 'softflowd over TCP', () => {
  it.each([
    [1, '', []],
    [5, '', []],
    [9, '', []],
    [10, '', []],
    [10, '-bidirectional', ['-b']],
    [10, '-ether', ['-T', 'ether']],
  ] as const)('version %i%s: its flows are those it sends over UDP', async (version, more, flags) => {
    const collector = await startCollector({ args: ['--listen', 'tcp://127.0.0.1:0', '--status-interval', '500ms'] });
    const [, url = ''] = logOf(collector).find(({ msg }) => msg === 'collecting')?.listen ?? [];
    const args = ['-r', TRAFFIC, '-p', tempFolder('softflowd').join('pid'), '-c', 'none', '-d', '-m', '100000'];
    const target = ['-n', url.replace('tcp://', ''), '-v', String(version), '-P', 'tcp', ...flags];
    const { code } = await runProcess(requireTool('softflowd'), [...args, ...target], { cwd: dirname(TRAFFIC) });
    expect(code).toBe(0);
    const expected = await flowsOf(capture(version, more));
    expect(expected.length).toBeGreaterThan(20);
    await expect
      .poll(() => logOf(collector).findLast(({ msg }) => msg === 'status')?.records, { timeout: 30_000 })
      .toBe(expected.length);
    const status = logOf(collector).findLast(({ msg }) => msg === 'status') as unknown as Record<string, unknown>;
    expect(status).toMatchObject({
      faults: {},
      loss: { sequence: 0, setsDropped: 0 },
      sessions: { accepted: 1, refused: {} },
    });
    expect(await stopped(collector)).toMatchObject({ stored: expected.length });
    expect(await storedIn(collector.data)).toEqual(expected);
  });
});

describeWithTool('openssl', 'an IPFIX file', () => {
  it('is received over TLS from openssl s_client, with client certificates', async () => {
    const folder = tempFolder('tls');
    const make = certificateMaker(folder.path);
    const authority = make.authority('authority');
    const [server, exporter] = [make.signed('collector', authority), make.signed('exporter', authority)];
    const tls = ['--tls-cert', server.certFile, '--tls-key', server.keyFile, '--tls-ca', authority.certFile];
    const collector = await startCollector({
      args: ['--listen', 'tls://127.0.0.1:0', ...tls, '--status-interval', '500ms'],
    });
    const [, url = ''] = logOf(collector).find(({ msg }) => msg === 'collecting')?.listen ?? [];
    const { octets, messages } = await ipfixFile(capture(10));
    const client = ['s_client', '-quiet', '-no_ign_eof', '-connect', url.replace('tls://', '')];
    const openssl = spawn(
      requireTool('openssl'),
      [
        ...client,
        '-cert',
        exporter.certFile,
        '-key',
        exporter.keyFile,
        '-CAfile',
        authority.certFile,
        '-verify_return_error',
      ],
      { stdio: ['pipe', 'ignore', 'ignore'] },
    );
    openssl.stdin.write(octets);
    const expected = await flowsOf(capture(10));
    await expect
      .poll(() => logOf(collector).findLast(({ msg }) => msg === 'status')?.records, { timeout: 30_000 })
      .toBe(expected.length);
    expect(logOf(collector).findLast(({ msg }) => msg === 'status')).toMatchObject({
      sessions: {
        open: 1,
        messages,
        largest: [{ protocol: 'TLSv1.3', subject: 'O=Netweir tests,CN=exporter', messages }],
      },
    });
    openssl.stdin.end();
    await once(openssl, 'close');
    await stopped(collector);
    expect(await storedIn(collector.data)).toEqual(expected);
  });

  it('gives weir decode and weir replay what the capture of the same messages gives', async () => {
    const folder = tempFolder('file');
    const file = folder.join('flows.ipfix');
    writeFileSync(file, (await ipfixFile(capture(10))).octets);
    const expected = await flowsOf(capture(10));
    expect(await flowsOf(file)).toEqual(expected);
    const collector = await startCollector({ args: ['--status-interval', '500ms'] });
    expect((await weir(['replay', file, collector.url])).code).toBe(0);
    await expect
      .poll(() => logOf(collector).findLast(({ msg }) => msg === 'status')?.records, { timeout: 30_000 })
      .toBe(expected.length);
    await stopped(collector);
    expect(await storedIn(collector.data)).toEqual(expected);
  });
});

describeWithTool('tshark', 'an IPFIX file', () => {
  it('is read by tshark with the same addresses and counters', async () => {
    const folder = tempFolder('tshark');
    const file = folder.join('flows.ipfix');
    const { octets, messages } = await ipfixFile(capture(10));
    writeFileSync(file, octets);
    const fields = ['cflow.srcaddr', 'cflow.srcaddrv6', 'cflow.octets', 'cflow.packets'].flatMap((name) => [
      '-e',
      name,
    ]);
    const { code, stdout } = await runProcess(requireTool('tshark'), ['-r', file, '-T', 'fields', ...fields]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(messages);
    const sum = (column: number) =>
      lines
        .flatMap((line) => line.split('\t')[column]?.split(',') ?? [])
        .reduce((total, one) => total + Number(one), 0);
    const { stdout: own } = await weir(['decode', file, '--format', 'ndjson', '--quiet']);
    const rows = parseNdjson<Record<string, number>>(own);
    const total = (key: string) => rows.reduce((all, row) => all + (row[key] ?? 0), 0);
    expect([sum(2), sum(3)]).toEqual([total('bytes'), total('packets')]);
    expect(total('packets')).toBeGreaterThan(100);
  });
});
