/** The parts of weir that run as services. */
export const SERVICES = ['collector', 'probe', 'nat'] as const;
export type ServiceKind = (typeof SERVICES)[number];

export interface UnitOptions {
  readonly kind: ServiceKind;
  /** Node, and weir's script. */
  readonly program: readonly string[];
  /** Flags of weir's command. */
  readonly flags: readonly string[];
  /** A user of the system; without one systemd makes one that exists while it runs. */
  readonly user?: string | undefined;
  /** Folders outside of its own that it writes to. */
  readonly writes?: readonly string[];
}

interface Kind {
  readonly command: string;
  readonly description: string;
  readonly families: string;
  /** Flags that say where records go; without any of them they are kept in the service's own folder. */
  readonly outputs: readonly string[];
}

const KINDS: Readonly<Record<ServiceKind, Kind>> = {
  collector: {
    command: 'collect',
    description: 'Netweir collector of network flows',
    families: 'AF_INET AF_INET6 AF_UNIX',
    outputs: ['--data', '--config'],
  },
  probe: {
    command: 'probe',
    description: 'Netweir probe: packets to flows',
    families: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK AF_PACKET',
    outputs: ['--data', '-n', '--to'],
  },
  nat: {
    command: 'nat',
    description: 'Netweir exporter of translated connections',
    families: 'AF_INET AF_INET6 AF_UNIX AF_NETLINK',
    outputs: ['--data', '-n', '--to', '-c', '--config', '--syslog', '--csv'],
  },
};

/** Octets of the buffer for events: twice the usual `--buffer`, as the kernel counts its own needs too. */
const EVENTS_BUFFER = 128 << 20;

export function unitName(kind: ServiceKind): string {
  return `weir-${kind}`;
}

/** The folder that is the service's own. */
export function stateFolder(kind: ServiceKind): string {
  return `/var/lib/${unitName(kind)}`;
}

/** The text of a systemd unit: a user of its own, no rights but those needed, told ready and watched. */
export function systemdUnit({ kind, program, flags, user, writes = [] }: UnitOptions): string {
  const { command, description, families, outputs } = KINDS[kind];
  const name = unitName(kind);
  const hasOutput = flags.some((flag) => outputs.some((one) => isFlag(flag, one)));
  // Where weir nat status looks.
  const pidFile = kind === 'nat' ? [`--pid-file=/run/${name}/${name}.pid`] : [];
  const all = [...program, command, ...flags, ...(hasOutput ? [] : [`--data=${stateFolder(kind)}`]), ...pidFile];
  const capabilities = capabilitiesOf(kind, flags);
  const isInHome = program.some((path) => /^\/(?:home|root)\//.test(path));
  return `# Written by: weir service install ${kind}
[Unit]
Description=${description}
Wants=network-online.target
After=network-online.target

[Service]
# weir speaks to systemd by way of systemd-notify, which is another process.
Type=notify
NotifyAccess=all
${kind === 'nat' ? raisedBuffer(name) : ''}ExecStart=${all.map(systemdWord).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=5
# Exit code 2: its flags or its configuration are wrong, and will be at the next start.
RestartPreventExitStatus=2
WatchdogSec=60
TimeoutStartSec=120
# What has been received is stored and sent first.
TimeoutStopSec=120
KillMode=mixed

${user === undefined ? 'DynamicUser=yes' : `User=${user}`}
StateDirectory=${name}
StateDirectoryMode=0750
RuntimeDirectory=${name}
WorkingDirectory=${stateFolder(kind)}
Environment=XDG_RUNTIME_DIR=%t/${name}
UMask=0027
${writes.map((path) => `ReadWritePaths=${systemdWord(path)}\n`).join('')}
CapabilityBoundingSet=${capabilities}
AmbientCapabilities=${capabilities}
NoNewPrivileges=yes
ProtectSystem=strict
${isInHome ? '# Node or weir is in a home folder.\nProtectHome=read-only' : 'ProtectHome=yes'}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=${families}
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
# MemoryDenyWriteExecute is not there: Node compiles at run time.

[Install]
WantedBy=multi-user.target
`;
}

/**
 * conntrack's socket for events has the size that all new ones have (see nat/netlink-socket), which root alone may change: it is raised while the service
 * starts, and put back when it is ready, or has failed.
 */
function raisedBuffer(name: string): string {
  const setting = '/proc/sys/net/core/rmem_default';
  // Not in the service's own folder: root writes it.
  const kept = `/run/${name}.rmem_default`;
  const restore = `+/bin/sh -c "if [ -s ${kept} ]; then cat ${kept} > ${setting}; rm ${kept}; fi"`;
  return `# Room for bursts of events: new sockets get a larger buffer while it starts.
ExecStartPre=+/bin/sh -c "[ -s ${kept} ] || cat ${setting} > ${kept}; echo ${EVENTS_BUFFER} > ${setting}"
ExecStartPost=${restore}
ExecStopPost=${restore}
`;
}

/** The rights that the service needs beside those of any program. */
function capabilitiesOf(kind: ServiceKind, flags: readonly string[]): string {
  if (kind === 'probe') return 'CAP_NET_RAW';
  if (kind === 'nat') return 'CAP_NET_ADMIN';
  const isLow = flags.some((flag) =>
    /^(?:--listen=)?(?:udp|tcp|tls):\/\/.*:(\d{1,3}|10[01]\d|102[0-3])\/?$/.test(flag),
  );
  return isLow ? 'CAP_NET_BIND_SERVICE' : '';
}

function isFlag(word: string, flag: string): boolean {
  return word === flag || word.startsWith(`${flag}=`) || (/^-\w$/.test(flag) && word.startsWith(flag));
}

/** A word of ExecStart= as systemd reads it (systemd.service, "Command lines"): specifiers and variables are none. */
function systemdWord(word: string): string {
  const text = word.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[\w@%+=:,./$[\]-]+$/.test(text)) return text;
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
