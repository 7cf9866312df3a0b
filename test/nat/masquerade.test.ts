import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { whyNoNetwork } from '../helpers/namespace.ts';
import { describeUnless } from '../helpers/skip.ts';
import { startCollector } from '../helpers/weir.ts';
import { Nfcapd } from '../peers/nfcapd.ts';
import { evidenceText, openTrace, startExporter, target } from './exporter-tools.ts';
import {
  INSIDE,
  makeNatNetwork,
  type NatNetwork,
  OUTSIDE,
  openConnections,
  PROTOCOL_NUMBER,
  type Proto,
  PUBLIC,
  SERVER,
  type Seen,
  serve,
  type Wanted,
} from './nat-network.ts';

/* Thousands of connections at once through a router that really translates: the test knows each of them, and asks for each of them. */

/** Connections of each protocol and host; hosts use the same ports, so that the router must give others. */
const EACH: Readonly<Record<Proto, number>> = { tcp: 400, udp: 250, udplite: 10, icmp: 40, sctp: 20, gre: 1 };
/** Every so many-th connection is asked for by its public end; all of them with WEIR_TRACE_ALL, which takes minutes. */
const STRIDE = process.env['WEIR_TRACE_ALL'] === undefined ? 23 : 1;
const why = whyNoNetwork(['conntrack', 'iptables', 'python3', 'nfcapd', 'nfdump']);

function everyConnection(): Wanted[] {
  const wanted: Wanted[] = [];
  for (const [proto, each] of Object.entries(EACH) as [Proto, number][])
    for (let i = 0; i < each; i++)
      // GRE has no ports: one host at a time can speak it to another.
      for (const src of proto === 'gre' ? INSIDE.slice(0, 1) : INSIDE)
        wanted.push({
          n: wanted.length + 1,
          proto,
          src,
          sport: proto === 'gre' ? 0 : 20_000 + i,
          dst: OUTSIDE,
          dport: SERVER[proto],
          // Connections that are alike in all but their ports could not be told apart by the records of NetFlow v5.
          bytes: proto === 'sctp' ? 100 + 4 * (wanted.length % 60) : 100 + (wanted.length % 1000),
        });
  return wanted;
}

const question = (one: Seen, at: number) => ({
  address: PUBLIC,
  port: one.publicPort,
  to: one.dport === 0 ? one.dst : `${one.dst}:${one.dport}`,
  proto: PROTOCOL_NUMBER[one.proto],
  at,
});
/** Which inside end had which public one. */
const pairOf = (proto: number, inside: string, insidePort: number | null, port: number | null) =>
  `${proto} ${inside}:${insidePort ?? 0} ${PUBLIC}:${port ?? 0}`;

describeUnless(why, 'iptables MASQUERADE', () => {
  let network: NatNetwork;

  beforeAll(async () => {
    network = await makeNatNetwork('masq');
    await network.router.run('iptables', '-t nat -A POSTROUTING -o ro -j MASQUERADE'.split(' '));
  }, 60_000);
  afterAll(() => network.remove());

  it('every connection is traced exactly, while it is open and afterwards, by each kind of record', {
    timeout: 900_000,
  }, async () => {
    const collector = await startCollector();
    const nfcapd = await Nfcapd.start();
    const exporter = await startExporter({
      command: network.command,
      targets: [
        target(`netflow5://127.0.0.1:${collector.port}`),
        target(`ipfix://127.0.0.1:${collector.port}`),
        target(`netflow9://127.0.0.1:${nfcapd.port}`, ['flows']),
      ],
    });
    const server = await serve(network.outside, [OUTSIDE]);
    const wanted = everyConnection();
    const { seen, close } = await openConnections(network.inside, server, wanted, 120_000);
    expect(seen.every(({ publicAddress }) => publicAddress === PUBLIC)).toBe(true);
    // Where hosts used the same port, the router gave others.
    expect(seen.filter(({ sport, publicPort }) => sport !== publicPort).length).toBeGreaterThan(wanted.length / 2);
    const expected = seen
      .map(({ proto, src, sport, publicPort }) => pairOf(PROTOCOL_NUMBER[proto], src, sport, publicPort))
      .sort();
    const open = Date.now() * 1000;
    await sleep(3000);
    const { trace, uses } = await openTrace(collector.data);
    const pairs = async (kind: string) => {
      const all = await Promise.all(INSIDE.map((inside) => uses(inside)));
      return all
        .flat()
        .filter((one) => one.kind === kind)
        .map((one) => pairOf(one.proto ?? 0, one.inside_addr, one.inside_port, one.public_port));
    };
    const unique = (all: readonly string[]) => [...new Set(all)].sort();
    const withPorts = expected.filter((pair) => !pair.startsWith('47 '));
    expect(unique(await pairs('session'))).toEqual(withPorts);
    for (const one of seen.filter(({ proto, n }) => proto !== 'gre' && n % STRIDE === 0)) {
      const answer = await trace(question(one, open));
      expect([answer.class, answer.inside, answer.kinds, evidenceText(answer)]).toEqual([
        'exact',
        [`${one.src}:${one.sport}`],
        ['session'],
        [],
      ]);
    }

    const closed = await close();
    await sleep(3000);
    await exporter.list();
    await network.router.run('conntrack', ['-F']);
    // conntrack looks up the program that flushed for each of its events, which takes a while.
    await vi.waitFor(() => expect(exporter.counters().connections.open).toBe(0), { timeout: 60_000, interval: 200 });
    const { connections, conntrack } = exporter.counters();
    expect(connections).toMatchObject({ open: 0, begun: wanted.length, ended: wanted.length });
    expect(connections).toMatchObject({ beginningsMissed: 0, endsMissed: 0, endsLate: 0 });
    expect(conntrack).toMatchObject({ badLines: 0, overruns: 0, restarts: 0 });
    await exporter.close();
    for (const { encoder, lost, dropped, failed } of exporter.counters().outputs.flatMap(({ targets }) => targets)) {
      expect({ lost, dropped, failed }).toEqual({ lost: 0, dropped: 0, failed: 0 });
      expect(Object.values(encoder.refused).reduce((sum, one) => sum + one, 0)).toBe(0);
    }
    await sleep(2000);
    expect(unique(await pairs('session'))).toEqual(withPorts);
    // The way back of ICMP has no port, nor has GRE any.
    const isWhole = (pair: string) => !pair.includes(':0');
    expect(unique(await pairs('flow')).filter(isWhole)).toEqual(withPorts);
    // NetFlow v5 has no id of ICMP.
    expect(unique(await pairs('triplet')).filter(isWhole)).toEqual(withPorts.filter((pair) => !pair.startsWith('1 ')));
    expect(await pairs('triplet')).toContain(pairOf(47, INSIDE[0] as string, null, null));

    for (const one of seen.filter(({ proto, n }) => proto !== 'gre' && n % STRIDE === 0)) {
      const answer = await trace(question(one, open));
      const kinds = one.proto === 'icmp' ? ['flow', 'session'] : ['flow', 'session', 'triplet'];
      expect([answer.class, answer.inside, answer.kinds, evidenceText(answer)]).toEqual([
        'exact',
        [`${one.src}:${one.sport}`],
        kinds,
        [],
      ]);
      const session = answer.evidence.find(({ kind }) => kind === 'session');
      expect(session?.start ?? 0).toBeGreaterThan(one.begun[0] - 2000);
      // An event that is read late is put into the kernel's second.
      expect(session?.start ?? 0).toBeLessThan(one.begun[1] + 1e6);
      expect(session?.end ?? 0).toBeGreaterThan((closed.get(one.n)?.[0] ?? 0) - 2000);
      const octets = answer.evidence
        .filter(({ kind }) => kind === 'flow')
        .map(({ packets, bytes }) => `${packets} ${bytes}`);
      // With the headers of IP and UDP; the server answers twice as much.
      if (one.proto === 'udp') expect(octets.sort()).toEqual([`1 ${one.bytes + 28}`, `1 ${2 * one.bytes + 28}`].sort());
    }

    expect(await nfcapd.stop()).toMatchObject({ flows: 2 * wanted.length, badPackets: 0 });
    const theirs = (await nfcapd.flows())
      .filter(({ proto, more }) => (proto === 6 || proto === 17) && more.post_nat_src_addr === PUBLIC)
      .map(({ proto, src, sport, more }) => pairOf(proto, src, sport, more.post_nat_src_port as number));
    expect(theirs.sort()).toEqual(expected.filter((pair) => /^(6|17) /.test(pair)));
    await nfcapd.remove();
  });
});
