import { describe, expect, it } from 'vitest';
import { readCounterRecord } from '#weir/wire/sflow/counter-records.js';
import { COUNTER_STRUCTURES } from '#weir/wire/sflow/counter-structures.js';
import { float, u64 } from '../build.ts';
import { mac, type Octets, words, xdrText } from './build.ts';

function read(format: number, ...data: readonly Octets[]) {
  const bytes = Uint8Array.from(data.flat());
  return readCounterRecord(bytes, 0, bytes.length, format);
}

/** Octets of each kind of fixed length, as the specifications give structures in octets. */
const WIDTH: Readonly<Record<string, number>> = { u32: 4, i32: 4, f32: 4, u64: 8, mac: 8, uuid: 16 };

describe('counter structures', () => {
  // Lengths that real agents send, or that the specifications name.
  it.each([
    [1, 'interface', 88],
    [2, 'ethernet', 52],
    [3, 'token_ring', 72],
    [4, 'vg', 80],
    [5, 'vlan', 28],
    [6, 'wlan', 80],
    [7, 'lag', 56],
    [1001, 'processor', 28],
    [1002, 'radio', 12],
    [1004, 'openflow_port', 12],
    [2002, 'host_parent', 8],
    [2003, 'host_cpu', 80],
    [2004, 'host_memory', 72],
    [2005, 'host_disk', 52],
    [2006, 'host_net', 40],
    [2007, 'host_ip', 76],
    [2008, 'host_icmp', 100],
    [2009, 'host_tcp', 60],
    [2010, 'host_udp', 28],
    [2100, 'virtual_node', 28],
    [2101, 'virtual_cpu', 12],
    [2102, 'virtual_memory', 16],
    [2103, 'virtual_disk', 52],
    [2104, 'virtual_net', 40],
    [2201, 'http', 60],
    [2203, 'app_resources', 40],
    [2206, 'app_workers', 20],
    [(5703 << 12) | 1, 'gpu', 48],
    [(4413 << 12) | 3, 'switch_tables', 144],
  ])('%d is %s, %d octets', (format, name, length) => {
    const structure = COUNTER_STRUCTURES.get(format);
    expect(structure?.name).toBe(name);
    expect(structure?.fields.reduce((sum, [, kind]) => sum + (WIDTH[kind] ?? Number.NaN), 0)).toBe(length);
  });

  it('names no field twice in a structure, and no kind twice', () => {
    const kinds = [...COUNTER_STRUCTURES.values()].map(({ name }) => name);
    expect(new Set(kinds).size).toBe(kinds.length);
    for (const { fields } of COUNTER_STRUCTURES.values()) {
      expect(new Set(fields.map(([name]) => name)).size).toBe(fields.length);
    }
  });
});

describe('values', () => {
  it('64-bit counters are exact, and what the agent could not give is not there', () => {
    const { kind, values } = read(5, words(12), u64(0xffff_ffff_ffff_fffen), words(1, 0xffff_ffff, 3, 0));
    expect(kind).toBe('vlan');
    expect(values).toEqual({
      vlan_id: 12,
      octets: 0xffff_ffff_ffff_fffen,
      ucastPkts: 1,
      broadcastPkts: 3,
      discards: 0,
    });
    expect(read(5, words(12), u64(0xffff_ffff_ffff_ffffn)).values).toEqual({ vlan_id: 12 });
  });

  it('LACP: MAC addresses and the four state octets', () => {
    const { values } = read(
      7,
      mac('02:00:00:00:00:01'),
      mac('02:00:00:00:00:02'),
      words(1000, 0x3d3d_3f3f, 1, 2, 3, 4, 5, 6, 7, 8),
    );
    expect(values).toMatchObject({
      dot3adAggPortActorSystemID: '02:00:00:00:00:01',
      dot3adAggPortPartnerOperSystemID: '02:00:00:00:00:02',
      dot3adAggPortAttachedAggID: 1000,
      dot3adAggPortState: 0x3d3d_3f3f,
      dot3adAggPortStatsMarkerResponsePDUsTx: 8,
    });
  });

  it('a host: description, adapters, processor', () => {
    const uuid = Array.from({ length: 16 }, (_, i) => i);
    expect(read(2000, xdrText('db1'), uuid, words(3, 2), xdrText('6.1.0')).values).toEqual({
      hostname: 'db1',
      uuid: '00010203-0405-0607-0809-0a0b0c0d0e0f',
      machine_type: 3,
      os_name: 2,
      os_release: '6.1.0',
    });
    const adapters = words(2, 2, 1);
    expect(
      read(2001, adapters, mac('02:00:00:00:00:01'), words(3, 2), mac('02:00:00:00:00:02'), mac('02:00:00:00:00:03'))
        .values,
    ).toEqual({
      adapters: [
        { ifIndex: 2, mac_addresses: '02:00:00:00:00:01' },
        { ifIndex: 3, mac_addresses: '02:00:00:00:00:02 02:00:00:00:00:03' },
      ],
    });
    const load = read(2003, float(0.5, 4), float(-1, 4), float(2, 4), words(1, 2, 4)).values;
    expect(load).toEqual({ load_one: 0.5, load_fifteen: 2, proc_run: 1, proc_total: 2, cpu_num: 4 });
  });

  it('optics with their lanes; a temperature below zero', () => {
    const { kind, values } = read(10, words(1, 1, 3300, 0xffff_ec78, 1), words(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    expect(kind).toBe('sfp');
    expect(values).toMatchObject({ module_temperature: -5000, lanes: [{ index: 1, rx_wavelength: 10 }] });
  });

  it('what weir does not know is kept as octets', () => {
    expect(read((8072 << 12) | 7, [1, 2, 3, 4])).toEqual({ kind: '8072/7', values: { octets: '01020304' }, next: 4 });
  });

  it('lists longer than their record end with it', () => {
    expect(read(2001, words(0xffff_ffff, 2, 0xffff_ffff)).values).toEqual({
      adapters: [{ ifIndex: 2, mac_addresses: '' }],
    });
    expect(read(10, words(1, 1, 1, 1, 0xffff_ffff)).values).toMatchObject({ lanes: [] });
    expect(read(2000, words(0xffff_ffff, 1)).values).toEqual({});
  });
});
