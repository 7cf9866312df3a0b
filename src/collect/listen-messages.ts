import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import type { ListenUrl } from './listen-url.ts';

/** What went wrong while `url` was bound, as WEIR_LISTEN with what to do about it; `details` has `url` and `port`. */
export function bindError(error: unknown, url: ListenUrl, platform: NodeJS.Platform): WeirError {
  const code = systemCode(error);
  const [problem, hint] = explain(code, url, platform) ?? [messageOf(error), undefined];
  return new WeirError('WEIR_LISTEN', `cannot listen on ${url.text}: ${problem}`, {
    hint,
    details: { url: url.text, port: url.port, ...(code === undefined ? {} : { systemCode: code }) },
    cause: error,
  });
}

function explain(
  code: string | undefined,
  { scheme, host, port }: ListenUrl,
  platform: NodeJS.Platform,
): [problem: string, hint: string] | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return [
        `port ${port} is in use by another program`,
        `${platform === 'linux' ? `ss -l${scheme === 'udp' ? 'u' : 't'}np 'sport = :${port}'` : `lsof -nP -i${scheme === 'udp' ? 'UDP' : 'TCP'}:${port}`} shows which; stop it, or listen on another port`,
      ];
    case 'EACCES':
    case 'EPERM':
      if (port > 0 && port < 1024) {
        return [
          `ports below 1024 are kept for privileged programs`,
          `use a port from 1024 on (2055, 4739 and 9995 are usual)${platform === 'linux' ? ', or give the service CAP_NET_BIND_SERVICE (AmbientCapabilities= in its systemd unit)' : ''}`,
        ];
      }
      return [
        'the system does not permit it',
        'see whether a security policy (SELinux, AppArmor, a container) forbids this port',
      ];
    case 'EADDRNOTAVAIL':
      return [
        `${host} is not an address of this machine`,
        `${platform === 'linux' ? 'ip address' : 'ifconfig'} lists its addresses; ${scheme}://[::]:${port} listens on all of them`,
      ];
    case 'EAFNOSUPPORT':
      return ['this machine has no IPv6', `listen on ${scheme}://0.0.0.0:${port}`];
    case 'EINVAL':
      return host.toLowerCase().startsWith('fe80:') && !host.includes('%')
        ? [
            'a link-local address needs its interface',
            `write it as ${scheme}://[${host}%eth0]:${port}, with the interface's name`,
          ]
        : undefined;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [
        `the name ${host} could not be resolved`,
        `write an address; ${scheme}://[::]:${port} listens on all of them`,
      ];
    default:
      return undefined;
  }
}

/**
 * A sentence for the operator when the kernel granted less than was asked for (both in bytes as asked for, before any doubling), with the
 * command that lifts the cap; undefined when there is nothing to say.
 */
export function bufferWarning(requested: number, granted: number, platform: NodeJS.Platform): string | undefined {
  if (granted >= requested) return undefined;
  const said = `the receive buffer is ${size(granted)} instead of ${size(requested)}, so bursts may be dropped`;
  // SO_RCVBUF is compared with rmem_max before it is doubled, so the figure to set is the one asked for.
  if (platform === 'linux') return `${said}; raise the kernel's cap: sysctl -w net.core.rmem_max=${requested}`;
  if (platform === 'darwin') return `${said}; raise the kernel's cap: sysctl -w kern.ipc.maxsockbuf=${requested}`;
  return `${said}; the system caps it`;
}

function size(bytes: number): string {
  if (bytes >= 1024 * 1024) return `${Number((bytes / 1024 / 1024).toFixed(1))} MiB`;
  return `${Number((bytes / 1024).toFixed(0))} KiB`;
}
