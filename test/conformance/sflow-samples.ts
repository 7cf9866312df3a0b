import type { CounterRow } from '#weir/session/counter-row.js';
import { u32 } from '#weir/util/octets.js';
import { createSflowHeader, isSflow, padded, readSflowHeader } from '#weir/wire/sflow/datagram.js';
import { createFlowSample, type FlowSample } from '#weir/wire/sflow/flow-sample.js';
import { readDiscardedPacket, readExpandedFlowSample, readFlowSample, SAMPLE } from '#weir/wire/sflow/sample-v5.js';

/* What sFlow's samples say of themselves, by the specification's names. A record has the packet; these are used on the way to it. */

type Elements = Readonly<Record<string, unknown>>;

const READERS: ReadonlyMap<number, (bytes: Uint8Array, start: number, end: number, out: FlowSample) => number> =
  new Map([
    [SAMPLE.flow, readFlowSample],
    [SAMPLE.expandedFlow, readExpandedFlowSample],
    [SAMPLE.discardedPacket, readDiscardedPacket],
  ]);

/** The flow samples and discarded-packet notifications of a datagram of version 5, in their order. */
export function sampleElements(bytes: Uint8Array): Elements[] {
  const header = createSflowHeader();
  const found: Elements[] = [];
  let p = isSflow(bytes) ? readSflowHeader(bytes, header) : -1;
  if (p < 0 || header.version !== 5) return [];
  for (let left = header.samples; left > 0 && p + 8 <= bytes.length; left--) {
    const end = p + 8 + padded(u32(bytes, p + 4));
    const sample = createFlowSample();
    const next = READERS.get(u32(bytes, p))?.(bytes, p + 8, Math.min(end, bytes.length), sample) ?? -1;
    if (next >= 0) found.push({ ...namesOf(sample), ...sampledHeader(bytes, next, sample.records) });
    p = end;
  }
  return found;
}

function namesOf({
  sequence,
  sourceClass,
  sourceIndex,
  rate,
  pool,
  drops,
  inFormat,
  input,
  outFormat,
  output,
  records,
}: FlowSample): Elements {
  return {
    sequence_number: sequence,
    source_id_type: sourceClass,
    source_id_index: sourceIndex,
    sampling_rate: rate,
    sample_pool: pool,
    drops,
    input_format: inFormat,
    input,
    output_format: outFormat,
    output,
    flow_records: records,
  };
}

/** Of the record with the packet's first octets (format 1): u32 protocol, u32 frame length, u32 octets stripped, u32 length of the header. */
function sampledHeader(bytes: Uint8Array, start: number, records: number): Elements {
  let p = start;
  for (let left = records; left > 0 && p + 24 <= bytes.length; left--) {
    const [protocol, frameLength, stripped, length] = [8, 12, 16, 20].map((offset) => u32(bytes, p + offset));
    if (u32(bytes, p) === 1)
      return { header_protocol: protocol, frame_length: frameLength, stripped, header_length: length };
    p += 8 + padded(u32(bytes, p + 4));
  }
  return {};
}

/** The rows of one counter sample together: columns by our names, and the values of every structure by the specification's; `kinds` says which ones. */
export function counterElements(rows: readonly CounterRow[]): Elements[] {
  const samples = new Map<string, Record<string, unknown>>();
  for (const { values, kind, ...row } of rows) {
    const key = [row.agent_addr, row.sub_agent, row.source_class, row.source_index, row.sequence].join();
    const sample = samples.get(key) ?? {};
    samples.set(key, sample);
    for (const [name, value] of Object.entries({ ...row, ...values })) if (value !== undefined) sample[name] = value;
    sample['kinds'] = [...((sample['kinds'] as string[] | undefined) ?? []), kind];
  }
  return [...samples.values()];
}
