import { join } from 'node:path';

/** Version of the data folder's layout, in its marker file. A folder of a newer version is left alone. */
export const STORE_VERSION = 1;

/** What a data folder holds; everything in it has one of these names, apart from what other parts of the program keep there. */
export const MARKER = 'netweir.json';
export const LOCK = 'writer.lock';
/** Segments of finished time slots. */
export const CATALOGUE = 'catalogue.json';
/** Segments of the time slot that is being written; small, replaced about every second. */
export const LIVE_CATALOGUE = 'catalogue.live.json';
/** The folders of segments. */
export const FOLDERS = {
  flows: 'flows',
  quality: 'quality',
  counters: 'counters',
  names: 'names',
  minute: 'minute',
  hour: 'hour',
} as const;
/** Files that are being written. Emptied at every start. */
export const TEMPORARY = 'tmp';
/** Stores that an import is filling, and those that wait to be taken over. */
export const INCOMING = 'incoming';
/** What was imported, so that it is known when it comes again. */
export const IMPORTS = 'imports.json';
/** Files that turned out to be unreadable. Nothing in it is ever deleted. */
export const DAMAGED = 'damaged';

export type Kind = keyof typeof FOLDERS;
/** Kinds whose rows are as they came. */
export type RowKind = Exclude<Kind, 'minute' | 'hour'>;

/**
 * What a segment's name tells. Every fresh segment gets the next sequence number; a merged one covers the numbers of what it was made from. So names
 * alone say which file replaces which, and a folder can be read rightly without its catalogue, at whatever moment the writer was killed. A roll-up has
 * the numbers of the flows that it counts.
 */
export interface SegmentName {
  readonly kind: Kind;
  readonly merged: boolean;
  /** First and last sequence number covered; equal in a fresh segment. */
  readonly first: number;
  readonly last: number;
  /** Of a merged file that was written anew without some of its rows; the highest one counts. */
  readonly revision?: number;
}

const PATTERN = /^\d{8}T\d{6}Z-(?:f(\d+)|c(\d+)-(\d+)(?:r(\d+))?)\.parquet$/;

/** Path of a new segment, relative to the data folder; `micros` is the time its rows begin, for people who look into the folder. */
export function segmentPath(name: SegmentName, micros: number): string {
  const time = `${new Date(micros / 1000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const revision = name.revision === undefined ? '' : `r${name.revision}`;
  const numbers = name.merged ? `c${name.first}-${name.last}${revision}` : `f${name.first}`;
  return `${FOLDERS[name.kind]}/${time}-${numbers}.parquet`;
}

/** Reads a path made by `segmentPath`; undefined for any other name. */
export function parseSegmentPath(path: string): SegmentName | undefined {
  const [folder, base = '', rest] = path.split('/');
  const match = PATTERN.exec(base);
  if (match === null || rest !== undefined || folder === undefined || !isKind(folder)) return undefined;
  const [, fresh, first, last, revision] = match;
  if (fresh !== undefined) return { kind: folder, merged: false, first: Number(fresh), last: Number(fresh) };
  const name = { kind: folder, merged: true, first: Number(first), last: Number(last) };
  return revision === undefined ? name : { ...name, revision: Number(revision) };
}

function isKind(folder: string): folder is Kind {
  return Object.hasOwn(FOLDERS, folder);
}

/** Whether the file named `newer` holds all that the file named `older` holds, which is then not to be read any more. */
export function supersedes(newer: SegmentName, older: SegmentName): boolean {
  if (newer.kind !== older.kind || !newer.merged || newer.first > older.first || newer.last < older.last) return false;
  if (!older.merged || newer.first < older.first || newer.last > older.last) return true;
  return revisionOf(newer) > revisionOf(older);
}

function revisionOf({ revision = 0 }: SegmentName): number {
  return revision;
}

/** The files among `names` that another one of them supersedes. */
export function supersededAmong(names: ReadonlyMap<string, SegmentName>): Set<string> {
  // By first number, widest first: a file is superseded when one before it reaches at least as far.
  const sorted = [...names].sort(
    ([, a], [, b]) =>
      compareTexts(a.kind, b.kind) ||
      a.first - b.first ||
      b.last - a.last ||
      Number(b.merged) - Number(a.merged) ||
      revisionOf(b) - revisionOf(a),
  );
  const superseded = new Set<string>();
  let widest: SegmentName | undefined;
  for (const [path, name] of sorted) {
    if (widest !== undefined && supersedes(widest, name)) superseded.add(path);
    else if (name.merged && (widest?.kind !== name.kind || name.last > widest.last)) widest = name;
  }
  return superseded;
}

/** Order of texts by their characters; that of a language takes 8 ms to load. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Absolute path of something in the data folder. */
export function inFolder(dir: string, ...names: string[]): string {
  return join(dir, ...names);
}
