import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NameRow } from '#weir/session/name-row.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { micros, type PlainRow, writeStore } from './fixture.ts';

const START = '2026-01-01T00:00:00Z';
const common = {
  proto: 6,
  time_received: '2026-01-01T00:00:05Z',
  time_start: START,
  duration: 4_000_000,
  record_kind: 1,
  exporter: '192.0.2.1',
  observation_domain: 7,
};

function name(kind: NameRow['kind'], key: string, text: string): NameRow {
  const since = Number(micros(START));
  return {
    time_received: since,
    exporter: '192.0.2.1',
    sender: '192.0.2.1',
    observation_domain: 7,
    kind,
    key,
    name: text,
    description: null,
    valid_from: since,
    valid_until: null,
  };
}

/** A biflow with times and flags of both directions, one whose other direction was silent, an event of a firewall, an ordinary flow. */
const SEGMENTS: PlainRow[][] = [
  [
    {
      ...common,
      src_addr: '10.0.0.1',
      dst_addr: '2001:db8::9',
      src_port: 40_000,
      dst_port: 443,
      in_if: 1,
      out_if: 2,
      ingress_vrf: 3,
      egress_vrf: 4,
      bytes: 1000,
      packets: 10,
      tcp_flags: 2,
      reverse_bytes: 9000,
      reverse_packets: 20,
      reverse_tcp_flags: 18,
      reverse_time_start: '2026-01-01T00:00:01Z',
      reverse_time_end: '2026-01-01T00:00:03Z',
      ttl: 64,
    },
    {
      ...common,
      src_addr: '10.0.0.2',
      dst_addr: '10.0.1.1',
      bytes: 60,
      packets: 1,
      reverse_bytes: 0,
      reverse_packets: 0,
    },
    { ...common, record_kind: 3, firewall_event: 3, src_addr: '10.0.0.3', dst_addr: '10.0.1.1' },
  ],
  [{ ...common, record_kind: 0, src_addr: '10.0.0.4', dst_addr: '10.0.1.1', bytes: 500, packets: 5 }],
];

let folder: TempFolder;
beforeAll(async () => {
  folder = makeTempFolder('biflow');
  const names = [
    name('interface', '1', 'lan'),
    name('interface', '2', 'wan'),
    name('vrf', '3', 'red'),
    name('vrf', '4', 'blue'),
    name('user', '10.0.0.1', 'alice'),
  ];
  await writeStore(folder.path, SEGMENTS, { names });
});
afterAll(() => folder.remove());

async function query(...args: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await weir(['query', '--data', folder.path, '--utc', '--format', 'ndjson', ...args]);
  return parseNdjson(stdout);
}

describe('weir query --split-biflows', () => {
  it('makes a flow of each direction', async () => {
    const rows = await query('--split-biflows', '--order', 'packets', 'port 443');
    expect(rows).toMatchObject([
      {
        src_addr: '2001:db8::9',
        dst_addr: '10.0.0.1',
        src_port: 443,
        dst_port: 40_000,
        in_if: 2,
        out_if: 1,
        bytes: 9000,
        packets: 20,
        tcp_flags: 18,
        record_kind: 'flow',
        time_start: '2026-01-01T00:00:01.000000Z',
        time_end: '2026-01-01T00:00:03.000000Z',
      },
      {
        src_addr: '10.0.0.1',
        dst_addr: '2001:db8::9',
        src_port: 40_000,
        dst_port: 443,
        in_if: 1,
        out_if: 2,
        bytes: 1000,
        packets: 10,
        tcp_flags: 2,
        ttl: 64,
        record_kind: 'flow',
        time_start: '2026-01-01T00:00:00.000000Z',
        time_end: '2026-01-01T00:00:04.000000Z',
      },
    ]);
    expect(rows[0]).not.toHaveProperty('ttl');
    expect(rows[0]).not.toHaveProperty('reverse_bytes');
  });

  it('counts every sender, IPv4 and IPv6', async () => {
    expect(await query('--split-biflows', '--by', 'src_addr')).toEqual([
      { src_addr: '2001:db8::9', flows: 1, packets: 20, bytes: 9000 },
      { src_addr: '10.0.0.1', flows: 1, packets: 10, bytes: 1000 },
      { src_addr: '10.0.0.4', flows: 1, packets: 5, bytes: 500 },
      { src_addr: '10.0.0.2', flows: 1, packets: 1, bytes: 60 },
    ]);
  });

  it('filters the directions apart, by address and by time', async () => {
    expect(await query('--split-biflows', '--by', 'dst_addr', 'dst ip 10.0.0.1')).toMatchObject([{ bytes: 9000 }]);
    const late = ['--from', '2026-01-01T00:00:03.500Z'];
    expect(await query('--split-biflows', ...late, '--by', 'src_addr', 'port 443')).toMatchObject([
      { src_addr: '10.0.0.1' },
    ]);
  });

  it('in a table, too, by several keys', async () => {
    const { stdout } = await weir([
      'query',
      '--data',
      folder.path,
      '--plain',
      '--split-biflows',
      '--by',
      'src_addr,dst_addr',
    ]);
    expect(stdout).toMatch(/2001:db8::9\s+10\.0\.0\.1\s+1\s.*9000/);
    expect(stdout).toContain('total    4 flows, 36 packets, 10.6 kB');
  });

  it('with --names each direction has the names of its own interfaces, VRFs and users', async () => {
    const named = ['in_if_name', 'out_if_name', 'ingress_vrf_name', 'egress_vrf_name', 'user_label'];
    const columns = ['--columns', ['src_addr', ...named].join(',')];
    const rows = await query('--split-biflows', '--order', 'packets', ...columns, 'port 443');
    expect(rows).toEqual([
      {
        src_addr: '2001:db8::9',
        in_if_name: 'wan',
        out_if_name: 'lan',
        ingress_vrf_name: 'blue',
        egress_vrf_name: 'red',
      },
      {
        src_addr: '10.0.0.1',
        in_if_name: 'lan',
        out_if_name: 'wan',
        ingress_vrf_name: 'red',
        egress_vrf_name: 'blue',
        user_label: 'alice',
      },
    ]);
    expect(await query('--split-biflows', '--names', '--by', 'in_if', 'port 443')).toMatchObject([
      { in_if: 2, in_if_name: 'wan', bytes: 9000 },
      { in_if: 1, in_if_name: 'lan', bytes: 1000 },
    ]);
    expect(await query('--split-biflows', '--by', 'in_if_name', 'port 443')).toMatchObject([
      { in_if_name: 'wan', bytes: 9000 },
      { in_if_name: 'lan', bytes: 1000 },
    ]);
    const { stdout, stderr, code } = await weir([
      'query',
      '--data',
      folder.path,
      '--plain',
      '--split-biflows',
      '--names',
    ]);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/lan\s+wan/);
    expect(stdout).toMatch(/wan\s+lan/);
  });

  it('without it a biflow stays one row', async () => {
    expect(await query('--by', 'src_addr', 'port 443')).toEqual([
      { src_addr: '10.0.0.1', flows: 1, packets: 10, bytes: 1000 },
    ]);
  });
});
