import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatagrams } from '#weir/cli/datagrams.js';
import { createElementRegistry } from '#weir/elements/registry.js';
import { FlowBatch, forEachRun } from '#weir/flow/batch.js';
import { records } from '#weir/flow/record.js';
import { MessageDecoder } from '#weir/session/message-decoder.js';
import { corpusFolder } from '../helpers/corpus.ts';
import { mutate, ownSeeds, Random } from './fuzz.ts';

/** How many datagrams; `WEIR_FUZZ=3000000 npx vitest run test/session/fuzz.test.ts` for a long run. */
const DATAGRAMS = Number(process.env['WEIR_FUZZ'] ?? 200_000);
const SEED = Number(process.env['WEIR_FUZZ_SEED'] ?? 1);

const LIMITS = {
  domains: 400,
  templatesPerDomain: 200,
  templates: 4000,
  fields: 60_000,
  bytesPerDomain: 50_000,
  bytes: 400_000,
  age: 5e6,
};

async function corpusSeeds(): Promise<Uint8Array[]> {
  if (corpusFolder === undefined) return [];
  const folder = join(corpusFolder, 'cases');
  const seeds: Uint8Array[] = [];
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith('.pcap'))
    .sort()) {
    const { batches } = await openDatagrams(join(folder, name), process.stdin);
    let taken = 0;
    for await (const datagrams of batches) {
      for (const { payload } of datagrams) if (taken++ < 12) seeds.push(payload.slice());
    }
  }
  return seeds;
}

/** A decoder with the batches that one datagram filled. */
function side(mayCompile: boolean) {
  const batches = [new FlowBatch(2048)];
  let used = 0;
  const decoder = new MessageDecoder({
    registry: createElementRegistry(),
    sink: {
      batch() {
        while (batches[used]?.hasRoom(1) === false) used++;
        batches[used] ??= new FlowBatch(2048);
        return batches[used] as FlowBatch;
      },
    },
    limits: LIMITS,
    mayCompile,
  });
  return {
    decoder,
    filled: () => batches.slice(0, used + 1),
    clear: () => {
      for (const batch of batches.slice(0, used + 1)) batch.clear();
      used = 0;
    },
  };
}

/** The first thing in which two batches differ. */
function difference(a: FlowBatch, b: FlowBatch): string | undefined {
  b.seal();
  if (a.rows !== b.rows) return `${a.rows} and ${b.rows} rows`;
  if (a.texts.join('\0') !== b.texts.join('\0')) return 'texts';
  if (a.heapUsed !== b.heapUsed) return 'heap length';
  for (let i = 0; i < a.heapUsed; i++) if (a.heap?.[i] !== b.heap?.[i]) return `heap at ${i}`;
  let found: string | undefined;
  forEachRun(a, (layout, first, end) => {
    for (const slot of layout.slots) {
      const one = a.arrays[slot];
      const two = b.arrays[slot];
      if (one === undefined || two === undefined) {
        found ??= `slot ${slot} is missing`;
        return;
      }
      const width = one.length / a.capacity;
      for (let i = first * width; i < end * width; i++)
        if (one[i] !== two[i]) found ??= `slot ${slot}, row ${i / width}`;
    }
  });
  return found;
}

it(`${DATAGRAMS} damaged datagrams: nothing thrown, nothing read outside, bounds kept, both ways of decoding agree`, async () => {
  const random = new Random(SEED);
  const own = ownSeeds();
  const corpus = await corpusSeeds();
  const compiled = side(true);
  const interpreted = side(false);
  const source = { address: [0, 0, 0xffff, 0xc000_0201] as const, port: 2055 };
  const sources = Array.from({ length: 6 }, (_, i) => ({
    ...source,
    address: [0, 0, 0xffff, 0xc000_0201 + (i >> 1)] as const,
    port: 2055 + (i & 1),
  }));
  // The datagram lies in the middle of other octets, which are different for the two.
  const around = [new Uint8Array(140_000).fill(0x00), new Uint8Array(140_000).fill(0xff)] as const;
  let total = 0;
  const decoded = new Set<number>();
  for (let n = 0; n < DATAGRAMS; n++) {
    const datagram = mutate(random, corpus.length > 0 && random.below(2) === 0 ? corpus : own);
    const from = random.pick(sources);
    const now = 1.79e15 + n * 1000;
    const offset = 35_000 + random.below(8);
    const views = around.map((memory) => {
      memory.set(datagram, offset);
      return memory.subarray(offset, offset + datagram.length);
    });
    const where = () => `seed ${SEED}, datagram ${n}: ${Buffer.from(datagram).toString('hex')}`;
    try {
      const one = compiled.decoder.decode(views[0] as Uint8Array, from, now);
      const two = interpreted.decoder.decode(views[1] as Uint8Array, from, now);
      if (one !== two) throw new Error(`${one} records compiled, ${two} interpreted`);
      total += one;
      if (one > 0) decoded.add((datagram[0] as number) * 256 + (datagram[1] as number));
      for (const [i, batch] of compiled.filled().entries()) {
        const other = interpreted.filled()[i];
        const differs = other === undefined ? 'number of batches' : difference(batch, other);
        if (differs !== undefined) throw new Error(`differ in ${differs}`);
        if (n % 16 === 0)
          for (const record of records(batch)) if (record['time_start'] === undefined) throw new Error('no time');
      }
    } catch (error) {
      throw new Error(where(), { cause: error });
    }
    // What is written in the memory around must not have changed either.
    around[0].fill(0x00, offset, offset + datagram.length);
    around[1].fill(0xff, offset, offset + datagram.length);
    compiled.clear();
    interpreted.clear();
    if (n % 500 === 0) {
      for (const { decoder } of [compiled, interpreted]) {
        decoder.held.expire(now);
        expect(decoder.domains.size).toBeLessThanOrEqual(LIMITS.domains);
        expect(decoder.domains.templates).toBeLessThanOrEqual(LIMITS.templates);
        expect(decoder.specifications.fields).toBeLessThanOrEqual(LIMITS.fields + 20_000);
        expect(decoder.held.bytes).toBeLessThanOrEqual(LIMITS.bytes);
        let templates = 0;
        for (const domain of decoder.domains) templates += domain.templates.entries.size;
        expect(decoder.domains.templates).toBe(templates);
      }
    }
  }
  expect(around[0].every((octet) => octet === 0x00)).toBe(true);
  expect(around[1].every((octet) => octet === 0xff)).toBe(true);
  expect(total).toBeGreaterThan(DATAGRAMS);
  expect([...decoded]).toEqual(expect.arrayContaining([1, 5, 6, 7, 8, 9, 10]));
}, 3_600_000);
