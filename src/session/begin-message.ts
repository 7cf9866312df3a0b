import type { RecordContext } from '../wire/record-context.ts';
import type { Domain } from './domain.ts';

/** Added to sFlow's versions, which NetFlow has too, where a domain's version is told. */
export const SFLOW_DOMAIN = 100;

/** A clock that is further from ours, in ms, is wrong. */
const CLOCK_OFF = 7 * 86_400e3;

/** Code of FLOW_TYPES by version of the message; sFlow's as its domains have it. */
// biome-ignore format: pairs
export const FLOW_TYPE: Readonly<Record<number, number>> = {
  1: 11, 5: 2, 6: 16, 7: 17, 8: 18, 9: 3, 10: 4, 102: 12, 104: 14, 105: 1,
};

/**
 * Counts a message of a domain and puts into `context` what its records share. `exportMillis` is the message's own time in ms since the epoch, `uptime`
 * sysUptime at that time in ms, −1 when it is unknown.
 */
export function beginMessage(
  context: RecordContext,
  domain: Domain,
  octets: number,
  exportMillis: number,
  uptime: number,
): void {
  countMessage(context, domain, octets);
  domain.clockSkewMillis = exportMillis - context.receivedMicros / 1000;
  if (Math.abs(domain.clockSkewMillis) > CLOCK_OFF) domain.met('clock-off', 1);
  describeDomain(context, domain);
  context.exportMillis = exportMillis;
  context.uptime = uptime;
}

/** Counts a message of a domain. */
export function countMessage({ receivedMicros }: RecordContext, domain: Domain, octets: number): void {
  domain.counters.datagrams++;
  domain.counters.octets += octets;
  domain.ofSender.messages++;
  domain.lastReceived = receivedMicros;
}

/** Puts into `context` what all records of a domain share. */
export function describeDomain(context: RecordContext, domain: Domain): void {
  const { exporterAddress } = domain;
  context.exporter0 = exporterAddress[0];
  context.exporter1 = exporterAddress[1];
  context.exporter2 = exporterAddress[2];
  context.exporter3 = exporterAddress[3];
  context.observationDomain = domain.id;
  context.flowType = FLOW_TYPE[domain.version] as number;
  context.samplingRate = domain.rate;
  context.samplingSource = domain.rateSource;
}
