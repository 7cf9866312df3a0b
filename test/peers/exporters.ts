import { writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Finished, runProcess, startProcess } from '../helpers/processes.ts';
import { makeTempFolder } from '../helpers/temp.ts';
import { requireTool } from '../helpers/tools.ts';
import type { Tee } from './tee.ts';

/** Makes a program meter a capture and export to the tee; resolves when the last datagram has been sent. */
export type Meter = (capture: string, tee: Tee) => Promise<void>;

/** softflowd reads the capture as fast as it can, exports and ends. `flags` may be more flags of its own. */
export function softflowd(version: 1 | 5 | 9 | 10, flags: readonly string[] = []): Meter {
  return async (capture, tee) => {
    using folder = makeTempFolder('softflowd');
    // softflowd tells the path that it was given as its interface's name; a golden capture must not hold this machine's.
    const files = ['-r', basename(capture), '-p', folder.join('pid'), '-c', 'none'];
    const target = ['-n', `127.0.0.1:${tee.port}`, '-v', `${version}`, '-m', '100000'];
    ended(await runProcess(requireTool('softflowd'), [...files, ...target, '-d', ...flags], { cwd: dirname(capture) }));
  };
}

/** pmacctd with its plugin nfprobe; it sleeps two seconds, reads the capture, exports and ends. */
export function pmacctd(version: 5 | 9 | 10): Meter {
  return async (capture, tee) => {
    using folder = makeTempFolder('pmacctd');
    const settings = [
      'daemonize: false',
      `pcap_savefile: ${capture}`,
      'aggregate: src_host, dst_host, src_port, dst_port, proto, tos, tcpflags',
      'plugins: nfprobe',
      `nfprobe_receiver: 127.0.0.1:${tee.port}`,
      `nfprobe_version: ${version}`,
    ];
    writeFileSync(folder.join('pmacctd.conf'), `${settings.join('\n')}\n`);
    ended(await runProcess(requireTool('pmacctd'), ['-f', folder.join('pmacctd.conf')]));
  };
}

let devices = 0;

/**
 * fprobe reads only live interfaces: the capture is replayed into one end of a virtual cable, and fprobe listens at the other. Needs root.
 * Told to end, fprobe exports what it has.
 */
export function fprobe(version: 1 | 5 | 7): Meter {
  return async (capture, tee) => {
    const [near, far] = [0, 1].map((end) => `w${process.pid % 1_000_000}n${devices}e${end}`) as [string, string];
    devices++;
    const ip = (...args: string[]) => runProcess(requireTool('ip'), args);
    ended(await ip('link', 'add', near, 'mtu', '65535', 'type', 'veth', 'peer', 'name', far, 'mtu', '65535'));
    try {
      for (const end of [near, far]) ended(await ip('link', 'set', end, 'up'));
      // IPv4 only: the kernel says hello in IPv6 on every new interface, which fixed formats do not have.
      const flags = ['-i', far, '-f', 'ip', '-n', `${version}`, '-l', '2', '-s', '1', '-q', '100000', '-B', '16384'];
      const probe = startProcess(requireTool('fprobe'), [...flags, `127.0.0.1:${tee.port}`]);
      try {
        await sleep(500);
        ended(await runProcess(requireTool('tcpreplay'), ['-q', '-i', near, '--pps', '5000', capture]));
        await sleep(1000);
        await probe.stop('SIGTERM');
      } finally {
        probe.kill();
        await probe.finished;
      }
    } finally {
      await ip('link', 'del', near);
    }
  };
}

function ended({ code, stdout, stderr }: Finished): void {
  if (code !== 0) throw new Error(`exit ${code}\n${stdout}\n${stderr}`);
}
