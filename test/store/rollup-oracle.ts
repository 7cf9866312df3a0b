import { COLUMNS } from '#weir/flow/schema.js';
import { readQuestion } from '#weir/query/question.js';
import { hasTiers, openTiers } from '#weir/query/source.js';
import { askText } from '../query/ask.ts';
import type { Row } from './batches.ts';

/** A row, and the columns that its layout has. */
export interface Counted {
  readonly row: Row;
  readonly columns: readonly number[];
}

export interface Asked {
  readonly by: string;
  readonly filter?: string;
  /** What the filter selects. */
  readonly selects?: (value: (name: string) => bigint | undefined) => boolean;
  readonly from?: string;
  readonly to?: string;
  readonly raw?: boolean;
}

const SPAN = { from: '2026-03-01T12:03:20.5Z', to: '2026-03-01T14:59:00Z' };

/** Questions that roll-ups can answer in full or in part, and one that they cannot. */
export const QUESTIONS: readonly Asked[] = [
  { by: 'proto' },
  { by: 'time/1h,proto', raw: true },
  { by: 'time/5m' },
  { by: 'exporter,in_if,out_if', ...SPAN },
  { by: 'time/1m,service_port', ...SPAN },
  { by: 'time/2h,src_as,dst_as', from: SPAN.from },
  { by: 'tos', to: SPAN.to, filter: 'proto = 17', selects: (value) => value('proto') === 17n },
  { by: 'in_if', filter: 'not proto = 17', selects: (value) => value('proto') !== 17n, from: '2026-03-01T13:00:00Z' },
  { by: 'sampling_rate,observation_domain', from: '2026-03-01T12:00:00Z', to: '2026-03-01T13:00:00Z' },
  { by: 'src_port', ...SPAN },
];

const TRAFFIC = new Set([0n, 1n, 4n]);
const MICROS: Readonly<Record<string, bigint>> = { m: 60_000_000n, h: 3_600_000_000n };

/** The answer to a question as sorted lines of CSV, and whether roll-ups were used. */
export async function answers(dir: string, asked: Asked): Promise<{ lines: string[]; isRolled: boolean }> {
  const source = await openTiers(dir, readQuestion(asked, { now: 0, zone: 'utc' }));
  const isRolled = hasTiers(source) && source.tiers.rolled.length > 0;
  const text = await askText(dir, asked, 'csv');
  return { lines: text.trimEnd().split('\n').slice(1).sort(), isRolled };
}

/** What the answer has to be, from the rows themselves. */
export function expected(all: readonly Counted[], asked: Asked): string[] {
  const groups = new Map<string, { flows: bigint; packets: bigint; bytes: bigint }>();
  const [from, to] = [asked.from, asked.to].map((time) => (time === undefined ? undefined : micros(time)));
  for (const { row, columns } of all) {
    const names = new Set(columns.map((column) => COLUMNS[column]?.name));
    const value = (name: string): bigint | undefined => {
      if (!names.has(name)) return name === 'sampling_rate' || name === 'record_kind' ? 0n : undefined;
      return BigInt(row[name] as bigint | number);
    };
    const start = row['time_start'] as bigint;
    const end = row['time_end'] as bigint;
    if (to !== undefined && start >= to) continue;
    if (from !== undefined && start < from && end < from) continue;
    if (!TRAFFIC.has(value('record_kind') ?? 0n)) continue;
    if (asked.selects?.(value) === false) continue;
    const key = asked.by
      .split(',')
      .map((name) => keyText(name, value))
      .join(',');
    const group = groups.get(key) ?? { flows: 0n, packets: 0n, bytes: 0n };
    groups.set(key, group);
    const rate = asked.raw === true ? 1n : (value('sampling_rate') ?? 0n) || 1n;
    group.flows++;
    group.packets += (value('packets') ?? 0n) * rate;
    group.bytes += (value('bytes') ?? 0n) * rate;
  }
  return [...groups].map(([key, { flows, packets, bytes }]) => `${key},${flows},${packets},${bytes}`).sort();
}

function keyText(name: string, value: (name: string) => bigint | undefined): string {
  const bucket = /^time\/(\d+)([mh])$/.exec(name);
  if (bucket !== null) {
    const width = BigInt(bucket[1] ?? 0) * (MICROS[bucket[2] ?? ''] ?? 0n);
    const time = ((value('time_start') ?? 0n) / width) * width;
    return `${new Date(Number(time / 1000n)).toISOString().slice(0, 23)}000Z`;
  }
  if (name === 'service_port') {
    const ports = ['src_port', 'dst_port'].flatMap((port) => value(port) ?? []);
    return ports.length === 0 ? '' : String(ports.reduce((a, b) => (a < b ? a : b)));
  }
  if (name !== 'exporter') return String(value(name) ?? '');
  const address = value(name) ?? 0n;
  return address >> 32n === 0xffffn ? `10.0.0.${address & 0xffn}` : '2001:db8::1';
}

function micros(time: string): bigint {
  return BigInt(Date.parse(time)) * 1000n;
}
