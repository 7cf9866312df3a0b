import { describe, expect, it } from 'vitest';
import { disagreements } from '../conformance/compare-case.ts';
import { describeCorpus } from '../helpers/corpus.ts';
import { corpusCases, decodeCase } from './corpus-cases.ts';

/* Every case of the corpus (NetFlow, IPFIX, sFlow) decodes to its expected result. docs/conformance.md explains what is taken out here. */

describeCorpus('the corpus', (corpus) => {
  const cases = corpusCases(corpus);

  it('has the cases that docs/conformance.md speaks of', () => {
    expect(cases).toHaveLength(162);
  });

  describe('decodes as expected', () => {
    it.each(cases.map((one) => [one.case, one] as const))('%s', async (_, one) => {
      const { records } = await decodeCase(corpus, one);
      expect(disagreements(one, records)).toEqual([]);
      for (const example of one.examples) expect(records).toContainEqual(expect.objectContaining(example));
    });
  });
});
