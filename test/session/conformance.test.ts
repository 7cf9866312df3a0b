import { describe, expect, it } from 'vitest';
import type { FlowRecord } from '#weir/flow/record.js';
import { describeCorpus } from '../helpers/corpus.ts';
import { type CorpusCase, corpusCases, decodeCase } from './corpus-cases.ts';

/* Every case of the corpus (NetFlow, IPFIX, sFlow) decodes to its expected result. docs/conformance.md explains what is taken out here. */

/** Protocols with ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
const WITH_PORTS = new Set<unknown>([6, 17, 33, 132, 136]);

/** Its template carries addresses of zero, which the expectation calls absent. */
const ZERO_ADDRESSES = 'logstash/27 Netflow 9 nprobe DPI L7';

function keyOf(record: FlowRecord, zeroIsNull: boolean): string {
  const address = (name: string): unknown => {
    const value = record[name];
    return value === undefined || (zeroIsNull && value === '0.0.0.0') ? null : value;
  };
  const proto = record['proto'] ?? 0;
  const port = (name: string): unknown => (WITH_PORTS.has(proto) ? (record[name] ?? 0) : 0);
  return JSON.stringify([address('src_addr'), address('dst_addr'), proto, port('src_port'), port('dst_port')]);
}

function accepted({ accept, records }: CorpusCase, count: number): boolean {
  const [lowest = records, highest = records] = accept;
  return accept.includes(count) || (accept.length === 2 && count >= lowest && count <= highest);
}

/** How many records have each key, and how many the case lists. */
function compareKeys(one: CorpusCase, records: readonly FlowRecord[]): { differing: string[]; unlisted: number } {
  const found = new Map<string, number>();
  for (const record of records) {
    const key = keyOf(record, one.case === ZERO_ADDRESSES);
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  const differing: string[] = [];
  let listed = 0;
  for (const [source, destination, proto, sourcePort, destinationPort, count] of one.keys ?? []) {
    const key = JSON.stringify([source, destination, proto, sourcePort, destinationPort]);
    if (found.get(key) !== count) differing.push(`${key}: ${found.get(key) ?? 0}, expected ${count}`);
    listed += found.get(key) ?? 0;
  }
  return { differing, unlisted: records.length - listed };
}

describeCorpus('the corpus', (corpus) => {
  const cases = corpusCases(corpus);

  it('has the cases that docs/conformance.md speaks of', () => {
    expect(cases).toHaveLength(162);
  });

  describe('decodes as expected', () => {
    it.each(cases.map((one) => [one.case, one] as const))('%s', async (_, one) => {
      const { records } = await decodeCase(corpus, one);
      expect(accepted(one, records.length), `${records.length} records, not ${one.accept.join(', ')}`).toBe(true);
      if (!one.decode) return;
      expect(records.length).toBeGreaterThan(0);
      if (one.sums !== null && records.length === one.records) {
        const sum = (name: string): number => records.reduce((total, record) => total + Number(record[name] ?? 0), 0);
        expect({ packets: sum('packets'), bytes: sum('bytes') }).toEqual(one.sums);
      }
      if (one.keys !== null) {
        const listed = one.keys.reduce((total, key) => total + key[5], 0);
        const { differing, unlisted } = compareKeys(one, records);
        expect(differing).toEqual([]);
        expect(unlisted).toBeLessThanOrEqual(Math.max(0, records.length - listed));
      }
      for (const example of one.examples) expect(records).toContainEqual(expect.objectContaining(example));
    });
  });
});
