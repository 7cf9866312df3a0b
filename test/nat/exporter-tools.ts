import { onTestFinished } from 'vitest';
import { NatExporter, type NatExporterOptions, type NatTarget } from '#weir/app/nat-exporter.js';
import { parseExportTarget } from '#weir/export/target.js';
import type { RecordForm } from '#weir/nat/record-layouts.js';
import { QueryDuck } from '#weir/query/duck.js';
import type { Evidence } from '#weir/query/trace/evidence.js';
import { readTraceQuestion } from '#weir/query/trace/question.js';
import { traceInside, traceNat } from '#weir/query/trace/trace.js';
import type { Use } from '#weir/query/trace/uses.js';

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
  readonly fields: object;
}

/** A log that keeps what it is told. */
export function keptLog() {
  const lines: LogLine[] = [];
  const add = (level: LogLine['level']) => (fields: object, text: string) => void lines.push({ level, text, fields });
  return { lines, info: add('info'), warn: add('warn'), error: add('error') };
}

export function target(text: string, forms?: readonly RecordForm[]): NatTarget {
  return { target: { target: parseExportTarget(text), text }, forms };
}

/** An exporter for the running test, which closes it at its end. */
export async function startExporter(options: Partial<NatExporterOptions>): Promise<NatExporter> {
  const exporter = new NatExporter({ targets: [], now: Date.now, log: keptLog(), ...options });
  onTestFinished(() => exporter.close());
  await exporter.start();
  return exporter;
}

export interface Asked {
  readonly address: string;
  readonly port?: number | undefined;
  readonly to?: string | undefined;
  readonly proto: number;
  /** µs since the epoch. */
  readonly at: number;
}

export interface Answered {
  readonly class: string;
  /** Inside ends, as `address:port`. */
  readonly inside: readonly string[];
  readonly kinds: readonly string[];
  readonly evidence: readonly Evidence[];
}

export interface Asking {
  /** `weir trace ADDRESS --at … --tolerance 0`. */
  readonly trace: (asked: Asked) => Promise<Answered>;
  /** `weir trace --inside ADDRESS --from -1h`: what it used. */
  readonly uses: (inside: string) => Promise<readonly Use[]>;
}

/** Asks many questions of one store. */
export async function openTrace(data: string): Promise<Asking> {
  const duck = new QueryDuck({ temporary: `${data}/tmp-trace`, threads: 1 });
  await duck.open();
  onTestFinished(() => duck.close());
  const context = { now: Date.now(), zone: 'utc' } as const;
  return {
    trace: async ({ address, port, to, proto, at }) => {
      const host = address.includes(':') ? `[${address}]` : address;
      const flags = { at: new Date(at / 1000).toISOString(), tolerance: '0', proto: `${proto}`, to };
      const question = readTraceQuestion(port === undefined ? address : `${host}:${port}`, flags, context);
      const answer = await traceNat({ data, duck }, question);
      const evidence = answer.candidates.flatMap((one) => one.evidence);
      return {
        class: answer.class,
        inside: answer.candidates.map(({ inside_addr, inside_port }) => `${inside_addr}:${inside_port ?? ''}`),
        kinds: [...new Set(evidence.map(({ kind }) => kind))].sort(),
        evidence,
      };
    },
    uses: async (inside) => {
      const range = {
        from: new Date(Date.now() - 3_600_000).toISOString(),
        until: new Date(Date.now() + 60_000).toISOString(),
      };
      const { uses } = await traceInside({ data, duck }, readTraceQuestion(undefined, { inside, ...range }, context));
      return uses;
    },
  };
}

/** Evidence in short, for messages of tests. */
export function evidenceText({ class: answerClass, evidence }: Answered): string[] {
  return answerClass === 'exact'
    ? []
    : evidence.map((one) =>
        [one.kind, one.inside_addr, one.inside_port, one.public_port, one.start, one.end, one.packets, one.bytes].join(
          ' ',
        ),
      );
}
