import { type Command, Option } from 'commander';
import { humanTime } from '../query/output/humanize.ts';
import { Table, type TableColumn } from '../query/output/table.ts';
import type { Tier } from '../store/catalogue.ts';
import type { Kind } from '../store/paths.ts';
import type { Zone } from '../util/zone.ts';
import { hasColour, type Io } from './io.ts';
import { formatOption } from './sending.ts';

/** What the commands below `weir store` have in common. */
export interface StoreFlags {
  readonly data: string;
  readonly format: 'text' | 'json';
}

/** Adds `--data` and `--format`. */
export function addStoreFlags(command: Command): Command {
  return command
    .option('--data <dir>', 'data folder', './weir-data')
    .addOption(formatOption(new Option('--format <format>', 'for people, or as JSON')));
}

/** The tiers in the order in which they are shown, and what people call them. */
export const TIER_NAMES: Readonly<Record<Tier, string>> = {
  fresh: 'fresh',
  compact: 'merged',
  minute: 'per minute',
  hour: 'per hour',
  quality: 'quality',
  counters: 'counters',
  names: 'names',
} satisfies Record<'fresh' | 'compact' | Exclude<Kind, 'flows'>, string>;

export const TIERS = Object.keys(TIER_NAMES) as readonly Tier[];

/** A table for people, or nothing but the header when there are no rows. */
export function tableText(columns: readonly TableColumn[], rows: readonly (readonly string[])[], io: Io): string {
  const table = new Table(columns, {
    width: io.stdout.isTTY === true ? io.stdout.columns : undefined,
    colour: hasColour(io.stdout, io.env),
  });
  return table.header(rows) + table.lines(rows);
}

/** A time to the second. */
export function secondText(micros: number | null, zone: Zone): string {
  return micros === null ? '-' : humanTime(micros, zone).slice(0, 19);
}

/** A time for machines. */
export function isoText(micros: number | null): string | null {
  return micros === null ? null : new Date(micros / 1000).toISOString();
}
