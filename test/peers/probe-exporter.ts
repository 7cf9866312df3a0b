import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import type { PeerFlow } from './compare.ts';
import type { Meter } from './exporters.ts';

/** `weir probe` reads the capture, exports and ends. */
export function weirProbe(version: 1 | 5 | 9 | 10, flags: readonly string[] = []): Meter {
  return async (capture, tee) => {
    const target = ['-n', `127.0.0.1:${tee.port}`, '-v', `${version}`];
    const args = [repositoryPath('bin/weir.js'), 'probe', '-r', capture, ...target, ...flags];
    const { code, stdout, stderr } = await runProcess(process.execPath, args);
    if (code !== 0) throw new Error(`exit ${code}\n${stdout}\n${stderr}`);
  };
}

/** Of a biflow nfcapd 1.7.1 keeps control bits and type of service of the other direction. */
export function asBiflow(flow: PeerFlow): PeerFlow {
  const { tcp_flags, tos, reverse_tcp_flags, reverse_tos } = flow.more;
  return { ...flow, more: { ...flow.more, tcp_flags: reverse_tcp_flags ?? tcp_flags, tos: reverse_tos ?? tos } };
}
