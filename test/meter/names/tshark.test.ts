import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Packet } from '#weir/wire/pcap/packet.js';
import { corpusFolder } from '../../helpers/corpus.ts';
import { describeUnless } from '../../helpers/skip.ts';
import { tempFolder } from '../../helpers/temp.ts';
import { toolPath } from '../../helpers/tools.ts';
import { capturedPackets, encodePcapng } from '../../wire/packet/captures.ts';
import { NamedFlows, type Names } from './read-names.ts';
import { tsharkNames } from './tshark-names.ts';

/*
 * Every packet trace of the corpus: the first name of each kind that tshark finds in a conversation is the one that we find. Letters of host names
 * are compared in lower case, which is how we keep them.
 */
const FOLDERS = ['tcpdump/traffic', 'ndpi/traffic', 'zeek/traces'];

/** Conversations (all of a file: `*`) on which we differ from tshark 4.0, and why we stay with it. */
const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'tcpdump/traffic/dns_udp_8053.pcap': { ':8053': 'DNS is read on its own ports; tshark guesses' },
  'ndpi/traffic/dlt_ppp.pcap': { ':443': 'QUIC draft 29, a version that is no longer in use' },
  'ndpi/traffic/fuzz-2006-06-26-2594.pcap': {
    '*': 'damaged names: tshark follows pointers forward, ends names at an octet 0, and shows other octets in other ways',
  },
  'ndpi/traffic/fuzz-2006-09-29-28586.pcap': {
    '*': 'damaged TCP and HTTP: tshark waits for segments that are said to be missing, and ends names at an octet 0',
  },
  'zeek/traces/mixed-vlan-mpls.pcap': { ':50343': 'HTTP/0.9, which has no version in its request' },
  'zeek/traces/tcp-http-with-padding.pcap': { ':27272': 'tshark knows HTTP on its usual ports' },
  'zeek/traces/ipv4/fragmented-4.pcap': {
    ':7790':
      'tshark puts the fragments of IP packets together; a request of which the first fragment has the method only',
  },
  'zeek/traces/tunnels/gtp/gtp1_gn_normal_incl_fragmentation.pcap': {
    ':1923': 'the same; the host is in the second fragment',
  },
  'zeek/traces/tunnels/Teredo.pcap': { ':1286': 'tshark knows Teredo on its port only, unless told to guess' },
  'zeek/traces/tunnels/teredo_bubble_with_payload.pcap': { ':1286': 'the same' },
};

const missing =
  corpusFolder === undefined
    ? 'no ../shared/corpus beside this checkout'
    : toolPath('tshark') === undefined
      ? 'tshark not installed'
      : undefined;

describeUnless(missing, 'names in the captures of the corpus', () => {
  it('are those that tshark finds', async () => {
    const folder = tempFolder();
    const rest = folder.join('rest.pcapng');
    const nameless: Packet[] = [];
    const compared: { file: string; ours: Map<string, Names> }[] = [];
    for (const file of captures()) {
      const packets = await capturedPackets(readFileSync(join(corpusFolder ?? '', file)));
      const ours = namesOf(packets);
      if (ours.size > 0 || DIFFERENCES[file] !== undefined) compared.push({ file, ours });
      else nameless.push(...packets);
    }
    expect(compared.length).toBeGreaterThan(60);
    // In one run, for there is nothing to compare: tshark is to find no names either.
    writeFileSync(rest, encodePcapng(nameless));
    compared.push({ file: rest, ours: new Map() });
    const differing: string[] = [];
    const explained = new Set<string>();
    const work = compared[Symbol.iterator]();
    const compareNext = async (): Promise<void> => {
      for (const { file, ours } of work) {
        const theirs = await tsharkNames(join(file === rest ? '' : (corpusFolder ?? ''), file));
        for (const line of differences(ours, theirs)) {
          if (isExplained(file, line)) explained.add(file);
          else differing.push(`${file} ${line}`);
        }
      }
    };
    await Promise.all([compareNext(), compareNext()]);
    expect(differing).toEqual([]);
    expect([...explained].sort(), 'every explanation is needed').toEqual(Object.keys(DIFFERENCES).sort());
  }, 600_000);
});

function captures(): string[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(corpusFolder ?? '', folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:pcap|pcapng|cap)$/.test(name))
      .map((name) => join(folder, name)),
  );
}

function namesOf(packets: readonly Packet[]): Map<string, Names> {
  const flows = new NamedFlows();
  for (const packet of packets) flows.packet(packet);
  // Names of addresses are ours alone: tshark has no such field.
  const entries = [...flows.names()].map(([key, names]) => {
    const shared = Object.entries(names).filter(([column]) => !column.endsWith('_dns_name'));
    return [key, Object.fromEntries(shared)] as const;
  });
  return new Map(entries.filter(([, names]) => Object.keys(names).length > 0));
}

function differences(ours: ReadonlyMap<string, Names>, theirs: ReadonlyMap<string, Names>): string[] {
  return [...new Set([...ours.keys(), ...theirs.keys()])].flatMap((key) => {
    const [a, b] = [ours.get(key) ?? {}, theirs.get(key) ?? {}];
    return [...new Set([...Object.keys(a), ...Object.keys(b)])]
      .filter((column) => a[column] !== b[column])
      .map((column) => `${key}: ${column} ${JSON.stringify(a[column])}, tshark ${JSON.stringify(b[column])}`);
  });
}

function isExplained(file: string, line: string): boolean {
  const ports = Object.keys(DIFFERENCES[file] ?? {});
  return ports.some((port) => port === '*' || line.includes(` ${port.slice(1)}`));
}
