/**
 * Every setting of a collector, and of the NAT exporter: what it is called in the file and as a flag, its default, and what is said about it. From this table come the
 * defaults, the flags, the messages, the JSON Schema and the check of docs/configuration.md. `schema.ts` says how each is read.
 */
export interface Setting {
  /** Keys from the outermost, with dots; `[]` is any entry of a list. */
  readonly path: string;
  /** Undefined where a flag makes no sense: a list of mappings has flags for its parts. */
  readonly flag: string | undefined;
  /** What stands after the flag in its help; empty for a switch. */
  readonly value: string;
  /** A list in the file, a flag that may be given again on the command line. */
  readonly many: boolean;
  /** As it would stand in the file; undefined where nothing is the default. */
  readonly default: string | number | boolean | readonly string[] | undefined;
  /** Ends the sentence "found …, expected …". */
  readonly expected: string;
  readonly about: string;
}

type Row = [path: string, flag: string, fallback: Setting['default'], expected: string, about: string];

const TIME = 'a length of time with its unit (ms, s, m, h, d, w)';
const SIZE = 'a size such as 64MiB or 100GB (k, M, G, T count by 1000, Ki, Mi, Gi, Ti by 1024)';

// biome-ignore format: one setting, one row
const ROWS: readonly Row[] = [
  ['listen[]', '--listen <url>', ['udp://[::]:2055', 'udp://[::]:4739', 'udp://[::]:6343'], 'udp://HOST:PORT, tcp://HOST:PORT or tls://HOST:PORT, such as udp://[::]:2055', 'Where to receive. Every protocol is recognised on every port; 2055 is usual for NetFlow, 4739 is IANA’s for IPFIX over UDP and TCP, 4740 over TLS, 6343 for sFlow.'],
  ['data', '--data <dir>', './weir-data', 'the path of a folder', 'The data folder, which holds the stored flows.'],
  ['receive_buffer', '--receive-buffer <size>', '64MiB', `${SIZE}, from 64KiB to 1GiB`, 'Receive buffer of each socket, which the kernel may cap (net.core.rmem_max).'],
  ['allow[]', '--allow <entry>', undefined, 'an address, a network, or an address and port: 10.0.0.1, 2001:db8::/32, 10.0.0.1/1337', 'Who may send or connect; others are refused and counted. Without it and without allow_file, everyone may.'],
  ['allow_file', '--allow-file <file>', undefined, 'the path of a file', 'A file with one such entry a line, # for comments; counts together with allow. Read again on SIGHUP.'],
  ['tls.cert', '--tls-cert <file>', undefined, 'the path of a file', 'The certificate (PEM) that tls:// listeners show, followed by those of intermediate authorities. Read again on SIGHUP.'],
  ['tls.key', '--tls-key <file>', undefined, 'the path of a file', 'The private key (PEM, without a passphrase) of that certificate. Read again on SIGHUP.'],
  ['tls.ca', '--tls-ca <file>', undefined, 'the path of a file', 'Certificates (PEM) of the authorities that sign the certificates of exporters. Read again on SIGHUP.'],
  ['tls.client_certificates', '--tls-client-certificates <when>', 'required', 'one of none, optional, required', 'Whether exporters have to show a certificate that an authority of tls.ca has signed. RFC 7011 asks for it.'],
  ['tls.minimum_version', '--tls-minimum-version <version>', 'TLSv1.2', 'one of TLSv1.2, TLSv1.3', 'The oldest version of TLS that is spoken.'],
  ['sessions.connections', '--max-connections <n>', 4096, 'a whole number from 1 to 1000000', 'Connections of each tcp:// and tls:// listener. When all are taken, the oldest that has sent no message gives way to a new one; if there is none, the new one is refused.'],
  ['sessions.per_address', '--max-connections-per-address <n>', 256, 'a whole number from 1 to 1000000', 'Connections of one address to one listener.'],
  ['sessions.idle', '--idle-timeout <time>', '1h', `${TIME}, from 1s on`, 'A connection that is silent for longer is closed.'],
  ['sessions.handshake', '--handshake-timeout <time>', '10s', `${TIME}, from 100ms to 10m`, 'How long a TLS handshake may take.'],
  ['sessions.message', '--message-timeout <time>', '30s', `${TIME}, from 1s to 1h`, 'How long an exporter may take to send one message.'],
  ['sessions.buffer', '--session-buffer <size>', '64MiB', `${SIZE}, from 1MiB to 16GiB`, 'Memory of each listener for messages that are not complete yet, 65,535 octets at most for a connection. Beyond it the connection that waits longest is closed.'],
  ['templates.persist', '--templates-persist', true, 'true or false', 'Keep templates in the data folder, so that a restart does not wait for them.'],
  ['templates.shared', '--templates-shared <url>', undefined, 'redis://HOST:PORT or rediss://HOST:PORT, also with USER:PASSWORD@ and /DATABASE', 'A Redis server over which several collectors share templates, for exporters behind a balancer.'],
  ['identity.sflow_agent', '--identity-sflow-agent', true, 'true or false', 'sFlow: the agent is the exporter, not who sent the datagram, unless it names itself by 0.0.0.0, :: or a loopback address.'],
  ['identity.exporter_elements', '--identity-exporter-elements', true, 'true or false', 'The exporter is whom records, or options data of their domain, name by exporterIPv4Address (130), exporterIPv6Address (131) or originalExporter… (403, 404).'],
  ['identity.exporters[].network', '', undefined, 'an address or a network, such as 10.0.0.0/8', 'Senders whose exporter the entry names, whatever they say; of several networks the longest counts.'],
  ['identity.exporters[].domain', '', undefined, 'a whole number from 0 to 4294967295', 'The observation domain (sFlow: the sub-agent) the entry is for; without it, all that have no entry of their own.'],
  ['identity.exporters[].exporter', '', undefined, 'an IP address', 'The exporter’s address.'],
  ['identity.exporters[].name', '', undefined, 'a text of 1 to 255 characters', 'The exporter’s name, which queries show as exporter_name.'],
  ['sampling.default', '--sampling-default <n>', undefined, 'a whole number from 1 to 4294967295', 'One packet in so many, for exporters that do not say their sampling rate.'],
  ['sampling.exporters[].network', '', undefined, 'an address or a network, such as 10.0.0.0/8', 'The exporters that the entry is about; of several networks the longest counts.'],
  ['sampling.exporters[].default', '--sampling-default <network=n>', undefined, 'a whole number from 1 to 4294967295', 'As sampling.default, for these exporters.'],
  ['sampling.exporters[].override', '--sampling-override <network=n>', undefined, 'a whole number from 1 to 4294967295', 'The rate of these exporters, whatever they say.'],
  ['store.rotate', '--rotate <time>', '5m', `${TIME} of which a whole number makes an hour, from 10s to 1h`, 'Fresh segments are merged into larger files after each such period.'],
  ['store.segment', '--segment <time>', '700ms', `${TIME}, from 100ms to 60s`, 'How long a flow may wait before it is written; what kill -9 may lose.'],
  ['store.queue', '--queue <size>', '128MiB', `${SIZE}, from 16MiB to 64GiB`, 'Flows that may wait in memory for a slow disk; what comes beyond is dropped and counted.'],
  ['store.rollups', '--rollups <tiers>', 'all', 'one of all, minute, hour, off', 'Which sums are made of flows, for quick answers over long times: per minute and hour (all), one of them, or none. Those that are there stay in use.'],
  ['store.retention.age', '--retention-age <time>', undefined, `${TIME}, from 1m on`, 'Flows received longer ago are removed. Without it, none are for their age.'],
  ['store.retention.size', '--retention-size <size>', undefined, `${SIZE}, from 1MB on`, 'When the files grow beyond this, the oldest are removed. Without it, none are for their size.'],
  ['store.retention.minute.age', '', undefined, `${TIME}, from 1m on`, 'As store.retention.age, for sums per minute. Without it, 4 times as long as flows.'],
  ['store.retention.minute.size', '', undefined, `${SIZE}, from 1MB on`, 'As store.retention.size, for sums per minute. Without it, a tenth of that.'],
  ['store.retention.hour.age', '', undefined, `${TIME}, from 1m on`, 'As store.retention.age, for sums per hour. Without it, 24 times as long as flows.'],
  ['store.retention.hour.size', '', undefined, `${SIZE}, from 1MB on`, 'As store.retention.size, for sums per hour. Without it, a twentieth of that.'],
  ['live.enabled', '--live', true, 'true or false', 'Answer weir tail and weir top of the same user, through a socket in the data folder.'],
  ['live.subscribers', '--live-subscribers <n>', 16, 'a whole number from 1 to 1000', 'Programs that may look at the same time.'],
  ['live.rate', '--live-rate <n>', 5000, 'a whole number from 1 to 1000000', 'Flows a second that each weir tail is sent; of more than that it gets some, evenly taken, and is told how many there were.'],
  ['live.queue', '--live-queue <size>', '4MiB', `${SIZE}, from 64KiB to 1GiB`, 'Memory for what waits for a program that reads slowly; what comes beyond is dropped and counted.'],
  ['elements[]', '--elements <file>', undefined, 'the path of a file', 'A file with information elements of your own, as docs/elements.md describes.'],
  ['lists', '', undefined, 'a mapping of names to lists of values', 'Lists that filters may name: addresses, networks, ports, numbers or texts. With `web: [80, 443]`, `port in web` is `port in [80, 443]`.'],
  ['networks', '', undefined, 'a mapping of names to lists of addresses and networks', 'The same for networks, each of which is checked when the file is read: `src ip in offices`.'],
  ['log.level', '--log-level <level>', 'info', 'one of trace, debug, info, warn, error, fatal', 'The least severe messages that are written.'],
  ['log.format', '--log-format <format>', 'auto', 'one of auto, json, status', 'json: a JSON object a line. status: for people, with a status line. auto: status on a terminal, else json.'],
  ['status_interval', '--status-interval <time>', '2s', `${TIME}, from 500ms to 1h`, 'How often the status is shown on a terminal, or logged otherwise.'],
  ['nat.to[]', '--to <target>', undefined, 'a collector such as ipfix://192.0.2.7:4739 or netflow5://192.0.2.7:2055, perhaps with ?records=flows,events', 'weir nat: collectors. NetFlow v9 and IPFIX get flows and events, NetFlow v5 three records a connection as nfflowd sends them, unless records are named.'],
  ['nat.source', '--source <address>', undefined, 'an IP address of this machine', 'weir nat: the address that messages are sent from, and the exporter in lines and in the store.'],
  ['nat.records[]', '--records <forms>', undefined, 'one of v5-triplet, flows, biflows, events', 'weir nat: what collectors and the data folder are told of connections, where a target does not say otherwise.'],
  ['nat.data', '--data <dir>', undefined, 'the path of a folder', 'weir nat: a data folder of its own, for weir trace and weir query.'],
  ['nat.retention.age', '--retention-age <time>', undefined, `${TIME}, from 1m on`, 'weir nat: what ended longer ago is removed from nat.data. Without it, nothing is for its age.'],
  ['nat.retention.size', '--retention-size <size>', undefined, `${SIZE}, from 1MB on`, 'weir nat: when the files of nat.data grow beyond this, the oldest are removed.'],
  ['nat.exporter', '--exporter <address>', undefined, 'an IP address', 'weir nat: who the exporter is, in lines and in the store. Without it, nat.source, or 127.0.0.1.'],
  ['nat.domain', '--domain <n>', 0, 'a whole number from 0 to 4294967295', 'weir nat: the observation domain.'],
  ['nat.select', '--select <which>', 'translated', 'one of all, translated, snat, dnat', 'weir nat: which connections are told of.'],
  ['nat.zones[]', '--zone <n>', undefined, 'a whole number from 0 to 65535', 'weir nat: connections of these conntrack zones alone.'],
  ['nat.mark', '--mark <mark>', undefined, 'VALUE or VALUE/MASK, decimal or 0x…', 'weir nat: connections whose mark, masked, is this one alone.'],
  ['nat.active', '--active <time>', '30m', `${TIME}; 0s for never`, 'weir nat: how often at least a connection is told of that stays open.'],
  ['nat.ttl', '--ttl <time>', '7d', `${TIME}, from 1m on`, 'weir nat: a connection without a sign of life for so long is forgotten.'],
  ['nat.listing', '--listing <time>', '1m', `${TIME}, from 1s to 1d`, 'weir nat: how often the table is read while it has connections that began before.'],
  ['nat.buffer', '--buffer <size>', '64MiB', `${SIZE}, from 64KiB to 1GiB`, 'weir nat: the buffer in which the kernel’s events wait.'],
  ['nat.connections', '--max-connections <n>', 1_048_576, 'a whole number from 1000 to 100000000', 'weir nat: open connections that are kept in memory, of IPv4 and of IPv6.'],
  ['nat.conntrack', '--conntrack <command>', 'conntrack', 'a command line', 'weir nat: conntrack(8), and what stands before its arguments, such as ip netns exec NAME conntrack.'],
  ['nat.syslog[]', '--syslog <target>', undefined, 'local, udp://HOST, tcp://HOST or tls://HOST, perhaps with ?facility=local6&ident=weir&format=rfc3164', 'weir nat: lines of flow-tools’ CSV to syslog, three a connection.'],
  ['nat.csv[]', '--csv <file>', undefined, 'the path of a file, or - for standard output', 'weir nat: the same lines, appended to a file. SIGHUP opens it anew.'],
  ['nat.csv_ipv6', '--csv-ipv6', false, 'true or false', 'weir nat: lines of IPv6 connections too, which flow-tools cannot read.'],
  ['nat.tls.cert', '--tls-cert <file>', undefined, 'the path of a file', 'weir nat: our certificate (PEM), for collectors and syslog over TLS.'],
  ['nat.tls.key', '--tls-key <file>', undefined, 'the path of a file', 'weir nat: its private key (PEM).'],
  ['nat.tls.ca', '--tls-ca <file>', undefined, 'the path of a file', 'weir nat: certificates (PEM) of the authorities that sign theirs.'],
];

/** Settings of `weir nat` begin so. */
export const NAT_SETTINGS = 'nat.';

export const SETTINGS: readonly Setting[] = ROWS.map(([path, flag, fallback, expected, about]) => {
  const [name = '', value = ''] = flag.split(' ');
  return {
    path: path.replace(/\[\]$/, ''),
    flag: name === '' ? undefined : name,
    value: value.replace(/[<>]/g, '').toUpperCase(),
    many: path.endsWith('[]') || path.includes('[].'),
    default: fallback,
    expected,
    about,
  };
});

/** What is said of mappings and lists as a whole, which have no row. */
const GROUPS: Readonly<Record<string, string>> = {
  '': 'a mapping of settings',
  tls: 'a mapping with cert, key, ca, client_certificates, minimum_version',
  sessions: 'a mapping with connections, per_address, idle, handshake, message, buffer',
  templates: 'a mapping with persist, shared',
  identity: 'a mapping with sflow_agent, exporter_elements, exporters',
  'identity.exporters': 'a list of mappings with network, domain, exporter, name',
  'identity.exporters[]': 'a mapping with network and exporter or name',
  sampling: 'a mapping with default and exporters',
  'sampling.exporters': 'a list of mappings with network, default, override',
  'sampling.exporters[]': 'a mapping with network and default or override',
  store: 'a mapping with rotate, segment, queue, rollups, retention',
  'store.retention': 'a mapping with age, size, minute, hour',
  'store.retention.minute': 'a mapping with age and size',
  'store.retention.hour': 'a mapping with age and size',
  live: 'a mapping with enabled, subscribers, rate, queue',
  log: 'a mapping with level and format',
  nat: 'a mapping with to, data, records, select, syslog, csv and so on',
  'nat.retention': 'a mapping with age and size',
  'nat.tls': 'a mapping with cert, key, ca',
};

/** Entries of mappings whose keys the operator chooses. */
const NAMED: Readonly<Record<string, readonly [list: string, entry: string]>> = {
  lists: ['a name of letters, digits, _ . -, and a list of values', 'an address, a network, a number or a text'],
  networks: ['a name of letters, digits, _ . -, and a list of networks', 'an address or a network, such as 10.0.0.0/8'],
};

/** What is expected at a path such as `['listen', 2]` or `['store', 'rotate']`. */
export function expectedAt(path: readonly PropertyKey[]): string {
  const text = pathText(path);
  const setting = SETTINGS.find((one) => one.path === text || (one.many && `${one.path}[]` === text));
  const named = NAMED[String(path[0])];
  if (named !== undefined && path.length > 1) return path.length > 2 ? named[1] : named[0];
  if (setting === undefined) return GROUPS[text] ?? 'a known setting';
  return setting.many && setting.path === text && !text.includes('[]')
    ? `a list (each entry: ${setting.expected})`
    : setting.expected;
}

/** `['sampling', 'exporters', 0, 'network']` as `sampling.exporters[].network`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? '[]' : String(key)))
    .join('.')
    .replaceAll('.[]', '[]');
}

/** The keys that may stand in the mapping at a path. */
export function keysAt(path: readonly PropertyKey[]): string[] {
  const start = path.length === 0 ? '' : `${pathText(path)}.`;
  const keys = SETTINGS.filter((one) => one.path.startsWith(start)).map((one) => one.path.slice(start.length));
  return [...new Set(keys.map((key) => key.replace(/[.[].*/, '')))];
}
