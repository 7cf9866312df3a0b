import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { FlagSettings } from '../config/load.ts';
import { NAT_SETTINGS, SETTINGS } from '../config/settings.ts';
import { TRANSLATION_CHOICES } from '../nat/translation.ts';
import { attribute } from './config-flags.ts';
import { formatOption } from './sending.ts';

/** The flags of `weir nat` that are not settings, as commander gives them. */
export interface NatFlags extends Readonly<Record<string, unknown>> {
  readonly config?: string;
  readonly foreground?: boolean;
  readonly exportVersion: string;
  readonly pidFile?: string;
  readonly log?: string;
  readonly convert?: boolean;
  readonly format: 'text' | 'json';
  readonly quiet?: boolean;
  readonly print?: boolean;
}

const PROTOCOLS: Readonly<Record<string, string>> = {
  1: 'netflow1',
  5: 'netflow5',
  6: 'netflow6',
  7: 'netflow7',
  9: 'netflow9',
  10: 'ipfix',
};

const more = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

/** Adds the flags of `weir nat`. No setting has a default here: the file comes before defaults. */
export function addNatFlags(command: Command): Command {
  return command
    .option('-c, --config <file>', 'a YAML file with a nat: section, or an nfflowd.conf')
    .option('-f, --foreground', 'with start: do not go into the background')
    .optionsGroup('Records to:')
    .option('-n, --to <target>', 'collectors: HOST:PORT,… or ipfix+tcp://HOST:PORT?records=events …; repeatable', more)
    .addOption(
      new Option('-v, --export-version <version>', 'of HOST:PORT: NetFlow version, 10 for IPFIX')
        .choices(Object.keys(PROTOCOLS))
        .default('10'),
    )
    .option('--records <forms>', 'v5-triplet, flows, biflows, events; with commas (default: by the protocol)')
    .option('--source <address>', 'send from this address, which is the exporter too')
    .option('--data <dir>', 'a data folder of its own, for weir trace and weir query')
    .option('--retention-age <time>', 'remove from it what ended longer ago')
    .option('--retention-size <size>', 'remove the oldest when it grows beyond this')
    .option('--exporter <address>', 'who the exporter is, in lines and in the store')
    .option('--domain <n>', 'observation domain')
    .option('--tls-ca <file>', 'certificates that sign the collector’s, PEM')
    .option('--tls-cert <file>', 'our certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .optionsGroup('Lines of flow-tools to:')
    .addOption(
      new Option('--syslog [target]', 'local, udp://HOST, tcp://HOST, tls://HOST; repeatable (default: local)')
        .preset('local')
        .argParser(more),
    )
    .option('--csv <file>', 'a file, or - for standard output; repeatable', more)
    .option('--csv-ipv6', 'lines of IPv6 connections too')
    .optionsGroup('Connections:')
    .addOption(new Option('--select <which>', 'connections (default: translated)').choices(TRANSLATION_CHOICES))
    .option('--zone <n>', 'of this conntrack zone alone; repeatable', more)
    .option('--mark <mark>', 'with this mark alone: VALUE or VALUE/MASK')
    .option('--active <time>', 'tell of open connections so often, 0s for never (default: 30m)')
    .option('--ttl <time>', 'forget those without a sign of life for so long (default: 7d)')
    .option('--listing <time>', 'read the table so often while it has older connections (default: 1m)')
    .option('--max-connections <n>', 'kept in memory, of each address family (default: 1048576)')
    .option('--buffer <size>', 'of the kernel’s events (default: 64MiB)')
    .option('--conntrack <command>', 'conntrack(8), and what stands before its arguments')
    .optionsGroup('Running:')
    .option('--pid-file <file>', 'write the process id there')
    .option('--log <file>', 'with start: what it says goes there')
    .option('--convert', 'print the nfflowd.conf of -c as our configuration')
    .option('--print', 'with install: print the systemd unit')
    .addOption(formatOption(new Option('--format <format>', 'of the summary, status and check')))
    .option('-q, --quiet', 'no summary and no status');
}

/** Settings of flags, for `loadNatConfig`. */
export function natSettings(flags: NatFlags): FlagSettings {
  const settings: Record<string, unknown> = {};
  for (const { path, flag } of SETTINGS) {
    if (flag === undefined || !path.startsWith(NAT_SETTINGS)) continue;
    const given = flags[attribute(flag)];
    if (given !== undefined) settings[path] = given;
  }
  const { to, records } = flags as { to?: string[]; records?: string };
  if (to !== undefined) settings['nat.to'] = to.flatMap((text) => targetsIn(text, flags.exportVersion));
  if (records !== undefined) settings['nat.records'] = records.split(',').map((one) => one.trim());
  return settings;
}

/** `HOST:PORT` in the format of `-v`, or whole targets, with commas between them. Those in `?records=` separate none. */
function targetsIn(text: string, version: string): string[] {
  return text
    .split(/,(?=[^,]*:)/)
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => (/:\/\/|^(?:file|ipfix):(?!\d{1,5}$)/.test(one) ? one : `${PROTOCOLS[version]}://${one}`));
}

/** Flags whose values are paths. */
const PATHS = new Set(['config', 'data', 'csv', 'tlsCa', 'tlsCert', 'tlsKey']);

/** The flags that were given, as words of a command line that means the same in any folder. */
export function flagsAsWords(command: Command): string[] {
  return command.options.flatMap((option) => {
    const name = option.attributeName();
    const value = command.getOptionValue(name) as string | readonly string[] | boolean | undefined;
    const word = option.long ?? option.short ?? '';
    if (command.getOptionValueSource(name) !== 'cli' || value === undefined || value === false) return [];
    if (value === true) return [word];
    const values = typeof value === 'string' ? [value] : value;
    return values.map((one) => `${word}=${PATHS.has(name) && one !== '-' ? resolve(one) : one}`);
  });
}
