import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, spawnProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';

interface Totals {
  datagrams: number;
  flows: number;
  packets: number;
  bytes: number;
}

/** Runs nfcapd while `send` sends to its port; gives what nfdump then says of the stored flows. */
async function withNfcapd(
  send: (url: string) => Promise<void>,
): Promise<{ flows: number; packets: number; bytes: number; faults: string }> {
  const folder = tempFolder('nfcapd').path;
  const port = await freeUdpPort();
  const nfcapd = spawnProcess(requireTool('nfcapd'), [
    '-4',
    '-b',
    '127.0.0.1',
    '-p',
    `${port}`,
    '-w',
    folder,
    '-y',
    '-t',
    '3600',
    '-B',
    '8000000',
  ]);
  await nfcapd.waitFor(/Startup|Init/i);
  await sleep(300);
  await send(`udp://127.0.0.1:${port}`);
  await sleep(500);
  const { stdout, stderr } = await nfcapd.stop('SIGTERM');
  const files = readdirSync(folder).filter((name) => /^nfcapd\.\d+$/.test(name));
  const { stdout: text } = await runProcess(requireTool('nfdump'), ['-I', '-r', `${folder}/${files[0]}`]);
  const value = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(text)?.[1]);
  const faults =
    /Sequence Errors: \d+, Bad Packets: \d+/.exec(stdout + stderr)?.[0] ?? `no totals in ${stdout}${stderr}`;
  return { flows: value('Flows'), packets: value('Packets'), bytes: value('Bytes'), faults };
}

const WITHOUT_FAULTS = 'Sequence Errors: 0, Bad Packets: 0';

describeWithTool(['nfcapd', 'nfdump'], 'nfcapd understands what weir generates', () => {
  it.each([
    ['1', []],
    ['5', ['--exporters', '2']],
    ['7', ['--exporters', '2']],
    ['9', []],
    ['9', ['--ipv6', '0.3', '--exporters', '3', '--domains', '2', '--sampling', '1']],
    ['ipfix', []],
    ['ipfix', ['--ipv6', '0.3', '--exporters', '3', '--domains', '2']],
  ])('version %s %j: the same flows, packets and bytes', async (version, flags) => {
    let sent: Totals | undefined;
    const stored = await withNfcapd(async (url) => {
      const args = [
        'generate',
        url,
        '--version',
        version,
        '--flows',
        '20007',
        '--rate',
        '100k',
        '--format',
        'json',
        ...flags,
      ];
      const { code, stdout, stderr } = await weir(args);
      expect(code, stderr).toBe(0);
      sent = JSON.parse(stdout) as Totals;
    });
    expect(sent?.flows).toBe(20_007);
    expect(stored).toEqual({ flows: sent?.flows, packets: sent?.packets, bytes: sent?.bytes, faults: WITHOUT_FAULTS });
  });

  it('also from a file that weir replays', async () => {
    const file = tempFolder().join('x.pcap');
    const args = [
      'generate',
      '--write',
      file,
      '--version',
      '5',
      '--flows',
      '5000',
      '--exporters',
      '3',
      '--duration',
      '1h',
      '--format',
      'json',
    ];
    const written = JSON.parse((await weir(args)).stdout) as Totals;
    const stored = await withNfcapd(async (url) => {
      const { code, stdout, stderr } = await weir(['replay', file, url, '--rate', '2k', '--format', 'json']);
      expect(code, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ datagrams: written.datagrams, exporters: 3, skipped: 0, failed: 0 });
    });
    expect(stored).toEqual({ flows: 5000, packets: written.packets, bytes: written.bytes, faults: WITHOUT_FAULTS });
  });
});

describe('weir generate and weir replay', () => {
  it('say that nobody listens, and stop', async () => {
    const url = `udp://127.0.0.1:${await freeUdpPort()}`;
    const { code, stderr } = await weir(['generate', url, '--rate', '1k', '--seconds', '30', '--distinct', '1000']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/Nobody listens there/);
    const kept = await weir(['generate', url, '--flows', '3000', '--keep-going', '--format', 'json']);
    expect(kept.code).toBe(0);
    expect(JSON.parse(kept.stdout)).toMatchObject({ flows: 3000 });
  });

  it('write the same file for the same seed, spread over the time asked for', async () => {
    const folder = tempFolder();
    const write = async (name: string, seed: string) => {
      const path = folder.join(name);
      const span = ['--from', '2026-03-01T00:00:00Z', '--duration', '24h'];
      const { code, stderr } = await weir([
        'generate',
        '--write',
        path,
        '--version',
        'ipfix',
        '--flows',
        '2000',
        '--seed',
        seed,
        ...span,
      ]);
      expect(code, stderr).toBe(0);
      return readPcap(path);
    };
    const first = await write('a.pcap', '3');
    expect(await write('b.pcap', '3')).toEqual(first);
    expect(await write('c.pcap', '4')).not.toEqual(first);
    const times = first.map(([time]) => time);
    expect(times[0]).toBe(Date.parse('2026-03-01T00:00:00Z') * 1000);
    expect(times.at(-1)! - times[0]!).toBeGreaterThan(23.5 * 3600e6);
    expect(times.every((time, i) => i === 0 || time >= times[i - 1]!)).toBe(true);
  });

  it.each([
    [['generate', '--version', '4'], '--version 4: expected 1, 5, 6, 7, 8, 9, 10, ipfix or sflow.'],
    [['generate', 'tcp://x'], '"tcp://x" is not a target.'],
    [['generate', '--rate', '10', '--rate-datagrams', '10'], 'say the same thing twice'],
    [['generate', '--flows', '0'], '--flows 0: expected a whole number'],
    [['generate', '--write', '/tmp/x.pcap'], 'How many flows'],
    [['replay', '-', '--loop', '2'], 'only once'],
  ])('refuse %j with exit code 2', async (args, message) => {
    const { code, stderr } = await weir(args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

async function readPcap(path: string): Promise<(readonly [time: number, payload: string])[]> {
  const { openDatagrams } = await import('#weir/cli/datagrams.js');
  const source = await openDatagrams(path, process.stdin);
  const found: (readonly [number, string])[] = [];
  for await (const batch of source.batches) {
    for (const { time, payload } of batch) found.push([time, Buffer.from(payload).toString('hex')]);
  }
  return found;
}
