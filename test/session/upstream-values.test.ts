import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeCorpus } from '../helpers/corpus.ts';
import { corpusCases, decodeCase } from './corpus-cases.ts';
import { snapshotRecords } from './netflow-parser-values.ts';
import { addUp, lineCounted, pmacctLines, recordCounted } from './pmacct-values.ts';
import { compareBest, type Difference, type Upstream } from './upstream-values.ts';

/* The sources' own expected results, field by field: NAT, MAC, times, names, enterprise fields. docs/conformance.md has the reasons. */

interface LogstashCase {
  readonly case: string;
  readonly expected_full_events?: readonly {
    readonly json: { readonly netflow?: Readonly<Record<string, Upstream>> };
  }[];
  readonly expected_field_values?: readonly {
    readonly event: number;
    readonly field: string;
    readonly value: Upstream;
  }[];
}

/** Fields of the message, not of a record, and numbers that IPFIX names of ours have another meaning for. */
const MESSAGE = new Set([
  'version',
  'flow_seq_num',
  'flowset_id',
  'engine_id',
  'engine_type',
  'sampling_algorithm',
  'flow_records',
]);

/** What a Logstash case says of each event. */
function events(one: LogstashCase): [string, Upstream][][] {
  const full = (one.expected_full_events ?? []).map(({ json }) => Object.entries(json.netflow ?? {}));
  const single = new Map<number, [string, Upstream][]>();
  for (const { event, field, value } of one.expected_field_values ?? []) {
    if (!field.startsWith('netflow.')) continue;
    single.set(event, [...(single.get(event) ?? []), [field.slice('netflow.'.length), value]]);
  }
  return [...full, ...single.values()].map((fields) => fields.filter(([name]) => !MESSAGE.has(name)));
}

/** Why a value may differ; undefined when there is no reason. */
function reason(where: string, { field, theirs, ours }: Difference): string | undefined {
  if (field === 'first_switched' || field === 'last_switched') {
    const ahead = Date.parse(theirs as string) - Date.parse(String(ours));
    if (ahead === 1000) return 'a second too much: sysUptime is subtracted with the wrong borrow';
    if (where.includes('FortiOS 5.2.1')) return 'stamps that do not count from the header’s boot';
    if (where.includes('Netflow 5 valid 01')) return 'sysUptime wrapped, which is not handled';
  }
  if (where.includes('Procera') && field.endsWith('IPv6Address') && theirs === '::')
    return 'no IPv6 address beside the IPv4 address';
  if (theirs === '0' || theirs === 0) return field.startsWith('flow_') ? 'a time of 0 is none' : undefined;
  return undefined;
}

describeCorpus('values that the sources expect', (corpus) => {
  it('Logstash: 971 values agree, and each that does not has its reason', async () => {
    const expected = JSON.parse(
      readFileSync(join(corpus, 'logstash-codec-netflow/expected.json'), 'utf8'),
    ) as LogstashCase[];
    const cases = corpusCases(corpus).filter((one) => one.case.startsWith('logstash/'));
    let agreeing = 0;
    const unexplained: string[] = [];
    for (const one of expected) {
      const mine = cases.find((candidate) =>
        candidate.case.replaceAll('/', ' ').endsWith(` ${one.case.trim().replaceAll('/', ' ')}`),
      );
      if (mine === undefined) continue;
      const { records } = await decodeCase(corpus, mine);
      for (const event of events(one)) {
        const best = compareBest(event, records, (difference) => reason(one.case, difference) !== undefined);
        // An event of options data has no record of ours.
        if (best.agreeing.length === 0) continue;
        agreeing += best.agreeing.length;
        for (const differing of best.differing) unexplained.push(`${one.case}: ${JSON.stringify(differing, bigints)}`);
      }
    }
    expect(unexplained).toEqual([]);
    expect(agreeing).toBe(971);
  });

  it('Telegraf: 732 values agree, and each that does not has its reason', async () => {
    let agreeing = 0;
    const unexplained: string[] = [];
    for (const one of corpusCases(corpus).filter(
      (candidate) => candidate.case.startsWith('telegraf/') && !candidate.case.includes('sflow'),
    )) {
      const file = join(corpus, 'telegraf-netflow', one.case.slice('telegraf/'.length), 'expected.out');
      expect(existsSync(file), file).toBe(true);
      const rest = [...(await decodeCase(corpus, one)).records];
      for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
        if (!line.startsWith('netflow,')) continue;
        const best = compareBest(lineFields(line), rest, (difference) => reason(one.case, difference) !== undefined);
        agreeing += best.agreeing.length;
        for (const differing of best.differing) unexplained.push(`${one.case}: ${JSON.stringify(differing, bigints)}`);
      }
    }
    expect(unexplained).toEqual([]);
    expect(agreeing).toBe(732);
  });

  it('netflow_parser: 1,266 values agree, and each that does not has its reason', async () => {
    const cases = new Map(corpusCases(corpus).map((one) => [one.case, one]));
    let agreeing = 0;
    const unexplained: string[] = [];
    for (const file of readdirSync(join(corpus, 'netflow_parser')).filter((name) => name.endsWith('.snap.yaml'))) {
      const one = cases.get(`netflow_parser/${file.replace('.snap.yaml', '')}`);
      if (one === undefined) continue;
      const { records } = await decodeCase(corpus, one);
      for (const theirs of snapshotRecords(join(corpus, 'netflow_parser', file))) {
        const best = compareBest(theirs, records, (difference) => reason(one.case, difference) !== undefined);
        if (best.agreeing.length === 0) continue;
        agreeing += best.agreeing.length;
        for (const differing of best.differing) unexplained.push(`${one.case}: ${JSON.stringify(differing, bigints)}`);
      }
    }
    expect(unexplained).toEqual([]);
    expect(agreeing).toBe(1266);
  });

  it.each([
    '400-IPFIXv10-BMP-CISCO-SRv6-multiple-sources',
    '500-IPFIXv10-BGP-CISCO-SRv6',
    '501-IPFIXv10-BGP-IPv6-CISCO-MPLS',
  ])('pmacct: %s, added up by all that pmacct tells of a flow', async (name) => {
    const one = corpusCases(corpus).find((candidate) => candidate.case === `pmacct/${name}`);
    if (one === undefined) throw new Error(`no case pmacct/${name}`);
    const lines = pmacctLines(join(corpus, 'pmacct', name, 'output-flow-00.json'));
    const { records } = await decodeCase(corpus, one);
    const isMacTold = lines[0]?.mac_src !== undefined;
    const theirs = addUp(lines.map(lineCounted));
    const ours = addUp(records.map((record) => recordCounted(record, isMacTold)));
    const differing = [...theirs].filter(([key, counters]) => ours.get(key) !== counters);
    expect(differing.map(([key, counters]) => `${key} ${counters} ${ours.get(key)}`)).toEqual([]);
  });
});

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);

const PROTOCOLS: Readonly<Record<string, number>> = { tcp: 6, udp: 17, icmp: 1, 'ipv6-icmp': 58, igmp: 2 };
// biome-ignore format: words
const WORDS: Readonly<Record<string, number>> = {
  'idle timeout': 1, 'active timeout': 2, 'end of flow': 3, 'forced end': 4, ingress: 0, egress: 1, IPv4: 4, IPv6: 6,
};

/** The fields of a line in InfluxDB's line protocol; raw stamps of sysUptime, which are no times, left out. */
function lineFields(line: string): [string, Upstream][] {
  const text = line.slice(line.indexOf(' ') + 1).replace(/ \d+$/, '');
  const fields: [string, Upstream][] = [];
  for (const [, name = '', quoted, plain = ''] of text.matchAll(/(\w+)=(?:"([^"]*)"|([^,]*))/g)) {
    const value = quoted ?? plain;
    if (name.endsWith('_switched') || name === 'seq_number' || name === 'sys_uptime' || name.startsWith('engine_'))
      continue;
    fields.push([name, valueOf(name, value.trim())]);
  }
  return fields;
}

function valueOf(name: string, value: string): Upstream {
  if (/^-?\d+[ui]$/.test(value)) return Number(value.slice(0, -1));
  if (/^0x[0-9a-f]+$/.test(value)) return Number(value);
  if (name === 'protocol') return PROTOCOLS[value] ?? value;
  if (name === 'tcp_flags')
    return Array.from(value).reduce(
      (flags, letter) => flags | (letter === '.' ? 0 : 128 >> 'CEUAPRSF'.indexOf(letter)),
      0,
    );
  return WORDS[value] ?? value;
}
