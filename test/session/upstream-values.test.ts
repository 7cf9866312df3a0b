import { expect, it } from 'vitest';
import { describeCorpus } from '../helpers/corpus.ts';
import { logstashValues, netflowParserValues, pmacctValues, telegrafValues } from './source-values.ts';

describeCorpus('values that the sources expect', (corpus) => {
  it.each([
    ['Logstash', 971, logstashValues],
    ['Telegraf', 732, telegrafValues],
    ['netflow_parser', 1266, netflowParserValues],
    ['pmacct (flows added up)', 164, pmacctValues],
  ] as const)('%s: %d values agree, and each that does not has its reason', async (_, count, compare) => {
    const { agreeing, unexplained } = await compare(corpus);
    expect(unexplained).toEqual([]);
    expect(agreeing).toBe(count);
  });
});
