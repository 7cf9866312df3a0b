import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeCorpus } from '../helpers/corpus.ts';
import { makeTempFolder, tempFolder } from '../helpers/temp.ts';
import { startCollector, weir } from '../helpers/weir.ts';
import { writeStore } from '../query/fixture.ts';
import { day, event, session } from '../query/trace-tools.ts';
import { exporterAt, OFTEN, statusWhen, stopped } from './collect-tools.ts';

interface Record {
  readonly traces: readonly {
    readonly asked: { readonly from: string; readonly from_local: string };
    readonly understood?: { readonly address: string; readonly zone_told: boolean };
    readonly class: string;
    readonly open: boolean;
    readonly candidates: readonly {
      readonly inside_addr: string;
      readonly inside_port: number;
      readonly evidence: readonly { readonly kind: string; readonly packets: number | null; readonly start: string }[];
    }[];
    readonly uses: readonly { readonly public_addr: string; readonly public_port: number; readonly kind: string }[];
    readonly reasons: readonly { readonly code: string }[];
  }[];
}

/** A v5 message with the three records of nfflowd's documentation. */
function documentsTriplet(): Buffer {
  const ip = (text: string): number => Buffer.from(text.split('.').map(Number)).readUInt32BE();
  const [inside, outside, peer] = ['10.0.195.106', '192.76.7.154', '74.125.6.225'].map(ip) as [number, number, number];
  const records = [
    { src: inside, dst: peer, sport: 62_380, dport: 80, packets: 720, bytes: 38_052 },
    { src: outside, dst: peer, sport: 62_380, dport: 80, packets: 720, bytes: 38_052 },
    { src: peer, dst: outside, sport: 80, dport: 62_380, packets: 1432, bytes: 2_027_040 },
  ];
  const message = Buffer.alloc(24 + 48 * records.length);
  message.writeUInt16BE(5, 0);
  message.writeUInt16BE(records.length, 2);
  message.writeUInt32BE(279_737, 4);
  message.writeUInt32BE(1_248_952_480, 8);
  message.writeUInt32BE(737_235_000, 12);
  for (const [index, { src, dst, sport, dport, packets, bytes }] of records.entries()) {
    const at = 24 + 48 * index;
    message.writeUInt32BE(src, at);
    message.writeUInt32BE(dst, at + 4);
    message.writeUInt32BE(packets, at + 16);
    message.writeUInt32BE(bytes, at + 20);
    message.writeUInt32BE(136_315, at + 24);
    message.writeUInt32BE(279_737, at + 28);
    message.writeUInt16BE(sport, at + 32);
    message.writeUInt16BE(dport, at + 34);
    message[at + 38] = 6;
  }
  return message;
}

async function traced(data: string, ...args: string[]): Promise<Record['traces'][number]> {
  const { code, stdout, stderr } = await weir(['trace', '--data', data, '--format', 'json', ...args]);
  const [trace] = (JSON.parse(stdout) as Record).traces;
  if (trace === undefined) throw new Error(`no answer: ${stdout}${stderr}`);
  expect(code).toBe(trace.class === 'none' ? 1 : 0);
  return trace;
}

describe('weir trace of what a collector received', () => {
  it('finds the inside host of the triplet in nfflowd’s documentation', async () => {
    const collector = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    await exporter.send(collector, documentsTriplet());
    await statusWhen(collector, ({ store }) => store.rowsStored === 3);
    const question = ['192.76.7.154:62380', '--at', '2009-07-30 11:14:40Z'];
    const answer = await traced(collector.data, ...question, '--to', '74.125.6.225:80', '--proto', 'tcp');
    expect(answer).toMatchObject({ class: 'exact', open: false });
    expect(answer.candidates).toMatchObject([
      {
        inside_addr: '10.0.195.106',
        inside_port: 62_380,
        evidence: [{ kind: 'triplet', packets: 720, start: '2009-07-30T11:12:17.315000Z' }],
      },
    ]);
    const { code, stdout } = await weir(['trace', '--data', collector.data, ...question, '--utc']);
    expect(code).toBe(0);
    expect(stdout).toContain('asked    192.76.7.154:62380 at 2009-07-30 11:14:40.000 UTC (local ');
    expect(stdout).toContain('answer   10.0.195.106:62380 (exact)');
    expect(stdout).toContain('v5 triplet');
    const reverse = await weir([
      'trace',
      '--data',
      collector.data,
      '--inside',
      '10.0.195.106',
      '--from',
      '2009-07-30',
      '--until',
      '2009-07-31',
      '--utc',
    ]);
    expect(reverse.code).toBe(0);
    const explained = await weir(['trace', '--data', collector.data, ...question, '--explain', '--memory', '64MB']);
    expect(explained.code, explained.stderr).toBe(0);
    expect(explained.stdout).toMatch(
      /^evidence +triplets of NetFlow v5\nfiles +1 of 1: 3 rows, \d+ bytes .*\nsql +\nSELECT /,
    );
    expect(explained.stdout).toContain('read_parquet([/* 1 file */]');
    expect(explained.stdout).not.toContain('10.0.195.106');
    const without = ['trace', '--data', collector.data, '192.76.7.154:62380', '--at', '2020-01-01', '--explain'];
    expect((await weir(without)).stdout).toBe('no file can have evidence of that time\n');
    const little = await weir(['trace', '--data', collector.data, ...question, '--memory', '1kB']);
    expect([little.code, little.stderr]).toEqual([2, expect.stringContaining('--memory 1kB is no size')]);
    expect(reverse.stdout).toMatch(/192\.76\.7\.154:62380 +10\.0\.195\.106:62380 +tcp +v5 triplet/);
    await stopped(collector);
  });
});

describeCorpus('weir trace of translations in captures', (corpus) => {
  const store = async (name: string): Promise<string> => {
    const collector = await startCollector({ args: OFTEN });
    const { code, stderr } = await weir(['replay', `${corpus}/cases/${name}.pcap`, collector.url]);
    expect(code, stderr).toBe(0);
    await statusWhen(
      collector,
      ({ records, store: { rowsStored, rowsWaiting } }) => records > 0 && rowsStored === records && rowsWaiting === 0,
    );
    await stopped(collector);
    return collector.data;
  };

  it('finds a session of NAT event logging (NetFlow v9, event 1)', async () => {
    const data = await store('akvorado-nat');
    const answer = await traced(data, '10.143.52.29:52510', '--at', '2025-06-04T15:09:05Z', '--proto', 'tcp');
    expect(answer).toMatchObject({ class: 'exact', open: true });
    expect(answer.candidates).toMatchObject([
      { inside_addr: '172.16.100.198', inside_port: 52_510, evidence: [{ kind: 'session' }] },
    ]);
    const ended = await traced(
      data,
      '10.143.52.29:38444',
      '--at',
      '2025-06-04T15:09:00.598Z',
      '--to',
      '10.89.87.21:53',
    );
    expect(ended.candidates).toMatchObject([{ inside_addr: '172.16.103.254' }]);
    expect((await traced(data, '10.143.52.29:38444', '--at', '2025-06-04T15:10:00Z')).class).toBe('none');
  });

  it('finds translated addresses of flows (FortiGate, MikroTik)', async () => {
    const fortigate = await store('logstash-20-Netflow-9-Fortigate-FortiOS-54x-appid');
    const answer = await traced(
      fortigate,
      '10.0.0.250:44778',
      '--at',
      '2018-05-11T00:54:09Z',
      '--to',
      '208.100.17.187:443',
    );
    expect(answer.class).toBe('exact');
    expect(answer.candidates).toMatchObject([{ inside_addr: '192.168.100.151', inside_port: 44_778 }]);
    const mikrotik = await store('logstash-30-IPFIX-Mikrotik-RouterOS-6.39.2');
    const forwarded = await traced(
      mikrotik,
      '192.168.230.216:82',
      '--at',
      '2017-07-19T16:18:08Z',
      '--to',
      '192.168.35.143:46518',
    );
    expect(forwarded.candidates).toMatchObject([{ inside_addr: '10.10.6.11', inside_port: null }]);
  });

  it('finds no translation in an ASA’s records whose addresses stay the same', async () => {
    const data = await store('logstash-11-Netflow-9-Cisco-ASA-2');
    const answer = await traced(data, '192.168.0.2:61775', '--at', '2016-07-21T13:50:33Z');
    expect(answer.reasons.map(({ code }) => code)).toContain('untranslated');
  });
});

describe('weir trace', () => {
  const folder = makeTempFolder('trace');
  beforeAll(async () => {
    const [A, B] = [session('10.0.0.1', 5000, 40_000), session('10.0.0.2', 6000, 40_001)];
    await writeStore(folder.path, [
      [event(4, '12:00', A), event(5, '12:10', A), event(4, '12:00', B), event(5, '12:10', B), event(5, '16:00', B)],
    ]);
  });
  afterAll(() => folder.remove());
  const trace = (args: readonly string[], options: Parameters<typeof weir>[1] = {}) =>
    weir(['trace', '--data', folder.path, ...args], options);

  it('reads times without a zone as local, and shows both', async () => {
    const env = { TZ: 'Europe/Berlin' };
    const local = await trace(['198.51.100.1:40000', '--at', '2026-03-01 13:05'], { env });
    expect(local.code).toBe(0);
    expect(local.stdout).toContain('at 2026-03-01 12:05:00.000 UTC (local 2026-03-01 13:05:00.000 UTC+01:00)');
    const utc = await trace(['198.51.100.1:40000', '--at', '2026-03-01 12:05', '--utc', '--format', 'json'], { env });
    expect((JSON.parse(utc.stdout) as Record).traces[0]?.asked).toMatchObject({
      from: '2026-03-01T12:05:00.000000Z',
      from_local: '2026-03-01T13:05:00.000+01:00',
    });
  });

  it('exits with 1 and says why when nothing is found', async () => {
    const { code, stdout } = await trace(['198.51.100.1:40000', '--at', day('13:00')]);
    expect(code).toBe(1);
    expect(stdout).toContain('answer   none');
    expect(stdout).toMatch(/why {6}198\.51\.100\.1: no record of the 15 minutes/);
    expect(stdout).toMatch(
      /before {3}10\.0\.0\.1:5000 as 198\.51\.100\.1:40000 to 203\.0\.113\.9:443, .* \(NAT session of 192\.0\.2\.254, 50m 00s off\)/,
    );
  });

  it('traces every connection of a mail', async () => {
    const log = (port: number, clock: string) =>
      `2026-03-01 ${clock} UTC SRC=198.51.100.1 SPT=${port} DST=203.0.113.9 DPT=443 PROTO=TCP`;
    const mail = `From: abuse@example.org\nSubject: abuse\n\n${log(40_000, '12:05:00')}\n${log(40_001, '12:06:00')}\n`;
    const text = await trace(['--paste', '-', '--utc'], { input: mail });
    expect(text.code).toBe(0);
    expect(text.stdout).toContain(
      "mail     line 4: 198.51.100.1:40000 tcp to 203.0.113.9:443 at '2026-03-01 12:05:00 UTC'",
    );
    expect(text.stdout).toContain('answer   10.0.0.1:5000 (exact)');
    expect(text.stdout).toContain('answer   10.0.0.2:6000 (exact)');
    const file = tempFolder('mail').join('mail.txt');
    const missing = await trace(['--paste', file]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('(WEIR_INPUT)');
    const json = await trace(['--paste', '-', '--format', 'json', '--at', day('13:00')], {
      input: '198.51.100.1:40000 attacked us',
    });
    expect(json.code).toBe(1);
    const [answer] = (JSON.parse(json.stdout) as Record).traces;
    expect(answer).toMatchObject({ class: 'none', understood: { address: '198.51.100.1:40000', zone_told: null } });
  });

  it.each([
    [[], 'whom to trace is missing'],
    [['198.51.100.1:40000'], 'the time is missing'],
    [['198.51.100.1:99999', '--at', 'now'], 'no address with a port'],
    [['198.51.100.1', '--inside', '10.0.0.1', '--at', 'now'], 'two questions'],
    [['198.51.100.1', '--at', 'now', '--from', '-1h'], '--at is a moment'],
    [['198.51.100.1', '--at', 'now', '--proto', 'tpc'], "there is no protocol 'tpc'"],
    [['198.51.100.1', '--at', 'now', '--tolerance', 'much'], '--tolerance much'],
    [['198.51.100.1', '--at', 'long ago'], 'is not a time'],
    [['198.51.100.1', '--paste', '-'], '--paste takes the address'],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await trace(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
