import type { GeneratedVersion } from '../generate/layout.ts';
import type { Traffic } from '../generate/traffic.ts';
import { grouped } from '../query/output/humanize.ts';
import { type Io, write } from './io.ts';
import { counted } from './sending.ts';

/* What sending and writing of generated flows have in common: the flags, and telling what was done. */

export interface GenerateFlags {
  readonly version: GeneratedVersion;
  readonly exporters: number;
  readonly domains: number;
  readonly seed: number;
  readonly records?: number;
  readonly ipv6: number;
  readonly sampling: number;
  readonly distinct?: number;
  readonly rate?: number;
  readonly rateDatagrams?: number;
  readonly flows?: number;
  readonly seconds?: number;
  readonly keepGoing?: boolean;
  readonly write?: string;
  readonly from?: number;
  readonly duration?: number;
  readonly format: 'text' | 'json';
}

/** The name of a format for people. */
function formatName(version: GeneratedVersion): string {
  if (version === 'sflow') return 'sFlow';
  return version === 10 ? 'IPFIX' : `NetFlow v${version}`;
}

/** A line about what was made so far. */
export function summary({ totals, version }: Traffic, seconds: number): string {
  const name = formatName(version);
  const rates =
    seconds > 0
      ? `: ${grouped(totals.datagrams / seconds)} datagrams/s, ${grouped(totals.flows / seconds)} flows/s`
      : '';
  return (
    `${counted(totals.datagrams, 'datagram')} (${grouped(totals.octets)} bytes) of ${name}, ${counted(totals.flows, 'flow')} ` +
    `(${counted(totals.packets, 'packet')}, ${grouped(totals.bytes)} bytes) in ${seconds.toFixed(1)} s${rates}`
  );
}

/** Prints the totals as asked for. */
export async function tell(
  traffic: Traffic,
  seconds: number,
  flags: GenerateFlags,
  io: Io,
  extra: Record<string, number>,
): Promise<void> {
  const { datagrams, flows, packets, bytes, octets } = traffic.totals;
  if (flags.format === 'json') {
    const totals = { datagrams, flows, packets, bytes, octets, seconds: Number(seconds.toFixed(3)), ...extra };
    await write(io.stdout, `${JSON.stringify(totals)}\n`);
    return;
  }
  io.stderr.write(`${flags.write === undefined ? 'sent' : 'wrote'} ${summary(traffic, seconds)}\n`);
}
