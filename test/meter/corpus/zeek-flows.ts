import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bothWays, type FlowSums, spelled, sumFlows } from './flow-sums.ts';
import type { Trace } from './traces.ts';

/** A run of Zeek's own tests over a trace, with the connections that it is expected to log. */
export interface ZeekRun {
  /** The log, inside the folder of what is expected. */
  readonly log: string;
  readonly trace: Trace;
  readonly sums: FlowSums;
}

interface IndexEntry {
  readonly traces: readonly string[];
  readonly expected: readonly string[];
}

/** The runs of which packets and octets of both ends are logged. Connections of the same ends are added up. ICMP has no type. */
export function zeekRuns(corpus: string): ZeekRun[] {
  const index = JSON.parse(readFileSync(join(corpus, 'zeek/expected/index.json'), 'utf8')) as IndexEntry[];
  return index.flatMap(({ traces, expected }) =>
    expected.flatMap((file, i) => {
      const name = `zeek/${traces[i] ?? ''}`;
      const sums = readLog(join(corpus, 'zeek', file));
      if (sums === undefined) return [];
      return [{ log: file.replace('expected/', ''), trace: { name, path: join(corpus, name) }, sums }];
    }),
  );
}

function readLog(path: string): FlowSums | undefined {
  const lines = readFileSync(path, 'utf8').split('\n');
  const names =
    lines
      .find((line) => line.startsWith('#fields'))
      ?.split('\t')
      .slice(1) ?? [];
  if (!NEEDED.every((name) => names.includes(name))) return undefined;
  const rows = lines.filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split('\t'));
  return sumFlows(
    rows.flatMap((row) => {
      const text = (name: string): string => row[names.indexOf(name)] ?? '';
      const number = (name: string): number => (text(name) === '-' ? 0 : Number(text(name)));
      const proto = number('ip_proto');
      const isIcmp = proto === 1 || proto === 58;
      const ends = {
        proto,
        src: spelled(text('id.orig_h')),
        sport: isIcmp ? 0 : number('id.orig_p'),
        dst: spelled(text('id.resp_h')),
        dport: isIcmp ? 0 : number('id.resp_p'),
      };
      return bothWays(
        ends,
        { packets: number('orig_pkts'), bytes: number('orig_ip_bytes') },
        { packets: number('resp_pkts'), bytes: number('resp_ip_bytes') },
      );
    }),
  );
}

const NEEDED = ['id.orig_h', 'ip_proto', 'orig_pkts', 'orig_ip_bytes', 'resp_pkts', 'resp_ip_bytes'];
