import type { FlowBatch } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import type { MessageValues } from '../flow/shared-values.ts';
import type { SlotArray } from '../flow/slots.ts';
import { slotOf } from '../flow/slots.ts';
import type { BatchSink } from '../session/message-decoder.ts';
import type { Address } from '../util/address.ts';
import {
  type Connection,
  type ConnectionListener,
  ORIGINAL_DESTINATION,
  ORIGINAL_SOURCE,
  REPLY_DESTINATION,
  REPLY_SOURCE,
} from './connection.ts';
import { type RecordForm, recordLayout } from './record-layouts.ts';
import { SOURCE_TRANSLATED, translationOf } from './translation.ts';

/*
 * What is told of a connection:
 *
 * v5-triplet  when it ends, and in between when it lasts: as nfflowd does, the connection before translation, after it, and the way back. IPv4 only.
 * flows       at the same times: a record for each direction, with the translated addresses and ports (225 to 228, 281, 282).
 * biflows     the same as one record with both directions' counters (RFC 5103).
 * events      when it begins and when it ends: NAT session create and delete (RFC 8158 section 5.2), so that it is known while it is open. Translated ones only.
 */

export interface NatRecordsOptions {
  readonly forms: readonly RecordForm[];
  /** Who the exporter of the records is, where they go into a store. */
  readonly exporter: Address;
  readonly observationDomain: number;
  /** µs since the epoch. */
  readonly nowMicros: () => number;
}

export interface NatRecordsCounters {
  /** Records written, by form. */
  readonly records: Record<RecordForm, number>;
  /** Connections over IPv6, for which NetFlow v5 has no record. */
  ipv6WithoutTriplet: number;
}

/** Codes of NAT_EVENTS. There are none for IPv6 to IPv6: those of any translation stand for it. */
const CREATE = { ipv4: 4, ipv6: 1 } as const;
const DELETE = { ipv4: 5, ipv6: 2 } as const;
/** natOriginatingAddressRealm (229): the session came from the private side, or from the public one. */
const REALM = { private: 1, public: 2 } as const;
/** Codes of FLOW_TYPES: how the records would have come by the network. */
const FLOW_TYPE = { netflow5: 2, ipfix: 4 } as const;

const SLOT = {
  start: slotOf('time_start'),
  end: slotOf('time_end'),
  source: slotOf('src_addr'),
  destination: slotOf('dst_addr'),
  sourcePort: slotOf('src_port'),
  destinationPort: slotOf('dst_port'),
  proto: slotOf('proto'),
  bytes: slotOf('bytes'),
  packets: slotOf('packets'),
  reverseBytes: slotOf('reverse_bytes'),
  reversePackets: slotOf('reverse_packets'),
  flowId: slotOf('flow_id'),
  icmpType: slotOf('icmp_type'),
  icmpCode: slotOf('icmp_code'),
  endReason: slotOf('flow_end_reason'),
  instance: slotOf('nat_instance'),
  vrf: slotOf('ingress_vrf'),
  postSource: slotOf('post_nat_src_addr'),
  postDestination: slotOf('post_nat_dst_addr'),
  postSourcePort: slotOf('post_nat_src_port'),
  postDestinationPort: slotOf('post_nat_dst_port'),
  natEvent: slotOf('nat_event'),
  realm: slotOf('nat_realm'),
} as const;

/** Writes records of connections into batches. */
export class NatRecords implements ConnectionListener {
  readonly counters: NatRecordsCounters = {
    records: { 'v5-triplet': 0, flows: 0, biflows: 0, events: 0 },
    ipv6WithoutTriplet: 0,
  };
  readonly #options: NatRecordsOptions;
  readonly #sink: BatchSink;
  readonly #has: (form: RecordForm) => boolean;
  /** By form, then by traits as a number. */
  readonly #layouts = new Map<RecordForm, (Layout | undefined)[]>();
  readonly #shared: { -readonly [Key in keyof MessageValues]: MessageValues[Key] };

  constructor(options: NatRecordsOptions, sink: BatchSink) {
    this.#options = options;
    this.#sink = sink;
    this.#has = (form) => options.forms.includes(form);
    const [exporter0, exporter1, exporter2, exporter3] = options.exporter;
    this.#shared = {
      exporter0,
      exporter1,
      exporter2,
      exporter3,
      observationDomain: options.observationDomain,
      flowType: FLOW_TYPE.ipfix,
      receivedMicros: 0,
    };
  }

  begun(connection: Connection): void {
    if (this.#has('events')) this.#event(connection, CREATE, connection.startMicros);
  }

  continues(connection: Connection): void {
    this.#traffic(connection);
  }

  ended(connection: Connection): void {
    this.#traffic(connection);
    if (this.#has('events')) this.#event(connection, DELETE, connection.endMicros);
  }

  #traffic(connection: Connection): void {
    const translated = translationOf(connection);
    if (this.#has('v5-triplet')) this.#triplet(connection);
    if (this.#has('flows')) {
      this.#flow('flows', connection, translated, false);
      this.#flow('flows', connection, translated, true);
    }
    if (this.#has('biflows')) this.#flow('biflows', connection, translated, false);
  }

  #triplet(connection: Connection): void {
    if (connection.isIpv6) {
      this.counters.ipv6WithoutTriplet++;
      return;
    }
    const c = connection;
    // Ports of ICMP are none: nfflowd sends 0.
    const [port, postPort] = c.isIcmp ? [0, 0] : [c.originalSourcePort, c.replyDestinationPort];
    const [peerPort, postPeerPort] = [c.originalDestinationPort, c.replySourcePort];
    this.#tripletRecord(c, ORIGINAL_SOURCE, port, ORIGINAL_DESTINATION, peerPort, false);
    this.#tripletRecord(c, REPLY_DESTINATION, postPort, REPLY_SOURCE, postPeerPort, false);
    this.#tripletRecord(c, REPLY_SOURCE, postPeerPort, REPLY_DESTINATION, postPort, true);
  }

  #tripletRecord(
    connection: Connection,
    source: number,
    sourcePort: number,
    destination: number,
    destinationPort: number,
    isReply: boolean,
  ): void {
    const { batch, row } = this.#row('v5-triplet', connection, false);
    const { arrays } = batch;
    putAddress(arrays, SLOT.source, row, connection.addresses, source);
    putAddress(arrays, SLOT.destination, row, connection.addresses, destination);
    put(arrays, SLOT.sourcePort, row, sourcePort);
    put(arrays, SLOT.destinationPort, row, destinationPort);
    putCounts(arrays, row, connection, isReply);
    putTimes(arrays, row, connection.fromMicros, connection.endMicros);
    batch.rows = row + 1;
  }

  /** A record of one direction; of a biflow with the counts of the other. */
  #flow(form: 'flows' | 'biflows', connection: Connection, translated: number, isReply: boolean): void {
    const c = connection;
    const { batch, row } = this.#row(form, c, translated !== 0, isReply);
    const { arrays } = batch;
    if (isReply) {
      this.#ends(arrays, row, c, REPLY_SOURCE, REPLY_DESTINATION, ORIGINAL_DESTINATION, ORIGINAL_SOURCE);
      putPorts(
        arrays,
        row,
        c.replySourcePort,
        c.isIcmp ? 0 : c.replyDestinationPort,
        c.originalDestinationPort,
        c.isIcmp ? 0 : c.originalSourcePort,
      );
    } else this.#forward(arrays, row, c);
    put(arrays, SLOT.icmpType, row, isReply ? c.replyIcmpType : c.icmpType);
    put(arrays, SLOT.icmpCode, row, isReply ? c.replyIcmpCode : c.icmpCode);
    putCounts(arrays, row, c, isReply);
    if (form === 'biflows') {
      putWide(arrays, SLOT.reverseBytes, row, Math.max(0, c.replyBytes - c.replyBytesBefore));
      putWide(arrays, SLOT.reversePackets, row, Math.max(0, c.replyPackets - c.replyPacketsBefore));
    }
    put(arrays, SLOT.endReason, row, c.endReason);
    putTimes(arrays, row, c.fromMicros, c.endMicros);
    batch.rows = row + 1;
  }

  #event(connection: Connection, codes: { readonly ipv4: number; readonly ipv6: number }, micros: number): void {
    const translated = translationOf(connection);
    if (translated === 0) return;
    const { batch, row } = this.#row('events', connection, true);
    const { arrays } = batch;
    this.#forward(arrays, row, connection);
    put(arrays, SLOT.icmpType, row, connection.icmpType);
    put(arrays, SLOT.icmpCode, row, connection.icmpCode);
    put(arrays, SLOT.natEvent, row, connection.isIpv6 ? codes.ipv6 : codes.ipv4);
    put(arrays, SLOT.realm, row, (translated & SOURCE_TRANSLATED) !== 0 ? REALM.private : REALM.public);
    putTimes(arrays, row, micros, micros);
    batch.rows = row + 1;
  }

  /** Addresses and ports of the original direction. */
  #forward(arrays: Arrays, row: number, c: Connection): void {
    this.#ends(arrays, row, c, ORIGINAL_SOURCE, ORIGINAL_DESTINATION, REPLY_DESTINATION, REPLY_SOURCE);
    putPorts(arrays, row, c.originalSourcePort, c.originalDestinationPort, c.replyDestinationPort, c.replySourcePort);
  }

  #ends(
    arrays: Arrays,
    row: number,
    c: Connection,
    source: number,
    destination: number,
    postSource: number,
    postDestination: number,
  ): void {
    putAddress(arrays, SLOT.source, row, c.addresses, source);
    putAddress(arrays, SLOT.destination, row, c.addresses, destination);
    putAddress(arrays, SLOT.postSource, row, c.addresses, postSource);
    putAddress(arrays, SLOT.postDestination, row, c.addresses, postDestination);
  }

  /** A row with what all forms have; the caller fills the rest and counts it. */
  #row(
    form: RecordForm,
    connection: Connection,
    isTranslated: boolean,
    isReply = false,
  ): { batch: FlowBatch; row: number } {
    const batch = this.#sink.batch();
    const { rows: row, arrays } = batch;
    batch.beginRun(this.#layout(form, connection, isTranslated, isReply));
    this.#shared.flowType = form === 'v5-triplet' ? FLOW_TYPE.netflow5 : FLOW_TYPE.ipfix;
    this.#shared.receivedMicros = this.#options.nowMicros();
    batch.shared.note(row, this.#shared);
    put(arrays, SLOT.proto, row, connection.proto);
    putWide(arrays, SLOT.flowId, row, connection.id);
    const zone = isReply ? connection.replyZone : connection.zone;
    put(arrays, SLOT.instance, row, zone);
    put(arrays, SLOT.vrf, row, zone);
    this.counters.records[form]++;
    return { batch, row };
  }

  #layout(form: RecordForm, c: Connection, isTranslated: boolean, isReply: boolean): Layout {
    const { isIcmp } = c;
    // Other protocols have ports or keys, or none at all.
    const hasPorts = !isIcmp && (c.originalSourcePort | c.originalDestinationPort) !== 0;
    const hasSourcePort = hasPorts || (isIcmp && !isReply && form !== 'v5-triplet');
    const hasZone = (isReply ? c.replyZone : c.zone) !== 0;
    const traits =
      Number(hasPorts) |
      (Number(hasSourcePort) << 1) |
      (Number(isIcmp) << 2) |
      (Number(c.hasCounters) << 3) |
      (Number(isTranslated) << 4) |
      (Number(hasZone) << 5);
    let layouts = this.#layouts.get(form);
    if (layouts === undefined) {
      layouts = new Array<Layout | undefined>(64).fill(undefined);
      this.#layouts.set(form, layouts);
    }
    return (layouts[traits] ??= recordLayout(form, {
      hasSourcePort,
      hasDestinationPort: hasPorts,
      isIcmp,
      hasCounters: c.hasCounters,
      isTranslated,
      hasZone,
    }));
  }
}

type Arrays = readonly (SlotArray | undefined)[];

/* Each writes a value where the batch has its column; in rows whose layout has not, it does not matter. */

function put(arrays: Arrays, slot: number, row: number, value: number): void {
  const array = arrays[slot];
  if (array !== undefined) array[row] = value;
}

function putWide(arrays: Arrays, slot: number, row: number, value: number): void {
  const array = arrays[slot];
  if (array === undefined) return;
  array[row * 2] = value >>> 0;
  array[row * 2 + 1] = value / 4_294_967_296;
}

function putAddress(arrays: Arrays, slot: number, row: number, words: Uint32Array, at: number): void {
  const upper = arrays[slot];
  const lower = arrays[slot + 1];
  if (upper === undefined || lower === undefined) return;
  upper[row * 2] = words[at + 1] as number;
  upper[row * 2 + 1] = words[at] as number;
  lower[row * 2] = words[at + 3] as number;
  lower[row * 2 + 1] = words[at + 2] as number;
}

function putPorts(
  arrays: Arrays,
  row: number,
  source: number,
  destination: number,
  postSource: number,
  postDestination: number,
): void {
  put(arrays, SLOT.sourcePort, row, source);
  put(arrays, SLOT.destinationPort, row, destination);
  put(arrays, SLOT.postSourcePort, row, postSource);
  put(arrays, SLOT.postDestinationPort, row, postDestination);
}

/** What was counted since the last record; never less than nothing, as the kernel's counters may be set to 0 (`conntrack -L -z`). */
function putCounts(arrays: Arrays, row: number, c: Connection, isReply: boolean): void {
  const packets = isReply ? c.replyPackets - c.replyPacketsBefore : c.packets - c.packetsBefore;
  const bytes = isReply ? c.replyBytes - c.replyBytesBefore : c.bytes - c.bytesBefore;
  putWide(arrays, SLOT.packets, row, Math.max(0, packets));
  putWide(arrays, SLOT.bytes, row, Math.max(0, bytes));
}

function putTimes(arrays: Arrays, row: number, start: number, end: number): void {
  putWide(arrays, SLOT.start, row, start);
  putWide(arrays, SLOT.end, row, end);
}
