import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatAddress, parseAddress } from '#weir/util/address.js';
import { createPacketFields, HAS, type PacketHeaders } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';
import { describeCorpus } from '../../helpers/corpus.ts';
import { capturedPackets } from './captures.ts';

/*
 * The flows that Zeek and nDPI found in their traces are those that the packets' headers tell here: a flow is known when a packet has its
 * addresses, protocol and ports, in one of the two directions, outside or innermost.
 */

/** One side of a flow. The others write addresses in several ways. */
function end(address: string, port: number): string {
  const words = parseAddress(address);
  return `${words === undefined ? address : formatAddress(...words)} ${port}`;
}
const flowKey = (protocol: string, one: string, other: string): string =>
  [protocol, ...[one, other].toSorted()].join(' ');

/** Neither of them tells ports of other protocols. */
const WITH_PORTS = [6, 17];

function keyOf(headers: PacketHeaders): string {
  const hasPorts = (headers.has & HAS.ports) !== 0 && WITH_PORTS.includes(headers.proto);
  const source = formatAddress(headers.src0, headers.src1, headers.src2, headers.src3);
  const destination = formatAddress(headers.dst0, headers.dst1, headers.dst2, headers.dst3);
  return flowKey(
    String(headers.proto),
    end(source, hasPorts ? headers.srcPort : 0),
    end(destination, hasPorts ? headers.dstPort : 0),
  );
}

async function flowsOf(file: string): Promise<Set<string>> {
  const fields = createPacketFields();
  const flows = new Set<string>();
  for (const packet of await capturedPackets(readFileSync(file))) {
    parsePacket(packet.data, 0, packet.data.length, packet.linkType, fields);
    if ((fields.has & HAS.addresses) !== 0) flows.add(keyOf(fields));
    if ((fields.inner.has & HAS.addresses) !== 0) flows.add(keyOf(fields.inner));
  }
  return flows;
}

/** Files whose expected flows are not all ours, and why. */
const ZEEK_EXCEPTIONS: Readonly<Record<string, string>> = {
  'expected/core.tunnels.geneve-vxlan-truncated/conn.log':
    'the middle one of three IP packets in each other is not told',
  'expected/core.tunnels.gtp.inner_teredo/conn.log': 'the same',
};
const NDPI_EXCEPTIONS: Readonly<Record<string, string>> = {
  'fuzz-2006-06-26-2594.pcap': 'one flow to an address that tshark finds in no packet either',
  'fuzz-2021-10-13.pcap': 'nDPI writes an address that is none',
};

interface ZeekTest {
  test: string;
  traces: string[];
  expected: string[];
}
const ZEEK_PROTOCOLS: Readonly<Record<string, string>> = { tcp: '6', udp: '17' };

function zeekFlows(log: string): string[] {
  const lines = log.split('\n');
  const names =
    lines
      .find((line) => line.startsWith('#fields'))
      ?.split('\t')
      .slice(1) ?? [];
  // Some logs are cut to columns that name no flow.
  if (!names.includes('id.orig_h')) return [];
  const cell = (line: string, name: string): string => line.split('\t')[names.indexOf(name)] ?? '';
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const isIcmp = cell(line, 'proto') === 'icmp';
      const source = cell(line, 'id.orig_h');
      const protocol = isIcmp ? (source.includes(':') ? '58' : '1') : ZEEK_PROTOCOLS[cell(line, 'proto')];
      const port = (name: string): number => (isIcmp ? 0 : Number(cell(line, name)));
      return flowKey(
        protocol ?? cell(line, 'ip_proto'),
        end(source, port('id.orig_p')),
        end(cell(line, 'id.resp_h'), port('id.resp_p')),
      );
    });
}

const NDPI_PROTOCOLS: Readonly<Record<string, string>> = {
  TCP: '6',
  UDP: '17',
  ICMP: '1',
  ICMPV6: '58',
  IGMP: '2',
  ESP: '50',
  AH: '51',
  SCTP: '132',
  GRE: '47',
  IPIP: '4',
  OSPF: '89',
  PIM: '103',
  VRRP: '112',
};

function ndpiFlows(text: string): string[] {
  const side = String.raw`(?:\[([0-9a-f:.]+)\]|([\d.]+)):(\d+)`;
  const pattern = new RegExp(String.raw`^\t\d+\t(\w+) ${side} <?-> ${side} `, 'gm');
  return [...text.matchAll(pattern)].map(([, name = '', a6, a4, aPort, b6, b4, bPort]) =>
    flowKey(NDPI_PROTOCOLS[name] ?? name, end(a6 ?? a4 ?? '', Number(aPort)), end(b6 ?? b4 ?? '', Number(bPort))),
  );
}

async function missingFlows(file: string, expected: readonly string[]): Promise<string[]> {
  const ours = await flowsOf(file);
  return expected.filter((flow) => !ours.has(flow));
}

describeCorpus('flows that others found', (corpus) => {
  it('Zeek: every conn.log', async () => {
    const tests = JSON.parse(readFileSync(join(corpus, 'zeek/expected/index.json'), 'utf8')) as ZeekTest[];
    const missing: Record<string, string[]> = {};
    let flows = 0;
    for (const { traces, expected } of tests) {
      for (const log of expected) {
        const wanted = zeekFlows(readFileSync(join(corpus, 'zeek', log), 'utf8'));
        const [trace] = traces;
        if (trace === undefined || new Set(traces).size !== 1) continue;
        flows += wanted.length;
        const lost = await missingFlows(join(corpus, 'zeek', trace), wanted);
        if (lost.length > 0) missing[log] = lost;
      }
    }
    expect(Object.keys(missing), JSON.stringify(missing, null, 1)).toEqual(Object.keys(ZEEK_EXCEPTIONS));
    expect(flows).toBeGreaterThan(100);
  });

  it('nDPI: every flow it lists', async () => {
    const folder = join(corpus, 'ndpi/traffic');
    const missing: Record<string, string[]> = {};
    let flows = 0;
    for (const name of readdirSync(folder).filter((file) => existsSync(join(folder, `${file}.out`)))) {
      const wanted = ndpiFlows(readFileSync(join(folder, `${name}.out`), 'utf8'));
      flows += wanted.length;
      const lost = await missingFlows(join(folder, name), wanted);
      if (lost.length > 0) missing[name] = lost;
    }
    expect(Object.keys(missing), JSON.stringify(missing, null, 1)).toEqual(Object.keys(NDPI_EXCEPTIONS));
    expect(flows).toBeGreaterThan(100);
  });
});
