import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';
import { askText } from './ask.ts';
import { type PlainRow, writeStore } from './fixture.ts';

const START = Date.UTC(2026, 2, 1, 12) * 1000;

/** Flows with a value in every column that nfdump keeps, of both families. */
function flow(index: number): PlainRow {
  const v6 = index % 3 === 2;
  const host = (net: string, n: number) => (v6 ? `2001:db8:${net}::${n.toString(16)}` : `10.${net}.0.${n}`);
  const proto = [6, 17, v6 ? 58 : 1][index % 7 === 0 ? 2 : index % 2] ?? 6;
  const isIcmp = proto !== 6 && proto !== 17;
  return {
    time_received: START + 600_000_000,
    time_start: START + index * 1_003_000,
    duration: [0, 188_000, 29_803_000, 3_725_001_000][index % 4],
    exporter: '127.0.0.1',
    observation_domain: 7,
    flow_type: 4,
    record_kind: 0,
    src_addr: host('1', index + 1),
    dst_addr: host('2', 200 - index),
    src_port: isIcmp ? 0 : 40_000 + index,
    dst_port: isIcmp ? 0x0800 : (index % 5) * 111,
    ...(isIcmp ? { icmp_type: 8, icmp_code: 0 } : {}),
    proto,
    tcp_flags: proto === 6 ? (index * 37) % 256 : 0,
    tos: (index * 4) % 256,
    post_tos: (index * 8) % 256,
    bytes: 40 + index * 1009,
    packets: 1 + index * 7,
    in_if: index + 1,
    out_if: 500 + index,
    direction: index % 2,
    forwarding_status: 64 + (index % 3),
    src_as: 64_500 + index,
    dst_as: 65_000 - index,
    next_as: 3 + index,
    prev_as: 900 + index,
    src_mask: v6 ? 48 : 24,
    dst_mask: v6 ? 64 : 16,
    next_hop: v6 ? '2001:db8:ff::1' : '198.18.0.1',
    bgp_next_hop: v6 ? '2001:db8:ff::2' : '198.18.0.2',
    src_mac: 0x0200_0000_0001 + index,
    dst_mac: 0x0200_0000_1001 + index,
    post_src_mac: 0x0200_0000_2001 + index,
    post_dst_mac: 0x0200_0000_3001 + index,
    src_vlan: 100 + index,
    dst_vlan: 200 + index,
  };
}

/** A session of a NAT, with the port block it is in. */
function session(index: number): PlainRow {
  return {
    time_received: START + 600_000_000,
    time_start: START + index * 1_000_000,
    duration: 0,
    observation_domain: 7,
    flow_type: 3,
    record_kind: 2,
    src_addr: '10.0.0.1',
    dst_addr: '198.51.100.2',
    src_port: 1000 + index,
    dst_port: 80,
    proto: 6,
    nat_event: 4 + (index % 2),
    post_nat_src_addr: '192.0.2.1',
    post_nat_dst_addr: '198.51.100.3',
    post_nat_src_port: 6000 + index,
    post_nat_dst_port: 8080,
    ingress_vrf: 3,
    egress_vrf: 4,
    port_range_start: 1024 * index,
    port_range_end: 1024 * index + 1023,
    port_range_step: 1,
    port_range_size: 1024,
  };
}

/** A flow with what nfcapd keeps of NetFlow v9 alone. */
function routed(index: number): PlainRow {
  const { time_received, time_start, src_addr, dst_addr, src_port, dst_port, proto } = session(index);
  return {
    time_received,
    time_start,
    src_addr,
    dst_addr,
    src_port,
    dst_port,
    proto,
    duration: 1_000_000,
    observation_domain: 7,
    flow_type: 3,
    record_kind: 0,
    packets: 10,
    bytes: 1000 + index,
    src_as: 1,
    dst_as: 2,
    next_as: 3 + index,
    prev_as: 4,
    forwarding_status: 64,
    mpls_labels: `16,17,${18 + index}`,
    out_packets: 9,
    out_bytes: 900 + index,
  };
}

/** Has nfcapd collect what `weir export` sends of these flows, and says where both have them. */
async function collected(folder: TempFolder, segments: readonly PlainRow[][], scheme: string) {
  const data = folder.join('data');
  await writeStore(data, segments);
  const port = await freeUdpPort();
  const flags = `-4 -b 127.0.0.1 -p ${port} -t 3600 -B 8000000 -w`.split(' ');
  const nfcapd = startProcess(requireTool('nfcapd'), [...flags, folder.path]);
  try {
    await nfcapd.waitFor(/Startup|Init/i);
    const sent = await weir(['export', '--data', data, '--to', `${scheme}://127.0.0.1:${port}`]);
    expect(sent.code, sent.stderr).toBe(0);
    await sleep(500);
  } finally {
    await nfcapd.stop();
  }
  return { data, file: folder.join(readdirSync(folder.path).find((each) => /^nfcapd\.\d+$/.test(each)) ?? 'none') };
}

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '');

async function nfdumpLines(file: string, format: string, ...flags: string[]): Promise<string[]> {
  const args = ['-r', file, '-q', '-6', '-O', 'tstart', ...flags, '-o', `fmt:${format}`];
  return lines((await runProcess(requireTool('nfdump'), args, { env: { TZ: 'UTC' } })).stdout);
}

async function ourLines(data: string, format: string): Promise<string[]> {
  return lines(await askText(data, {}, `fmt:${format}`, { quiet: true }));
}

describeWithTool(['nfcapd', 'nfdump'], 'the same tokens over the same flows', () => {
  let folder: TempFolder;
  let both: { data: string; file: string };

  beforeAll(async () => {
    folder = makeTempFolder('line-nfdump');
    both = await collected(folder, [Array.from({ length: 60 }, (_, index) => flow(index))], 'ipfix');
  });
  afterAll(() => folder.remove());

  const nfdump = (format: string, ...flags: string[]) => nfdumpLines(both.file, format, ...flags);
  const ours = (format: string) => ourLines(both.data, format);

  /** Tokens whose texts are the same. */
  const EQUAL =
    'ts te tfs tsr td sa da sap dap sp dp sn dn nh nhb sas das in out pkt ipkt byt ibyt fl flg tos stos dtos dir smk dmk svln dvln ismc odmc idmc osmc bps pps bpp ra'.split(
      ' ',
    );

  it.each(EQUAL)('%%%s', async (token) => {
    const expected = await nfdump(`%${token}`, '-N');
    expect(expected).toHaveLength(60);
    expect(await ours(`%${token}`)).toEqual(expected);
  });

  it.each(['line', 'long', 'extended'])('%s', async (name) => {
    // With -N nfdump gives numbers of protocols, without it other durations; see below for the names.
    const without = (text: readonly string[]) => text.map((line) => line.replace(/^(\S+ \S+ \S+) \S+/, '$1'));
    expect(without(await ours(`%${name}`))).toEqual(without(await nfdump(`%${name}`, '-N')));
  });

  it('tokens put together anyhow', async () => {
    const literal = fc.stringMatching(/^[ |,;:<>()=-]{1,3}$/);
    // nfdump 1.7.1 forgets the rest of an address once it has shown its network: `%dn %da`.
    const tokens = EQUAL.filter((token) => token !== 'sn' && token !== 'dn');
    const piece = fc.tuple(fc.constantFrom(...tokens), literal).map(([token, text]) => `%${token}${text}`);
    const format = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join(''));
    const bare = (text: readonly string[]) => text.map((line) => line.replaceAll(' ', ''));
    await fc.assert(
      fc.asyncProperty(format, async (text) => {
        expect(bare(await ours(text))).toEqual(bare(await nfdump(text, '-N')));
      }),
      { numRuns: 25 },
    );
  });

  it('protocols have the same names, in small letters', async () => {
    const expected = (await nfdump('%pr')).map((name) => name.toLowerCase());
    expect(new Set(expected)).toEqual(new Set(['tcp', 'udp', 'icmp', 'icmp6']));
    expect(await ours('%pr')).toEqual(expected);
  });

  it('what is not there is - and not 0', async () => {
    for (const token of ['it', 'ic']) {
      const expected = await nfdump(`%${token}`, '-N');
      const found = await ours(`%${token}`);
      expect(found).toContain('-');
      expect(found.map((text) => (text === '-' ? '0' : text))).toEqual(expected);
    }
  });

  it('nfcapd keeps neither of these from IPFIX, and weir does', async () => {
    for (const token of ['nas', 'pas', 'fwd']) {
      expect(new Set(await nfdump(`%${token}`, '-N'))).toEqual(new Set(['0']));
      expect(new Set(await ours(`%${token}`))).not.toContain('0');
    }
  });
});

describeWithTool(
  ['nfcapd', 'nfdump'],
  'tokens over NetFlow v9 with NAT events, MPLS and counters of both sides',
  () => {
    let folder: TempFolder;
    let both: { data: string; file: string };

    beforeAll(async () => {
      folder = makeTempFolder('line-nfdump-v9');
      both = await collected(folder, [[1, 2, 3].map(session), [4, 5, 6].map(routed)], 'netflow9');
    });
    afterAll(() => folder.remove());

    const TOKENS =
      'eng nas pas fwd opkt obyt nsa nda nsp ndp xsa xda xsp xdp xsap xdap ivrf evrf pbstart pbend pbstep pbsize'.split(
        ' ',
      );
    it.each(TOKENS)('%%%s', async (token) => {
      // nfdump has 0 for what is not there.
      const expected = (await nfdumpLines(both.file, `%${token}`, '-N')).map((text) =>
        text.replace(/^(?:0\.0\.0\.0:)?0(?:\.0\.0\.0)?$/, '-'),
      );
      expect(expected).toHaveLength(6);
      expect(new Set(expected)).not.toEqual(new Set(['-']));
      expect(await ourLines(both.data, `%${token}`)).toEqual(expected);
    });

    it('MPLS labels, without the experimental bits and the end of the stack', async () => {
      const expected = (await nfdumpLines(both.file, '%mpls1 %mpls3 %mpls4', '-N')).map((text) =>
        text.replaceAll(/(\d+)-\d-\d/g, '$1').replaceAll(/\b0\b/g, '-'),
      );
      expect(expected.slice(3)).toEqual(['16 22 -', '16 23 -', '16 24 -']);
      expect(await ourLines(both.data, '%mpls1 %mpls3 %mpls4')).toEqual(expected);
    });
  },
);
