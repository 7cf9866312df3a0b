import { isRollup, type SegmentEntry } from './catalogue.ts';
import { type MergeAnswer, type MergeRequest, mergedColumns, timeBuckets } from './merge.ts';
import type { MergeJob } from './merge-plan.ts';
import { type RowKind, type SegmentName, segmentPath, TEMPORARY } from './paths.ts';
import { mergeTimes } from './prepared-batch.ts';
import { isRollupTier, type RollupTier, rollupColumns, TIER_CUBES } from './rollup-cubes.ts';
import { type RollupJob, rollupKey } from './rollup-plan.ts';
import type { RollupRequest } from './rollup-sql.ts';

/** A job as the merging process is asked for it, and what its result means to the list of segments. */
export interface PreparedJob {
  /** What it reads: not to be removed meanwhile, and damaged perhaps when it fails. */
  readonly inputs: readonly SegmentEntry[];
  readonly request: MergeRequest | RollupRequest;
  /** Files that the result replaces. */
  readonly replaces: readonly string[];
  /** By what name it is skipped once it has failed alone; undefined for a job of several inputs, which can be made smaller. */
  readonly alone: string | undefined;
  /** What is wrong with an answer, or undefined. */
  readonly fault: (answer: MergeAnswer) => string | undefined;
  /** The entry of the result, whose file has `bytes` octets. */
  readonly entry: (answer: MergeAnswer, bytes: number) => SegmentEntry;
}

/** Makes a job ready. */
export function prepareJob(job: MergeJob | RollupJob): PreparedJob {
  if ('segment' in job) {
    const { tier, segment, name, replaces } = job;
    const alone = rollupKey(tier, segment);
    return { ...countingJob(tier, 'flows', [segment], name, TIER_CUBES[tier]), replaces: filesOf(replaces), alone };
  }
  const { kind, inputs, name } = job;
  const common = { replaces: filesOf(inputs), alone: inputs.length === 1 ? inputs[0]?.file : undefined };
  if (!isRollupTier(kind)) return { ...mergingJob(kind, inputs, name), ...common };
  const lists = inputs.map(({ rollup }) => rollup?.cubes ?? []);
  const cubes = (lists[0] ?? []).filter((cube) => lists.every((list) => list.includes(cube)));
  return { ...countingJob(kind, 'rollups', inputs, name, cubes), ...common };
}

type Prepared = Omit<PreparedJob, 'replaces' | 'alone'>;

function mergingJob(kind: RowKind, inputs: readonly SegmentEntry[], name: SegmentName): Prepared {
  const columns = mergedColumns(kind, inputs);
  const rows = inputs.reduce((sum, entry) => sum + entry.rows, 0);
  const times = mergeTimes(inputs);
  const tier = kind === 'flows' ? 'compact' : kind;
  return {
    inputs,
    request: { kind, inputs: filesOf(inputs), columns, output: temporaryOf(name), buckets: timeBuckets(inputs) },
    fault: (answer) => faultOf(answer, 'rows', rows),
    entry: (answer, bytes) => ({
      file: segmentPath(name, times.minReceived),
      tier,
      rows,
      bytes,
      ...times,
      columns,
      sorted: true,
      ...checksumIn(answer),
    }),
  };
}

function countingJob(
  tier: RollupTier,
  from: RollupRequest['from'],
  inputs: readonly SegmentEntry[],
  name: SegmentName,
  cubes: readonly number[],
): Prepared {
  const flows = inputs.reduce((sum, entry) => sum + (isRollup(entry) ? entry.rollup.flows : entry.rows), 0);
  const times = mergeTimes(inputs);
  const columns = rollupColumns(cubes);
  const present = [...new Set(inputs.flatMap((entry) => entry.columns))];
  const facts = { flows, cubes, times, columns };
  return {
    inputs,
    request: { tier, from, inputs: filesOf(inputs), columns: present, cubes, output: temporaryOf(name), facts },
    fault: (answer) => faultOf(answer, 'flows', flows),
    entry: (answer, bytes) => ({
      file: segmentPath(name, times.minReceived),
      tier,
      rows: 'rows' in answer ? answer.rows : 0,
      bytes,
      ...times,
      columns,
      sorted: true,
      ...checksumIn(answer),
      rollup: { flows, cubes },
    }),
  };
}

/** A part of an entry. */
function checksumIn(answer: MergeAnswer): Pick<SegmentEntry, 'sha256'> {
  return 'error' in answer ? {} : { sha256: answer.sha256 };
}

function faultOf(answer: MergeAnswer, what: 'rows' | 'flows', expected: number): string | undefined {
  if ('error' in answer) return answer.error;
  return answer[what] === expected ? undefined : `${answer[what]} ${what} came out of ${expected}`;
}

function temporaryOf({ kind, first, last }: SegmentName): string {
  return `${TEMPORARY}/merge-${kind}-${first}-${last}.parquet`;
}

function filesOf(entries: readonly SegmentEntry[]): string[] {
  return entries.map(({ file }) => file);
}
