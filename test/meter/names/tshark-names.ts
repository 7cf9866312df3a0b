import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { requireTool } from '../../helpers/tools.ts';
import { conversationOf, type Names } from './read-names.ts';

/** Our columns by tshark's fields. */
const COLUMNS: Readonly<Record<string, string>> = {
  'dns.qry.name': 'dns_query',
  'tls.handshake.extensions_server_name': 'tls_server_name',
  'tls.handshake.extensions_alpn_str': 'tls_alpn',
  'http.request.method': 'http_method',
  'http.request.uri': 'http_target',
  'http.host': 'http_host',
};
const FIELDS = [
  'frame.protocols',
  'ip.src',
  'ip.dst',
  'ipv6.src',
  'ipv6.dst',
  'tcp.srcport',
  'tcp.dstport',
  'udp.srcport',
  'udp.dstport',
  'tls.handshake.type',
  ...Object.keys(COLUMNS),
];
/** Stands between values of one field: in no name. */
const BETWEEN = '\u0001';
const CLIENT_HELLO = '1';

/** The first name of each kind that tshark finds in each conversation of a capture. */
export async function tsharkNames(file: string): Promise<Map<string, Names>> {
  const { stdout } = await promisify(execFile)(
    requireTool('tshark'),
    ['-r', file, '-n', '-T', 'fields', '-E', `aggregator=${BETWEEN}`, ...FIELDS.flatMap((field) => ['-e', field])],
    { maxBuffer: 1 << 28 },
  );
  const conversations = new Map<string, Record<string, string>>();
  for (const line of stdout.split('\n')) {
    const values = line.split('\t');
    const packet = new Map(FIELDS.map((field, i) => [field, (values[i] ?? '').split(BETWEEN)] as const));
    const key = conversationKey(packet);
    if (key === undefined) continue;
    for (const [field, column] of Object.entries(COLUMNS)) {
      const found = packet.get(field)?.filter((value) => value !== '') ?? [];
      // A ServerHello has the protocol that was chosen, in the same field.
      if (found.length === 0 || (column === 'tls_alpn' && packet.get('tls.handshake.type')?.[0] !== CLIENT_HELLO))
        continue;
      const names = conversations.get(key) ?? {};
      conversations.set(key, names);
      names[column] ??= asOurs(column, found);
    }
  }
  return conversations;
}

/** Of the innermost packet; undefined where an ICMP message quotes it (that one did not pass), and for SSDP, which has HTTP's form but is no HTTP. */
function conversationKey(packet: ReadonlyMap<string, readonly string[]>): string | undefined {
  const protocols = packet.get('frame.protocols')?.[0]?.split(':') ?? [];
  if (['icmp', 'icmpv6', 'ssdp'].some((other) => protocols.includes(other))) return undefined;
  const last = (field: string): string => packet.get(field)?.at(-1) ?? '';
  const ip = protocols.lastIndexOf('ipv6') > protocols.lastIndexOf('ip') ? 'ipv6' : 'ip';
  const transport = protocols.lastIndexOf('udp') > protocols.lastIndexOf('tcp') ? 'udp' : 'tcp';
  return conversationOf(
    transport === 'tcp' ? 6 : 17,
    `${last(`${ip}.src`)} ${last(`${transport}.srcport`)}`,
    `${last(`${ip}.dst`)} ${last(`${transport}.dstport`)}`,
  );
}

/** What we write for what tshark shows. */
function asOurs(column: string, [first = '', ...others]: readonly string[]): string {
  switch (column) {
    case 'tls_alpn':
      return [first, ...others].join(',');
    case 'http_target':
      return first.slice(0, 256);
    case 'http_method':
      return first;
    case 'dns_query':
      return first === '<Root>' ? '.' : first.toLowerCase();
    default:
      return first.toLowerCase();
  }
}
