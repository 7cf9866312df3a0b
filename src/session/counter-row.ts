import type { CounterValues } from '../wire/sflow/counter-records.ts';

/**
 * One counter structure of an sFlow counter sample: a row of the table `counters`. Counters are running totals since the agent's start, as it sent
 * them; a rate is the difference of two rows of the same exporter, agent, source and kind. What the agent could not give (sFlow: all bits set) is
 * undefined. Interface counters (kind `interface`, the generic structure) are columns, the rest stands in `values` by the
 * specification's names.
 */
export interface CounterRow {
  /** Arrival of the datagram, µs since the epoch. */
  readonly time_received: number;
  /** Address texts: of the exporter, of who sent the datagram, and of the agent as the datagram names it. */
  readonly exporter: string;
  readonly sender: string;
  readonly agent_addr: string;
  readonly sub_agent: number;
  /** What was counted: sFlowDataSource. Class 0 is an interface (ifIndex), 1 a VLAN, 2 a physical, 3 a logical entity. */
  readonly source_class: number;
  readonly source_index: number;
  /** Number of the sample, counted by source; and the agent's uptime in ms. */
  readonly sequence: number;
  readonly uptime_ms: number;
  /** `interface`, `ethernet`, `vlan`, `processor`, `host_cpu` …; `enterprise/format` where weir does not know the structure. */
  readonly kind: string;
  /** ifIndex. */
  readonly if_index: number | undefined;
  /** IANA ifType. */
  readonly if_type: number | undefined;
  /** bit/s. */
  readonly if_speed: number | bigint | undefined;
  /** 1 full duplex, 2 half duplex, 3 in, 4 out, 0 unknown. */
  readonly if_direction: number | undefined;
  /** Bit 0 administratively up, bit 1 operationally up. */
  readonly if_status: number | undefined;
  readonly in_octets: number | bigint | undefined;
  readonly in_unicast: number | undefined;
  readonly in_multicast: number | undefined;
  readonly in_broadcast: number | undefined;
  readonly in_discards: number | undefined;
  readonly in_errors: number | undefined;
  readonly in_unknown_protos: number | undefined;
  readonly out_octets: number | bigint | undefined;
  readonly out_unicast: number | undefined;
  readonly out_multicast: number | undefined;
  readonly out_broadcast: number | undefined;
  readonly out_discards: number | undefined;
  readonly out_errors: number | undefined;
  readonly if_promiscuous: number | undefined;
  readonly values: CounterValues;
}

/** Takes counter rows as they are decoded. */
export interface CounterSink {
  counters(row: CounterRow): void;
}
