import { readFileSync, statSync } from 'node:fs';
import type { ParseOptions } from '../filter/parser.ts';

/** Largest file that a filter may name, octets; the parser's own bound is lower, but counts characters. */
const MAX_FILE = 64 << 20;

/** What filters on the command line are read with: files, and the lists of a configuration file. Throws WEIR_CONFIG. */
export async function filterOptions(config: string | undefined): Promise<Pick<ParseOptions, 'names' | 'readFile'>> {
  if (config === undefined) return { readFile };
  const [{ readConfigFile }, { filterNames }] = await Promise.all([
    import('../config/yaml-file.ts'),
    import('../config/filter-names.ts'),
  ]);
  return { readFile, names: filterNames(readConfigFile(config).settings) };
}

function readFile(path: string): string {
  const stat = statSync(path);
  if (stat.isDirectory()) throw new Error('it is a folder');
  if (stat.size > MAX_FILE) throw new Error(`it has ${stat.size} octets, more than ${MAX_FILE}`);
  return readFileSync(path, 'utf8');
}
