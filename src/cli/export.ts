import { type Command, Option } from 'commander';
import { type ExportTarget, parseExportTarget } from '../export/target.ts';
import { TIME_FORMS } from '../export/template-fields.ts';
import { WeirError } from '../util/errors.ts';
import { addAnonymizeFlags, createKeyFile } from './anonymize-flags.ts';
import { exportForm, type FormTarget, parseFormTarget } from './export-form.ts';
import { type ExportFlags, exportRecords } from './export-run.ts';
import type { Io } from './io.ts';
import { formatOption, positiveNumber, timeSpan, wholeNumber } from './sending.ts';
import { addZone } from './zone.ts';

const EXAMPLES = `
Targets: netflow1:// netflow5:// netflow6:// netflow7:// netflow9:// ipfix:// sflow:// (UDP), ipfix+tcp:// ipfix+tls://, or the path of a
file: .parquet, .csv and .ndjson tell the form, all others get IPFIX; parquet:PATH, csv:PATH, ndjson:PATH and ipfix:PATH say it, and - is
standard output. --to is the target here; the range of time is --from and --until. docs/export.md tells what each format
cannot carry, and what becomes of it.

Examples:
  weir export --to ipfix://192.0.2.7:4739 --from -1h               the flows of the last hour, 10,000 messages a second at most
  weir export --to netflow5://192.0.2.7 --from today 'src net 10.0.0.0/8'
  weir export --to ipfix+tls://collector.example --tls-ca ca.pem --speed 10     with the original timing, ten times as fast
  weir export --to day.ipfix --from yesterday --until today
  weir export --to day.parquet --from yesterday --until today      rows by their start, addresses as text
  weir export --to parquet:flows --partition hour                  flows/2026-11-21T13.parquet …
  weir export --to csv:- --columns time_start,src_addr,bytes 'dst port 443' | gzip > flows.csv.gz
  weir export --new-key weir.key                                   a key, for:
  weir export --to shared.ipfix --anonymize --key-file weir.key    addresses replaced, MAC addresses and texts dropped
`;

/** Adds the flags of `weir export` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addAnonymizeFlags(addZone(command, 'zone of --from, --until and the filter'))
    .argument('[filter...]', 'which flows, such as: src net 10.0.0.0/8 and port 443')
    .option('--new-key <file>', 'make a key for --anonymize, and do nothing else')
    .option('--to <target>', 'where to, and in which format: ipfix://HOST:PORT, netflow5://HOST, FILE …')
    .option('--data <dir>', 'data folder', './weir-data')
    .option('--config <file>', 'configuration file, whose lists and networks the filter may name')
    .option('--from <time>', 'flows that end at this time or later')
    .option('--until <time>', 'flows that begin before this time')
    .option(
      '--rate <n>',
      'messages per second, 0 for as fast as possible (default: 10000 over UDP, else 0)',
      wholeNumber('--rate', 0),
    )
    .option(
      '--speed <x>',
      'keep the timing in which the flows were received, x times as fast',
      positiveNumber('--speed'),
    )
    .option(
      '--mtu <octets>',
      'longest message (default: 1472, over IPv6 1452, streams and files 8192)',
      wholeNumber('--mtu', 512, 65_535),
    )
    .option(
      '--template-refresh <span>',
      'send templates again after so long (default: 1m)',
      timeSpan('--template-refresh'),
    )
    .option('--template-messages <n>', 'and after so many messages (default: 500)', wholeNumber('--template-messages'))
    .addOption(new Option('--times <form>', 'NetFlow v9 and IPFIX: how times are sent').choices(TIME_FORMS))
    .addOption(
      new Option('--sample <form>', 'sFlow: what describes a packet (default: header)').choices(['header', 'ip']),
    )
    .option('--tls-ca <file>', 'certificates that sign the collector’s, PEM')
    .option('--tls-cert <file>', 'our certificate, PEM')
    .option('--tls-key <file>', 'its key, PEM')
    .option('--keep-going', 'go on when nobody listens at the target')
    .option('--columns <columns>', 'Parquet, CSV and ndjson: columns (default: all that are stored)')
    .addOption(
      new Option(
        '--partition <time>',
        'Parquet, CSV and ndjson: a file for each day or hour (UTC), in the folder --to',
      ).choices(['day', 'hour']),
    )
    .option('--memory <size>', 'Parquet, CSV and ndjson: memory for sorting, such as 512MB; the rest goes to disk')
    .addOption(formatOption(new Option('--format <format>', 'totals as a line on stderr, or as JSON on stdout')))
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], given: GivenFlags) => {
      if (given.newKey !== undefined) return createKeyFile(given.newKey, io);
      const flags = { ...given, to: targetOf(given) };
      if (flags.rate !== undefined && flags.speed !== undefined) {
        throw new WeirError('WEIR_USAGE', '--rate and --speed contradict each other.', { hint: 'Give one of them.' });
      }
      const form = parseFormTarget(flags.to);
      const target = form ?? parseExportTarget(flags.to);
      refuseOtherFlags(target, flags);
      const filter = words.join(' ');
      exit(await ('form' in target ? exportForm(filter, target, flags, io) : exportRecords(filter, target, flags, io)));
    });
}

type GivenFlags = Omit<ExportFlags, 'to'> & { readonly to?: string; readonly newKey?: string };

function targetOf({ to }: GivenFlags): string {
  if (to !== undefined) return to;
  throw new WeirError('WEIR_USAGE', '--to is missing: where to export to.', {
    hint: 'For example --to ipfix://192.0.2.7:4739 or --to day.ipfix; weir export --help has all targets.',
  });
}

/** Throws WEIR_USAGE for a flag that means nothing with this target, which somebody believes to have set. */
function refuseOtherFlags(target: ExportTarget | FormTarget, flags: ExportFlags): void {
  const isForm = 'form' in target;
  const { protocol, transport } = isForm ? {} : target;
  const isTemplated = protocol === 'netflow9' || protocol === 'ipfix';
  const others: readonly (readonly [flag: string, value: unknown, isMeant: boolean, meaning: string])[] = [
    ['--times', flags.times, isTemplated, 'NetFlow v9 and IPFIX'],
    ['--template-refresh', flags.templateRefresh, isTemplated, 'NetFlow v9 and IPFIX'],
    ['--template-messages', flags.templateMessages, isTemplated, 'NetFlow v9 and IPFIX'],
    ['--sample', flags.sample, protocol === 'sflow', 'sFlow'],
    ['--tls-ca', flags.tlsCa, transport === 'tls', 'ipfix+tls:// targets'],
    ['--tls-cert', flags.tlsCert, transport === 'tls', 'ipfix+tls:// targets'],
    ['--tls-key', flags.tlsKey, transport === 'tls', 'ipfix+tls:// targets'],
    ['--rate', flags.rate, !isForm, 'messages'],
    ['--speed', flags.speed, !isForm, 'messages'],
    ['--mtu', flags.mtu, !isForm, 'messages'],
    ['--columns', flags.columns, isForm, 'Parquet, CSV and ndjson'],
    ['--partition', flags.partition, isForm, 'Parquet, CSV and ndjson'],
    ['--memory', flags.memory, isForm, 'Parquet, CSV and ndjson'],
    ['--keep-going', flags.keepGoing, transport === 'udp', 'targets over UDP'],
  ];
  for (const [flag, value, isMeant, meaning] of others) {
    if (value === undefined || isMeant) continue;
    throw new WeirError('WEIR_USAGE', `${flag} is for ${meaning}, and ${flags.to} is none.`, { hint: 'Leave it out.' });
  }
}
