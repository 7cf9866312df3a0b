import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { CorpusCase } from '../session/corpus-cases.ts';

type Json = { readonly [name: string]: Json } | readonly Json[] | string | null;

/** Records of NetFlow and IPFIX (`Flow 1`, in fixed formats `pdu 1/30`), and samples of sFlow. */
const FLOW = /^(?:Flow \d+|pdu \d+\/\d+)$/;
/** Sets: FlowSets in NetFlow v9. Options data of IPFIX are told apart by their template. */
const SET = /^(?:Flow)?Set \d+ \[id=(\d+)\]/;
const OPTIONS = /^Options Template \(Id = (\d+)\)/;
const SAMPLE = /^(?:Expanded f|F)low sample/;

/** What tshark makes of a case, in two passes, so that it knows templates that come late. */
export function tsharkDecodes(tshark: string, corpus: string, { pcap }: CorpusCase): Record<string, unknown>[] {
  const decodeAs = ['-d', 'udp.port==2055,cflow', '-d', 'udp.port==6343,sflow'];
  const { status, stdout, stderr } = spawnSync(
    tshark,
    ['-2', '-r', join(corpus, 'cases', pcap), ...decodeAs, '-T', 'json', '--no-duplicate-keys', '-J', 'cflow sflow'],
    { encoding: 'utf8', maxBuffer: 1 << 30 },
  );
  if (status !== 0) throw new Error(`tshark: ${stderr}`);
  const records: Record<string, unknown>[] = [];
  visit(JSON.parse(stdout === '' ? '[]' : stdout) as Json, records, new Set());
  return records;
}

function visit(node: Json, records: Record<string, unknown>[], options: Set<string>): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const one of node as readonly Json[]) visit(one, records, options);
    return;
  }
  for (const [name, value] of Object.entries(node)) {
    const id = OPTIONS.exec(name)?.[1];
    if (id !== undefined) options.add(id);
    if (options.has(SET.exec(name)?.[1] ?? '')) continue;
    const each = (Array.isArray(value) ? value : [value]) as readonly Json[];
    if (FLOW.test(name)) records.push(...each.filter(isData).map(flow));
    else if (SAMPLE.test(name)) records.push(...each.map(sample));
    else visit(value, records, options);
  }
}

/** Options data of NetFlow v9 have fields of a scope. */
function isData(record: Json): boolean {
  return !Object.keys(record ?? {}).some((name) => name.startsWith('cflow.scope_'));
}

function flow(record: Json): Record<string, unknown> {
  const value = (...names: string[]): string | undefined =>
    names.map((name) => text(record, `cflow.${name}`)).find((one) => one !== undefined);
  const number = (...names: string[]): number | undefined => numberOf(value(...names));
  // Of two addresses the one that is zero is not meant.
  const address = (name: string): string | undefined => {
    const both = [text(record, `cflow.${name}`), text(record, `cflow.${name}v6`)].filter((one) => one !== undefined);
    return both.find((one) => one !== '0.0.0.0' && one !== '::') ?? both[0];
  };
  return {
    src_addr: address('srcaddr'),
    dst_addr: address('dstaddr'),
    src_port: number('srcport'),
    dst_port: number('dstport'),
    proto: number('protocol'),
    bytes: number('octets', 'octets_total', 'permanent_octets'),
    packets: number('packets', 'packets_total', 'permanent_packets'),
  };
}

function sample(record: Json): Record<string, unknown> {
  const raw = first(record, 'Raw packet header');
  const header = first(raw, 'sflow_245.header_tree');
  const ip = first(header, 'ip');
  const ipv6 = first(header, 'ipv6');
  const transport = first(header, 'tcp') ?? first(header, 'udp');
  const kind = first(header, 'tcp') === undefined ? 'udp' : 'tcp';
  return {
    src_addr: text(ip, 'ip.src') ?? text(ipv6, 'ipv6.src'),
    dst_addr: text(ip, 'ip.dst') ?? text(ipv6, 'ipv6.dst'),
    proto: numberOf(text(ip, 'ip.proto') ?? text(ipv6, 'ipv6.nxt')),
    src_port: numberOf(text(transport, `${kind}.srcport`)),
    dst_port: numberOf(text(transport, `${kind}.dstport`)),
    packets: 1,
    bytes: numberOf(text(raw, 'sflow_245.header.frame_length')),
  };
}

/** A member, the first of several. */
function first(node: Json | undefined, name: string): Json | undefined {
  if (node === undefined || node === null || typeof node === 'string' || Array.isArray(node)) return undefined;
  const value = (node as Readonly<Record<string, Json>>)[name];
  return Array.isArray(value) ? (value as readonly Json[])[0] : value;
}

function text(node: Json | undefined, name: string): string | undefined {
  const value = first(node, name);
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}
