import type { Flow } from './flows.ts';

/** What is generated; 10 is IPFIX. */
export type GeneratedVersion = 1 | 5 | 6 | 7 | 8 | 9 | 10 | 'sflow';

/** How one version's datagrams are laid out, so that `traffic.ts` can fill them once and patch them on their way out. */
export interface Layout {
  readonly version: GeneratedVersion;
  /** Bytes before the first record of a datagram: message header and, for v9 and IPFIX, the set header. */
  readonly headerLength: number;
  readonly recordLength: (isIpv6: boolean) => number;
  /** How many records a datagram holds when nothing else is asked for. */
  readonly defaultRecords: number;
  /** How many records a datagram holds at most; undefined: as many as 65,507 octets hold. */
  readonly mostRecords: number | undefined;
  /** What the sequence number counts: flows (and with IPFIX options data), or messages. */
  readonly unit: 'flows' | 'messages';
  /** What of a flow is sent, where that is not all of it. */
  readonly adapt?: (flow: Flow) => Flow;
  /** Writes all that stays the same from one sending to the next: headers, and the records without their times. */
  writeDatagram(into: Uint8Array, flows: readonly Flow[], isIpv6: boolean): void;
  /** Length of a datagram of so many records, padding included. */
  datagramLength(records: number, isIpv6: boolean): number;
  /** Makes `datagram`, of full length, say that it has only so many records; it is then to be cut to `datagramLength`. */
  shorten(datagram: Uint8Array, records: number, isIpv6: boolean): void;
  /** Offset of start and end time in a record, and what they are: ms of uptime in 4 bytes, or ms since the epoch in 8. Undefined without times. */
  readonly times: { readonly start: number; readonly end: number; readonly is: 'uptime' | 'epoch' } | undefined;
  /** Offsets of the packet and byte counters in a record; their last four bytes hold the value (bytes and packets stay below 2^32). Without one for packets, it is one packet. */
  readonly counters: { readonly packets: number | undefined; readonly bytes: number };
  /** How much further times and counters are in an IPv6 record than in an IPv4 one. */
  readonly ipv6Shift: number;
  /** Writes time, sequence number and the stream's identity into a datagram's header. */
  patchHeader(view: DataView, at: number, header: HeaderFields): void;
  /** Templates and, if wanted, the sampling options of one stream; undefined for v5, which has none. */
  describe(options: { readonly hasIpv6: boolean; readonly sampling: number }): Description | undefined;
}

/** What differs from one datagram to the next, beside the record times. */
export interface HeaderFields {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since the exporter started, modulo 2^32. */
  readonly uptime: number;
  readonly sequence: number;
  /** Engine id (v5), source id (v9), observation domain (IPFIX). */
  readonly domain: number;
  /** 1 in how many packets is counted; 1 when not sampled. */
  readonly sampling: number;
}

/** A datagram of templates and options data. */
export interface Description {
  readonly datagram: Uint8Array;
  /** Data records in it: IPFIX counts them in its sequence numbers (RFC 7011 section 3.1). */
  readonly dataRecords: number;
}
