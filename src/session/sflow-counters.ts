import { type CounterValues, readCounterRecord } from '../wire/sflow/counter-records.ts';
import type { CounterSample } from '../wire/sflow/sample-v5.ts';
import type { CounterRow } from './counter-row.ts';
import type { SflowAgent } from './sflow-agents.ts';

/** What the rows of one counter sample share. */
export interface CounterOrigin {
  readonly agent: SflowAgent;
  readonly sample: CounterSample;
  readonly receivedMicros: number;
  readonly uptime: number;
}

/**
 * The row of one counter structure, between `start` and `end` of the datagram, and where the next one begins (which only its length tells in
 * version 5).
 */
export function counterRow(
  { agent, sample, receivedMicros, uptime }: CounterOrigin,
  bytes: Uint8Array,
  start: number,
  end: number,
  format: number,
): { row: CounterRow; next: number } {
  const { kind, values, next } = readCounterRecord(bytes, start, end, format);
  const isInterface = kind === 'interface';
  const wide = (name: string): number | bigint | undefined =>
    isInterface ? (values[name] as number | bigint | undefined) : undefined;
  const column = (name: string): number | undefined => wide(name) as number | undefined;
  const row: CounterRow = {
    time_received: receivedMicros,
    exporter: agent.domain.exporter,
    sender: agent.domain.sender,
    agent_addr: agent.text,
    sub_agent: agent.domain.id,
    // Classes are 0 to 3, whatever the expanded form has room for.
    source_class: Math.min(sample.sourceClass, 255),
    source_index: sample.sourceIndex,
    sequence: sample.sequence,
    uptime_ms: uptime,
    kind,
    // Ethernet counters and the like are of the interface that is the data source.
    if_index: column('ifIndex') ?? (sample.sourceClass === 0 ? sample.sourceIndex : undefined),
    if_type: column('ifType'),
    if_speed: wide('ifSpeed'),
    if_direction: column('ifDirection'),
    if_status: column('ifStatus'),
    in_octets: wide('ifInOctets'),
    in_unicast: column('ifInUcastPkts'),
    in_multicast: column('ifInMulticastPkts'),
    in_broadcast: column('ifInBroadcastPkts'),
    in_discards: column('ifInDiscards'),
    in_errors: column('ifInErrors'),
    in_unknown_protos: column('ifInUnknownProtos'),
    out_octets: wide('ifOutOctets'),
    out_unicast: column('ifOutUcastPkts'),
    out_multicast: column('ifOutMulticastPkts'),
    out_broadcast: column('ifOutBroadcastPkts'),
    out_discards: column('ifOutDiscards'),
    out_errors: column('ifOutErrors'),
    if_promiscuous: column('ifPromiscuousMode'),
    values: isInterface ? NONE : values,
  };
  return { row, next };
}

const NONE: CounterValues = {};
