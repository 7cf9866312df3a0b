import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { whyNoNetwork } from '../helpers/namespace.ts';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { makeTempFolder } from '../helpers/temp.ts';
import { requireTool } from '../helpers/tools.ts';
import { timesSwapped } from './compare.ts';
import { softflowd } from './exporters.ts';
import { testExporters } from './suite.ts';

const tools = ['softflowd', 'nfcapd', 'nfdump', 'tcpdump', 'nsenter'];

describeUnless(whyNoNetwork(tools), 'traffic recorded while this test runs', () => {
  const folder = makeTempFolder('traffic');
  const path = folder.join('traffic.pcap');
  afterAll(() => folder.remove());

  beforeAll(async () => {
    const { code, stderr } = await runProcess(repositoryPath('test/captures/record-traffic.sh'), [path], {
      env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
    });
    expect(code, stderr).toBe(0);
  });

  it('has IPv4 and IPv6, TCP, UDP, fragments and ICMP errors', () => {
    const count = (filter: string): number => {
      const text = execFileSync(requireTool('tcpdump'), ['-nn', '-q', '-r', path, filter], {
        encoding: 'utf8',
        stdio: 'pipe',
      });
      return text.split('\n').length - 1;
    };
    for (const filter of [
      'ip and tcp',
      'ip6 and tcp',
      'ip and udp',
      'ip6 and udp',
      'ip[6:2] & 0x3fff != 0',
      'icmp[0] == 3',
      'icmp6',
    ]) {
      expect(count(filter), filter).toBeGreaterThan(0);
    }
  });

  testExporters(
    [
      { name: 'softflowd v5', meter: softflowd(5) },
      { name: 'softflowd IPFIX', meter: softflowd(10), asNfdumpHasIt: timesSwapped },
    ],
    [{ name: 'that traffic', path }],
  );
});
