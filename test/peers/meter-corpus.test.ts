import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';
import type { MeterStatistics } from '#weir/meter/statistics.js';
import { createPacketFields, HAS } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';
import type { Packet } from '#weir/wire/pcap/packet.js';
import { corpusFolder } from '../helpers/corpus.ts';
import { runProcess } from '../helpers/processes.ts';
import { describeUnless } from '../helpers/skip.ts';
import { makeTempFolder } from '../helpers/temp.ts';
import { hasTool, requireTool } from '../helpers/tools.ts';
import { Metering } from '../meter/metering.ts';
import { capturedPackets } from '../wire/packet/captures.ts';
import { NFPCAPD_DIFFERS, SOFTFLOWD_DIFFERS } from './meter-differences.ts';

/*
 * Every packet trace of the corpus through softflowd, nfpcapd and our meter: flows, packets and octets are the same, but for the traces that
 * `meter-differences.ts` explains.
 */

const FOLDERS = ['zeek/traces', 'ndpi/traffic', 'tcpdump/traffic', 'pmacct', 'akvorado'];
const TRACE = /\.(?:pcap|pcapng|cap|trace)$/;
const MOST_FLOWS = '100000';

type Sums = readonly [packets: number, octets: number];
type ByProtocol = Record<number, Sums>;

const traces = (corpus: string): string[] =>
  FOLDERS.flatMap((folder) =>
    readdirSync(join(corpus, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && TRACE.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name)),
  );

function metered(packets: readonly Packet[]): MeterStatistics {
  const metering = new Metering({ expiry: 'when-full', maxFlows: Number(MOST_FLOWS), maxBytes: 1 << 26 });
  for (const { data, time, linkType, originalLength } of packets) metering.packet(data, time, linkType, originalLength);
  metering.meter.expireAll();
  return metering.meter.statistics();
}

const fields = createPacketFields();

/**
 * Octets that softflowd counts beyond the IP packets, by protocol: it takes all of the frame behind the Ethernet header, padding and MPLS labels too, and
 * that also where the IP header tells more.
 */
function surplus(packets: readonly Packet[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const { data, linkType, originalLength } of packets) {
    parsePacket(data, 0, data.length, linkType, fields);
    if ((fields.has & HAS.addresses) === 0) continue;
    const { proto, ipOffset, ipLength, etherType, mplsCount } = fields;
    const labels = etherType === 0x8847 ? mplsCount * 4 : 0;
    const frame = originalLength - ipOffset;
    const length = ipLength === 0 ? Math.max(0, Math.max(originalLength, data.length) - ipOffset) : ipLength;
    found.set(proto, (found.get(proto) ?? 0) + frame + labels - length);
  }
  return found;
}

/** What softflowd says of a capture, or undefined where it cannot read it. */
async function softflowd(path: string): Promise<{ flows: number; protocols: ByProtocol } | undefined> {
  const { stdout, stderr } = await runProcess(requireTool('softflowd'), ['-6', '-m', MOST_FLOWS, '-r', path]);
  const text = `${stdout}${stderr}`;
  const flows = /Flows expired: (\d+)/.exec(text)?.[1];
  if (flows === undefined) return undefined;
  const protocols = [...text.matchAll(/\((\d+)\):\s+(\d+)\s+(\d+)\s+[\d.]+s/g)].map(
    ([, proto, octets, packets]) => [Number(proto), [Number(packets), Number(octets)]] as const,
  );
  return { flows: Number(flows), protocols: Object.fromEntries(protocols) };
}

/** What nfpcapd makes of a capture: packets and octets of TCP, UDP, ICMP and the rest, or undefined where it cannot read it. */
async function nfpcapd(path: string): Promise<readonly Sums[] | undefined> {
  using folder = makeTempFolder('nfpcapd');
  await runProcess(requireTool('nfpcapd'), ['-r', path, '-w', folder.path]);
  const { stdout } = await runProcess(requireTool('nfdump'), ['-R', folder.path, '-I']);
  if (!stdout.includes('Packets_tcp')) return undefined;
  const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)`, 'm').exec(stdout)?.[1]);
  return ['tcp', 'udp', 'icmp', 'other'].map((kind) => [count(`Packets_${kind}`), count(`Bytes_${kind}`)] as const);
}

/** The statistics in nfpcapd's kinds. */
function byKind({ protocols }: MeterStatistics): readonly Sums[] {
  const kinds = [6, 17, 1].map((proto) => protocols.filter((one) => one.proto === proto));
  return [...kinds, protocols.filter(({ proto }) => ![6, 17, 1].includes(proto))].map(
    (ones) =>
      [ones.reduce((sum, { packets }) => sum + packets, 0), ones.reduce((sum, { bytes }) => sum + bytes, 0)] as const,
  );
}

/** Programs that run at the same time: nfpcapd waits more than it works. */
const AT_ONCE = 8;

async function differing(
  corpus: string,
  agrees: (path: string, packets: readonly Packet[], statistics: MeterStatistics) => Promise<boolean>,
): Promise<string[]> {
  const found: string[] = [];
  const left = traces(corpus);
  const work = async (): Promise<void> => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const packets = await capturedPackets(readFileSync(path));
      if (!(await agrees(path, packets, metered(packets)))) found.push(relative(corpus, path));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found;
}

const missing = ['softflowd', 'nfpcapd', 'nfdump'].filter((tool) => !hasTool(tool));
const why = corpusFolder === undefined ? 'no corpus beside this checkout' : `${missing.join(', ')} not installed`;

describeUnless(corpusFolder !== undefined && missing.length === 0 ? undefined : why, 'the traces of the corpus', () => {
  const corpus = corpusFolder ?? '';

  it('give the flows, packets and octets that softflowd finds, but for what is explained', {
    timeout: 300_000,
  }, async () => {
    const found = await differing(corpus, async (path, packets, { endedFlows, protocols }) => {
      const theirs = await softflowd(path);
      if (theirs === undefined) return false;
      const beyond = surplus(packets);
      const ours = protocols.map(
        ({ proto, packets: count, bytes }) => [proto, [count, bytes + (beyond.get(proto) ?? 0)]] as const,
      );
      return JSON.stringify(theirs) === JSON.stringify({ flows: endedFlows, protocols: Object.fromEntries(ours) });
    });
    expect(found.toSorted()).toEqual(Object.values(SOFTFLOWD_DIFFERS).flat().toSorted());
  });

  it('give the packets and octets that nfpcapd finds, but for what is explained', { timeout: 300_000 }, async () => {
    const found = await differing(corpus, async (path, _, statistics) => {
      const theirs = await nfpcapd(path);
      return theirs !== undefined && JSON.stringify(theirs) === JSON.stringify(byKind(statistics));
    });
    expect(found.toSorted()).toEqual(Object.values(NFPCAPD_DIFFERS).flat().toSorted());
  });
});
