import { parseSize } from '../config/units.ts';
import { WeirError } from '../util/errors.ts';

/** DuckDB answers nothing with less. */
const LEAST_MEMORY = 64_000_000;

/** Reads `512MB`, `2GiB`. Throws WEIR_USAGE. */
export function parseMemory(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined && bytes >= LEAST_MEMORY) return bytes;
  throw new WeirError('WEIR_USAGE', `--memory ${text.slice(0, 60)} is no size of at least 64MB`, {
    hint: 'For example --memory 512MB or --memory 2GiB',
  });
}
