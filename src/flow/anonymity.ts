import { nearest } from '../elements/nearest.ts';
import type { CryptoPan } from '../util/crypto-pan.ts';
import { WeirError } from '../util/errors.ts';
import { COLUMNS, type ColumnType } from './schema.ts';

/** How records are anonymized. */
export interface Anonymity {
  readonly pan: CryptoPan;
  /** Columns that stay as they are. */
  readonly keep: ReadonlySet<string>;
}

/**
 * What becomes of a column: addresses are replaced by Crypto-PAn; MAC addresses, texts and `extra`, in which anything may stand, are dropped; other
 * numbers stay.
 */
export function treatmentOf(name: string, type: ColumnType, { keep }: Anonymity): 'stays' | 'replaced' | 'dropped' {
  if (keep.has(name)) return 'stays';
  if (type === 'address') return 'replaced';
  return type === 'mac' || type === 'text' || type === 'extra' ? 'dropped' : 'stays';
}

const TREATED: readonly string[] = COLUMNS.filter(({ type }) => ['address', 'mac', 'text', 'extra'].includes(type)).map(
  ({ name }) => name,
);

/** Reads a list of columns that stay, such as `exporter,app_name`. Throws WEIR_USAGE for a name that would stay anyway, or that there is not. */
export function parseKeep(text: string): ReadonlySet<string> {
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (TREATED.includes(name)) continue;
    const suggestion = nearest(name, TREATED);
    const isNumber = COLUMNS.some((column) => column.name === name);
    throw new WeirError(
      'WEIR_USAGE',
      isNumber ? `--keep ${name}: numbers stay anyway` : `--keep ${name.slice(0, 60)} is no column`,
      { hint: suggestion === undefined ? `There are ${TREATED.join(', ')}.` : `Did you mean '${suggestion}'?` },
    );
  }
  return new Set(names);
}
