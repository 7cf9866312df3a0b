import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder, type TempFolder, tempFolder } from '../helpers/temp.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { type PlainRow, writeStore } from '../query/fixture.ts';

const T = '2026-01-01T00:00:00Z';
const v5 = {
  exporter: '192.0.2.1',
  flow_type: 2,
  record_kind: 0,
  sampling_rate: 1,
  sampling_source: 1,
  time_source: 0,
};

/** Two segments with different columns: IPv4 from one exporter; IPv6, a NAT event and texts from another. */
const SEGMENTS: PlainRow[][] = [
  [
    {
      ...v5,
      time_start: T,
      duration: 1_500_000,
      src_addr: '10.0.0.1',
      dst_addr: '10.0.1.1',
      src_port: 1025,
      dst_port: 443,
      proto: 6,
      tcp_flags: 27,
      bytes: 1000,
      packets: 10,
    },
    {
      ...v5,
      time_start: '2026-01-01T00:00:10Z',
      duration: 0,
      src_addr: '10.0.0.1',
      dst_addr: '10.0.1.2',
      src_port: 1026,
      dst_port: 53,
      proto: 17,
      tcp_flags: 0,
      bytes: 70,
      packets: 1,
    },
    {
      ...v5,
      time_start: '2026-01-01T00:00:20Z',
      duration: 60_000_000,
      src_addr: '10.0.0.2',
      dst_addr: '10.0.1.1',
      src_port: 1027,
      dst_port: 443,
      proto: 6,
      tcp_flags: 2,
      bytes: 40,
      packets: 1,
    },
  ],
  [
    {
      exporter: '2001:db8::9',
      flow_type: 4,
      record_kind: 0,
      time_start: '2026-01-01T01:00:00.000001Z',
      duration: 5,
      src_addr: '2001:db8::1',
      dst_addr: '2001:db8::2',
      proto: 58,
      bytes: (1n << 64n) - 1n,
      packets: 3,
      app_name: 'a "quoted", name\u001B[31m',
      extra: '{"foo":[1,2]}',
    },
    {
      exporter: '2001:db8::9',
      flow_type: 4,
      record_kind: 2,
      time_start: '2026-01-01T01:00:01Z',
      src_addr: '10.0.0.1',
      nat_event: 1,
      post_nat_src_addr: '198.51.100.1',
    },
  ],
];

let folder: TempFolder;
beforeAll(async () => {
  folder = makeTempFolder('query');
  await writeStore(folder.path, SEGMENTS);
});
afterAll(() => folder.remove());

const query = (...args: string[]) => weir(['query', '--data', folder.path, '--utc', ...args]);
const csv = async (...args: string[]) => (await query('--format', 'csv', ...args)).stdout.trimEnd().split('\n');

describe('weir query --by', () => {
  it('sums up by columns of any kind, largest first', async () => {
    expect(await csv('--by', 'src_addr', 'ipv4 and not record_kind nat_event')).toEqual([
      'src_addr,flows,packets,bytes',
      '10.0.0.1,2,11,1070',
      '10.0.0.2,1,1,40',
    ]);
    expect(await csv('--by', 'proto,dst_port', '--order', 'flows', '--top', '2', 'exporter 192.0.2.1')).toEqual([
      'proto,dst_port,flows,packets,bytes',
      '6,443,2,11,1040',
      '17,53,1,1,70',
    ]);
    expect(await csv('--by', 'flow_type', '--order', 'flow_type')).toEqual([
      'flow_type,flows,packets,bytes',
      'netflow_v5,3,12,1110',
      'ipfix,1,3,18446744073709551615',
    ]);
  });

  it('keeps groups without a value, and exact numbers', async () => {
    const { stdout } = await query('--by', 'app_name,dst_port', '--format', 'json');
    expect(JSON.parse(stdout.replaceAll(/\d{17,}/g, '"$&"'))).toEqual([
      { app_name: 'a "quoted", name\u001B[31m', dst_port: null, flows: 1, packets: 3, bytes: '18446744073709551615' },
      { app_name: null, dst_port: 443, flows: 2, packets: 11, bytes: 1040 },
      { app_name: null, dst_port: 53, flows: 1, packets: 1, bytes: 70 },
    ]);
  });

  it('counts traffic only, unless the filter asks for other records', async () => {
    expect(await csv('--by', 'exporter', '--order', 'flows', 'exporter 2001:db8::9')).toEqual([
      'exporter,flows,packets,bytes',
      '2001:db8::9,1,3,18446744073709551615',
    ]);
    expect(await csv('--by', 'nat_event', 'record_kind = nat_event')).toEqual([
      'nat_event,flows,packets,bytes',
      '1,1,0,0',
    ]);
  });

  it('multiplies by the sampling rate, and not with --raw', async () => {
    const sampled = tempFolder('sampled');
    const row = { time_start: T, duration: 0, src_addr: '10.0.0.1', bytes: 100, packets: 2 };
    await writeStore(sampled.path, [
      [
        { ...row, sampling_rate: 1000 },
        { ...row, sampling_rate: 0 },
        { ...row, src_addr: '10.0.0.2' },
      ],
    ]);
    const ask = (...args: string[]) => weir(['query', '--data', sampled.path, '--by', 'src_addr', ...args]);
    expect((await ask('--format', 'csv')).stdout).toBe(
      'src_addr,flows,packets,bytes\n10.0.0.1,2,2002,100100\n10.0.0.2,1,2,100\n',
    );
    expect((await ask('--format', 'csv', '--raw')).stdout).toBe(
      'src_addr,flows,packets,bytes\n10.0.0.1,2,4,200\n10.0.0.2,1,2,100\n',
    );
    expect((await ask()).stdout).toMatch(
      /multiplied by the sampling rate, up to 1,000; where the rate is unknown, as counted/,
    );
  });

  it('shows a table with shares and a summary', async () => {
    const { stdout, code } = await query('--by', 'src_addr,proto', 'exporter 192.0.2.1');
    expect(code).toBe(0);
    expect(
      stdout
        .replace(/in \d+\.\d\d s/, 'in N s')
        .replace(/\d+(\.\d+)? k?B in/, 'N B in')
        .split('\n'),
    ).toEqual([
      'source    proto  flows  packets  bytes  % bytes  bit/s  packet/s  byte/packet',
      '10.0.0.1  tcp        1       10  1.0 k     90.1    100       0.1          100',
      '10.0.0.1  udp        1        1     70      6.3      7         0           70',
      '10.0.0.2  tcp        1        1     40      3.6      4         0           40',
      '',
      'time     2026-01-01 00:00:00.000 to 2026-01-01 00:01:20.000 (UTC)',
      'total    3 flows, 12 packets, 1.1 kB',
      'read     2 of 2 segments, 5 rows, N B in N s',
      'sampling rate unknown for some flows: their counters are taken as they are',
      '',
    ]);
  });
});

describe('weir query', () => {
  it('lists flows in order of time, with the columns that they have', async () => {
    const { stdout } = await query('--format', 'ndjson');
    const lines = parseNdjson(stdout.replaceAll(/\d{17,}/g, '"$&"'));
    expect(lines).toHaveLength(5);
    expect(lines[0]).toEqual({
      exporter: '192.0.2.1',
      flow_type: 'netflow_v5',
      record_kind: 'flow',
      sampling_rate: 1,
      sampling_source: 'header',
      time_start: '2026-01-01T00:00:00.000000Z',
      time_end: '2026-01-01T00:00:01.500000Z',
      time_source: 'flow',
      src_addr: '10.0.0.1',
      dst_addr: '10.0.1.1',
      src_port: 1025,
      dst_port: 443,
      proto: 6,
      tcp_flags: 27,
      bytes: 1000,
      packets: 10,
    });
    expect(lines[3]).toMatchObject({
      time_start: '2026-01-01T01:00:00.000001Z',
      bytes: '18446744073709551615',
      extra: { foo: [1, 2] },
    });
    expect(lines[4]).toEqual({
      exporter: '2001:db8::9',
      flow_type: 'ipfix',
      record_kind: 'nat_event',
      // These are 0 where a file has them not.
      sampling_rate: 0,
      sampling_source: 'unknown',
      time_source: 'flow',
      time_start: '2026-01-01T01:00:01.000000Z',
      src_addr: '10.0.0.1',
      nat_event: 1,
      post_nat_src_addr: '198.51.100.1',
    });
  });

  it('lists chosen columns in a chosen order', async () => {
    expect(await csv('--columns', 'src_addr,bytes,app_name', '--order', 'bytes', '--top', '2')).toEqual([
      'src_addr,bytes,app_name',
      '2001:db8::1,18446744073709551615,"a ""quoted"", name\u001B[31m"',
      '10.0.0.1,1000,',
    ]);
  });

  it('takes flows that overlap the span', async () => {
    const starts = async (...args: string[]) =>
      (await csv('--columns', 'time_start', ...args)).slice(1).map((line) => line.slice(11, 19));
    expect(await starts('--from', '2026-01-01 00:00:01', '--to', '2026-01-01 00:00:10')).toEqual(['00:00:00']);
    expect(await starts('--from', '2026-01-01 00:00:10', '--to', '2026-01-01 00:00:11')).toEqual(['00:00:10']);
    expect(await starts('--from', '2026-01-01 00:01:20', '--to', '2026-01-01 01:00')).toEqual(['00:00:20']);
    expect(await starts('--from', '2026-01-01 01:00:01')).toEqual(['01:00:01']);
    expect(await starts('--to', '2026-01-01T00:00:00.000001Z')).toEqual(['00:00:00']);
    expect(await starts('--from', '2026-01-01 02:00')).toEqual([]);
  });

  it('shows a table of flows, safe for a terminal', async () => {
    const { stdout } = await query('--top', '1', '--from', '2026-01-01 00:30', '--columns', 'time_start,app_name');
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      'start                    app',
      '2026-01-01 01:00:00.000  a "quoted", name·[31m',
    ]);
    expect(stdout).toMatch(/shown {4}the first 1 flows; --top 0 shows all/);
    expect(stdout).toMatch(/read {5}1 of 2 segments/);
  });

  it('says so when nothing matches', async () => {
    const { stdout, code } = await query('--from', '2027-01-01');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^time {5}no flows, asked for 2027-01-01 .* to the end; stored are 2026-01-01 00:00:00.000 to /,
    );
    expect(await csv('--from', '2027-01-01', '--by', 'proto')).toEqual(['proto,flows,packets,bytes']);
    expect((await query('--format', 'json', 'port 9')).stdout).toBe('[]\n');
    expect((await query('--by', 'proto', 'port 9')).stdout).toMatch(/total {4}0 flows/);
  });

  it('ends quietly when its reader does', async () => {
    const many = tempFolder('many');
    const rows = Array.from({ length: 30_000 }, (_, index) => ({
      time_start: BigInt(index),
      src_addr: '10.0.0.1',
      bytes: index,
    }));
    await writeStore(many.path, [rows]);
    const command = `"${process.execPath}" "${repositoryPath('bin/weir.js')}" query --data "${many.path}" --format ndjson | head -2; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await runProcess('bash', ['-c', command]);
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toHaveLength(4);
    expect(stdout).toMatch(/^\{.*"time_start":"1970-01-01T00:00:00.000000Z".*\n.*\n0\n$/);
  });
});

describe('mistakes', () => {
  it.each([
    [
      ['prot tcp'],
      2,
      /position 1: 'prot' is no field\n {2}prot tcp\n {2}\^{4}\n {2}Did you mean 'proto'\?\n {2}\(WEIR_FILTER\)/,
    ],
    [['--from', 'soon'], 2, /'soon' is not a time[\s\S]*WEIR_TIME/],
    [['--by', 'src_adr'], 2, /Did you mean 'src_addr'\?[\s\S]*WEIR_USAGE/],
    [['--order', 'dst_prt'], 2, /Did you mean 'dst_port'\?/],
    [['--by', 'proto', '--columns', 'proto'], 2, /--columns is for lists/],
    [['--top', 'many'], 2, /no number of rows/],
    [['--format', 'xml'], 2, /There are table, line, /],
    [['--nothing'], 2, /unknown option/],
  ])('%j', async (args, expected, message) => {
    const { code, stderr, stdout } = await query(...args);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('no store: says how one comes about', async () => {
    const { code, stderr } = await weir(['query', '--data', folder.join('nowhere')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /no flows are stored in .*nowhere\n {2}Is the collector running\? weir collect --data .*nowhere\n {2}\(WEIR_DATA_EMPTY\)/,
    );
  });

  it('a lost segment: says which folder, and exits with 1', async () => {
    const broken = tempFolder('broken');
    await writeStore(broken.path, [[{ time_start: T, bytes: 1 }]]);
    rmSync(broken.join('flows'), { recursive: true });
    const { code, stderr } = await weir(['query', '--data', broken.path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/could not be read[\s\S]*WEIR_STORE/);
  });

  it.each([
    [['nonsense'], /unknown command 'nonsense'\n {2}weir --help lists the commands\.\n$/],
    [['decode'], /missing required argument 'file'\n {2}weir decode --help has all flags and examples\.\n$/],
    [['export'], /--to is missing: where to export to\.\n[^\n]*weir export --help has all targets\.\n/],
  ])('a wrong call %j leads to the help', async (args, message) => {
    const { code, stderr } = await weir(args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('--help has examples', async () => {
    for (const command of ['query', 'sql']) {
      const { code, stdout } = await weir([command, '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/Examples:\n {2}weir/);
    }
  });
});

describe('weir sql', () => {
  const sql = (...args: string[]) => weir(['sql', '--data', folder.path, ...args]);

  it('answers in every format', async () => {
    const statement = 'select src_addr, bytes, time_start from flows where bytes > 100 order by bytes';
    expect((await sql(statement, '--format', 'csv')).stdout).toBe(
      'src_addr,bytes,time_start\n10.0.0.1,1000,2026-01-01T00:00:00.000000Z\n2001:db8::1,18446744073709551615,2026-01-01T01:00:00.000001Z\n',
    );
    expect((await sql(statement, '--format', 'ndjson')).stdout.split('\n')[1]).toBe(
      '{"src_addr":"2001:db8::1","bytes":18446744073709551615,"time_start":"2026-01-01T01:00:00.000001Z"}',
    );
    expect((await sql(statement)).stdout).toMatch(/^src_addr +bytes +time_start\n10\.0\.0\.1 /);
  });

  it('reads only a span when told so', async () => {
    expect(
      (await sql('select count(*) n from flows', '--from', '2026-01-01 00:30', '--utc', '--format', 'csv')).stdout,
    ).toBe('n\n2\n');
  });

  it('refuses what is not a question, with exit code 2', async () => {
    const { code, stderr } = await sql("copy flows to '/tmp/weir-sql-cli.csv'");
    expect(code).toBe(2);
    expect(stderr).toMatch(/WEIR_SQL/);
  });
});
