import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';

const FLOWS = 30_000;

/** Filters of the shared grammar, in nfdump's spelling. */
const FILTERS = [
  'any',
  'proto tcp',
  'proto udp and port 53',
  'src port > 1024',
  'dst port in [80 443 53]',
  'src net 10.0.0.0/8',
  'net 10.0.0.0 255.0.0.0',
  'flags S',
  'flags S and not flags AFRPU',
  'flags SA',
  'not flags SA',
  'not (flags SA or flags F)',
  'not (not flags SA)',
  'tos 0',
  'proto icmp and icmp-type 8',
  'packets > 10',
  'bytes > 1k',
  'bytes > 1m',
  'bytes < 100',
  'duration > 1000',
  'duration = 0',
  'bps > 10k',
  'bps > 1m',
  'pps > 3',
  'pps = 0',
  'bpp > 100',
  'bpp = 40',
  'bpp < 60',
  'in if 3',
  'out if 4',
  'if 3',
  'ipv4',
  'not proto tcp and not port 53',
  'src port 443 or (dst port 443 and packets > 3)',
  'port < 1024',
  'proto 17 or proto 1',
  'not (proto 17 or not bytes > 500)',
  'src port 53 or dst port 53 and proto tcp',
];

describeWithTool(['nfcapd', 'nfdump'], 'the same datagrams in weir and nfcapd', () => {
  let folder: TempFolder;
  let file: string;

  beforeAll(async () => {
    folder = makeTempFolder('nfdump');
    const capture = folder.join('flows.pcap');
    const made = await weir([
      'generate',
      '--write',
      capture,
      '--flows',
      `${FLOWS}`,
      '--distinct',
      `${FLOWS}`,
      '--version',
      '5',
    ]);
    expect(made.code, made.stderr).toBe(0);
    const [first, second] = [await freeUdpPort(), await freeUdpPort()];
    const nfcapd = startProcess(requireTool('nfcapd'), [
      '-4',
      '-b',
      '127.0.0.1',
      '-p',
      `${first}`,
      '-w',
      folder.path,
      '-t',
      '3600',
      '-B',
      '8000000',
    ]);
    const collector = startProcess(process.execPath, [
      repositoryPath('bin/weir.js'),
      'collect',
      '--listen',
      `udp://127.0.0.1:${second}`,
      '--data',
      folder.join('data'),
    ]);
    try {
      await nfcapd.waitFor(/Startup|Init/i);
      await collector.waitFor('"msg":"collecting"');
      for (const port of [first, second]) {
        const sent = await weir(['replay', capture, `udp://127.0.0.1:${port}`, '--rate', '2000']);
        expect(sent.code, sent.stderr).toBe(0);
      }
      await sleep(500);
    } finally {
      await Promise.all([nfcapd.stop(), collector.stop()]);
    }
    const name = readdirSync(folder.path).find((each) => /^nfcapd\.\d+$/.test(each)) ?? 'none';
    file = folder.join(name);
  });
  afterAll(() => folder.remove());

  const nfdump = async (...args: string[]) =>
    (await runProcess(requireTool('nfdump'), ['-r', file, '-N', ...args])).stdout;

  it.each(FILTERS)('%s', async (filter) => {
    const text = await nfdump('-s', 'proto', '-n', '1', filter);
    const match = /total flows: (\d+), total bytes: (\d+), total packets: (\d+)/.exec(text);
    const expected = match === null ? `no summary: ${text}` : match.slice(1).join(',');
    const { stdout, stderr } = await weir([
      'query',
      '--data',
      folder.join('data'),
      '--by',
      'flow_type',
      '--format',
      'csv',
      filter,
    ]);
    const [, flows = '0', packets = '0', bytes = '0'] = stdout.trimEnd().split('\n').slice(1).join('').split(',');
    expect(stderr).toBe('');
    expect(`${flows},${bytes},${packets}`).toBe(expected);
  });

  it('top talkers', async () => {
    const text = await nfdump('-s', 'srcip/bytes', '-n', '20', '-o', 'csv', '-q');
    const expected = text.split('\n').flatMap((line) => {
      // ts,te,td,pr,val,fl,flP,ipkt,ipktP,ibyt …
      const fields = line.split(',');
      return /^\d{4}-/.test(line) ? [[fields[4], fields[5], fields[7], fields[9]].join(',')] : [];
    });
    const { stdout } = await weir([
      'query',
      '--data',
      folder.join('data'),
      '--by',
      'src_addr',
      '--top',
      '20',
      '--format',
      'csv',
    ]);
    expect(expected).toHaveLength(20);
    expect(stdout.trimEnd().split('\n').slice(1)).toEqual(expected);
  });
});
