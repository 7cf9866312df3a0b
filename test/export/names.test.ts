import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createEncoder, type EncoderOptions } from '#weir/export/encoder.js';
import type { StreamNames } from '#weir/export/name-options.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { PCAP_OVERHEAD, pcapFileHeader, writePcapRecord } from '#weir/wire/pcap/writer.js';
import { exporterAt, OFTEN, sql, statusWhen } from '../cli/collect-tools.ts';
import { runProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { type Collector, startCollector, weir } from '../helpers/weir.ts';

const FLOW: FlowRecord = {
  observation_domain: 7,
  time_start: '2026-11-21T11:59:00Z',
  time_end: '2026-11-21T11:59:30Z',
  src_addr: '10.0.0.1',
  dst_addr: '10.0.0.2',
  in_if: 1,
  out_if: 2,
  bytes: 100,
  packets: 1,
};
const NOON = Date.parse('2026-11-21T12:00:00Z');
const NAMES: StreamNames = {
  interfaces: [
    { index: 1, name: 'eth0', description: 'uplink' },
    { index: 4_000_000_000, name: 'Größe' },
  ],
  applications: [
    { id: '13:443', name: 'https', description: 'secure web' },
    { id: '3:80', name: 'http' },
  ],
  vrfs: [{ id: 9, name: 'customer-a' }],
  samplers: [{ id: 3, name: 'one-in-100' }],
  users: [
    { address: '10.0.0.1', name: 'alice' },
    { address: '2001:db8::1', name: 'bob' },
  ],
};
const ROWS = [
  'application 13:443 https secure web',
  'application 3:80 http null',
  'interface 1 eth0 uplink',
  'interface 4000000000 Größe null',
  'sampler 3 one-in-100 null',
  'user 10.0.0.1 alice null',
  'user 2001:db8::1 bob null',
  'vrf 9 customer-a null',
];

function namedMessages(protocol: 'netflow9' | 'ipfix', names: StreamNames, more: Partial<EncoderOptions> = {}) {
  const encoder = createEncoder({ protocol, names: () => names, ...more });
  return { messages: encoder.encode([FLOW], { exportMillis: NOON }), counters: encoder.counters.names };
}

/** The names that a store has, as a line each. */
async function storedNames(data: string): Promise<string[]> {
  const statement = 'SELECT observation_domain AS domain, kind, key, name, description FROM names';
  const rows = await sql<Record<string, unknown>>(data, statement);
  expect(new Set(rows.map(({ domain }) => domain))).toEqual(new Set([7]));
  return rows.map(({ kind, key, name, description }) => [kind, key, name, description ?? 'null'].join(' ')).sort();
}

async function send(to: Collector, messages: readonly Uint8Array[], from = '127.0.0.1'): Promise<void> {
  const exporter = await exporterAt(from);
  await exporter.send(to, ...messages.map((message) => Buffer.from(message)));
}

it('IPFIX names applications with longer ids too', () => {
  const applications = [
    { id: '20:35632:443', name: 'own' },
    { id: '13:443', name: 'https' },
  ];
  const told: unknown[] = [];
  const decoder = createDecoder({ observer: { options: (_domain, _id, { scope }) => void told.push(scope) } });
  for (const message of namedMessages('ipfix', { applications }).messages) decoder.decode(message);
  expect(told).toEqual([{ applicationId: '0d0001bb' }, { applicationId: '1400008b300001bb' }]);
});

describe.each(['netflow9', 'ipfix'] as const)('%s: names', (protocol) => {
  it('of a store reach the store of another collector', { timeout: 30_000 }, async () => {
    const first = await startCollector({ args: OFTEN });
    await send(first, namedMessages(protocol, NAMES).messages);
    // A second exporter calls another interface by a name of its own, and an interface of the first otherwise.
    const other = [
      { index: 1, name: 'ge-0/0/1' },
      { index: 5, name: 'ge-0/0/5' },
    ];
    await send(first, namedMessages(protocol, { interfaces: other }).messages, '127.0.0.2');
    await statusWhen(first, ({ records }) => records === 2);
    await first.stop();

    const second = await startCollector({ args: OFTEN });
    const to = second.url.replace('udp', protocol);
    const flags = ['--data', first.data, '--format', 'json'];
    const exported = await weir(['export', '--to', to, ...flags, 'exporter 127.0.0.1']);
    expect(exported.code, exported.stderr).toBe(0);
    expect(JSON.parse(exported.stdout)).toMatchObject({ records: 1, names: { sent: ROWS.length } });
    const status = await statusWhen(second, ({ records }) => records === 1);
    expect(status.faults).toEqual({});
    expect(status.loss).toMatchObject({ sequence: 0 });
    await second.stop();
    expect(await storedNames(second.data)).toEqual(ROWS);

    const third = await startCollector({ args: OFTEN });
    const both = await weir(['export', '--to', third.url.replace('udp', protocol), ...flags]);
    expect(JSON.parse(both.stdout)).toMatchObject({ records: 2, names: { sent: ROWS.length, ambiguous: 1 } });
    await statusWhen(third, ({ records }) => records === 2);
    await third.stop();
    const wanted = [...ROWS.filter((row) => !row.startsWith('interface 1 ')), 'interface 5 ge-0/0/5 null'];
    expect(await storedNames(third.data)).toEqual(wanted.sort());
  });

  it('are told again when they change, without the templates where nothing is lost', () => {
    const never = { refreshMillis: Number.POSITIVE_INFINITY, refreshMessages: Number.POSITIVE_INFINITY };
    let names: StreamNames = { interfaces: [{ index: 1, name: 'eth0' }] };
    const encoder = createEncoder({ protocol, names: () => names, ...never });
    const told: string[] = [];
    const templates: number[] = [];
    const decoder = createDecoder({
      observer: {
        options: (_domain, _id, record) => void told.push(JSON.stringify(record)),
        template: (_domain, event) => void ('record' in event && templates.push(event.record.id)),
      },
    });
    const next = () => {
      for (const message of encoder.encode([FLOW], { exportMillis: NOON })) decoder.decode(message);
      return [told.splice(0).length, templates.splice(0).length];
    };
    expect(next()).toEqual([1, 2]);
    expect(next()).toEqual([0, 0]);
    names = { interfaces: [{ index: 1, name: 'eth1' }], vrfs: [{ id: 1, name: 'a' }] };
    expect(next()).toEqual([0, 0]);
    encoder.renewNames();
    // The template of VRFs is new, that of interfaces is not.
    expect(next()).toEqual([2, 1]);
    expect(next()).toEqual([0, 0]);
    expect(decoder.faults()).toEqual({});
  });

  it('that have no field, or no room, are left out and counted', () => {
    const long = 'x'.repeat(300);
    const wrong: StreamNames = {
      interfaces: [
        { index: -1, name: 'a' },
        { index: Number.NaN, name: 'b' },
        { index: 1, name: long, description: long },
      ],
      applications: [
        { id: 'web', name: 'c' },
        { id: '20:35632:443', name: 'd' },
      ],
      vrfs: [{ id: 2 ** 32, name: 'e' }],
      users: [{ address: 'alice', name: 'f' }],
    };
    const { counters } = namedMessages(protocol, wrong, { maxLength: 512 });
    // The application with an enterprise number has no field in v9, the long interface no room in IPFIX, where its texts are cut later.
    expect(counters).toEqual({ sent: 1, left_out: 6, cut: 2 });
  });
});

describeWithTool('tshark', 'names as options data, in tshark', () => {
  it.each(['netflow9', 'ipfix'] as const)('%s', async (protocol) => {
    const file = tempFolder('tshark').join('x.pcap');
    const buffer = Buffer.alloc(1 << 16);
    buffer.set(pcapFileHeader(LINK_TYPE.ethernet));
    let at = 24;
    const host = [0, 0, 0xffff, 0x7f00_0001] as const;
    for (const payload of namedMessages(protocol, NAMES).messages) {
      expect(payload.length + PCAP_OVERHEAD).toBeLessThan(2000);
      const ends = { source: host, sourcePort: 50_000, destination: host, destinationPort: 20_550 };
      at = writePcapRecord(buffer, at, { time: NOON * 1000, ...ends, payload }, LINK_TYPE.ethernet);
    }
    writeFileSync(file, buffer.subarray(0, at));
    const flags = ['-r', file, '-d', 'udp.port==20550,cflow', '-V'];
    const { code, stdout, stderr } = await runProcess(requireTool('tshark'), flags);
    expect(code, stderr).toBe(0);
    for (const text of ['eth0', 'uplink', 'https', 'secure web', 'customer-a', 'one-in-100', 'alice', 'bob'])
      expect(stdout).toContain(text);
    expect(stdout).not.toMatch(/Malformed|Expert Info|No template found/i);
  });
});
