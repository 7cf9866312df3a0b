import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openDatagrams } from '#weir/cli/datagrams.js';
import { describeCorpus } from '../../helpers/corpus.ts';
import { encodePcap } from '../../helpers/pcap.ts';
import { tempFolder } from '../../helpers/temp.ts';

const V4 = {
  time: 5_000_000,
  source: [0, 0, 0xffff, 1],
  sourcePort: 1,
  destination: [0, 0, 0xffff, 2],
  destinationPort: 2055,
  payload: Buffer.from('000500000000', 'hex'),
} as const;

async function drain(path: string, stdin: Readable = Readable.from([])) {
  const source = await openDatagrams(path, stdin);
  const payloads: string[] = [];
  for await (const batch of source.batches) {
    for (const { payload } of batch) payloads.push(Buffer.from(payload).toString('hex'));
  }
  return { format: source.format, isGzip: source.isGzip, payloads, notes: source.notes() };
}

describeCorpus('every case of the corpus', (corpus) => {
  const cases = readFileSync(join(corpus, 'cases/cases.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { case: string; pcap: string; datagrams: number });
  it.each(cases)('$case: $datagrams datagrams', async ({ pcap, datagrams }) => {
    const { payloads, notes } = await drain(join(corpus, 'cases', pcap));
    expect(payloads).toHaveLength(datagrams);
    expect(notes).toEqual([]);
  });
});

describe('openDatagrams tells by content', () => {
  const pcap = encodePcap([V4, V4]);
  const whole = ['000500000000', '000500000000'];
  it.each([
    ['pcap', pcap, false],
    ['pcap', gzipSync(pcap), true],
    ['hex', Buffer.from('# two\n000500000000\n0x000500000000\n'), false],
    ['hex', gzipSync(Buffer.from('000500000000\n000500000000')), true],
  ] as const)('%s', async (format, bytes, isGzip) => {
    const expected = { format, isGzip, payloads: whole, notes: [] };
    // Byte by byte, as from a slow pipe, which also shows that nothing is sniffed from the first chunk alone.
    expect(
      await drain(
        '-',
        Readable.from(
          [...bytes].map((byte) => Uint8Array.of(byte)),
          { objectMode: true },
        ),
      ),
    ).toEqual(expected);
    expect(await drain('-', Readable.from([bytes]))).toEqual(expected);
  });

  it('keeps what comes before a cut or damaged end, and says so', async () => {
    expect(await drain('-', Readable.from([pcap.slice(0, -3)]))).toMatchObject({
      payloads: ['000500000000'],
      notes: [expect.stringContaining('cut off')],
    });
    const { notes } = await drain('-', Readable.from([gzipSync(pcap).subarray(0, -12)]));
    expect(notes).toContainEqual(expect.stringContaining('gzip: unexpected end of file'));
  });

  it.each([
    ['nothing', '', /is empty/],
    ['zstd', '28b52ffd0000', /neither pcap, pcapng nor hex text/],
    ['text', Buffer.from('version: 5').toString('hex'), /neither pcap/],
    ['random bytes', 'ffd8ffe000104a46', /begins with ff d8 ff e0/],
  ])('refuses %s', async (_, hex, message) => {
    const stdin = Readable.from(hex === '' ? [] : [Buffer.from(hex, 'hex')]);
    await expect(drain('-', stdin)).rejects.toMatchObject({
      code: 'WEIR_INPUT',
      message: expect.stringMatching(message) as string,
    });
  });

  it('refuses what is no file', async () => {
    await expect(drain('/nowhere/x.pcap')).rejects.toMatchObject({
      code: 'WEIR_INPUT',
      message: 'There is no file /nowhere/x.pcap.',
    });
    await expect(drain(tempFolder().path)).rejects.toMatchObject({ code: 'WEIR_INPUT' });
  });
});
