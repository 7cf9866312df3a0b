import { readdir, stat } from 'node:fs/promises';
import { messageOf, systemCode } from '../util/errors.ts';
import { sqlFile } from '../util/sql-text.ts';
import { holdsFlows, isRollup, readCatalogue, readCatalogueFile, type SegmentEntry } from './catalogue.ts';
import { checksumOf } from './checksum.ts';
import { Duck } from './duck.ts';
import { FolderLock } from './lock.ts';
import { CATALOGUE, DAMAGED, FOLDERS, inFolder, LIVE_CATALOGUE, parseSegmentPath, TEMPORARY } from './paths.ts';
import { reachOf } from './rollup-cover.ts';
import { countedSql } from './rollup-sql.ts';

/** What can be wrong with a store. `unlisted` is a complete file that questions do not read: what a killed writer leaves until the next start. */
export type Problem =
  | 'missing'
  | 'size'
  | 'checksum'
  | 'unreadable'
  | 'columns'
  | 'rows'
  | 'rollup'
  | 'overlap'
  | 'unlisted';

export interface Finding {
  readonly file: string;
  readonly problem: Problem;
  /** For people. */
  readonly text: string;
}

export interface VerifyReport {
  readonly segments: number;
  readonly rows: number;
  readonly bytes: number;
  /** Files whose checksum was compared; files that were decoded to their end, having none or on request. */
  readonly compared: number;
  readonly decoded: number;
  readonly findings: readonly Finding[];
  /** What is no fault, but may be worth knowing: files of others, files set aside, leftovers of a killed writer. */
  readonly notes: readonly string[];
  /** The process that was writing to the folder meanwhile. */
  readonly writer: string | undefined;
}

export interface VerifyOptions {
  readonly dir: string;
  /** Decodes every file, also where its checksum is right. */
  readonly full?: boolean | undefined;
  /** Called after each file. */
  readonly onProgress?: ((done: { readonly bytes: number; readonly totalBytes: number }) => void) | undefined;
  /** Asked before each file; true ends the work with what has been found. */
  readonly isStopped?: (() => boolean) | undefined;
}

const MEMORY_MEGABYTES = 512;
/** How long a writer may take to list a file that it has given its name, ms. */
const LISTING = 3000;

/**
 * Compares catalogue and folder and reads every file: size and checksum, number of rows, sums of roll-ups; no two files may hold the same flows. Files without
 * a checksum are decoded to their end. Changes nothing and needs no lock: with a writer at work, what it replaces meanwhile is no fault.
 *
 * @throws WeirError WEIR_DATA_EMPTY, WEIR_CATALOGUE or WEIR_DATA_FOLDER when there is no catalogue to compare with
 */
export async function verifyStore({ dir, full, onProgress, isStopped }: VerifyOptions): Promise<VerifyReport> {
  const { segments } = await readCatalogue(dir);
  const writer = new FolderLock(dir).writer();
  const totalBytes = segments.reduce((sum, entry) => sum + entry.bytes, 0);
  const found: Finding[] = overlaps(segments);
  let [decoded, compared] = [0, 0];
  let [bytes, rows] = [0, 0];
  const duck = new Duck({ memoryMegabytes: MEMORY_MEGABYTES });
  await duck.open();
  try {
    for (const entry of segments) {
      if (isStopped?.() === true) break;
      const isDecoded = full === true || entry.sha256 === undefined;
      const finding = (await lookAtOctets(dir, entry)) ?? (await lookInside(duck, dir, entry, isDecoded));
      if (finding !== undefined) found.push(finding);
      if (isDecoded) decoded++;
      if (entry.sha256 !== undefined) compared++;
      bytes += entry.bytes;
      if (!isRollup(entry)) rows += entry.rows;
      onProgress?.({ bytes, totalBytes });
    }
  } finally {
    duck.close();
  }
  found.push(...(await unlisted(dir)));
  return {
    segments: segments.length,
    rows,
    bytes,
    compared,
    decoded,
    findings: writer === undefined ? found : await thatRemain(dir, found),
    notes: await notes(dir, writer === undefined),
    writer,
  };
}

/** Size and checksum. */
async function lookAtOctets(dir: string, { file, bytes, sha256 }: SegmentEntry): Promise<Finding | undefined> {
  const path = inFolder(dir, file);
  try {
    const { size } = await stat(path);
    if (size !== bytes) return { file, problem: 'size', text: `has ${size} octets, and ${bytes} were written` };
    if (sha256 === undefined || (await checksumOf(path)) === sha256) return undefined;
    return { file, problem: 'checksum', text: 'is not what was written: its checksum differs' };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { file, problem: 'missing', text: 'is listed and not there' };
    return { file, problem: 'unreadable', text: `cannot be read: ${messageOf(error)}` };
  }
}

/** Rows and columns, against the catalogue. */
async function lookInside(
  duck: Duck,
  dir: string,
  entry: SegmentEntry,
  isDecoded: boolean,
): Promise<Finding | undefined> {
  const { file } = entry;
  const path = inFolder(dir, file);
  const name = parseSegmentPath(file);
  if (name === undefined) return undefined;
  try {
    const { rows, columns } = await duck.inspect(path, name.kind);
    if (rows !== entry.rows)
      return { file, problem: 'rows', text: `has ${rows} rows, and the catalogue says ${entry.rows}` };
    if (columns.join() !== entry.columns.join() && !isRollup(entry))
      return { file, problem: 'columns', text: 'has other columns than the catalogue says' };
    // A digest of all values: sums that the file's own statistics could answer would read nothing.
    if (isDecoded) await duck.run(`SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(${sqlFile(path)})`);
    if (!isRollup(entry)) return undefined;
    const sums = (await duck.run(countedSql(path))).map(([, flows]) => Number(flows));
    if (sums.length === entry.rollup.cubes.length && sums.every((sum) => sum === entry.rollup.flows)) return undefined;
    const text = `counts ${sums.join(', ')} flows in its cubes, and the catalogue says ${entry.rollup.flows}`;
    return { file, problem: 'rollup', text };
  } catch (error) {
    return { file, problem: 'unreadable', text: `cannot be decoded: ${messageOf(error)}` };
  }
}

/** Files of flows or of a small table whose sequence numbers overlap have the same rows. */
function overlaps(entries: readonly SegmentEntry[]): Finding[] {
  const findings: Finding[] = [];
  for (const kind of Object.keys(FOLDERS)) {
    const own = reachOf(entries.filter((entry) => (holdsFlows(entry) ? 'flows' : entry.tier) === kind));
    let before = own[0];
    for (const one of own.slice(1)) {
      if (before !== undefined && one.first <= before.last) {
        const { file } = one.entry;
        findings.push({ file, problem: 'overlap', text: `has sequence numbers that ${before.entry.file} has too` });
      }
      if (before === undefined || one.last > before.last) before = one;
    }
  }
  return findings;
}

/** Segment files that no catalogue knows. */
async function unlisted(dir: string): Promise<Finding[]> {
  // The folder first: what is listed after that was there before.
  const present: string[] = [];
  for (const folder of Object.values(FOLDERS)) {
    const names = await readdir(inFolder(dir, folder)).catch(() => []);
    present.push(...names.map((name) => `${folder}/${name}`).filter((file) => parseSegmentPath(file) !== undefined));
  }
  const known = await knownFiles(dir);
  const text = 'is complete and not listed, so questions do not read it';
  return present.filter((file) => !known.has(file)).map((file) => ({ file, problem: 'unlisted', text }));
}

/** Every file that the catalogues tell of, those that were replaced included. */
async function knownFiles(dir: string): Promise<Set<string>> {
  const live = await readCatalogueFile(dir, LIVE_CATALOGUE);
  const base = await readCatalogueFile(dir, CATALOGUE);
  const known = new Set<string>();
  for (const one of [live, base])
    for (const { file } of [...(one?.entries ?? []), ...(one?.retired ?? [])]) known.add(file);
  return known;
}

/** Of findings in a folder that is being written to, those that hold after a while. */
async function thatRemain(dir: string, findings: readonly Finding[]): Promise<Finding[]> {
  if (findings.length === 0) return [];
  await new Promise((resolve) => setTimeout(resolve, LISTING));
  const { segments } = await readCatalogue(dir);
  const listed = new Set(segments.map(({ file }) => file));
  const stillUnlisted = new Set((await unlisted(dir)).map(({ file }) => file));
  return findings.filter(({ file, problem }) => (problem === 'unlisted' ? stillUnlisted : listed).has(file));
}

async function notes(dir: string, isAtRest: boolean): Promise<string[]> {
  const found: string[] = [];
  const count = async (folder: string) => (await readdir(inFolder(dir, folder)).catch(() => [])).length;
  const [damaged, temporary] = [await count(DAMAGED), await count(TEMPORARY)];
  if (damaged > 0) found.push(`${damaged} unreadable files were set aside earlier, in ${DAMAGED}`);
  if (temporary > 0 && isAtRest)
    found.push(`${temporary} half-written files in ${TEMPORARY}, which the next start removes`);
  for (const folder of Object.values(FOLDERS)) {
    const names = await readdir(inFolder(dir, folder)).catch(() => []);
    const foreign = names.filter((name) => parseSegmentPath(`${folder}/${name}`) === undefined);
    if (foreign.length > 0)
      found.push(`${folder} holds files that weir did not write: ${foreign.slice(0, 3).join(', ')}`);
  }
  return found;
}
