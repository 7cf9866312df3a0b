import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { corpusCases, decodeCase } from './corpus-cases.ts';
import { snapshotRecords } from './netflow-parser-values.ts';
import { addUp, lineCounted, pmacctLines, recordCounted } from './pmacct-values.ts';
import { compareBest, type Difference, type Upstream } from './upstream-values.ts';

/* The sources' own expected results, field by field: NAT, MAC, times, names, enterprise fields. docs/conformance.md has the reasons. */

/** What came of comparing a source's values with ours. */
export interface SourceValues {
  /** Values (for pmacct: flows added up by all that it tells) that agree. */
  agreeing: number;
  /** Those that differ for a reason that docs/conformance.md gives, by the reason. */
  readonly explained: Map<string, number>;
  /** Fields of theirs that our record has under no name known to the comparison: how many values, by name. */
  readonly absent: Map<string, number>;
  /** Those that differ without one, a line each. */
  readonly unexplained: string[];
}

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

const newValues = (): SourceValues => ({ agreeing: 0, explained: new Map(), absent: new Map(), unexplained: [] });

/** Adds what the record of ours that agrees best makes of their fields; an event of options data has none. */
function addBest(
  values: SourceValues,
  where: string,
  theirs: readonly (readonly [string, Upstream])[],
  records: Parameters<typeof compareBest>[1],
): void {
  const best = compareBest(theirs, records, (difference) => reason(where, difference) !== undefined);
  if (best.agreeing.length === 0) return;
  values.agreeing += best.agreeing.length;
  for (const differing of best.differing) values.unexplained.push(`${where}: ${JSON.stringify(differing, bigints)}`);
  for (const field of best.absent) values.absent.set(field, (values.absent.get(field) ?? 0) + 1);
  for (const difference of best.known) {
    const why = reason(where, difference) ?? '';
    values.explained.set(why, (values.explained.get(why) ?? 0) + 1);
  }
}

/** The expected events of logstash-codec-netflow. */
export async function logstashValues(corpus: string): Promise<SourceValues> {
  const text = readFileSync(join(corpus, 'logstash-codec-netflow/expected.json'), 'utf8');
  const cases = corpusCases(corpus).filter((one) => one.case.startsWith('logstash/'));
  const values = newValues();
  for (const one of JSON.parse(text) as LogstashCase[]) {
    const mine = cases.find((candidate) =>
      candidate.case.replaceAll('/', ' ').endsWith(` ${one.case.trim().replaceAll('/', ' ')}`),
    );
    if (mine === undefined) continue;
    const { records } = await decodeCase(corpus, mine);
    for (const event of events(one)) addBest(values, one.case, event, records);
  }
  return values;
}

/** The expected lines of Telegraf, of NetFlow and IPFIX; those of sFlow are in sflow-upstream.test.ts. */
export async function telegrafValues(corpus: string): Promise<SourceValues> {
  const values = newValues();
  for (const one of corpusCases(corpus)) {
    if (!one.case.startsWith('telegraf/') || one.case.includes('sflow')) continue;
    const file = join(corpus, 'telegraf-netflow', one.case.slice('telegraf/'.length), 'expected.out');
    if (!existsSync(file)) throw new Error(`${file} is missing`);
    const { records } = await decodeCase(corpus, one);
    for (const line of readFileSync(file, 'utf8').trim().split('\n'))
      if (line.startsWith('netflow,')) addBest(values, one.case, lineFields(line), records);
  }
  return values;
}

/** The snapshots of netflow_parser. */
export async function netflowParserValues(corpus: string): Promise<SourceValues> {
  const cases = new Map(corpusCases(corpus).map((one) => [one.case, one]));
  const values = newValues();
  for (const file of readdirSync(join(corpus, 'netflow_parser')).filter((name) => name.endsWith('.snap.yaml'))) {
    const one = cases.get(`netflow_parser/${file.replace('.snap.yaml', '')}`);
    if (one === undefined) continue;
    const { records } = await decodeCase(corpus, one);
    for (const theirs of snapshotRecords(join(corpus, 'netflow_parser', file)))
      addBest(values, one.case, theirs, records);
  }
  return values;
}

/** The flows that pmacct's nfacctd wrote, added up by all that it tells of a flow. */
export async function pmacctValues(corpus: string): Promise<SourceValues> {
  const values = newValues();
  for (const one of corpusCases(corpus)) {
    if (!one.case.startsWith('pmacct/')) continue;
    const lines = pmacctLines(join(corpus, one.case, 'output-flow-00.json'));
    const { records } = await decodeCase(corpus, one);
    const isMacTold = lines[0]?.mac_src !== undefined;
    const theirs = addUp(lines.map(lineCounted));
    const ours = addUp(records.map((record) => recordCounted(record, isMacTold)));
    for (const [key, counters] of theirs) {
      if (ours.get(key) === counters) values.agreeing++;
      else values.unexplained.push(`${one.case}: ${key} ${counters}, ours ${ours.get(key) ?? 'none'}`);
    }
  }
  return values;
}

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
