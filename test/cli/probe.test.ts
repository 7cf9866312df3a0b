import { createReadStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDecoder } from '#weir/session/library-decoder.js';
import { createMessageFileStats, readMessageFile } from '#weir/wire/ipfix-file.js';
import { certificateMaker } from '../helpers/certificates.ts';
import { freeTcpPort, freeUdpPort } from '../helpers/free-port.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool } from '../helpers/tools.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';

/** Polls for longer than a busy machine may take. */
const eventually = <Value>(value: () => Value) => expect.poll(value, { timeout: 20_000 });

const CAPTURE = repositoryPath('test/captures/traffic.pcap');
/** What the capture has: packets that are IP, their octets, and records of either direction. */
const CONTENT = { packets: 260, bytes: 95_482, records: 67 };

interface Flow {
  readonly src_addr: string;
  readonly bytes: number;
  readonly packets: number;
  readonly reverse_bytes?: number;
  readonly reverse_packets?: number;
  readonly sampling_rate?: number;
}

const probe = (args: readonly string[], input?: Uint8Array) =>
  weir(['probe', ...args], input === undefined ? {} : { input });

function sums(flows: readonly Flow[]) {
  const sum = (...names: readonly (keyof Flow)[]) =>
    flows.reduce((total, flow) => total + names.reduce((its, name) => its + Number(flow[name] ?? 0), 0), 0);
  return { packets: sum('packets', 'reverse_packets'), bytes: sum('bytes', 'reverse_bytes'), records: flows.length };
}

describe('weir probe -r', () => {
  it('prints the summary of a capture, for people and for programs', async () => {
    const { code, stdout } = await probe(['-r', CAPTURE]);
    expect(code).toBe(0);
    expect(stdout).toContain(`Packets processed: ${CONTENT.packets}\n`);
    expect(stdout).toContain('Ignored packets: 2 (2 non-IP, 0 too short)\n');
    expect(stdout).toMatch(/tcp \(6\): {10}69968 {10}160/);
    const json = JSON.parse((await probe(['-r', CAPTURE, '--format', 'json'])).stdout) as Record<string, unknown>;
    expect(json).toMatchObject({
      meteredPackets: 260,
      meteredBytes: CONTENT.bytes,
      nonIp: 2,
      records: 67,
      targets: [],
    });
  });

  it('prints flows, with the summary apart from them', async () => {
    const { stdout, stderr } = await probe(['-r', CAPTURE, '--ndjson']);
    expect(sums(parseNdjson<Flow>(stdout))).toEqual(CONTENT);
    expect(stderr).toContain('Packets processed: 260');
    const text = await probe(['-r', CAPTURE, '--print', '--utc', '-q', 'tcp', 'port', '80']);
    expect(text.stdout).toContain('192.0.2.1:33534 → 192.0.2.2:80          tcp APSF 5 packets 323 B');
    expect(text.stderr).toBe('');
  });

  it('reads several captures, gzip, and standard input', async () => {
    const folder = tempFolder();
    writeFileSync(folder.join('a.gz'), gzipSync(readFileSync(CAPTURE)));
    const { stdout } = await probe(['-r', folder.join('a.gz'), '-r', '-', '--ndjson'], readFileSync(CAPTURE));
    const { packets, bytes } = sums(parseNdjson<Flow>(stdout));
    expect({ packets, bytes }).toEqual({ packets: 2 * CONTENT.packets, bytes: 2 * CONTENT.bytes });
  });

  it('puts both directions into one record with -b', async () => {
    const flows = parseNdjson<Flow>((await probe(['-r', CAPTURE, '-b', '--ndjson'])).stdout);
    expect(sums(flows)).toMatchObject({ packets: CONTENT.packets, bytes: CONTENT.bytes });
    expect(flows.length).toBeLessThan(50);
  });

  it('samples packets, and says so', async () => {
    const flows = parseNdjson<Flow>((await probe(['-r', CAPTURE, '-s', '10', '--ndjson'])).stdout);
    expect(sums(flows).packets).toBe(26);
    expect(new Set(flows.map(({ sampling_rate: rate }) => rate))).toEqual(new Set([10]));
    const random = parseNdjson<Flow>((await probe(['-r', CAPTURE, '-s', 'random:10', '--ndjson'])).stdout);
    expect(sums(random).packets).toBeGreaterThanOrEqual(25);
  });

  it.each([
    [['-v', '1'], { records: 29 }],
    [['-v', '5'], { records: 29 }],
    [['-v', '9'], CONTENT],
    [['-v', '10'], CONTENT],
    [['-v', '9', '-A', 'nano'], CONTENT],
    [['-A', 'sec'], CONTENT],
  ])('%s: a collector gets what was metered, and the rate of sampling', async (flags, expected) => {
    const collector = await startCollector();
    const target = `127.0.0.1:${collector.port}`;
    const { code, stdout } = await probe(['-r', CAPTURE, '-n', target, ...flags]);
    expect({ code, isTold: stdout.includes('this format has no IPv6') }).toEqual({
      code: 0,
      isTold: expected.records === 29,
    });
    // v1 has no place for the rate.
    if (!flags.includes('1')) await probe(['-r', CAPTURE, '-n', target, '-s', '7', ...flags]);
    await collector.stop();
    const columns = 'src_addr,packets,bytes,sampling_rate,time_start';
    const query = ['query', '--data', collector.data, '--raw', '--format', 'ndjson', '--columns', columns];
    const flows = parseNdjson<Flow & { time_start: string }>((await weir(query)).stdout);
    const whole = flows.filter(({ sampling_rate: rate }) => (rate ?? 0) <= 1);
    expect(sums(whole)).toMatchObject(expected);
    if (!flags.includes('1')) expect(flows.some(({ sampling_rate: rate }) => rate === 7)).toBe(true);
    // Times are those of the packets, in every format.
    for (const { time_start: start } of flows) expect(start).toMatch(/^2026-11-21T10:12:1/);
  });

  it('exports over TCP and into a file at once', async () => {
    const port = await freeTcpPort();
    const collector = await startCollector({ args: ['--listen', `tcp://127.0.0.1:${port}`] });
    const file = tempFolder().join('flows.ipfix');
    const { code, stderr } = await probe(['-r', CAPTURE, '-P', 'tcp', '-n', `127.0.0.1:${port},ipfix:${file}`]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await collector.stop();
    const flows = parseNdjson<Flow>(
      (await weir(['query', '--data', collector.data, '--raw', '--format', 'ndjson', '--columns', 'packets,bytes']))
        .stdout,
    );
    expect(sums(flows)).toEqual(CONTENT);
    const decoder = createDecoder();
    const read: Flow[] = [];
    for await (const messages of readMessageFile(createReadStream(file), createMessageFileStats()))
      for (const message of messages) read.push(...(decoder.decode(message) as unknown as Flow[]));
    expect(sums(read)).toEqual(CONTENT);
  });

  it('stores flows without a network, also while a collector writes to the folder', async () => {
    const folder = tempFolder('data');
    const data = folder.join('alone');
    const alone = await probe(['-r', CAPTURE, '--data', data, '--exporter', '2001:db8::7', '--domain', '3']);
    expect({ code: alone.code, isTold: alone.stdout.includes('Stored: 67 records') }).toEqual({
      code: 0,
      isTold: true,
    });
    const query = ['--raw', '--format', 'ndjson', '--columns', 'exporter,observation_domain,src_addr,packets,bytes'];
    const flows = parseNdjson<Flow & Record<string, unknown>>((await weir(['query', '--data', data, ...query])).stdout);
    expect(sums(flows)).toEqual(CONTENT);
    expect(flows[0]).toMatchObject({ exporter: '2001:db8::7', observation_domain: 3 });
    const collector = await startCollector();
    expect((await probe(['-r', CAPTURE, '--data', collector.data])).code).toBe(0);
    const beside = parseNdjson<Flow>((await weir(['query', '--data', collector.data, ...query])).stdout);
    expect(sums(beside)).toEqual(CONTENT);
  });

  it('removes its pid file', async () => {
    const folder = tempFolder();
    const args = ['probe', '-r', CAPTURE, '--speed', '0.01', '-q', '-p', folder.join('pid')];
    const running = spawnProcess(process.execPath, [repositoryPath('bin/weir.js'), ...args]);
    await eventually(() => readdirSync(folder.path)).toEqual(['pid']);
    await eventually(() => readFileSync(folder.join('pid'), 'utf8')).toBe(`${running.pid}\n`);
    expect(await running.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('tells that nobody listens, and that a collector is away', async () => {
    const udp = await probe(['-r', CAPTURE, '-n', `127.0.0.1:${await freeUdpPort()}`]);
    expect(udp.code).toBe(1);
    expect(udp.stdout).toMatch(/answered that nobody listens there/);
    const tcp = await probe(['-r', CAPTURE, '-P', 'tcp', '-n', `127.0.0.1:${await freeTcpPort()}`]);
    expect(tcp).toMatchObject({ code: 1, stdout: '' });
    expect(tcp.stderr).toContain('Is a collector listening there');
  });

  it.each([
    [[], 'There is nothing to read packets from'],
    [['-r', 'a', '-i', 'eth0'], 'contradict each other'],
    [['-r', CAPTURE, '-n', 'host:port'], 'expected HOST:PORT'],
    [['-r', CAPTURE, '-n', '127.0.0.1:1', '-v', '5', '-P', 'tcp'], '-P tcp is for IPFIX'],
    [['-r', CAPTURE, '-n', '127.0.0.1:1', '-v', '5', '-A', 'milli'], '-A milli is for NetFlow v9 and IPFIX'],
    [['-r', CAPTURE, '-n', '127.0.0.1:1', '-S', 'no-such-if'], 'there is no such interface'],
    [['-r', CAPTURE, '-T', 'colour'], "'colour' is no column"],
    [['-r', CAPTURE, '-t', 'tea=4m'], "There is no timeout 'tea'"],
    [['-r', CAPTURE, '-s', 'often'], 'expected one packet in how many'],
    [['-r', CAPTURE, '--exporter', 'me'], 'expected an IP address'],
    [['-R', '9995'], 'not received as PSAMP'],
    [['-i', 'eth0', '-a'], '-a is for captures'],
  ])('%s is refused with what to do', async (args, message) => {
    const { code, stderr } = await probe(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('names a file that is missing, or no capture', async () => {
    expect(await probe(['-r', 'no-such.pcap'])).toMatchObject({ code: 1 });
    const { code, stderr } = await probe(['-r', repositoryPath('package.json')]);
    expect(code).toBe(1);
    expect(stderr).toContain('Neither pcap nor pcapng');
  });
});

describeWithTool('tcpdump', 'weir probe -r with a filter', () => {
  it('meters what tcpdump chooses', async () => {
    const { stdout } = await probe(['-r', CAPTURE, '--ndjson', 'src', 'host', '192.0.2.1']);
    const flows = parseNdjson<Flow>(stdout);
    expect(flows.length).toBeGreaterThan(5);
    expect(new Set(flows.map(({ src_addr: source }) => source))).toEqual(new Set(['192.0.2.1']));
  });

  it('repeats what tcpdump says of a wrong one', async () => {
    const { code, stderr } = await probe(['-r', CAPTURE, 'prt', '53']);
    expect(code).toBe(2);
    expect(stderr).toContain('syntax error');
  });
});

describeWithTool('openssl', 'weir probe over TLS', () => {
  it('reaches a collector whose certificate is signed by whom it was told to trust, and no other', async () => {
    const folder = tempFolder('tls');
    const make = certificateMaker(folder.path);
    const [authority, stranger] = [make.authority('authority'), make.authority('stranger')];
    const own = make.signed('localhost', authority);
    const port = await freeTcpPort();
    const tls = ['--tls-cert', own.certFile, '--tls-key', own.keyFile, '--tls-client-certificates', 'none'];
    const collector = await startCollector({ args: ['--listen', `tls://127.0.0.1:${port}`, ...tls] });
    const target = ['-r', CAPTURE, '-P', 'tls', '-n', `localhost:${port}`];
    const refused = await probe([...target, '--tls-ca', stranger.certFile]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/certificate/);
    expect((await probe([...target, '--tls-ca', authority.certFile])).code).toBe(0);
    await collector.stop();
    const query = ['query', '--data', collector.data, '--raw', '--format', 'ndjson', '--columns', 'packets,bytes'];
    expect(sums(parseNdjson<Flow>((await weir(query)).stdout))).toEqual(CONTENT);
  });
});
