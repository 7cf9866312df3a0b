import { readFile } from 'node:fs/promises';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import {
  CATALOGUE,
  inFolder,
  LIVE_CATALOGUE,
  MARKER,
  parseSegmentPath,
  type SegmentName,
  STORE_VERSION,
  supersededAmong,
} from './paths.ts';
import type { TimeRange } from './prepared-batch.ts';
import { isRollupTier, type RollupFacts, type RollupTier } from './rollup-cubes.ts';
import { isSmallTable, type SmallTable } from './small-tables.ts';

/** Flows as they arrived; flows merged and sorted; flows counted per minute or hour; rows of a small table. */
export type Tier = 'fresh' | 'compact' | RollupTier | SmallTable;

/** One segment file. */
export interface SegmentEntry extends TimeRange {
  /** Relative to the data folder, with `/`. */
  readonly file: string;
  readonly tier: Tier;
  readonly rows: number;
  readonly bytes: number;
  readonly columns: readonly string[];
  /** Whether rows are in the order that store/merge.ts gives them. */
  readonly sorted: boolean;
  /** SHA-256 of the file, as it was written. Files of older versions have none, nor have those that were found unlisted and adopted. */
  readonly sha256?: string;
  /** Of a roll-up; its times are those of the flows that it counts. */
  readonly rollup?: RollupFacts;
}

/** A file that is no longer listed, and when it was taken off the list (ms); it stays on disk for readers that began before. */
export interface RetiredFile {
  readonly file: string;
  readonly at: number;
}

/** What a reader needs to know: every row stored is in exactly one of these files. */
export interface Catalogue {
  readonly dir: string;
  /** Of all tiers, in the order they were received. */
  readonly segments: readonly SegmentEntry[];
  /** When the catalogue was last replaced, ms. */
  readonly updated: number;
}

/** One catalogue file as it is written. Entries name their columns by the index of a list, for most segments have the same. */
export interface CatalogueFile {
  readonly entries: readonly SegmentEntry[];
  readonly retired: readonly RetiredFile[];
  readonly nextSequence: number;
  readonly updated: number;
}

/** Whether a segment holds flows. */
export function holdsFlows({ tier }: SegmentEntry): boolean {
  return tier === 'fresh' || tier === 'compact';
}

/** A roll-up's entry. */
export type RollupEntry = SegmentEntry & { readonly tier: RollupTier; readonly rollup: RollupFacts };

/** Whether a segment is a roll-up. */
export function isRollup(entry: SegmentEntry): entry is RollupEntry {
  return isRollupTier(entry.tier);
}

/** When the first flow of these segments begins and the last one ends, µs; null where none of them has times. */
export function timesOf(segments: readonly SegmentEntry[]): { first: number | null; last: number | null } {
  let first: number | null = null;
  let last: number | null = null;
  for (const { minStart, maxEnd } of segments) {
    if (minStart !== null && (first === null || minStart < first)) first = minStart;
    if (maxEnd !== null && (last === null || maxEnd > last)) last = maxEnd;
  }
  return { first, last };
}

/** The text of a catalogue file. */
export function formatCatalogue({ entries, retired, nextSequence, updated }: CatalogueFile): string {
  const lists = new Map<string, number>();
  const lines = entries.map((entry) => {
    const key = entry.columns.join(' ');
    if (!lists.has(key)) lists.set(key, lists.size);
    return JSON.stringify({ ...entry, columns: lists.get(key) });
  });
  const head = {
    version: STORE_VERSION,
    updated,
    nextSequence,
    retired,
    columns: [...lists.keys()].map((key) => key.split(' ')),
  };
  return `${JSON.stringify(head).slice(0, -1)},"segments":[\n${lines.join(',\n')}\n]}\n`;
}

/** Reads the text of a catalogue file. Throws an Error that says what is wrong with it. */
export function parseCatalogue(text: string): CatalogueFile {
  const data = JSON.parse(text) as Record<string, unknown>;
  if (typeof data !== 'object' || data === null || data['version'] !== STORE_VERSION)
    throw new Error('not a catalogue of this version');
  const { columns, segments, retired, nextSequence, updated } = data;
  if (!Array.isArray(columns) || !Array.isArray(segments) || !Array.isArray(retired))
    throw new Error('a list is missing');
  if (!isCount(nextSequence) || !isCount(updated)) throw new Error('a number is missing');
  const entries = segments.map((segment: Record<string, unknown>): SegmentEntry => {
    const { file, tier, rows, bytes, minReceived, maxReceived, minStart, maxEnd, sorted, sha256 } = segment;
    const list = columns[segment['columns'] as number] as unknown;
    const isSound =
      typeof file === 'string' &&
      parseSegmentPath(file) !== undefined &&
      typeof tier === 'string' &&
      (tier === 'fresh' || tier === 'compact' || isSmallTable(tier) || isSoundRollup(tier, segment['rollup'])) &&
      Array.isArray(list) &&
      [rows, bytes, minReceived, maxReceived].every(isCount) &&
      [minStart, maxEnd].every((time) => time === null || isCount(time)) &&
      typeof sorted === 'boolean' &&
      (sha256 === undefined || typeof sha256 === 'string');
    if (!isSound) throw new Error(`the entry ${JSON.stringify(segment).slice(0, 120)} is not sound`);
    return { ...segment, columns: list } as unknown as SegmentEntry;
  });
  const gone = retired as RetiredFile[];
  if (!gone.every(({ file, at }) => typeof file === 'string' && isCount(at)))
    throw new Error('the list of retired files is not sound');
  return { entries, retired: gone, nextSequence, updated };
}

/**
 * The segments in a data folder, read without any lock: works with and without a writer, in any process. The live catalogue is read first: a
 * segment leaves it only once the other lists it (or what it was merged into), so that none is missed; one that both tell of counts once.
 *
 * @throws WeirError WEIR_DATA_EMPTY when there is no store in the folder, WEIR_CATALOGUE when its catalogue is damaged, WEIR_DATA_FOLDER when it
 * cannot be read
 */
export async function readCatalogue(dir: string): Promise<Catalogue> {
  const live = await readCatalogueFile(dir, LIVE_CATALOGUE);
  const base = await readCatalogueFile(dir, CATALOGUE);
  if (base === undefined) throw await nothingThere(dir);
  // At the very first start the one is there a moment before the other.
  if (live === undefined && base.entries.length > 0) throw await nothingThere(dir);
  return {
    dir,
    segments: mergeEntries([...base.entries, ...(live?.entries ?? [])]),
    updated: Math.max(base.updated, live?.updated ?? 0),
  };
}

/** Each file once, without those that another one supersedes, in the order they were received. */
export function mergeEntries(entries: Iterable<SegmentEntry>): SegmentEntry[] {
  const byFile = new Map([...entries].map((entry) => [entry.file, entry]));
  const names = new Map<string, SegmentName>();
  for (const file of byFile.keys()) {
    const name = parseSegmentPath(file);
    if (name !== undefined) names.set(file, name);
  }
  for (const file of supersededAmong(names)) byFile.delete(file);
  return [...byFile.values()].sort((a, b) => a.minReceived - b.minReceived);
}

/** One of the two files; undefined when there is none. Throws WEIR_CATALOGUE or WEIR_DATA_FOLDER. */
export async function readCatalogueFile(dir: string, name: string): Promise<CatalogueFile | undefined> {
  const path = inFolder(dir, name);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw new WeirError('WEIR_DATA_FOLDER', `${path} cannot be read: ${messageOf(error)}`, {
      hint: `make it readable for this user: chmod -R u+r ${dir}`,
      cause: error,
    });
  }
  try {
    return parseCatalogue(text);
  } catch (error) {
    throw new WeirError('WEIR_CATALOGUE', `${path} is damaged: ${messageOf(error)}`, {
      hint: `start 'weir collect --data ${dir}': it rebuilds the catalogue from the segments, which are complete files`,
      details: { file: path },
      cause: error,
    });
  }
}

async function nothingThere(dir: string): Promise<WeirError> {
  const isStore = await readFile(inFolder(dir, MARKER)).then(
    () => true,
    () => false,
  );
  if (isStore) {
    return new WeirError('WEIR_CATALOGUE', `the catalogue of ${dir} is missing or incomplete`, {
      hint: `start 'weir collect --data ${dir}': it rebuilds the catalogue from the segments`,
    });
  }
  return new WeirError('WEIR_DATA_EMPTY', `no flows have been stored in ${dir}`, {
    hint: 'check --data; the default is ./weir-data in the current folder',
  });
}

function isSoundRollup(tier: string, facts: unknown): boolean {
  if (!isRollupTier(tier)) return false;
  const { flows, cubes } = (facts ?? {}) as Partial<RollupFacts>;
  return isCount(flows) && Array.isArray(cubes) && cubes.every(isCount);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
