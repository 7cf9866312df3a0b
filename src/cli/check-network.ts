import type { SessionHandler } from '../collect/stream-connection.ts';
import { StreamListener } from '../collect/stream-listener.ts';
import { UdpListener } from '../collect/udp-listener.ts';
import type { CollectConfig } from '../config/collect-config.ts';
import { formatSize } from '../config/units.ts';
import { asRoot, type Finding, failed, ok, warning } from './check-finding.ts';
import { checkTls } from './check-tls.ts';

/** Opens all sockets as `weir collect` would, and closes them again; looks at the receive buffer that the kernel grants, and at the certificates. */
export async function checkNetwork(config: CollectConfig, nowMs: number): Promise<Finding[]> {
  const findings: Finding[] = [];
  const wanted = config.receiveBufferBytes;
  let granted = Number.POSITIVE_INFINITY;
  const listeners: (UdpListener | StreamListener)[] = [];
  // One after the other and all at once, so that two that are in each other's way are seen.
  for (const url of config.listen) {
    // The port of a TLS listener is free or not without a certificate, too.
    const listener =
      url.scheme === 'udp'
        ? new UdpListener({ url, receiveBufferBytes: wanted, onDatagram: () => {}, drainMilliseconds: 0 })
        : new StreamListener({ url: { ...url, scheme: 'tcp' }, onSession: refuse, drainMilliseconds: 0 });
    listeners.push(listener);
    try {
      await listener.start();
      if (listener instanceof UdpListener) granted = Math.min(granted, listener.receiveBufferBytes);
      findings.push(ok(url.text, url.port === 0 ? 'can be opened' : 'free'));
    } catch (error) {
      findings.push(failed(url.text, error));
    }
  }
  await Promise.all(listeners.map((listener) => listener.close()));
  if (Number.isFinite(granted)) findings.push(checkBuffer(wanted, granted));
  return [...findings, ...(await checkTls(config, nowMs))];
}

/** Whoever connects while the ports are looked at is not listened to. */
function refuse(): SessionHandler {
  return { message: () => {}, end: () => {} };
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
