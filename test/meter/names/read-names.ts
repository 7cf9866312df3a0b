import { FlowBatch } from '#weir/flow/batch.js';
import { createLayout } from '#weir/flow/layout.js';
import { columnIndex } from '#weir/flow/schema.js';
import { slotOf } from '#weir/flow/slots.js';
import { NAME_KINDS, type NameKind } from '#weir/meter/names/name-kinds.js';
import { NameReader } from '#weir/meter/names/name-reader.js';
import { formatAddress } from '#weir/util/address.js';
import { createPacketFields, HAS, type PacketHeaders } from '#weir/wire/packet/packet-fields.js';
import { parsePacket } from '#weir/wire/packet/parse-packet.js';
import type { Packet } from '#weir/wire/pcap/packet.js';

export const ALL_KINDS: ReadonlySet<NameKind> = new Set(Object.keys(NAME_KINDS) as NameKind[]);
const MAX_FLOWS = 4096;
const SEED = 0x5eed;

/** Columns of names that have a value, by column. */
export type Names = Readonly<Record<string, string>>;

/** A reader with the simplest of flow caches around it: a slot per conversation, no timeouts. */
export class NamedFlows {
  readonly reader = new NameReader({ kinds: ALL_KINDS, maxFlows: MAX_FLOWS, seed: SEED });
  readonly #slots = new Map<string, number>();
  readonly #fields = createPacketFields();

  /** Meters a packet: the innermost one of tunnels. */
  packet({ data, time, linkType }: Packet): void {
    const fields = this.#fields;
    const understood = parsePacket(data, 0, data.length, linkType, fields);
    const headers = fields.hasInner === 1 ? fields.inner : fields;
    if ((headers.has & HAS.addresses) === 0) return;
    const flow = this.#slotOf(conversation(headers));
    if (flow < MAX_FLOWS && this.reader.wants(flow))
      this.reader.look(data, understood, Math.max(fields.end, understood), flow, headers, time);
  }

  /** The names of each conversation that has one, for a record of its first packet's direction. */
  names(): Map<string, Names> {
    return new Map(
      [...this.#slots]
        .map(([key, flow]) => [key, writeNames(this.reader, flow)] as const)
        .filter(([, names]) => Object.keys(names).length > 0),
    );
  }

  #slotOf(key: string): number {
    let flow = this.#slots.get(key);
    if (flow === undefined) {
      flow = this.#slots.size;
      this.#slots.set(key, flow);
      if (flow < MAX_FLOWS) this.reader.begin(flow);
    }
    return flow;
  }
}

/** What the reader writes of a flow into a row, whose other columns the caller may fill. */
export function writeNames(
  reader: NameReader,
  flow: number,
  columns: readonly string[] = reader.columns,
  fill: (batch: FlowBatch) => void = () => {},
): Names {
  const batch = new FlowBatch(2048);
  batch.beginRun(createLayout(columns.map(columnIndex)));
  // What the arrays hold before is of other rows.
  for (const name of reader.columns) batch.arrays[slotOf(name)]?.fill(77);
  fill(batch);
  reader.write(batch, 0, flow);
  batch.rows = 1;
  const found = reader.columns.map((name) => [name, batch.texts[batch.arrays[slotOf(name)]?.[0] ?? 0] ?? '?'] as const);
  return Object.fromEntries(found.filter(([, text]) => text !== ''));
}

/** The same for packets of both directions. */
export function conversation(headers: PacketHeaders): string {
  const { src0, src1, src2, src3, dst0, dst1, dst2, dst3, srcPort, dstPort, proto } = headers;
  return conversationOf(
    proto,
    `${formatAddress(src0, src1, src2, src3)} ${srcPort}`,
    `${formatAddress(dst0, dst1, dst2, dst3)} ${dstPort}`,
  );
}

export function conversationOf(proto: number, source: string, destination: string): string {
  return `${proto} ${[source, destination].sort().join(' ')}`;
}
