import { UdpListener } from '../collect/udp-listener.ts';
import type { CollectConfig } from '../config/collect-config.ts';
import { formatSize } from '../config/units.ts';
import { asRoot, type Finding, failed, ok, warning } from './check-finding.ts';

/** Opens all sockets as `weir collect` would, and closes them again; looks at the receive buffer that the kernel grants. */
export async function checkNetwork(config: CollectConfig): Promise<Finding[]> {
  const findings: Finding[] = [];
  const wanted = config.receiveBufferBytes;
  let granted = Number.POSITIVE_INFINITY;
  const listeners = config.listen.map(
    (url) => new UdpListener({ url, receiveBufferBytes: wanted, onDatagram: () => {}, drainMilliseconds: 0 }),
  );
  // One after the other and all at once, so that two that are in each other's way are seen.
  for (const listener of listeners) {
    const { text, port } = listener.url;
    try {
      await listener.start();
      granted = Math.min(granted, listener.receiveBufferBytes);
      findings.push(ok(text, port === 0 ? 'can be opened' : 'free'));
    } catch (error) {
      findings.push(failed(text, error));
    }
  }
  await Promise.all(listeners.map((listener) => listener.close()));
  if (Number.isFinite(granted)) findings.push(checkBuffer(wanted, granted));
  return findings;
}

function checkBuffer(wanted: number, granted: number): Finding {
  const name = 'receive buffer';
  if (granted >= wanted) return ok(name, `${formatSize(wanted)} for each socket`);
  const said = `the kernel grants ${formatSize(granted)} of ${formatSize(wanted)}: bursts of more than that are lost`;
  if (process.platform === 'linux') {
    const file = '/etc/sysctl.d/60-netweir.conf';
    const pipe = process.getuid?.() === 0 ? `> ${file}` : `| sudo tee ${file}`;
    return warning(
      name,
      said,
      `${asRoot(`sysctl -w net.core.rmem_max=${wanted}`)}   # until the next boot`,
      `echo net.core.rmem_max=${wanted} ${pipe}   # from the next boot on`,
    );
  }
  if (process.platform === 'darwin') return warning(name, said, asRoot(`sysctl -w kern.ipc.maxsockbuf=${wanted}`));
  return warning(name, said);
}
