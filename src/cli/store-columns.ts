import { type Command, Option } from 'commander';
import { scaledBytes } from '../query/output/humanize.ts';
import { readCatalogue } from '../store/catalogue.ts';
import type { ColumnSize } from '../store/column-sizes.ts';
import { type Io, write } from './io.ts';
import { addStoreFlags, type StoreFlags, TIER_NAMES, TIERS, tableText } from './store-output.ts';

const EXAMPLES = `
The figures are those of the files' footers. \`B/row\` counts all rows of the tier, also of files that have not the column; the share is that of the tier's columns.

Examples:
  weir store columns
  weir store columns --tier compact
`;

interface Flags extends StoreFlags {
  readonly tier?: string;
}

/** Adds the flags of `weir store columns` and its action. */
export function build(command: Command, io: Io): void {
  addStoreFlags(command)
    .addOption(new Option('--tier <tier>', 'only files of this tier').choices(TIERS))
    .addHelpText('after', EXAMPLES)
    .action((flags: Flags) => columns(flags, io));
}

async function columns(flags: Flags, io: Io): Promise<void> {
  const catalogue = await readCatalogue(flags.data);
  const segments = catalogue.segments.filter(({ tier }) => (flags.tier ?? tier) === tier);
  const { columnSizes } = await import('../store/column-sizes.ts');
  const sizes = await columnSizes({ ...catalogue, segments });
  if (flags.format === 'json') {
    await write(io.stdout, `${JSON.stringify({ columns: sizes })}\n`);
    return;
  }
  const total = (tier: ColumnSize['tier']) => {
    const rows = segments.reduce((sum, entry) => sum + (entry.tier === tier ? entry.rows : 0), 0);
    return { rows, bytes: sizes.reduce((sum, one) => sum + (one.tier === tier ? one.compressed : 0), 0) };
  };
  const lines = TIERS.flatMap((tier) => {
    const { rows, bytes } = total(tier);
    return sizes
      .filter((one) => one.tier === tier)
      .map(({ column, compressed, uncompressed }) => [
        TIER_NAMES[tier],
        column,
        scaledBytes(compressed),
        scaledBytes(uncompressed),
        (uncompressed / Math.max(1, compressed)).toFixed(1),
        (compressed / Math.max(1, rows)).toFixed(2),
        `${((100 * compressed) / Math.max(1, bytes)).toFixed(1)} %`,
      ]);
  });
  await write(io.stdout, tableText(COLUMNS, lines, io));
}

const COLUMNS = [
  { label: 'tier', right: false },
  { label: 'column', right: false, whole: true },
  { label: 'size', right: true },
  { label: 'decompressed', right: true, dispensable: 2 },
  { label: 'ratio', right: true, dispensable: 1 },
  { label: 'B/row', right: true },
  { label: 'share', right: true },
];
