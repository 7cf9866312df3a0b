import { type Command, Option } from 'commander';
import type { CollectConfig } from '../config/collect-config.ts';
import { explain } from '../config/explain.ts';
import { loadConfig } from '../config/load.ts';
import { QUIRKS } from '../session/quirks.ts';
import { WeirError } from '../util/errors.ts';
import { checkConfig } from './check-config.ts';
import { checkData } from './check-data.ts';
import { checkExporters } from './check-exporters.ts';
import { type Finding, failed } from './check-finding.ts';
import { checkMachine } from './check-machine.ts';
import { checkNetwork } from './check-network.ts';
import { printFindings } from './check-print.ts';
import { addCollectFlags, flagsToConfig } from './config-flags.ts';
import { type Io, write } from './io.ts';

const EXAMPLES = `
Takes the flags of weir collect and changes nothing: sockets are opened and closed again, the data folder is only looked at.
Exit code 0: weir collect can start (there may be warnings). 1: it cannot; each line that begins with ✗ says why and what to do.

Examples:
  weir check                                    the defaults and this machine
  weir check --config /etc/netweir/weir.yaml
  weir check --config weir.yaml --explain       the whole configuration, and where each setting comes from
  weir check --quirks                           what exporters send wrong, and what is done about it
  weir check --format json | jq '.findings[] | select(.status != "ok")'
`;

interface Flags {
  readonly format: 'text' | 'json';
  readonly explain?: boolean;
  readonly quirks?: boolean;
}

/** Adds the flags of `weir check` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  command
    .option('--explain', 'print the configuration that is in force as YAML, and check nothing else')
    .option('--quirks', 'print the mistakes of exporters that weir knows and puts right, and check nothing else')
    .addOption(
      new Option('--format <format>', 'lines for people, or one JSON object').choices(['text', 'json']).default('text'),
    );
  addCollectFlags(command);
  command.addHelpText('after', EXAMPLES).action(async (flags: Flags & Record<string, unknown>) => {
    if (flags.quirks === true) await write(io.stdout, quirks(flags.format));
    else if (flags.explain === true) await write(io.stdout, explain(loadConfig(flagsToConfig(flags))));
    else exit(await check(flags, io));
  });
}

async function check(flags: Flags & Record<string, unknown>, io: Io): Promise<number> {
  const findings: Finding[] = [];
  const config = load(flags, findings);
  if (config !== undefined) {
    findings.push(
      ...(await checkConfig(config)),
      ...(await checkNetwork(config, io.now())),
      ...(await checkData(config, io.now())),
      ...(await checkExporters(config.data, io.now())),
    );
  }
  findings.push(...(await checkMachine(io.now())));
  return await printFindings(findings, { format: flags.format, purpose: 'collect' }, io);
}

/** A mistake in the file is a finding like others; one in a flag is a wrong call, as everywhere. */
function load(flags: Record<string, unknown>, findings: Finding[]): CollectConfig | undefined {
  try {
    return loadConfig(flagsToConfig(flags));
  } catch (error) {
    if (!(error instanceof WeirError) || error.code !== 'WEIR_CONFIG') throw error;
    findings.push(failed('configuration', error));
    return undefined;
  }
}

function quirks(format: Flags['format']): string {
  if (format === 'json') return `${JSON.stringify({ quirks: QUIRKS }, undefined, 2)}\n`;
  return QUIRKS.map(
    ({ name, exporters, signature, wrong, remedy, source }) =>
      `${name} (${exporters})\n  seen by  ${signature}\n  wrong    ${wrong}\n  done     ${remedy}\n  source   ${source}\n`,
  ).join('\n');
}
