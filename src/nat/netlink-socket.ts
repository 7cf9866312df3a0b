import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

/*
 * The socket by which conntrack(8) gets its events. conntrack-tools 1.4.7 gives `-b` to another one of its sockets, so that this one has the system's default,
 * which some 160 events fill (seen by strace). That default is therefore raised while the program opens its sockets.
 */

const RECEIVE_DEFAULT = '/proc/sys/net/core/rmem_default';
/** NETLINK_NETFILTER, linux/netlink.h. */
const NETFILTER = '12';

/** Raises the buffer that new sockets get, where that is permitted, and returns what puts it back. */
export function raiseReceiveDefault(octets: number): () => void {
  try {
    const usual = readFileSync(RECEIVE_DEFAULT, 'latin1');
    if (Number(usual) >= octets) return () => {};
    writeFileSync(RECEIVE_DEFAULT, String(octets));
    return () => writeFileSync(RECEIVE_DEFAULT, usual);
  } catch {
    // Not root, a container, or a unit with ProtectKernelTunables: `weir nat check` says what to set.
    return () => {};
  }
}

/** Events that the kernel could not give to a process for want of buffer, since it began; undefined where that cannot be seen. */
export function eventsDropped(pid: number): number | undefined {
  try {
    const own = new Set(
      readdirSync(`/proc/${pid}/fd`).map((fd) => {
        try {
          return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        } catch {
          return undefined;
        }
      }),
    );
    let dropped = 0;
    // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
    for (const line of readFileSync(`/proc/${pid}/net/netlink`, 'latin1').split('\n')) {
      const columns = line.trim().split(/\s+/);
      if (columns[1] === NETFILTER && own.has(columns[9])) dropped += Number(columns[8]);
    }
    return dropped;
  } catch {
    return undefined;
  }
}
