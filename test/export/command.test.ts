import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { type Running, startProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder, type TempFolder, tempFolder } from '../helpers/temp.ts';
import { describeWithTool } from '../helpers/tools.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';

const WEIR = repositoryPath('bin/weir.js');
type Row = Record<string, unknown>;

/** What is the same on both sides of an export: not what the collector adds. */
function lines(rows: readonly Row[], gone: readonly string[] = []): string[] {
  const apart = ['time_received', 'exporter', 'flow_type', 'sampling_source', 'time_source', ...gone];
  return rows
    .map((row) =>
      Object.entries(row)
        .filter(([name]) => !apart.includes(name))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
        .join(' '),
    )
    .sort();
}

/** A collector with a data folder of its own. */
class Collector {
  readonly data: TempFolder = makeTempFolder('export');
  #process: Running | undefined;

  async start(listen: string): Promise<void> {
    this.#process = startProcess(process.execPath, [
      WEIR,
      'collect',
      '--data',
      this.data.path,
      '--listen',
      listen,
      ...this.flags,
    ]);
    await this.#process.waitFor('"msg":"collecting"');
  }

  readonly flags: readonly string[];

  constructor(flags: readonly string[] = []) {
    this.flags = flags;
  }

  async stop(): Promise<void> {
    await sleep(300);
    await this.#process?.stop('SIGTERM');
  }

  async rows(...filter: string[]): Promise<Row[]> {
    const { stdout, stderr, code } = await weir([
      'query',
      '--data',
      this.data.path,
      '--format',
      'ndjson',
      '--raw',
      '--utc',
      ...filter,
    ]);
    expect(code, stderr).toBe(0);
    return parseNdjson<Row>(stdout);
  }

  remove(): void {
    this.#process?.kill();
    this.data.remove();
  }
}

describe('weir export', () => {
  const store = new Collector();
  beforeAll(async () => {
    const port = await freeUdpPort();
    await store.start(`udp://127.0.0.1:${port}`);
    for (const flags of [
      ['--version', '5', '--flows', '600'],
      ['--version', '9', '--flows', '600', '--ipv6', '0.4', '--domains', '3'],
      ['--version', 'ipfix', '--flows', '600', '--ipv6', '0.4', '--sampling', '10'],
    ]) {
      const { code, stderr } = await weir(['generate', `udp://127.0.0.1:${port}`, '--rate', '20k', ...flags]);
      expect(code, stderr).toBe(0);
    }
    await store.stop();
  });
  afterAll(() => store.remove());

  const exportTo = async (to: string, ...flags: string[]) => {
    const { code, stdout, stderr } = await weir([
      'export',
      '--to',
      to,
      '--data',
      store.data.path,
      '--format',
      'json',
      ...flags,
    ]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout) as { records: number; messages: number; refused: Record<string, number> };
  };

  /** What a collector that listens at `listen` stores of what is exported to `to`. */
  const through = async (
    listen: string,
    to: string,
    exported: readonly string[],
    collected: readonly string[] = [],
  ) => {
    const collector = new Collector(collected);
    try {
      await collector.start(listen);
      const totals = await exportTo(to, ...exported);
      await collector.stop();
      return { totals, rows: await collector.rows() };
    } finally {
      collector.remove();
    }
  };

  it('to a file: the same records', async () => {
    const folder = tempFolder();
    const file = folder.join('x.ipfix');
    const totals = await exportTo(file, '--times', 'microseconds');
    const { stdout } = await weir(['decode', file, '--format', 'ndjson']);
    const rows = parseNdjson<Row>(stdout).filter((row) => row['src_addr'] !== undefined);
    expect(totals).toMatchObject({ records: 1800, refused: {} });
    // Domain 1 has flows of three exporters' versions, of which some have no rate; see docs/encode.md.
    expect(lines(rows, ['sampling_rate'])).toEqual(lines(await store.rows(), ['sampling_rate']));
  });

  it.each(['ipfix', 'netflow9'])('%s:// to another collector: the same records', async (scheme) => {
    const port = await freeUdpPort();
    const { rows } = await through(`udp://127.0.0.1:${port}`, `${scheme}://127.0.0.1:${port}`, []);
    expect(lines(rows, ['sampling_rate'])).toEqual(lines(await store.rows(), ['sampling_rate']));
  });

  it('netflow5:// with a filter: the IPv4 records that match', async () => {
    const port = await freeUdpPort();
    const filter = ['proto', '17'];
    const { rows, totals } = await through(`udp://127.0.0.1:${port}`, `netflow5://127.0.0.1:${port}`, filter);
    const gone = ['sampling_rate', 'direction'];
    const wanted = await store.rows(...filter);
    const ipv4 = wanted.filter((row) => !String(row['src_addr']).includes(':'));
    expect(lines(rows, gone)).toEqual(lines(ipv4, gone));
    expect(totals.refused).toEqual({ ipv6: wanted.length - ipv4.length });
    expect(ipv4.length).toBeGreaterThan(100);
  });

  it('ipfix+tcp:// to another collector: the same records', async () => {
    const port = await freeUdpPort();
    const { rows } = await through(`tcp://127.0.0.1:${port}`, `ipfix+tcp://127.0.0.1:${port}`, []);
    expect(lines(rows, ['sampling_rate'])).toEqual(lines(await store.rows(), ['sampling_rate']));
  });

  it('a range of time, with --until: none of the future', async () => {
    const folder = tempFolder();
    expect(await exportTo(folder.join('x.ipfix'), '--from', 'now+1h')).toMatchObject({ records: 0 });
    const args = ['export', '--data', store.data.path, '--to', folder.join('z.ipfix'), '--from', 'now+1h', '--utc'];
    const times = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S*`;
    const text = `no flows, asked for ${times} to the end; stored are ${times} to ${times} \\(UTC\\)`;
    expect((await weir(args)).stderr).toMatch(new RegExp(`exported 0 records.*\n  ${text}`));
    expect((await exportTo(folder.join('y.ipfix'), '--until', 'now+1h')).records).toBe(1800);
    expect(readFileSync(folder.join('x.ipfix')).length).toBe(0);
  });

  it('with --speed the flows keep their distances', async () => {
    const folder = tempFolder();
    expect((await exportTo(folder.join('x.ipfix'), '--speed', '100')).records).toBe(1800);
  });

  it.each([
    [
      'netflow5://127.0.0.1',
      ['--times', 'microseconds'],
      '--times is for NetFlow v9 and IPFIX, and netflow5://127.0.0.1 is none.',
    ],
    ['ipfix://127.0.0.1', ['--sample', 'ip'], '--sample is for sFlow, and ipfix://127.0.0.1 is none.'],
    ['ipfix+tcp://127.0.0.1', ['--tls-ca', 'ca.pem'], '--tls-ca is for ipfix+tls:// targets, and'],
    ['x.ipfix', ['--keep-going'], '--keep-going is for targets over UDP, and x.ipfix is none.'],
  ])('to %s refuses %j, which means nothing there', async (to, flags, message) => {
    const { code, stderr } = await weir(['export', '--data', store.data.path, '--to', to, ...flags]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
  });

  it('says that nobody listens', async () => {
    const args = ['export', '--data', store.data.path, '--to'];
    const udp = await weir([...args, `ipfix://127.0.0.1:${await freeUdpPort()}`]);
    expect(udp.stderr).toMatch(/Nobody listens there/);
    expect(udp.code).toBe(1);
    const tcp = await weir([...args, `ipfix+tcp://127.0.0.1:${await freeUdpPort()}`]);
    expect(tcp.stderr).toMatch(/Cannot connect to tcp:/);
    expect(tcp.code).toBe(1);
  });

  it.each([
    [['export', '--to', 'http://x'], 'is no target to export to'],
    [['export', '--to', 'ipfix://x:70000'], 'is no target to export to'],
    [['export'], '--to is missing: where to export to.'],
    [['export', '--to', 'ipfix://x', '--rate', '1', '--speed', '1'], 'contradict each other'],
    [['export', '--to', 'ipfix://x', '--from', 'soon'], 'is not a time'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stderr } = await weir(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  describeWithTool('openssl', 'over TLS', () => {
    it('ipfix+tls:// with both sides’ certificates: the same records', async () => {
      const folder = tempFolder('tls');
      const [cert, key] = [folder.join('cert.pem'), folder.join('key.pem')];
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
        {
          stdio: 'ignore',
        },
      );
      const port = await freeUdpPort();
      const target = `ipfix+tls://localhost:${port}`;
      const ours = ['--tls-ca', cert, '--tls-cert', cert, '--tls-key', key];
      const collected = ['--tls-cert', cert, '--tls-key', key, '--tls-ca', cert];
      const { rows } = await through(`tls://127.0.0.1:${port}`, target, ours, collected);
      expect(lines(rows, ['sampling_rate'])).toEqual(lines(await store.rows(), ['sampling_rate']));
    });
  });
});
