import { expect, it } from 'vitest';
import { describeCorpus } from '../helpers/corpus.ts';
import { SOURCES } from './sources.ts';

/** Values of each source that agree: fewer are a fault, more a new mapping. */
const AGREEING: Readonly<Record<string, number>> = {
  Logstash: 1296,
  Telegraf: 1676,
  'Telegraf (sFlow)': 301,
  netflow_parser: 3068,
  pmacct: 4372,
  Graylog: 48,
  softflowd: 34,
  'tcpdump (sFlow)': 7146,
  'tshark (NetFlow, IPFIX)': 26_134,
  'tshark (sFlow)': 6473,
};

describeCorpus('values that the sources expect', (corpus) => {
  it.each(SOURCES)('%s: each value agrees, has its reason, or is set aside by name', async (name, compare) => {
    const { agreeing, unexplained } = await compare(corpus);
    expect(unexplained).toEqual([]);
    expect(agreeing).toBe(AGREEING[name]);
  });
});
