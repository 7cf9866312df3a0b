/*
 * NetFlow v9 and IPFIX messages, written. Sources: RFC 3954 section 5 (v9), RFC 7011 section 3 (IPFIX).
 *
 * v9 header, 20 bytes:     0 u16 version 9   2 u16 records in it   4 u32 sysUptime ms   8 u32 unix secs   12 u32 packet sequence   16 u32 source id
 * IPFIX header, 16 bytes:  0 u16 version 10  2 u16 length   4 u32 export time s   8 u32 data record sequence   12 u32 observation domain
 * Set:                     0 u16 set id   2 u16 length, padding included   4 … records, padded to 32 bits
 *   templates              set id 0 (v9), 2 (IPFIX):  u16 template id, u16 fields, then u16 element, u16 length each
 *   options template       set id 1 (v9):     u16 id, u16 bytes of scope fields, u16 bytes of option fields, fields
 *                          set id 3 (IPFIX):  u16 id, u16 fields, u16 scope fields among them, fields
 */
import { viewOf } from '../util/octets.ts';
import type { Flow } from './flows.ts';
import type { Description, Layout } from './layout.ts';

const TEMPLATE_V4 = 256;
const TEMPLATE_V6 = 257;
const OPTIONS_TEMPLATE = 258;

interface Field {
  /** Number of the information element. */
  readonly element: number;
  readonly length: number;
  readonly put?: (view: DataView, at: number, flow: Flow) => void;
}

const u8 = (element: number, value: (flow: Flow) => number): Field => ({
  element,
  length: 1,
  put: (view, at, flow) => view.setUint8(at, value(flow)),
});
const u16 = (element: number, value: (flow: Flow) => number): Field => ({
  element,
  length: 2,
  put: (view, at, flow) => view.setUint16(at, value(flow), false),
});
const u32 = (element: number, value: (flow: Flow) => number): Field => ({
  element,
  length: 4,
  put: (view, at, flow) => view.setUint32(at, value(flow), false),
});
/** A counter of 4 or 8 bytes whose value is below 2^32. */
const counter = (element: number, length: 4 | 8, value: (flow: Flow) => number): Field => ({
  element,
  length,
  put: (view, at, flow) => view.setUint32(at + length - 4, value(flow), false),
});
const address6 = (element: number, value: (flow: Flow) => readonly number[]): Field => ({
  element,
  length: 16,
  put: (view, at, flow) => {
    for (const [word, bits] of value(flow).entries()) view.setUint32(at + word * 4, bits, false);
  },
});

/** The fields of a data record: those of NetFlow v5 and the direction, in the order routers commonly send them. */
function fieldsOf(version: 9 | 10, isIpv6: boolean): readonly Field[] {
  const counterLength = version === 9 ? 4 : 8;
  const addresses = isIpv6
    ? [address6(27, ({ from }) => from.v6), address6(28, ({ to }) => to.v6), address6(62, ({ to }) => to.nextHop6)]
    : [u32(8, ({ from }) => from.v4), u32(12, ({ to }) => to.v4), u32(15, ({ to }) => to.nextHop)];
  const masks = isIpv6
    ? [u8(29, ({ from }) => from.mask6), u8(30, ({ to }) => to.mask6)]
    : [u8(9, ({ from }) => from.mask), u8(13, ({ to }) => to.mask)];
  // Times are patched into the record when it is sent.
  const times =
    version === 9
      ? [
          { element: 22, length: 4 },
          { element: 21, length: 4 },
        ]
      : [
          { element: 152, length: 8 },
          { element: 153, length: 8 },
        ];
  return [
    ...addresses,
    u32(10, ({ from }) => from.interface),
    u32(14, ({ to }) => to.interface),
    counter(2, counterLength, ({ packets }) => packets),
    counter(1, counterLength, ({ bytes }) => bytes),
    ...times,
    u16(7, ({ sourcePort }) => sourcePort),
    u16(11, ({ destinationPort, protocol }) => (isIpv6 && protocol === 1 ? icmp6(destinationPort) : destinationPort)),
    u8(6, ({ tcpFlags }) => tcpFlags),
    u8(4, ({ protocol }) => (isIpv6 && protocol === 1 ? 58 : protocol)),
    u8(5, ({ tos }) => tos),
    u32(16, ({ from }) => from.as),
    u32(17, ({ to }) => to.as),
    ...masks,
    u8(61, () => 0),
  ];
}

/** Echo request and reply are 128 and 129 in ICMPv6 (RFC 4443). */
function icmp6(typeAndCode: number): number {
  return typeAndCode === 0x0800 ? 128 * 256 : 129 * 256;
}

/** NetFlow v9: 4-byte counters, times as ms of uptime; the sequence number counts datagrams. */
export const NETFLOW9: Layout = createLayout(9);
/** IPFIX: 8-byte counters, times as ms since the epoch; the sequence number counts data records. */
export const IPFIX: Layout = createLayout(10);

function createLayout(version: 9 | 10): Layout {
  const messageHeader = version === 9 ? 20 : 16;
  const headerLength = messageHeader + 4;
  const families = [fieldsOf(version, false), fieldsOf(version, true)] as const;
  const fields = (isIpv6: boolean) => families[isIpv6 ? 1 : 0];
  const recordLength = (isIpv6: boolean) => fields(isIpv6).reduce((sum, { length }) => sum + length, 0);
  const datagramLength = (records: number, isIpv6: boolean) => padded(headerLength + records * recordLength(isIpv6));
  const offsetOf = (element: number) => {
    let at = 0;
    for (const field of families[0]) {
      if (field.element === element) break;
      at += field.length;
    }
    return at;
  };
  const setLengths = (datagram: Uint8Array, records: number, isIpv6: boolean) => {
    const view = viewOf(datagram);
    const length = datagramLength(records, isIpv6);
    view.setUint16(2, version === 9 ? records : length, false);
    view.setUint16(messageHeader + 2, length - messageHeader, false);
    // What followed the last record becomes padding, which is zero.
    datagram.fill(0, headerLength + records * recordLength(isIpv6), length);
  };
  const low = version === 9 ? 0 : 4;
  const [start, end] = version === 9 ? ([22, 21] as const) : ([152, 153] as const);
  return {
    version,
    headerLength,
    recordLength,
    defaultRecords: 15,
    mostRecords: undefined,
    unit: version === 9 ? 'messages' : 'flows',
    times: { start: offsetOf(start), end: offsetOf(end), is: version === 9 ? 'uptime' : 'epoch' },
    counters: { packets: offsetOf(2) + low, bytes: offsetOf(1) + low },
    // Both families have the same fields in the same order, but three addresses are 12 bytes longer.
    ipv6Shift: 36,
    datagramLength,
    shorten: setLengths,
    describe: (options) => describe(version, messageHeader, fields, options),
    patchHeader(view, at, { now, uptime, sequence, domain }) {
      const seconds = Math.floor(now / 1000);
      if (version === 9) {
        view.setUint32(at + 4, uptime, false);
        view.setUint32(at + 8, seconds, false);
        view.setUint32(at + 12, sequence, false);
        view.setUint32(at + 16, domain, false);
      } else {
        view.setUint32(at + 4, seconds, false);
        view.setUint32(at + 8, sequence, false);
        view.setUint32(at + 12, domain, false);
      }
    },
    writeDatagram(into, flows, isIpv6) {
      const view = viewOf(into);
      view.setUint16(0, version, false);
      view.setUint16(messageHeader, isIpv6 ? TEMPLATE_V6 : TEMPLATE_V4, false);
      let at = headerLength;
      for (const flow of flows) {
        for (const field of fields(isIpv6)) {
          field.put?.(view, at, flow);
          at += field.length;
        }
      }
      setLengths(into, flows.length, isIpv6);
    },
  };
}

function describe(
  version: 9 | 10,
  messageHeader: number,
  fields: (isIpv6: boolean) => readonly Field[],
  { hasIpv6, sampling }: { readonly hasIpv6: boolean; readonly sampling: number },
): Description {
  const templates = [templateRecord(TEMPLATE_V4, fields(false))];
  if (hasIpv6) templates.push(templateRecord(TEMPLATE_V6, fields(true)));
  const sets = [encodeSet(version === 9 ? 0 : 2, templates.flat())];
  let records = templates.length;
  let dataRecords = 0;
  if (sampling > 1) {
    sets.push(...(version === 9 ? sampling9(sampling) : sampling10(sampling)));
    records += 2;
    dataRecords = 1;
  }
  const body = sets.flat();
  const datagram = new Uint8Array(messageHeader + body.length);
  datagram.set(body, messageHeader);
  const view = viewOf(datagram);
  view.setUint16(0, version, false);
  view.setUint16(2, version === 9 ? records : datagram.length, false);
  return { datagram, dataRecords };
}

/** Scope: system 0; samplingInterval (34) and samplingAlgorithm (35), 1 = deterministic. RFC 3954 section 6.1. */
function sampling9(sampling: number): number[][] {
  const scope = words(1, 4);
  const options = words(34, 4, 35, 1);
  const template = [...words(OPTIONS_TEMPLATE, scope.length, options.length), ...scope, ...options];
  return [encodeSet(1, template), encodeSet(OPTIONS_TEMPLATE, [0, 0, 0, 0, ...long(sampling), 1])];
}

/** Scope: selectorId 1; selectorAlgorithm 1 (systematic count-based), 1 packet taken, the next `sampling` - 1 left. RFC 5477 section 8.2. */
function sampling10(sampling: number): number[][] {
  const fields = words(302, 4, 304, 2, 305, 4, 306, 4);
  const template = [...words(OPTIONS_TEMPLATE, 4, 1), ...fields];
  const data = [...long(1), ...words(1), ...long(1), ...long(sampling - 1)];
  return [encodeSet(3, template), encodeSet(OPTIONS_TEMPLATE, data)];
}

function templateRecord(id: number, fields: readonly Field[]): number[] {
  return [...words(id, fields.length), ...fields.flatMap(({ element, length }) => words(element, length))];
}

function encodeSet(id: number, body: readonly number[]): number[] {
  const length = padded(4 + body.length);
  return [...words(id, length), ...body, ...Array.from({ length: length - 4 - body.length }, () => 0)];
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function words(...values: readonly number[]): number[] {
  return values.flatMap((value) => [value >>> 8, value & 0xff]);
}

function long(value: number): number[] {
  return [...words(value >>> 16), ...words(value & 0xffff)];
}
