import type { Command } from 'commander';
import { WeirError } from '../util/errors.ts';
import { parseZone, type Zone } from '../util/zone.ts';

/** The flags that `addZone` adds. */
export interface ZoneFlags {
  readonly zone?: string;
  readonly utc?: boolean;
}

/** Adds `--zone` and its short form `--utc`. */
export function addZone(command: Command, about = 'zone of times in tables, in steps of time and in flags'): Command {
  return command
    .option('--zone <zone>', `${about}: utc, local, or a name such as Europe/Vienna (default: local)`)
    .option('--utc', 'the same as --zone utc');
}

/** The zone that is asked for. Throws WEIR_TIME for one that there is not, WEIR_USAGE for two. */
export function zoneOf({ zone, utc }: ZoneFlags): Zone {
  const asked = zone === undefined ? undefined : parseZone(zone);
  if (utc !== true) return asked ?? 'local';
  if (asked === undefined || asked === 'utc') return 'utc';
  throw new WeirError('WEIR_USAGE', `--utc and --zone ${zone ?? ''} are two zones`, { hint: 'Leave one of them out.' });
}
