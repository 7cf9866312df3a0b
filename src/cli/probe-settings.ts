import { randomInt } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import type { SflowProbeOptions } from '../app/probe.ts';
import type { TargetOptions } from '../export/exporting-process.ts';
import type { ExportTarget } from '../export/target.ts';
import type { TimeForm } from '../export/template-fields.ts';
import { NameReader } from '../meter/names/name-reader.ts';
import { type MeterOptions, TRACKING_LEVELS } from '../meter/options.ts';
import { DEFAULT_TIMEOUTS, parseTimeout, type Timeouts } from '../meter/timeouts.ts';
import { type Address, parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import { tlsFiles } from './export-sender.ts';
import { type ProbeFlags, parseTrack } from './probe-flags.ts';
import { addressOfInterface, parseTargets } from './probe-targets.ts';

const FORMS: Readonly<Record<NonNullable<ProbeFlags['times']>, TimeForm>> = {
  sec: 'seconds',
  milli: 'milliseconds',
  micro: 'microseconds',
  nano: 'nanoseconds',
};
/** One packet in so many is sampled for sFlow, unless it is said. */
const SFLOW_RATE = 1000;

/** Throws WEIR_USAGE for flags that are missing, contradict each other, or that only softflowd has. */
export function checkFlags(flags: ProbeFlags): void {
  const refuse = (message: string, hint: string): never => {
    throw new WeirError('WEIR_USAGE', message, { hint });
  };
  const { interface: interfaces = [], read = [] } = flags;
  if (flags.receivePort !== undefined)
    refuse('-R: packets are not received as PSAMP.', 'weir collect receives PSAMP and stores its packets.');
  if (interfaces.length === 0 && read.length === 0)
    refuse('There is nothing to read packets from.', 'Give an interface (-i eth0) or a capture (-r trace.pcap).');
  if (interfaces.length > 0 && read.length > 0)
    refuse('-i and -r contradict each other.', 'Read captures and interfaces with a probe each.');
  if (interfaces.length > 0) {
    if (flags.speed !== undefined) refuse('--speed is for captures (-r).', 'Leave it out.');
    if (flags.adjust === true)
      refuse('-a is for captures (-r).', 'Leave it out: flows of an interface end by the clock.');
  }
}

/** What the meter is to do. Throws WEIR_USAGE. */
export function meterOptions(flags: ProbeFlags, isLive: boolean): MeterOptions {
  const timeouts: Timeouts = { ...DEFAULT_TIMEOUTS };
  for (const text of flags.timeout ?? []) {
    const { name, seconds } = parseTimeout(text);
    timeouts[name] = seconds;
  }
  // Who names a timeout wants flows to end by it.
  const endsByTime = isLive || flags.adjust === true || flags.timeout !== undefined;
  return {
    keys: parseTrack(flags.track),
    isBiflow: flags.biflow === true,
    timeouts,
    expiry: endsByTime ? 'by-time' : 'when-full',
    maxFlows: flags.maxFlows,
    maxBytes: flags.maxMemory,
    tunnels: flags.tunnels,
    sampling: flags.sampling,
    names: nameReader(flags),
    exporter: exporterOf(flags),
    observationDomain: flags.domain,
    seed: [randomInt(2 ** 32), randomInt(2 ** 32)],
    random: Math.random,
  };
}

function nameReader({ names: kinds, maxFlows, track }: ProbeFlags): NameReader | undefined {
  if (kinds === undefined || kinds.size === 0) return undefined;
  const keys = parseTrack(track);
  const columns: readonly string[] = typeof keys === 'string' ? TRACKING_LEVELS[keys] : keys;
  const hasPorts = ['proto', 'src_port', 'dst_port'].every((column) => columns.includes(column));
  return new NameReader({ kinds, maxFlows, hasPorts, seed: randomInt(2 ** 32) });
}

function exporterOf({ exporter }: ProbeFlags): Address {
  const address = parseAddress(exporter);
  if (address !== undefined) return address;
  throw new WeirError('WEIR_USAGE', `--exporter ${exporter.slice(0, 60)}: expected an IP address.`);
}

/** Collectors of flows, and those of packets, which are sFlow's. Throws WEIR_USAGE. */
export async function targetOptions(
  flags: ProbeFlags,
): Promise<{ readonly flows: TargetOptions[]; readonly packets: TargetOptions[] }> {
  const { times, hopLimit, sendInterface, rate } = flags;
  const given = parseTargets(flags.to ?? [], flags.exportVersion, flags.transport);
  const tls = given.some(({ target }) => target.transport === 'tls') ? await tlsFiles(flags) : undefined;
  const interfaces = networkInterfaces();
  const flows: TargetOptions[] = [];
  const packets: TargetOptions[] = [];
  for (const { text, target } of given) {
    const localAddress =
      sendInterface === undefined || target.transport === 'file'
        ? undefined
        : addressOfInterface(sendInterface, target.host, interfaces);
    const hasForms = target.protocol === 'netflow9' || target.protocol === 'ipfix';
    const options: TargetOptions = {
      text,
      target,
      transport: { tls, hopLimit, localAddress },
      encoder: times !== undefined && hasForms ? { times: FORMS[times] } : undefined,
      rate,
    };
    (target.protocol === 'sflow' ? packets : flows).push(options);
  }
  if (times !== undefined && !given.some(({ target }) => carriesForms(target)))
    throw new WeirError('WEIR_USAGE', `-A ${times} is for NetFlow v9 and IPFIX.`, {
      hint: 'Use it with -v 9 or -v 10.',
    });
  return { flows, packets };
}

function carriesForms({ protocol }: ExportTarget): boolean {
  return protocol === 'netflow9' || protocol === 'ipfix';
}

/** Packet sampling, where there are collectors for it. */
export function sflowOptions(
  flags: ProbeFlags,
  targets: readonly TargetOptions[],
  interfaces: readonly string[],
): SflowProbeOptions | undefined {
  if (targets.length === 0) return undefined;
  const { rate, method } = flags.sampling ?? { rate: SFLOW_RATE, method: 'random' };
  return {
    targets,
    agent: exporterOf(flags),
    subAgent: flags.domain,
    rate,
    method,
    headerLength: flags.headerLength,
    random: Math.random,
    interfaces,
    countersMillis: flags.counters * 1000,
  };
}
