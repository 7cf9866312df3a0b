import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type SflowPacketOptions, SflowPackets } from '#weir/export/sflow-packets.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { readInterfaceCounters } from '#weir/meter/interface-counters.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import type { Packet } from '#weir/wire/pcap/packet.js';
import { readPackets } from '#weir/wire/pcap/read-packets.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';

const CAPTURE = repositoryPath('test/captures/traffic.pcap');
const NOW = Date.parse('2026-11-21T12:00:00Z');

async function packets(): Promise<Packet[]> {
  const all: Packet[] = [];
  for await (const some of readPackets([readFileSync(CAPTURE)] as unknown as AsyncIterable<Uint8Array>))
    all.push(...some);
  return all;
}

/** What the capture gives as datagrams. */
async function sampled(
  options: Partial<SflowPacketOptions>,
  times = 1,
): Promise<{ sampler: SflowPackets; datagrams: Buffer[] }> {
  const datagrams: Buffer[] = [];
  const sampler = new SflowPackets({
    agent: [0, 0, 0xffff, 0xc0000201],
    rate: 1,
    method: 'count',
    random: Math.random,
    emit: (datagram) => datagrams.push(Buffer.from(datagram)),
    ...options,
  });
  const all = await packets();
  for (let i = 0; i < times; i++)
    for (const { data, originalLength, time, linkType } of all)
      sampler.packet(data, 0, data.length, originalLength, time, linkType, 3);
  sampler.flush(NOW);
  return { sampler, datagrams };
}

const decode = (datagrams: readonly Buffer[]): FlowRecord[] => {
  const decoder = createDecoder();
  return datagrams.flatMap((datagram) => decoder.decode(datagram));
};

it('with a rate of 1 every packet is a sample of its length and interface', async () => {
  const { sampler, datagrams } = await sampled({ drops: () => 5 });
  const all = await packets();
  const records = decode(datagrams);
  // Frames that are no IP are samples without addresses.
  expect(sampler.samples).toBe(all.length);
  expect(records.length).toBe(all.length);
  const octets = (list: readonly unknown[]) => list.reduce<number>((sum, value) => sum + Number(value), 0);
  expect(octets(records.map(({ bytes }) => bytes))).toBe(octets(all.map(({ originalLength }) => originalLength)));
  expect(
    new Set(
      records.map(({ in_if: input, sampling_rate: rate, agent_addr: agent, record_kind: kind }) =>
        JSON.stringify([input, rate, agent, kind]),
      ),
    ),
  ).toEqual(new Set(['[3,1,"192.0.2.1","sample"]']));
  for (const datagram of datagrams) expect(datagram.length).toBeLessThanOrEqual(1400);
});

it.each(['count', 'random'] as const)(
  'one packet in ten is chosen, by %s, and the pool says from how many',
  async (method) => {
    const { sampler, datagrams } = await sampled({ rate: 10, method }, 100);
    const total = (await packets()).length * 100;
    if (method === 'count') expect(sampler.samples).toBe(Math.floor(total / 10));
    // The spread of the mean of evenly spread distances is 5.2 / √n per sample: five of them is 3 %.
    else expect(Math.abs(sampler.samples / (total / 10) - 1)).toBeLessThan(0.05);
    const records = decode(datagrams);
    expect(records.length).toBe(sampler.samples);
    expect(records.every(({ sampling_rate: rate }) => rate === 10)).toBe(true);
    // The pool of the last sample stands in its fourth word after sequence, source and rate.
    const last = datagrams.at(-1) as Buffer;
    const samples = last.readUInt32BE(24);
    let at = 28;
    for (let i = 1; i < samples; i++) at += 8 + last.readUInt32BE(at + 4);
    expect(total - last.readUInt32BE(at + 20)).toBeLessThan(20);
  },
);

it('nothing that a packet holds makes it fail, whatever the link type', async () => {
  const { sampler } = await sampled({});
  for (const linkType of [0, 1, 12, 101, 113, 276, 127, 9999])
    for (let length = 0; length < 40; length++) {
      const bytes = new Uint8Array(length).fill(0x45);
      sampler.packet(bytes, 0, length, length, NOW * 1000, linkType, 1);
    }
  sampler.flush(NOW);
  expect(sampler.unsendable).toBeGreaterThan(0);
});

describeUnless(existsSync('/sys/class/net/lo') ? undefined : 'no /sys/class/net', 'counters of an interface', () => {
  it('are those that the system tells, and come back from a datagram', async () => {
    const datagrams: Buffer[] = [];
    const { sampler } = await sampled({ emit: (datagram) => datagrams.push(Buffer.from(datagram)) });
    datagrams.length = 0;
    const counters = readInterfaceCounters('lo');
    expect(counters).toMatchObject({ ifIndex: 1, ifType: 24 });
    sampler.counterSample(counters!);
    sampler.flush(NOW);
    const input = (datagrams[0] as Buffer).toString('hex');
    const { stdout } = await weir(['decode', '-', '--all', '--format', 'ndjson'], { input });
    expect(JSON.parse(stdout)).toMatchObject({
      counter_kind: 'interface',
      source_index: 1,
      in_octets: Number(counters?.ifInOctets),
      out_unicast: Number(BigInt.asUintN(32, counters?.ifOutUcastPkts ?? 0n)),
    });
  });

  it('are none for what is no interface', () => {
    for (const name of ['any', '..', 'a/b', 'no-such-if', '']) expect(readInterfaceCounters(name)).toBeUndefined();
  });
});

async function send(datagrams: readonly Buffer[], port: number): Promise<void> {
  const socket = createSocket('udp4');
  for (const datagram of datagrams)
    await new Promise<void>((resolve) => socket.send(datagram, port, '127.0.0.1', () => resolve()));
  socket.close();
}

describeWithTool(['sfcapd', 'nfdump'], 'sampled packets, in sfcapd', () => {
  it('are the same packets', async () => {
    const { datagrams } = await sampled({ rate: 1 });
    const folder = tempFolder('sfcapd');
    const port = await freeUdpPort();
    const running = spawnProcess(requireTool('sfcapd'), [
      '-4',
      '-b',
      '127.0.0.1',
      '-p',
      `${port}`,
      '-w',
      folder.path,
      '-t',
      '3600',
    ]);
    await running.waitFor(/Startup|Bound/);
    await send(datagrams, port);
    await sleep(500);
    await running.stop('SIGTERM');
    const [file = ''] = readdirSync(folder.path).filter((name) => /^nfcapd\.\d+$/.test(name));
    const text = execFileSync(requireTool('nfdump'), ['-r', folder.join(file), '-o', 'json'], {
      env: { ...process.env, TZ: 'UTC' },
    });
    const rows = JSON.parse(text.toString()) as Record<string, unknown>[];
    const lines = (list: readonly Record<string, unknown>[], names: readonly string[]) =>
      list.map((row) => JSON.stringify(names.map((name) => row[name] ?? 0))).sort();
    const ours = decode(datagrams).filter(({ proto }) => proto === 6 || proto === 17);
    const theirs = rows.filter(({ proto }) => proto === 6 || proto === 17);
    expect(theirs.length).toBeGreaterThan(100);
    expect(
      lines(
        theirs.filter((row) => 'src4_addr' in row),
        ['src4_addr', 'dst4_addr', 'src_port', 'dst_port', 'proto', 'in_packets', 'input_snmp'],
      ),
    ).toEqual(
      lines(
        ours
          .filter(({ src_addr: address }) => typeof address === 'string' && !address.includes(':'))
          .map((row) => ({ ...row, packets: 1 })),
        ['src_addr', 'dst_addr', 'src_port', 'dst_port', 'proto', 'packets', 'in_if'],
      ),
    );
  });
});

const GOFLOW2 = join(homedir(), '.cache/netweir/bin/goflow2');
describeUnless(existsSync(GOFLOW2) ? undefined : 'goflow2 not installed', 'sampled packets, in goflow2', () => {
  it('are the same packets', async () => {
    const { datagrams } = await sampled({ rate: 7 }, 10);
    const [port, http] = [await freeUdpPort(), await freeUdpPort()];
    const output = tempFolder('goflow2').join('out.json');
    const listen = ['-listen', `sflow://127.0.0.1:${port}/?count=1&workers=1`, '-addr', `127.0.0.1:${http}`];
    const running = spawnProcess(GOFLOW2, [
      ...listen,
      '-transport',
      'file',
      '-transport.file',
      output,
      '-format',
      'json',
    ]);
    await running.waitFor(/start/i);
    await sleep(300);
    await send(datagrams, port);
    const ours = decode(datagrams);
    const rows = () => (existsSync(output) ? readFileSync(output, 'utf8').trim().split('\n').filter(Boolean) : []);
    await expect.poll(() => rows().length, { timeout: 10_000 }).toBe(ours.length);
    const theirs = rows().map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(theirs.map((row) => JSON.stringify([row['sampling_rate'], row['bytes'], row['in_if']])).sort()).toEqual(
      ours.map((row) => JSON.stringify([row['sampling_rate'], row['bytes'], row['in_if']])).sort(),
    );
  });
});
