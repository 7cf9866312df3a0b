import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Connection } from '#weir/nat/connection.js';
import { FlowToolsLines } from '#weir/nat/flow-tools-lines.js';
import { connectionOf } from './connections.ts';

const END = 1_248_952_480_737;
const BOOT = END - 279_737;
const TCP =
  '[1248952480.737000]\t[DESTROY] tcp      6 src=10.0.195.106 dst=74.125.6.225 sport=62380 dport=80 packets=720 bytes=38052 src=74.125.6.225 dst=192.76.7.154 sport=80 dport=62380 packets=1432 bytes=2027040 [ASSURED] id=77';

function linesOf(connection: Connection, more: { bootMillis?: number; hasIpv6?: boolean } = {}) {
  const lines: string[] = [];
  const writer = new FlowToolsLines({
    exporter: '172.16.1.1',
    bootMillis: BOOT,
    ...more,
    take: (line) => lines.push(line),
  });
  writer.ended(connection);
  return { lines, counters: writer.counters };
}

function timed(line: string, more: Partial<Connection> = {}): Connection {
  const from = (BOOT + 136_315) * 1000;
  return Object.assign(connectionOf(line), { startMicros: from, fromMicros: from, endMicros: END * 1000 + 235 }, more);
}

describe('lines of flow-tools', () => {
  it('are those of nfflowd’s documentation, byte for byte', () => {
    expect(linesOf(timed(TCP)).lines).toEqual([
      '1248952480,737235000,279737,172.16.1.1,720,38052,136315,279737,10.0.195.106,74.125.6.225,0.0.0.0,0,0,62380,80,6,0,0',
      '1248952480,737235000,279737,172.16.1.1,720,38052,136315,279737,192.76.7.154,74.125.6.225,0.0.0.0,0,0,62380,80,6,0,0',
      '1248952480,737235000,279737,172.16.1.1,1432,2027040,136315,279737,74.125.6.225,192.76.7.154,0.0.0.0,0,0,80,62380,6,0,0',
    ]);
  });

  it('have no ports for ICMP, and what was counted since the record before', () => {
    const echo = timed(
      '[1248952480.737000]\t[DESTROY] icmp     1 src=10.0.0.2 dst=192.0.2.9 type=8 code=0 id=7 packets=5 bytes=420 src=192.0.2.9 dst=198.51.100.1 type=0 code=0 id=9 packets=4 bytes=336',
      { packetsBefore: 2, bytesBefore: 168, replyPacketsBefore: 9, replyBytesBefore: 999 },
    );
    const fields = linesOf(echo).lines.map((line) => line.split(','));
    expect(fields.map((one) => [one[4], one[5], one[8], one[9], one[13], one[14], one[15]])).toEqual([
      ['3', '252', '10.0.0.2', '192.0.2.9', '0', '0', '1'],
      ['3', '252', '198.51.100.1', '192.0.2.9', '0', '0', '1'],
      ['0', '0', '192.0.2.9', '198.51.100.1', '0', '0', '1'],
    ]);
  });

  it('leave IPv6 out, and count it, unless it is wanted', () => {
    const line =
      '[1248952480.737000]\t[DESTROY] tcp      6 src=fd00::2 dst=2001:db8::9 sport=1000 dport=80 packets=1 bytes=60 src=2001:db8::9 dst=2001:db8::1 sport=80 dport=1000 packets=1 bytes=60';
    expect(linesOf(timed(line))).toEqual({ lines: [], counters: { lines: 0, ipv6LeftOut: 1 } });
    const { lines } = linesOf(timed(line), { hasIpv6: true });
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain(',fd00::2,2001:db8::9,::,0,0,1000,80,6,0,0');
  });

  it('have stamps of 32 bits whose differences are right, whenever the machine was booted', () => {
    assert(
      property(integer({ min: -1e10, max: 1e10 }), integer({ min: 0, max: 2 ** 32 - 1 }), (up, lasted) => {
        const fromMicros = (END - lasted) * 1000 + 235;
        const fields = (linesOf(timed(TCP, { fromMicros }), { bootMillis: END - up }).lines[0] ?? '').split(',');
        const [uptime, first, last] = [Number(fields[2]), Number(fields[6]), Number(fields[7])];
        expect([uptime, first, last].every((one) => one >= 0 && one < 2 ** 32)).toBe(true);
        expect((last - first + 2 ** 32) % 2 ** 32).toBe(lasted);
        expect(uptime).toBe(last);
      }),
    );
  });
});
