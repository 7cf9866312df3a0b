import { expect, vi } from 'vitest';
import { makeNamespace, type Namespace, plugCable } from '../helpers/namespace.ts';
import type { Running } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';

const TRAFFIC = repositoryPath('test/nat/traffic.py');

export const INSIDE = ['10.1.0.2', '10.1.0.3', '10.1.0.4'];
export const INSIDE6 = ['fd00:1::2', 'fd00:1::3'];
export const OUTSIDE = '203.0.113.2';
export const OUTSIDE6 = '2001:db8::2';
export const PUBLIC = '203.0.113.1';
export const PUBLIC6 = '2001:db8::1';

/** Ports of the servers in traffic.py. */
export const SERVER = { tcp: 8080, udp: 8081, udplite: 8082, icmp: 0, sctp: 8083, gre: 0 } as const;
export type Proto = keyof typeof SERVER;
export const PROTOCOL_NUMBER: Readonly<Record<Proto, number>> = {
  tcp: 6,
  udp: 17,
  udplite: 136,
  icmp: 1,
  sctp: 132,
  gre: 47,
};

/** A connection that the test makes. */
export interface Wanted {
  readonly n: number;
  readonly proto: Proto;
  readonly src: string;
  readonly sport: number;
  readonly dst: string;
  readonly dport: number;
  /** Of what is sent. */
  readonly bytes: number;
}

/** What both ends saw of it; times in µs. */
export interface Seen extends Wanted {
  /** As the server saw it. */
  readonly publicAddress: string;
  readonly publicPort: number;
  readonly begun: readonly [before: number, after: number];
}

/** Hosts inside, a router that translates, and hosts outside. */
export interface NatNetwork {
  readonly inside: Namespace;
  readonly router: Namespace;
  readonly outside: Namespace;
  /** conntrack(8) of the router. */
  readonly command: readonly string[];
  remove(): Promise<void>;
}

/** Makes the network; rules of the router are for the caller. Timeouts are short, so that connections end soon. */
export async function makeNatNetwork(label: string): Promise<NatNetwork> {
  const inside = await makeNamespace(`${label}-in`);
  const router = await makeNamespace(`${label}-rt`);
  const outside = await makeNamespace(`${label}-out`);
  await plugCable(
    {
      namespace: inside,
      name: 'i0',
      addresses: [...INSIDE.map((one) => `${one}/24`), ...INSIDE6.map((one) => `${one}/64`)],
    },
    { namespace: router, name: 'ri', addresses: ['10.1.0.1/24', 'fd00:1::1/64'] },
  );
  await plugCable(
    { namespace: router, name: 'ro', addresses: [`${PUBLIC}/24`, `${PUBLIC6}/64`] },
    { namespace: outside, name: 'o0', addresses: [`${OUTSIDE}/24`, `${OUTSIDE6}/64`] },
  );
  await inside.ip('route add default via 10.1.0.1');
  await inside.ip('-6 route add default via fd00:1::1');
  const settings: Record<string, number> = {
    'ipv4/ip_forward': 1,
    'ipv6/conf/all/forwarding': 1,
    'netfilter/nf_conntrack_acct': 1,
    'netfilter/nf_conntrack_timestamp': 1,
    // A virtual cable leaves checksums to the card, which conntrack takes for wrong ones of UDP-Lite.
    'netfilter/nf_conntrack_checksum': 0,
  };
  for (const timeout of ['tcp_timeout_time_wait', 'tcp_timeout_close', 'tcp_timeout_last_ack'])
    settings[`netfilter/nf_conntrack_${timeout}`] = 1;
  // Others last as long as a test.
  for (const timeout of [
    'udp_timeout',
    'udp_timeout_stream',
    'icmp_timeout',
    'icmpv6_timeout',
    'gre_timeout',
    'generic_timeout',
    'sctp_timeout_cookie_wait',
    'sctp_timeout_closed',
  ])
    settings[`netfilter/nf_conntrack_${timeout}`] = 600;
  for (const [key, value] of Object.entries(settings)) await router.sysctl(key, value);
  const [ip, args] = router.inside('conntrack', []);
  return {
    inside,
    router,
    outside,
    command: [ip, ...args],
    remove: async () => {
      for (const one of [inside, router, outside]) await one.remove();
    },
  };
}

/** What traffic.py says of a connection: its server, or its client. */
interface Said {
  readonly n?: number;
  readonly peer?: string;
  readonly port?: number;
  readonly begun?: readonly [number, number];
  readonly closed?: readonly [number, number] | number;
}

function saidBy(running: Running): Said[] {
  const lines = running.stdout().split('\n');
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Said);
}

/** Servers of all protocols on these addresses. */
export async function serve(namespace: Namespace, addresses: readonly string[]): Promise<Running> {
  const server = namespace.start('python3', [TRAFFIC, 'serve', ...addresses]);
  await server.waitFor('"serving"');
  return server;
}

export interface Opened {
  readonly seen: readonly Seen[];
  /** Closes those that can be closed. Resolves with the times in µs, by number. */
  readonly close: () => Promise<ReadonlyMap<number, readonly [number, number]>>;
}

/** Opens all connections at once, and waits until both ends have seen each of them. */
export async function openConnections(
  from: Namespace,
  server: Running,
  wanted: readonly Wanted[],
  ms = 60_000,
): Promise<Opened> {
  const client = from.start('python3', [TRAFFIC, 'run'], { input: JSON.stringify(wanted) });
  await client.waitFor('"open"', ms);
  const isSeen = () => {
    const numbers = new Set(saidBy(server).map(({ n }) => n));
    expect(wanted.filter(({ n }) => !numbers.has(n))).toEqual([]);
  };
  await vi.waitFor(isSeen, { timeout: 20_000, interval: 200 });
  const ends = new Map(saidBy(server).map((one) => [one.n, one]));
  const begun = new Map(saidBy(client).flatMap((one) => (one.begun === undefined ? [] : [[one.n, one.begun]])));
  const seen = wanted.map((one): Seen => {
    const { peer = '', port = -1 } = ends.get(one.n) ?? {};
    const [before = 0, after = 0] = begun.get(one.n) ?? [];
    return { ...one, publicAddress: peer, publicPort: port, begun: [before * 1e6, after * 1e6] };
  });
  const close = async () => {
    client.signal('SIGUSR1');
    await client.finished;
    const times = new Map<number, readonly [number, number]>();
    for (const { n, closed } of saidBy(client))
      if (n !== undefined && Array.isArray(closed)) times.set(n, [closed[0] * 1e6, closed[1] * 1e6]);
    return times;
  };
  return { seen, close };
}
