import { type Command, Option } from 'commander';
import { CLIENT_CERTIFICATES, TLS_VERSIONS } from '../collect/tls-settings.ts';
import { LOG_FORMATS, LOG_LEVELS, ROLLUP_CHOICES } from '../config/collect-config.ts';
import type { FlagSettings } from '../config/load.ts';
import { SETTINGS as ALL_SETTINGS, NAT_SETTINGS, type Setting } from '../config/settings.ts';
import { WeirError } from '../util/errors.ts';

/** Those of a collector. */
const SETTINGS = ALL_SETTINGS.filter(({ path }) => !path.startsWith(NAT_SETTINGS));

/** What commander makes of the flags below: by camel-cased name. */
export type CollectFlags = Readonly<Record<string, unknown>> & { readonly config?: string };

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  '--tls-client-certificates': CLIENT_CERTIFICATES,
  '--tls-minimum-version': TLS_VERSIONS,
  '--rollups': ROLLUP_CHOICES,
  '--log-level': LOG_LEVELS,
  '--log-format': LOG_FORMATS,
};

/** Adds `--config` and a flag for every setting of a collector. `flagsToConfig` reads what they give. */
export function addCollectFlags(command: Command): Command {
  command.option('--config <file>', 'YAML file with any of the settings below; a flag overrules it');
  const added = new Set<string>();
  for (const setting of SETTINGS) {
    const { flag, many, about } = setting;
    if (flag === undefined || added.has(flag)) continue;
    added.add(flag);
    const { value, text } = spelling(flag);
    if (value === '') {
      command
        .addOption(new Option(flag, inHelp(about, false)))
        .addOption(new Option(`--no-${flag.slice(2)}`, `the opposite of ${flag}`));
      continue;
    }
    const option = new Option(`${flag} <${value}>`, `${text ?? inHelp(about, many)}${defaultText(setting.default)}`);
    const choices = CHOICES[flag];
    if (choices !== undefined) option.choices(choices);
    // No default is given to commander: a flag that was not typed must not go before the file.
    if (many || flag === '--sampling-default') option.argParser(collect);
    command.addOption(option);
  }
  return command;
}

/** The file and the settings that flags gave, for `loadConfig`. Throws WEIR_USAGE for a sampling flag that is not `N` or `NETWORK=N`. */
export function flagsToConfig(flags: CollectFlags): { file: string | undefined; flags: FlagSettings } {
  const settings: Record<string, unknown> = {};
  for (const { path, flag, value } of SETTINGS) {
    if (flag === undefined || path.startsWith('sampling.')) continue;
    const given = flags[attribute(flag)];
    if (given !== undefined && (value !== '' || typeof given === 'boolean')) settings[path] = given;
  }
  const exporters: Record<string, unknown>[] = [];
  for (const which of ['default', 'override'] as const) {
    const flag = `--sampling-${which}`;
    for (const text of (flags[attribute(flag)] as readonly string[] | undefined) ?? []) {
      const { network, rate } = parseRate(flag, text, which === 'default');
      if (network === undefined) settings['sampling.default'] = rate;
      else exporters.push({ network, [which]: rate });
    }
  }
  if (exporters.length > 0) settings['sampling.exporters'] = exporters;
  return { file: flags.config, flags: settings };
}

function parseRate(flag: string, text: string, mayBeBare: boolean): { network: string | undefined; rate: number } {
  const found = /^(?:(.+)=)?(\d+)$/.exec(text);
  if (found !== null && (found[1] !== undefined || mayBeBare)) return { network: found[1], rate: Number(found[2]) };
  throw new WeirError(
    'WEIR_USAGE',
    `${flag}: found ${JSON.stringify(text)}, expected ${mayBeBare ? 'N or ' : ''}NETWORK=N`,
    {
      hint: `For instance ${flag} 10.0.0.0/8=1000: one packet in 1,000 for the exporters in that network.`,
      details: { flag, text },
    },
  );
}

function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Placeholder of a flag's value, and its help where one flag has two rows in the table. */
function spelling(flag: string): { value: string; text?: string } {
  if (flag === '--sampling-default') {
    return {
      value: 'n',
      text: 'one packet in so many, for exporters that do not say; NETWORK=N for those of a network (repeatable)',
    };
  }
  return { value: (SETTINGS.find((one) => one.flag === flag)?.value ?? '').toLowerCase() };
}

function defaultText(fallback: Setting['default']): string {
  if (fallback === undefined) return '';
  return ` (default: ${typeof fallback === 'object' ? fallback.join(', ') : String(fallback)})`;
}

/** `--receive-buffer` as commander names it: `receiveBuffer`. */
export function attribute(flag: string): string {
  return flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A sentence of the table as commander's help has them: lower case, no full stop. */
function inHelp(about: string, many: boolean): string {
  return `${about.charAt(0).toLowerCase()}${about.slice(1).replace(/\.$/, '')}${many ? ' (repeatable)' : ''}`;
}
