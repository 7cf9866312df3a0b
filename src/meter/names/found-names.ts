import type { FlowBatch } from '../../flow/batch.ts';
import { slotOf } from '../../flow/slots.ts';
import type { PacketHeaders } from '../../wire/packet/packet-fields.ts';
import type { ClientHello } from './client-hello.ts';
import type { HttpRequest } from './http-request.ts';

/** What has been found of one flow; '' where nothing has. */
export interface FoundNames extends ClientHello, HttpRequest {
  /** Which conversation it is: `conversationOf`. */
  readonly conversation: number;
  query: string;
  /** Source address of the flow's first packet, whose name `sourceName` is. */
  readonly source0: number;
  readonly source1: number;
  readonly source2: number;
  readonly source3: number;
  sourceName: string;
  destinationName: string;
}

/** Nothing found yet of a flow that this is a packet of. */
export function createFoundNames({ src0, src1, src2, src3 }: PacketHeaders, conversation: number): FoundNames {
  return {
    conversation,
    query: '',
    serverName: '',
    alpn: '',
    method: '',
    target: '',
    host: '',
    source0: src0,
    source1: src1,
    source2: src2,
    source3: src3,
    sourceName: '',
    destinationName: '',
  };
}

/** The property that fills each column; those of the two addresses change places in records of the other direction. */
const PROPERTIES = {
  dns_query: 'query',
  tls_server_name: 'serverName',
  tls_alpn: 'alpn',
  http_method: 'method',
  http_target: 'target',
  http_host: 'host',
  src_dns_name: 'sourceName',
  dst_dns_name: 'destinationName',
} as const satisfies Readonly<Record<string, keyof FoundNames>>;

const OTHER_WAY: Partial<Record<keyof FoundNames, keyof FoundNames>> = {
  sourceName: 'destinationName',
  destinationName: 'sourceName',
};

const SOURCE = slotOf('src_addr');

/** Writes columns of names into rows. */
export class NameColumns {
  readonly #columns: { slot: number; forward: keyof FoundNames; backward: keyof FoundNames }[];

  constructor(columns: readonly string[]) {
    this.#columns = columns.map((name) => {
      const forward = PROPERTIES[name as keyof typeof PROPERTIES];
      return { slot: slotOf(name), forward, backward: OTHER_WAY[forward] ?? forward };
    });
  }

  /** Fills every column of the row, with "no value" where nothing was found. */
  write(batch: FlowBatch, row: number, found: FoundNames | undefined): void {
    const isForward = found === undefined || isSource(batch, row, found);
    for (const { slot, forward, backward } of this.#columns) {
      const codes = batch.arrays[slot];
      if (codes === undefined) continue;
      codes[row] = found === undefined ? 0 : batch.textCode(found[isForward ? forward : backward] as string);
    }
  }
}

/** Whether the row's source is that of the flow's first packet. Rows without addresses are taken to be. */
function isSource({ arrays }: FlowBatch, row: number, found: FoundNames): boolean {
  const high = arrays[SOURCE];
  const low = arrays[SOURCE + 1];
  if (high === undefined || low === undefined) return true;
  const at = row * 2;
  return (
    low[at] === found.source3 &&
    low[at + 1] === found.source2 &&
    high[at] === found.source1 &&
    high[at + 1] === found.source0
  );
}
