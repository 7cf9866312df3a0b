import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { whyNoNetwork } from '../helpers/namespace.ts';
import type { Running } from '../helpers/processes.ts';
import { describeUnless } from '../helpers/skip.ts';
import { startCollector } from '../helpers/weir.ts';
import { evidenceText, openTrace, startExporter, target } from './exporter-tools.ts';
import {
  INSIDE,
  INSIDE6,
  makeNatNetwork,
  type NatNetwork,
  OUTSIDE,
  OUTSIDE6,
  openConnections,
  PROTOCOL_NUMBER,
  type Proto,
  PUBLIC,
  PUBLIC6,
  SERVER,
  serve,
  type Wanted,
} from './nat-network.ts';

/* nftables: source translation with ports by chance, from a pool; IPv6 to IPv6; ports forwarded inside; and what is not translated. */

const POOL = ['203.0.113.10', '203.0.113.11'];
const RULES = `
table ip nat {
  chain before {
    type nat hook prerouting priority dstnat
    iifname ro ip daddr ${PUBLIC} tcp dport 2222 dnat to ${INSIDE[0]}:${SERVER.tcp}
    iifname ro ip daddr ${PUBLIC} udp dport 5353 dnat to ${INSIDE[1]}:${SERVER.udp}
  }
  chain after {
    type nat hook postrouting priority srcnat
    oifname ro ip saddr 10.1.0.0/24 snat to ${POOL[0]}-${POOL[1]} fully-random
  }
}
table ip6 nat6 {
  chain after {
    type nat hook postrouting priority srcnat
    oifname ro masquerade
  }
}
`;

const why = whyNoNetwork(['conntrack', 'nft', 'python3']);

describeUnless(why, 'nftables', () => {
  let network: NatNetwork;
  let inside: Running;
  let outside: Running;

  beforeAll(async () => {
    network = await makeNatNetwork('nft');
    for (const address of POOL) await network.router.ip(`address add ${address}/24 dev ro`);
    await network.router.run('nft', ['-f', '-'], { input: RULES });
    // Hosts outside know the way to what is not translated.
    await network.outside.ip(`route add 10.1.0.0/24 via ${PUBLIC}`);
    inside = await serve(network.inside, [INSIDE[0] as string, INSIDE[1] as string]);
    outside = await serve(network.outside, [OUTSIDE, OUTSIDE6]);
  }, 60_000);
  afterAll(() => network.remove());

  /** Connections of each protocol, from these sources. */
  function many(
    counts: Partial<Record<Proto, number>>,
    sources: readonly string[],
    dst: string,
    first: number,
    ports: Partial<Record<Proto, number>> = {},
  ): Wanted[] {
    const wanted: Wanted[] = [];
    for (const [proto, count] of Object.entries(counts) as [Proto, number][])
      for (let i = 0; i < count; i++)
        for (const src of sources) {
          const n = first + wanted.length;
          wanted.push({
            n,
            proto,
            src,
            sport: 30_000 + i,
            dst,
            dport: ports[proto] ?? SERVER[proto],
            bytes: 100 + ((n * 4) % 1200),
          });
        }
    return wanted;
  }

  it('source translation from a pool, IPv6 to IPv6, and forwarded ports are traced exactly', {
    timeout: 300_000,
  }, async () => {
    const collector = await startCollector();
    const exporter = await startExporter({
      command: network.command,
      targets: [target(`netflow5://127.0.0.1:${collector.port}`), target(`ipfix://127.0.0.1:${collector.port}`)],
    });
    const out = await openConnections(
      network.inside,
      outside,
      many({ tcp: 60, udp: 60, icmp: 10, sctp: 5 }, INSIDE, OUTSIDE, 1),
    );
    const six = await openConnections(
      network.inside,
      outside,
      many({ tcp: 60, udp: 60, icmp: 10 }, INSIDE6, OUTSIDE6, 1001),
    );
    const inward = await openConnections(
      network.outside,
      inside,
      many({ tcp: 60, udp: 60 }, [OUTSIDE], PUBLIC, 2001, { tcp: 2222, udp: 5353 }),
    );
    const open = Date.now() * 1000;
    expect(out.seen.every(({ publicAddress }) => POOL.includes(publicAddress))).toBe(true);
    expect(six.seen.every(({ publicAddress }) => publicAddress === PUBLIC6)).toBe(true);
    expect(inward.seen.every(({ publicAddress }) => publicAddress === OUTSIDE)).toBe(true);
    await sleep(2500);
    for (const one of [out, six, inward]) await one.close();
    await sleep(2500);
    await exporter.list();
    await network.router.run('conntrack', ['-F']);
    await vi.waitFor(() => expect(exporter.counters().connections.open).toBe(0), { timeout: 60_000, interval: 200 });
    const total = out.seen.length + six.seen.length + inward.seen.length;
    // Neighbour discovery and the like is not translated.
    expect(exporter.counters().connections).toMatchObject({
      begun: total,
      ended: total,
      beginningsMissed: 0,
      endsMissed: 0,
    });
    await exporter.close();
    await sleep(1500);
    const { trace, uses } = await openTrace(collector.data);
    const sessions = async (host: string, kind: string) =>
      (await uses(host))
        .filter((use) => use.kind === kind)
        .map((use) => `${use.proto} ${use.inside_port} ${use.public_addr} ${use.public_port}`);
    for (const { seen, hosts } of [
      { seen: out.seen, hosts: INSIDE },
      { seen: six.seen, hosts: INSIDE6 },
    ])
      for (const host of hosts) {
        const own = seen.filter(({ src }) => src === host);
        const expected = own.map(
          (one) =>
            `${PROTOCOL_NUMBER[one.proto] === 1 && host.includes(':') ? 58 : PROTOCOL_NUMBER[one.proto]} ${one.sport} ${one.publicAddress} ${one.publicPort}`,
        );
        expect(
          (await sessions(host, 'session')).filter((text) => !/ (8080|8081) 203\.0\.113\.1 /.test(text)).sort(),
        ).toEqual(expected.sort());
      }
    for (const one of [...out.seen, ...six.seen].filter(({ n }) => n % 20 === 0)) {
      const isIpv6 = one.src.includes(':');
      const proto = isIpv6 && one.proto === 'icmp' ? 58 : PROTOCOL_NUMBER[one.proto];
      const to = one.dport === 0 ? one.dst : `${isIpv6 ? `[${one.dst}]` : one.dst}:${one.dport}`;
      const answer = await trace({ address: one.publicAddress, port: one.publicPort, to, proto, at: open });
      const kinds = isIpv6 || one.proto === 'icmp' ? ['flow', 'session'] : ['flow', 'session', 'triplet'];
      expect([one.proto, answer.class, answer.inside, answer.kinds, evidenceText(answer)]).toEqual([
        one.proto,
        'exact',
        [`${one.src}:${one.sport}`],
        kinds,
        [],
      ]);
    }
    for (const one of inward.seen.filter(({ n }) => n % 10 === 0)) {
      const to = `${OUTSIDE}:${one.sport}`;
      const answer = await trace({ address: PUBLIC, port: one.dport, to, proto: PROTOCOL_NUMBER[one.proto], at: open });
      const host = one.proto === 'tcp' ? `${INSIDE[0]}:${SERVER.tcp}` : `${INSIDE[1]}:${SERVER.udp}`;
      expect([one.proto, answer.class, answer.inside, answer.kinds, evidenceText(answer)]).toEqual([
        one.proto,
        'exact',
        [host],
        ['flow', 'session', 'triplet'],
        [],
      ]);
    }
  });

  it('of what is not translated nothing is told, unless everything is asked for', { timeout: 120_000 }, async () => {
    const all = await startExporter({ command: network.command, selection: { translation: 'all' } });
    const some = await startExporter({ command: network.command, selection: { translation: 'snat' } });
    const { close } = await openConnections(
      network.outside,
      inside,
      many({ udp: 5 }, [OUTSIDE], INSIDE[0] as string, 3001),
    );
    await close();
    await vi.waitFor(() => expect(all.counters().connections.begun).toBeGreaterThanOrEqual(5), 20_000);
    expect(some.counters().connections).toMatchObject({ begun: 0 });
    expect(some.counters().connections.unselected).toBeGreaterThanOrEqual(5);
  });
});
