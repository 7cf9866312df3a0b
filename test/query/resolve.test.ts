import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostNames } from '#weir/query/resolve.js';
import { type DnsServer, startDnsServer } from '../helpers/dns-server.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { askText } from './ask.ts';
import { type PlainRow, writeStore } from './fixture.ts';

const NAMES: Readonly<Record<string, string>> = {
  '3.2.1.10.in-addr.arpa': 'web.example.org',
  '1.2.0.192.in-addr.arpa': 'a-rather-long-name-of-a-host-that-would-fill-the-window.example.org',
  [`${'1.0.0.0.'.concat('0.0.0.0.'.repeat(5))}8.b.d.0.1.0.0.2.ip6.arpa`]: 'six.example.org',
};
const FLOW = { time_start: '2026-03-01T12:00:00Z', proto: 6, packets: 1, bytes: 100, src_port: 40_000 };
const FLOWS: PlainRow[] = [
  { ...FLOW, src_addr: '10.1.2.3', dst_addr: '192.0.2.1', dst_port: 443, bytes: 900 },
  { ...FLOW, src_addr: '10.1.2.3', dst_addr: '192.0.2.2', dst_port: 53, bytes: 800 },
  { ...FLOW, src_addr: '2001:db8::1', dst_addr: '192.0.2.1', dst_port: 6000, bytes: 700 },
  { ...FLOW, src_addr: '10.9.9.9', dst_addr: '192.0.2.9', dst_port: 40_001, bytes: 1 },
];

describe('host names', () => {
  let folder: TempFolder;
  const servers: DnsServer[] = [];
  beforeAll(async () => {
    folder = makeTempFolder('resolve');
    await writeStore(folder.path, [FLOWS]);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.close()));
    folder.remove();
  });
  const start = async (...args: Parameters<typeof startDnsServer>) => {
    const server = await startDnsServer(...args);
    servers.push(server);
    return server;
  };
  const hostsOf = ({ address }: DnsServer, timeout = 60_000) =>
    new HostNames({ timeout, servers: [address], clock: () => performance.now() });

  it('stand in tables and lines instead of addresses, and only those that are shown are asked for', async () => {
    const server = await start((question) => NAMES[question]);
    const hosts = hostsOf(server);
    const question = { by: 'src_addr,dst_addr', top: '3' };
    const table = await askText(folder.path, question, 'table', { hosts, quiet: true });
    expect(
      table
        .split('\n')
        .slice(0, 3)
        .map((line) => line.split(/ +/).slice(0, 2)),
    ).toEqual([
      ['web.example.org', 'a-rather-long-name-of-a-host-that-would…'],
      ['web.example.org', '192.0.2.2'],
      ['six.example.org', 'a-rather-long-name-of-a-host-that-would…'],
    ]);
    // Three that have a name, one that has none; 10.9.9.9 and 192.0.2.9 are not shown.
    expect([...server.asked].sort()).toEqual([...Object.keys(NAMES), '2.2.0.192.in-addr.arpa'].sort());
    const lines = await askText(folder.path, { order: 'bytes:desc', top: '1' }, 'fmt:%sap>%dap', {
      hosts,
      quiet: true,
    });
    expect(lines.replaceAll(' ', '')).toBe('web.example.org:40000>a-rather-long-name-of-a-host-that-would…:443\n');
    expect(server.asked).toHaveLength(4);
  });

  it('are asked for all at once', async () => {
    // Nobody gets an answer before everybody has asked.
    let waiting = 0;
    let release = () => {};
    const all = new Promise<void>((resolve) => {
      release = resolve;
    });
    const server = await start(async () => {
      if (++waiting === 4) release();
      await all;
      return 'host.example.org';
    });
    const text = await askText(folder.path, { by: 'src_addr,dst_addr', top: '3' }, 'table', {
      hosts: hostsOf(server),
      quiet: true,
    });
    expect(text.match(/host\.example\.org/g)).toHaveLength(6);
  });

  it('are not waited for longer than was said, and then never again', async () => {
    const server = await start((question) => (question.startsWith('3.') ? 'web.example.org' : null));
    const hosts = hostsOf(server, 2000);
    const first = await askText(folder.path, { by: 'src_addr' }, 'table', { hosts, quiet: true });
    const second = await askText(folder.path, { by: 'dst_addr' }, 'table', { hosts, quiet: true });
    expect(first).toMatch(/^web\.example\.org .*\n2001:db8::1 .*\n10\.9\.9\.9 /);
    expect(second).toMatch(/^192\.0\.2\.1 /);
    expect(server.asked.some((name) => name.endsWith('2.0.192.in-addr.arpa'))).toBe(false);
  });

  it('cannot move the cursor', async () => {
    const server = await start(() => 'evil\u001b[2J.example.org');
    const hosts = hostsOf(server);
    const text = await askText(folder.path, { by: 'src_addr' }, 'markdown', { hosts });
    expect(text).not.toContain('\u001b');
  });

  it('are a flag, as names of services are', async () => {
    const server = await start((question) => NAMES[question]);
    const query = (...args: string[]) => weir(['query', '--data', folder.path, '--order', 'bytes:desc', ...args]);
    const asked = ['--resolve', '--nameserver', server.address, '--services'];
    const { stdout } = await query(...asked, '--columns', 'src_addr,dst_port', '-q');
    expect(stdout.split('\n').map((line) => line.split(/ +/))).toEqual([
      ['web.example.org', 'https'],
      ['web.example.org', 'domain'],
      ['six.example.org', 'x11'],
      ['10.9.9.9', '40001'],
      [''],
    ]);
    for (const args of [['--resolve'], ['--services']]) {
      const { code, stderr } = await query('--format', 'csv', ...args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/is for people/);
    }
    const wrong = await query('--resolve', '--nameserver', 'dns.example.org');
    expect(wrong.stderr).toMatch(/is no address/);
  });
});
