import { join } from 'node:path';
import { openDatagrams } from '#weir/cli/datagrams.js';
import { formatAddress } from '#weir/util/address.js';
import type { CorpusCase } from '../session/corpus-cases.ts';

/** A datagram of a case, with who sent it. */
export interface CaseDatagram {
  readonly host: string;
  readonly port: number;
  readonly payload: Uint8Array;
}

/** The datagrams of a case in their order. */
export function caseDatagrams(corpus: string, { pcap }: CorpusCase): Promise<CaseDatagram[]> {
  return fileDatagrams(join(corpus, 'cases', pcap));
}

/** The datagrams of a capture in their order. */
export async function fileDatagrams(path: string): Promise<CaseDatagram[]> {
  const found: CaseDatagram[] = [];
  const { batches } = await openDatagrams(path, process.stdin);
  for await (const datagrams of batches) {
    for (const { payload, source, sourcePort } of datagrams) {
      const host = typeof source === 'string' ? source : formatAddress(...source);
      found.push({ host, port: sourcePort, payload: Uint8Array.from(payload) });
    }
  }
  return found;
}
