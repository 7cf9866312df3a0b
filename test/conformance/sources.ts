import type { SourceValues } from './compare-values.ts';
import { logstashValues } from './values-logstash.ts';
import { netflowParserValues } from './values-netflow-parser.ts';
import { pmacctValues } from './values-pmacct.ts';
import { graylogValues, softflowdValues } from './values-stated.ts';
import { tcpdumpValues } from './values-tcpdump.ts';
import { telegrafValues } from './values-telegraf.ts';
import { telegrafSflowValues } from './values-telegraf-sflow.ts';
import { tsharkValues } from './values-tshark.ts';
import { tsharkSflowValues } from './values-tshark-sflow.ts';

/** Every source of the corpus that says what values should come out, by the name that docs/conformance.md has for it. */
export const SOURCES: readonly (readonly [
  name: string,
  compare: (corpus: string) => SourceValues | Promise<SourceValues>,
])[] = [
  ['Logstash', logstashValues],
  ['Telegraf', telegrafValues],
  ['Telegraf (sFlow)', telegrafSflowValues],
  ['netflow_parser', netflowParserValues],
  ['pmacct', pmacctValues],
  ['Graylog', graylogValues],
  ['softflowd', softflowdValues],
  ['tcpdump (sFlow)', tcpdumpValues],
  ['tshark (NetFlow, IPFIX)', tsharkValues],
  ['tshark (sFlow)', tsharkSflowValues],
];
