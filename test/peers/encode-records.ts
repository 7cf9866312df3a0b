import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEncoder, type Protocol } from '#weir/export/encoder.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { formatAddress, parseAddress } from '#weir/util/address.js';

/** Records that every peer gets, and the peers' answers in the same words. */

const COUNT = 60;

/** A time of now, so that no peer has a reason to doubt it; whole seconds. */
export const NOW = Math.floor(Date.now() / 1000) * 1000;

export interface RecordSet {
  readonly protocol: Protocol;
  readonly records: readonly FlowRecord[];
}

const iso = (ms: number): string => new Date(ms).toISOString();

/** Sixty records with values that differ in every field; every third is IPv6 where the format has it. For sFlow they are samples. */
export function recordsFor(protocol: Protocol): FlowRecord[] {
  const isSflow = protocol === 'sflow';
  const hasIpv6 = isSflow || protocol === 'netflow9' || protocol === 'ipfix';
  return Array.from({ length: COUNT }, (_, i): FlowRecord => {
    const isIpv6 = hasIpv6 && i % 3 === 0;
    const proto = i % 2 === 0 ? 6 : 17;
    return {
      observation_domain: isSflow ? 0 : 1,
      record_kind: isSflow ? 'sample' : 'flow',
      sampling_rate: isSflow ? 100 : 0,
      time_start: iso(NOW - 60_000 + i * 7),
      time_end: iso(NOW - 5000 + i * 3),
      src_addr: isIpv6 ? `2001:db8:0:1::${(i + 1).toString(16)}` : `10.1.${i}.1`,
      dst_addr: isIpv6 ? `2001:db8:0:2::${(i + 1).toString(16)}` : `10.2.${i}.2`,
      src_port: 1024 + i,
      dst_port: 40_000 + i,
      proto,
      tcp_flags: proto === 6 ? 0x10 + (i % 8) : 0,
      tos: (i * 4) % 256,
      bytes: 1000 + i * 11,
      packets: isSflow ? 1 : 3 + i,
      in_if: 100 + i,
      out_if: 200 + i,
      src_as: 64_000 + i,
      dst_as: 65_000 + i,
      src_mask: 8 + (i % 24),
      dst_mask: 9 + (i % 23),
      next_hop: isIpv6 ? '2001:db8:0:9::9' : `10.9.${i}.9`,
      ...(isSflow
        ? {
            src_vlan: 10 + i,
            dst_vlan: 110 + i,
            src_mac: `02:00:00:00:01:${hex(i)}`,
            dst_mac: `02:00:00:00:02:${hex(i)}`,
          }
        : {}),
    };
  });
}

function hex(number: number): string {
  return number.toString(16).padStart(2, '0');
}

/** Sends the encoded records to a UDP port of this host. */
export async function sendEncoded(protocol: Protocol, port: number): Promise<void> {
  const socket = createSocket('udp4');
  for (const message of encodedFor(protocol)) {
    await new Promise((resolve) => socket.send(message, port, '127.0.0.1', resolve));
    await sleep(2);
  }
  socket.close();
}

export function encodedFor(protocol: Protocol): Uint8Array[] {
  const encoder = createEncoder({ protocol, agent: '192.0.2.1', sample: 'header' });
  return encoder.encode(recordsFor(protocol), { exportMillis: NOW });
}

/** One spelling of addresses. */
export function address(text: string): string {
  const words = parseAddress(text);
  return words === undefined ? text : formatAddress(...words);
}

/** Lines of the columns `names`, sorted: what two lists of records have in common, or not. */
export function table(records: readonly FlowRecord[], names: readonly string[]): string[] {
  return records.map((record) => names.map((name) => `${name}=${record[name] as string}`).join(' ')).sort();
}
