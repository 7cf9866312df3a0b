import { viewOf } from '../util/octets.ts';
import type { Flow } from './flows.ts';
import type { Layout } from './layout.ts';

/** Packet interval sampling, in the two bits above the interval. */
const SAMPLING_MODE = 1 << 14;

/** What differs between the formats without templates. */
interface FixedFormat {
  readonly version: 1 | 5 | 6 | 7 | 8;
  /** Octets of the header, and of a record. */
  readonly header: number;
  readonly record: number;
  /** Records in a datagram at most. */
  readonly most: number;
  readonly times: { readonly start: number; readonly end: number };
  readonly counters: { readonly packets: number; readonly bytes: number };
  /** Offset of sampling mode and interval in the header, where there are any. */
  readonly samplingAt?: number;
  /** Writes what only this format's header has. */
  readonly writeHeader?: (view: DataView) => void;
  /** Writes a record without its times. */
  readonly writeRecord: (view: DataView, at: number, flow: Flow) => void;
}

/** The layout of a format without templates: NetFlow v1 and v5 to v8. IPv4 only; the sequence number, which v1 lacks, counts flows. */
export function createFixedLayout(format: FixedFormat): Layout {
  const { version, header, record, most, times, counters, samplingAt, writeHeader, writeRecord } = format;
  return {
    version,
    headerLength: header,
    recordLength: () => record,
    defaultRecords: most,
    mostRecords: most,
    unit: 'flows',
    times: { ...times, is: 'uptime' },
    counters,
    ipv6Shift: 0,
    datagramLength: (records) => header + records * record,
    shorten: (datagram, records) => viewOf(datagram).setUint16(2, records, false),
    describe: () => undefined,
    patchHeader(view, at, { now, uptime, sequence, domain, sampling }) {
      const seconds = Math.floor(now / 1000);
      view.setUint32(at + 4, uptime, false);
      view.setUint32(at + 8, seconds, false);
      view.setUint32(at + 12, (now - seconds * 1000) * 1_000_000, false);
      if (version === 1) return;
      view.setUint32(at + 16, sequence, false);
      view.setUint8(at + 21, domain);
      if (samplingAt !== undefined) view.setUint16(at + samplingAt, sampling > 1 ? SAMPLING_MODE | sampling : 0, false);
    },
    writeDatagram(into, flows) {
      const view = viewOf(into);
      view.setUint16(0, version, false);
      view.setUint16(2, flows.length, false);
      writeHeader?.(view);
      flows.forEach((flow, index) => writeRecord(view, header + index * record, flow));
    },
  };
}
