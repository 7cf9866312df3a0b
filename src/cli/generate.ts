import { type Command, Option } from 'commander';
import type { GeneratedVersion } from '../generate/layout.ts';
import { WeirError } from '../util/errors.ts';
import type { GenerateFlags } from './generate-output.ts';
import { sendTraffic } from './generate-send.ts';
import { writeTraffic } from './generate-write.ts';
import type { Io } from './io.ts';
import {
  DEFAULT_TARGET,
  formatOption,
  parseTarget,
  pointInTime,
  positiveNumber,
  timeSpan,
  wholeNumber,
} from './sending.ts';

const EXAMPLES = `
Without --rate or --rate-datagrams it sends as fast as it can, which a collector may not: see its drop counters.
The flows are those of a mid-size network: few busy hosts and many quiet ones, mostly web and DNS, most flows short and
most bytes in a few. The same --seed gives the same flows. A million different ones are made first (--distinct); then
they come again with new times.

Examples:
  weir generate --rate 10k --seconds 60                  10,000 flows a second for a minute, NetFlow v9, to 127.0.0.1:2055
  weir generate udp://192.0.2.7:4739 --version ipfix --ipv6 0.3 --flows 1M
  weir generate --version 5 --exporters 50 --rate-datagrams 60k
  weir generate --write day.pcap --flows 5M --duration 24h --from 2026-03-01T00:00:00Z
`;

/** Adds the flags of `weir generate` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  const flag = (flags: string, text: string, parse: (value: string) => unknown, fallback?: unknown) => {
    const option = new Option(flags, text).argParser(parse);
    command.addOption(fallback === undefined ? option : option.default(fallback));
  };
  command.argument('[target]', 'where to send to', DEFAULT_TARGET);
  flag('--version <version>', 'what to send: 1, 5, 6, 7, 8, 9, 10 or ipfix, or sflow', parseVersion, 9);
  flag(
    '--exporters <n>',
    'exporters, each with its own source port (and address, on loopback)',
    wholeNumber('--exporters'),
    1,
  );
  flag(
    '--domains <n>',
    'observation domains (v5 to v8: engines, sFlow: sub-agents) of each exporter',
    wholeNumber('--domains'),
    1,
  );
  flag(
    '--ipv6 <share>',
    'share of datagrams with IPv6 flows, 0 to 1',
    positiveNumber('--ipv6', { zero: true, most: 1 }),
    0,
  );
  flag('--sampling <n>', 'say that 1 in n packets is counted', wholeNumber('--sampling', 1, 2 ** 32 - 1), 1);
  flag(
    '--records <n>',
    'records per datagram (default: 30 for v5, 15 for v9 and IPFIX, 8 for sFlow …)',
    wholeNumber('--records'),
  );
  flag('--seed <n>', 'the same seed gives the same flows', wholeNumber('--seed', 0), 1);
  flag(
    '--distinct <n>',
    'different flows, before they come again (memory: 56 to 115 bytes each)',
    wholeNumber('--distinct'),
  );
  flag('--rate <flows>', 'flows per second', wholeNumber('--rate'));
  flag('--rate-datagrams <n>', 'datagrams per second', wholeNumber('--rate-datagrams'));
  flag('--flows <n>', 'stop after exactly so many flows', wholeNumber('--flows'));
  flag('--seconds <s>', 'stop after so many seconds', positiveNumber('--seconds'));
  command.option('--keep-going', 'go on when nobody listens at the target');
  flag('--write <file>', 'write a pcap file (- for standard output) instead of sending', String);
  flag(
    '--from <time>',
    'with --write: time of the first datagram (default: so that the last is now)',
    pointInTime('--from', io.now),
  );
  flag(
    '--duration <span>',
    'with --write: time from the first to the last (default: 1h, or --flows at --rate)',
    timeSpan('--duration'),
  );
  command.addOption(formatOption(new Option('--format <format>', 'totals as a line on stderr, or as JSON on stdout')));
  command.addHelpText('after', EXAMPLES);
  command.action(async (target: string, flags: GenerateFlags) => {
    exit(
      flags.write === undefined
        ? await sendTraffic(parseTarget(target), flags, io)
        : await writeTraffic(flags.write, target, flags, io),
    );
  });
}

const VERSIONS: Readonly<Record<string, GeneratedVersion>> = {
  '1': 1,
  '5': 5,
  '6': 6,
  '7': 7,
  '8': 8,
  '9': 9,
  '10': 10,
  ipfix: 10,
  sflow: 'sflow',
};

function parseVersion(text: string): GeneratedVersion {
  const version = VERSIONS[text.toLowerCase().replace(/^v(?=\d)/, '')];
  if (version !== undefined) return version;
  throw new WeirError('WEIR_USAGE', `--version ${text}: expected 1, 5, 6, 7, 8, 9, 10, ipfix or sflow.`);
}
