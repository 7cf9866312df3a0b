import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HostNames } from '#weir/query/resolve.js';
import { startDnsServer } from '../helpers/dns-server.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { askText } from './ask.ts';
import { type PlainRow, writeStore } from './fixture.ts';

const [CLIENT, SERVER] = ['10.1.2.3', '192.0.2.1'];
/** The uniflows of both directions, each in a segment of its own. */
const THERE: PlainRow[] = [
  flow('12:00:00', CLIENT, 40_001, SERVER, 443, { packets: 10, bytes: 1000, duration: 60_000_000 }),
  flow('12:00:05', CLIENT, 40_002, SERVER, 8123, { packets: 2, bytes: 80 }),
  flow('12:00:07', CLIENT, 0, '192.0.2.9', 0x0800, { proto: 1, packets: 1, bytes: 84 }),
  flow('12:00:09', '2001:db8::1', 1000, '2001:db8::2', 53, { proto: 17, packets: 1, bytes: 60 }),
];
const BACK: PlainRow[] = [
  flow('12:00:01', SERVER, 443, CLIENT, 40_001, { packets: 900, bytes: 1_230_000, duration: 927_000_000 }),
  flow('12:00:07', '192.0.2.9', 0, CLIENT, 0, { proto: 1, packets: 1, bytes: 84 }),
];

function flow(at: string, src: string, srcPort: number, dst: string, dstPort: number, more: PlainRow): PlainRow {
  const ends = { src_addr: src, src_port: srcPort, dst_addr: dst, dst_port: dstPort };
  return { time_start: `2026-03-01T${at}Z`, duration: 0, proto: 6, ...ends, ...more };
}

describe('weir analyze', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder('analyze');
    await writeStore(folder.path, [THERE, BACK]);
  });
  afterAll(() => folder.remove());

  const ask = { bidirectional: true } as const;
  const rows = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));

  it('tells a conversation a line, in order of time', async () => {
    const text = await askText(folder.path, ask, 'conversations', { plain: false });
    expect(text.split('\n').slice(0, 6)).toEqual([
      'start                service     size  duration  packets  who',
      '2026-03-01 12:00:00  https     1.2 MB   15m 28s      910  from 10.1.2.3 to 192.0.2.1',
      '2026-03-01 12:00:05  tcp/8123    80 B   0.000 s        2  from 10.1.2.3 to 192.0.2.1',
      '2026-03-01 12:00:07  icmp       168 B   0.000 s        2  from 10.1.2.3 to 192.0.2.9',
      '2026-03-01 12:00:09  domain      60 B   0.000 s        1  from 2001:db8::1 to 2001:db8::2',
      '',
    ]);
    expect(text).toContain('total ');
  });

  it('knows the names of hosts', async () => {
    const server = await startDnsServer((name) =>
      name === '3.2.1.10.in-addr.arpa' ? 'client.example.org' : undefined,
    );
    const hosts = new HostNames({ timeout: 60_000, servers: [server.address], clock: () => performance.now() });
    const text = await askText(folder.path, { ...ask, top: '1' }, 'conversations', { quiet: true, hosts });
    expect(rows(text)).toEqual([
      ['2026-03-01 12:00:00', 'https', '1231000', '928.000', '910', 'from client.example.org (10.1.2.3) to 192.0.2.1'],
    ]);
    await server.close();
  });

  it('is a command, whose --top are the largest, and whose other forms are for programs', async () => {
    const analyze = (...args: string[]) => weir(['analyze', '--data', folder.path, '--utc', ...args]);
    const top = await analyze('--top', '2', '-q', '--services');
    expect(rows(top.stdout).map(([, service]) => service)).toEqual(['https', 'icmp']);
    const filtered = await analyze('-q', 'port', '8123');
    expect(rows(filtered.stdout).map(([, service]) => service)).toEqual(['tcp/8123']);
    const { stdout } = await analyze('--format', 'ndjson', '--top', '1');
    expect(JSON.parse(stdout)).toMatchObject({
      src_addr: CLIENT,
      dst_port: 443,
      bytes: 1000,
      reverse_bytes: 1_230_000,
    });
    const none = await analyze('--exit-code', 'port 1');
    expect(none.code).toBe(1);
  });

  it('cannot be asked for sums or columns', async () => {
    for (const question of [{}, { ...ask, by: 'src_addr' }, { ...ask, columns: 'src_addr' }]) {
      await expect(askText(folder.path, question, 'conversations')).rejects.toMatchObject({ code: 'WEIR_USAGE' });
    }
    await expect(askText(folder.path, { order: 'both_bytes' })).rejects.toMatchObject({ code: 'WEIR_USAGE' });
  });

  it('conversations are lines, too', async () => {
    const text = await askText(folder.path, { ...ask, top: '1' }, 'biline', { quiet: true });
    expect(text.trim().split(/ +/).slice(4).join(' ')).toBe('10.1.2.3:40001 <-> 192.0.2.1:443 900 10 1230000 1000 2');
    const long = await askText(folder.path, { ...ask, top: '1' }, 'long', { quiet: true });
    // Type of service is none of a conversation's.
    expect(long.trim().split(/ +/).slice(-5).join(' ')).toBe('- - 10 1000 2');
  });
});
