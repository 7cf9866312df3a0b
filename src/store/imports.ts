import { readFile } from 'node:fs/promises';
import { replaceFile } from './durable.ts';
import { IMPORTS, inFolder } from './paths.ts';

/** A file that was imported. */
export interface ImportSource {
  readonly name: string;
  /** Of its content, inflated. */
  readonly sha256: string;
  /** When, ms since the epoch. */
  readonly at: number;
}

/** So many are remembered, the newest. */
const MOST = 10_000;

/** What has been imported into a data folder, as far as it is remembered, oldest first. A list that cannot be read is an empty one. */
export async function readImports(dir: string): Promise<readonly ImportSource[]> {
  return parseSources(await readFile(inFolder(dir, IMPORTS), 'utf8').catch(() => ''));
}

/** Remembers sources; those that are known already are not noted again. For who has the folder's lock. */
export async function noteImports(dir: string, sources: readonly ImportSource[]): Promise<void> {
  const known = await readImports(dir);
  const fresh = sources.filter(({ sha256, at }) => !known.some((one) => one.sha256 === sha256 && one.at === at));
  if (fresh.length > 0) await replaceFile(inFolder(dir, IMPORTS), formatSources([...known, ...fresh].slice(-MOST)));
}

/** The text that `parseSources` reads. */
export function formatSources(sources: readonly ImportSource[]): string {
  return `${JSON.stringify({ sources }, undefined, 1)}\n`;
}

/** Reads what `formatSources` wrote; nothing of anything else. */
export function parseSources(text: string): readonly ImportSource[] {
  try {
    const { sources } = JSON.parse(text) as { sources?: unknown };
    return Array.isArray(sources) ? (sources as ImportSource[]) : [];
  } catch {
    return [];
  }
}
