import { isIP } from 'node:net';
import { type Command, Option } from 'commander';
import type { PeopleOptions } from '../query/output/people.ts';
import type { HostNames } from '../query/resolve.ts';
import { WeirError } from '../util/errors.ts';
import type { Io } from './io.ts';
import { timeSpan } from './sending.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

/** Flags of how values are shown to people. */
export interface PeopleFlags extends ZoneFlags {
  readonly plain?: boolean;
  readonly quiet?: boolean;
  readonly services?: boolean;
  readonly resolve?: boolean;
  readonly resolveTimeout: number;
  readonly nameserver?: string;
}

/** Adds them. */
export function addPeopleFlags(command: Command): Command {
  return addZone(command)
    .option('--services', 'names of services instead of ports, such as https')
    .option('--resolve', 'names of hosts instead of addresses, as far as DNS tells them in time')
    .addOption(
      new Option('--resolve-timeout <span>', 'how long all names may take')
        .argParser(timeSpan('--resolve-timeout'))
        .default(2000, '2s'),
    )
    .option('--nameserver <address>', "whom to ask for names, such as 192.0.2.53 (default: the system's)")
    .option('--plain', 'whole numbers instead of 1.2 M')
    .option('-q, --quiet', 'rows alone: no header and no summary');
}

/** What the flags ask for. `isMachine`: the form of the answer is for programs. Throws WEIR_USAGE, WEIR_TIME. */
export async function peopleOptions(
  flags: PeopleFlags,
  isMachine: boolean,
  io: Io,
): Promise<PeopleOptions & { readonly quiet: boolean }> {
  const zone = zoneOf(flags);
  for (const flag of ['services', 'resolve'] as const) {
    if (flags[flag] !== true || !isMachine) continue;
    throw new WeirError('WEIR_USAGE', `--${flag} is for people: programs get addresses and numbers`, {
      hint: 'Leave it out, or take --format table, line, markdown or fmt:…',
    });
  }
  const servers = flags.nameserver === undefined ? undefined : [parseServer(flags.nameserver)];
  const hosts = flags.resolve === true ? await hostNames(flags.resolveTimeout, servers, io) : undefined;
  return { zone, plain: flags.plain === true, quiet: flags.quiet === true, services: flags.services === true, hosts };
}

/** Loaded when it is asked for: DNS takes Node a few milliseconds to load. */
async function hostNames(timeout: number, servers: readonly string[] | undefined, io: Io): Promise<HostNames> {
  const { HostNames: Names } = await import('../query/resolve.ts');
  return new Names({ timeout, servers, clock: io.now });
}

/** Reads `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. */
function parseServer(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::(\d{1,5}))?$/.exec(text);
  const [, address = text, port] = bracketed ?? /^([^:]*):(\d{1,5})$/.exec(text) ?? [];
  if (isIP(address) !== 0 && Number(port ?? 53) >= 1 && Number(port ?? 53) <= 65_535) return text;
  throw new WeirError('WEIR_USAGE', `--nameserver ${text.slice(0, 60)} is no address`, {
    hint: 'For example --nameserver 192.0.2.53 or --nameserver [2001:db8::53]:5353',
  });
}
