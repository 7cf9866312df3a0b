import { expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';

const CAPTURE = repositoryPath('test/captures/traffic.pcap');
/** Without fragments, of which softflowd makes flows of their own. */
const WHOLE = 'arp or (ip and ip[6:2] & 0x3fff = 0) or (ip6 and ip6[6] != 44)';

/** Lines up to the empty one before the targets, in words that both have. */
function comparable(text: string): string[] {
  const lines = text
    .replace('ipv6-icmp (58)', '    icmp6 (58)')
    // How many records go into a message is not the same.
    .replace(/ in \d+ packets/, '')
    .split('\n')
    .filter((line) => !line.startsWith('over 2 GiB'));
  return lines.slice(0, lines.findLastIndex((line) => /^ +\S+ \(\d+\): /.test(line)) + 1);
}

describeWithTool(['softflowd', 'tcpdump'], 'the summary of weir probe', () => {
  it.each(['full', 'proto', 'ip'])('is that of softflowd, line for line, with -T %s', async (track) => {
    const flags = ['-r', CAPTURE, '-n', '127.0.0.1:9', '-v', '9', '-T', track];
    const folder = tempFolder();
    const own = ['-d', '-p', folder.join('pid'), '-c', 'none'];
    const theirs = await runProcess(requireTool('softflowd'), [...flags, ...own, WHOLE]);
    const ours = await weir(['probe', ...flags, WHOLE]);
    expect(comparable(ours.stdout).length).toBeGreaterThan(20);
    expect(comparable(ours.stdout)).toEqual(comparable(theirs.stdout));
  });
});
