import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatagrams } from '#weir/cli/datagrams.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { formatAddress, parseAddress } from '#weir/util/address.js';
import { type TestDecoder, testDecoder } from './decoder.ts';

/** A line of ../shared/corpus/cases/cases.ndjson; see the README beside it. */
export interface CorpusCase {
  readonly case: string;
  readonly pcap: string;
  readonly decode: boolean;
  readonly records: number;
  readonly accept: readonly number[];
  readonly sums: { readonly packets: number; readonly bytes: number } | null;
  /** src_addr, dst_addr, proto, src_port, dst_port, how many. */
  readonly keys: readonly (readonly [string | null, string | null, number, number, number, number])[] | null;
  readonly examples: readonly Readonly<Record<string, string | number>>[];
  readonly flags: readonly string[];
  readonly notes: readonly string[];
}

export interface CaseResult {
  readonly records: FlowRecord[];
  readonly decoder: TestDecoder;
}

/** Every case of the corpus. */
export function corpusCases(corpus: string): CorpusCase[] {
  return readFileSync(join(corpus, 'cases/cases.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as CorpusCase);
}

export async function decodeCase(corpus: string, { pcap }: CorpusCase): Promise<CaseResult> {
  const decoder = testDecoder();
  const records: FlowRecord[] = [];
  const { batches } = await openDatagrams(join(corpus, 'cases', pcap), process.stdin);
  for await (const datagrams of batches) {
    for (const { payload, source, sourcePort, time } of datagrams) {
      const host = typeof source === 'string' ? source : formatAddress(...source);
      if (parseAddress(host) === undefined) throw new Error(`${pcap}: sender ${host}`);
      records.push(...decoder.feed(payload, `${host}/${sourcePort}`, time));
    }
  }
  return { records, decoder };
}
