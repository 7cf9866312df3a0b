import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rowConditions } from '../export/stored-batches.ts';
import { parseFilter } from '../filter/parser.ts';
import { filterFileColumns } from '../filter/sql.ts';
import { formatTimeLiteral } from '../filter/time-literal.ts';
import { and } from '../filter/tree.ts';
import { type Anonymity, treatmentOf } from '../flow/anonymity.ts';
import { createCell } from '../query/cells.ts';
import { QueryDuck } from '../query/duck.ts';
import type { OutputName } from '../query/output/outputs.ts';
import { readQuestion } from '../query/question.ts';
import { Query } from '../query/run.ts';
import { openSource, spanColumns, sqlSource } from '../query/source.ts';
import type { QuerySpec } from '../query/spec.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { readAnonymity } from './anonymize-flags.ts';
import type { ExportFlags } from './export-run.ts';
import { filterOptions } from './filter-options.ts';
import { EXIT, type Io, write } from './io.ts';
import { parseMemory } from './memory.ts';
import { openOutput } from './output-file.ts';
import { showProgress } from './progress.ts';
import { counted } from './sending.ts';
import { zoneOf } from './zone.ts';

/** A file of rows: Parquet, CSV, or an object a line. */
export interface FormTarget {
  readonly form: 'parquet' | 'csv' | 'ndjson';
  /** `-` for standard output; with `--partition` a folder. */
  readonly path: string;
}

const STDOUT = '-';
const PARTITIONS = { day: 86_400_000_000n, hour: 3_600_000_000n } as const;

/** Reads `parquet:FILE`, `csv:-`, or a path whose ending tells the form; undefined for all other targets. */
export function parseFormTarget(text: string): FormTarget | undefined {
  const named = /^(parquet|csv|ndjson):(?!\/\/)(.+)$/.exec(text);
  if (named !== null) return { form: named[1] as FormTarget['form'], path: named[2] as string };
  if (/^[a-z0-9+]+:/i.test(text)) return undefined;
  const form = /\.(parquet|csv|ndjson)$/i.exec(text)?.[1]?.toLowerCase();
  return form === undefined ? undefined : { form: form as FormTarget['form'], path: text };
}

interface Part {
  readonly spec: QuerySpec;
  /** Undefined for standard output. */
  readonly file: string | undefined;
}

/** Exports stored records into a file of rows, or with `--partition` into several. Resolves to the exit code. */
export async function exportForm(filterText: string, target: FormTarget, flags: ExportFlags, io: Io): Promise<number> {
  const begun = io.now();
  const zone = zoneOf(flags);
  const anonymity = await readAnonymity(flags, io);
  const filters = await filterOptions(flags.config);
  const { from, until, columns } = flags;
  const question = { filter: filterText, from, to: until, columns, raw: true };
  const spec = readQuestion(question, { now: io.now(), zone, filters });
  if (anonymity !== undefined) refuseDropped(spec, anonymity);
  if (target.path === STDOUT && (flags.partition !== undefined || flags.format === 'json')) {
    throw new WeirError('WEIR_USAGE', `--to ${flags.to}: standard output gets the rows and nothing else`, {
      hint: 'Name a file or a folder, or leave --partition and --format out.',
    });
  }
  const memoryBytes = flags.memory === undefined ? undefined : parseMemory(flags.memory);
  const stopping = { asked: false, stop: () => {} };
  const stopListening = io.onSignal((kind) => {
    if (kind !== 'stop') return;
    stopping.asked = true;
    stopping.stop();
  });
  let [rows, files] = [0, 0];
  try {
    const parts: readonly Part[] =
      flags.partition === undefined
        ? [{ spec, file: target.path === STDOUT ? undefined : target.path }]
        : await partsOf(spec, target, flags.partition, flags.data);
    for (const part of parts) {
      if (stopping.asked) break;
      const shown = await writePart(part, target.form, { data: flags.data, anonymity, memoryBytes }, stopping, io);
      rows += shown;
      files++;
    }
  } finally {
    stopListening();
  }
  if (stopping.asked) {
    io.stderr.write('cancelled\n');
    return EXIT.failed;
  }
  const seconds = (io.now() - begun) / 1000;
  if (flags.format === 'json') await write(io.stdout, `${JSON.stringify({ records: rows, files, seconds })}\n`);
  else
    io.stderr.write(`exported ${counted(rows, 'record')} into ${counted(files, 'file')} in ${seconds.toFixed(1)} s\n`);
  return EXIT.ok;
}

/** Writes one file, which has its name when it is whole. Resolves to its rows. */
async function writePart(
  { spec, file }: Part,
  format: OutputName,
  options: {
    readonly data: string;
    readonly anonymity: Anonymity | undefined;
    readonly memoryBytes: number | undefined;
  },
  stopping: { asked: boolean; stop: () => void },
  io: Io,
): Promise<number> {
  const output = await openOutput(file, format === 'parquet', io);
  const query = new Query({
    ...options,
    spec,
    format,
    file: output.path,
    zone: 'utc',
    plain: true,
    width: undefined,
    colour: false,
    write: output.write,
    clock: io.now,
  });
  stopping.stop = () => query.cancel();
  const progress = showProgress(io, () => query.progress);
  try {
    // A reader of standard output that has gone is no failure; the rest is not wanted.
    await query.run();
    await (stopping.asked ? output.discard() : output.finish());
    return query.shown;
  } catch (error) {
    await output.discard();
    throw error;
  } finally {
    progress.end();
  }
}

/** What `--columns` names must be in the file. */
function refuseDropped({ columns }: QuerySpec, anonymity: Anonymity): void {
  const dropped = columns.find(({ name, type }) => treatmentOf(name, type, anonymity) === 'dropped');
  if (dropped === undefined) return;
  throw new WeirError('WEIR_USAGE', `--anonymize drops ${dropped.name}, which --columns names.`, {
    hint: `Leave it out, or let it stay as it is: --keep ${dropped.name}`,
  });
}

/** A part for each day or hour (UTC) in which flows begin, and its folder. */
async function partsOf(
  spec: QuerySpec,
  { form, path }: FormTarget,
  partition: keyof typeof PARTITIONS,
  data: string,
): Promise<Part[]> {
  const length = PARTITIONS[partition];
  const source = await openSource(data, spec.span);
  const begins: bigint[] = [];
  const duck = new QueryDuck({ temporary: join(tmpdir(), `weir-export-${process.pid}`) });
  try {
    await duck.open();
    const needs = new Set(['time_start', ...spanColumns(source), ...filterFileColumns(spec.filter)]);
    const begin = `epoch_us("time_start") // ${length}`;
    const sql = `SELECT DISTINCT ${begin} AS part FROM ${sqlSource(source, needs)}${rowConditions(source, spec.filter)} ORDER BY part`;
    await duck.read(sql, (rows) => {
      const cell = createCell('i64', 0);
      cell.bind(rows);
      for (let row = 0; row < rows.count; row++) begins.push(BigInt(cell.number(row)) * length);
    });
  } finally {
    duck.close();
  }
  await mkdir(path, { recursive: true }).catch((error: unknown) => {
    throw new WeirError('WEIR_SEND', `Cannot make the folder ${path}: ${messageOf(error)}.`, { cause: error });
  });
  return begins.map((begin) => {
    const [first, next] = [formatTimeLiteral(begin), formatTimeLiteral(begin + length)];
    const inside = parseFilter(`time_start >= ${first} and time_start < ${next}`);
    const { from, to } = spec.span;
    // The span chooses the files that are read. A flow that began before it still belongs to it when it ended in it.
    const span = {
      from: from === undefined || from < begin ? begin : from,
      to:
        from !== undefined && begin + length <= from
          ? to
          : to === undefined || to > begin + length
            ? begin + length
            : to,
    };
    const name = partition === 'day' ? first.slice(0, 10) : first.slice(0, 13);
    return { spec: { ...spec, span, filter: and([spec.filter, inside]) }, file: join(path, `${name}.${form}`) };
  });
}
