import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { createElementRegistry } from '#weir/elements/registry.js';
import type { Upstream } from './upstream-values.ts';

/* The snapshots of netflow_parser (YAML): the data records in them as pairs of a name that `columnFor` knows and a value. */

const registry = createElementRegistry();
const NAMES: ReadonlyMap<string, string> = new Map([...registry.list()].map(({ name }) => [name.toLowerCase(), name]));
const NTP_TO_UNIX = 2_208_988_800;
const PROTOCOLS: Readonly<Record<string, number>> = { Icmp: 1, Igmp: 2, Tcp: 6, Udp: 17, Icmpv6: 58, Ipv6Icmp: 58 };
const END_REASONS: Readonly<Record<string, number>> = {
  IdleTimeout: 1,
  ActiveTimeout: 2,
  EndOfFlow: 3,
  ForcedEnd: 4,
  LackOfResources: 5,
};
/** Flags in the order of their bits, from the lowest. */
const FLAGS = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr', 'ns'];

type Value = Readonly<Record<string, unknown>> | string;

/** The data records of a snapshot file; stamps of sysUptime, which are no times, left out. */
export function snapshotRecords(file: string): [string, Upstream][][] {
  const [, , text = ''] = readFileSync(file, 'utf8').split(/^---\n/m);
  const records: [string, Upstream][][] = [];
  const walk = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(walk);
    else if (typeof node === 'object' && node !== null) {
      for (const [key, value] of Object.entries(node)) {
        if (key === 'Data') records.push(...dataRecords(value as { fields?: [unknown, Value][][] }));
        else walk(value);
      }
    }
  };
  walk(parse(text));
  return records;
}

function dataRecords({ fields = [] }: { fields?: [unknown, Value][][] }): [string, Upstream][][] {
  return fields.map((record) =>
    record.flatMap(([name, value]): [string, Upstream][] => {
      const known = elementName(name);
      const plain = plainValue(known, value);
      return known === '' || plain === undefined ? [] : [[known, plain]];
    }),
  );
}

/** `{IANA: SourceIpv4address}`, `{Netscaler: …}`, `Ipv4SrcAddr`, `{IanaAssigned: 51}` as we or Logstash name them; '' for none. */
function elementName(name: unknown): string {
  if (typeof name === 'string') return name.replace(/(?<!^)([A-Z])/g, '_$1').toLowerCase();
  const [[kind, text] = ['', '']] = Object.entries(name as Record<string, string | number>);
  if (kind === 'IanaAssigned') return registry.lookup(0, Number(text))?.name ?? '';
  return NAMES.get(String(text).toLowerCase()) ?? '';
}

function plainValue(name: string, value: Value): Upstream | undefined {
  if (typeof value === 'string') return undefined;
  const [[kind, inner] = ['', undefined]] = Object.entries(value);
  switch (kind) {
    case 'DataNumber':
      return Object.values(inner as Record<string, number>)[0];
    case 'Ip4Addr':
    case 'Ip6Addr':
    case 'MacAddr':
    case 'String':
      return inner as string;
    case 'ProtocolType':
      return PROTOCOLS[inner as string];
    case 'FlowEndReason':
      return END_REASONS[inner as string];
    case 'TcpControlBits':
      return FLAGS.reduce(
        (bits, flag, i) => bits | ((inner as Record<string, boolean>)[flag] === true ? 1 << i : 0),
        0,
      );
    case 'ApplicationId': {
      const { classification_engine_id: engine, selector_id: selector } = inner as {
        classification_engine_id: number;
        selector_id: Record<string, number>;
      };
      return `${engine}:${Object.values(selector)[0]}`;
    }
    case 'Duration': {
      const { secs, nanos } = inner as { secs: number; nanos: number };
      if (!/^flow(?:Start|End)(?:Mic|Mil|Sec|Nan)/.test(name)) return undefined;
      // They leave NTP's seconds since 1900 as they are, and read its fraction as a count.
      return /Micro|Nano/.test(name) ? (secs - NTP_TO_UNIX) * 1000 : secs * 1000 + Math.floor(nanos / 1e6);
    }
    default:
      return undefined;
  }
}
