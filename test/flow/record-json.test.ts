import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openDatagrams } from '#weir/cli/datagrams.js';
import { type FlowBatch, forEachRun } from '#weir/flow/batch.js';
import { jsonText } from '#weir/flow/extra.js';
import { records } from '#weir/flow/record.js';
import { recordWriter } from '#weir/flow/record-json.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import { formatAddress } from '#weir/util/address.js';
import { ipfix, v9 } from '../cli/decode-messages.ts';
import { describeCorpus } from '../helpers/corpus.ts';

function written(batch: FlowBatch): string[] {
  const lines: string[] = [];
  forEachRun(batch, (layout, first, end) => {
    const write = recordWriter(batch, layout, '');
    for (let row = first; row < end; row++) lines.push(write(row));
  });
  return lines;
}

describe('recordWriter', () => {
  it('writes what the library’s records are as JSON', () => {
    const decoder = createDecoder();
    for (const message of [v9.template, v9.data, ipfix.template, ipfix.data]) {
      const exporter = { address: '192.0.2.1', receivedAt: 1_780_000_000_123 };
      for (const batch of decoder.decodeBatches(Uint8Array.from(message), exporter))
        expect(written(batch)).toEqual([...records(batch)].map(jsonText));
    }
  });

  it('begins with what it is given', () => {
    const decoder = createDecoder();
    decoder.decode(Uint8Array.from(v9.template));
    const [batch] = decoder.decodeBatches(Uint8Array.from(v9.data));
    expect(batch?.rows).toBeGreaterThan(0);
    forEachRun(batch as FlowBatch, (layout) => {
      expect(recordWriter(batch as FlowBatch, layout, '"kind":"flow"')(0)).toMatch(/^\{"kind":"flow","time_received":/);
    });
  });
});

describeCorpus('recordWriter over the corpus', (corpus) => {
  const folder = join(corpus, 'cases');
  it('writes every record as the library has it', async () => {
    let count = 0;
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.pcap'))) {
      const decoder = createDecoder();
      const source = await openDatagrams(join(folder, file), Readable.from([]));
      for await (const datagrams of source.batches) {
        for (const { payload, source: from, sourcePort, time } of datagrams) {
          const exporter = { address: formatAddress(...from), port: sourcePort, receivedAt: time / 1000 };
          for (const batch of decoder.decodeBatches(payload, exporter)) {
            const expected = [...records(batch)].map(jsonText);
            expect(written(batch), file).toEqual(expected);
            count += expected.length;
          }
        }
      }
    }
    expect(count).toBeGreaterThan(1000);
  });
});
