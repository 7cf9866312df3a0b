import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addNatFlags, flagsAsWords, type NatFlags, natSettings } from '#weir/cli/nat-flags.js';
import { loadNatConfig } from '#weir/config/nat-config.js';

function parse(words: readonly string[]): Command {
  const command = addNatFlags(new Command('nat').exitOverride());
  return command.parse([...words], { from: 'user' });
}

const settingsOf = (words: readonly string[]) => natSettings(parse(words).opts<NatFlags>());

describe('flags of weir nat', () => {
  it.each([
    [['-n', '192.0.2.7:2055', '-v', '5'], ['netflow5://192.0.2.7:2055']],
    [
      ['-n', '[2001:db8::7]:4739,h:1'],
      ['ipfix://[2001:db8::7]:4739', 'ipfix://h:1'],
    ],
    [
      ['-n', 'ipfix://h?records=flows,events,netflow9://g:9', '-n', 'k:5'],
      ['ipfix://h?records=flows,events', 'netflow9://g:9', 'ipfix://k:5'],
    ],
    [['-n', 'h:4739?records=events'], ['ipfix://h:4739?records=events']],
  ])('%j are collectors', (words, expected) => {
    expect(settingsOf(words)['nat.to']).toEqual(expected);
  });

  it.each([
    [['--syslog'], ['local']],
    [
      ['--syslog', '--syslog', 'udp://h'],
      ['local', 'udp://h'],
    ],
    [
      ['--syslog', 'udp://h', '--syslog'],
      ['udp://h', 'local'],
    ],
  ])('%j is syslog', (words, expected) => {
    expect(settingsOf(words)['nat.syslog']).toEqual(expected);
  });

  it('as words mean the same, in any folder', () => {
    const words = [
      '-n',
      'h:1,g:2',
      '-v',
      '9',
      '--csv',
      'x.csv',
      '--csv',
      '-',
      '--syslog',
      '--csv-ipv6',
      '--zone',
      '7',
      '--mark',
      '1/3',
      '--data',
      'd',
    ];
    const again = flagsAsWords(parse(words));
    expect(again).toContain(`--csv=${process.cwd()}/x.csv`);
    const config = (given: readonly string[], cwd: string) => loadNatConfig(undefined, settingsOf(given), cwd);
    expect(config(again, '/')).toEqual(config(words, process.cwd()));
    expect(config(words, '/').csv).toEqual(['/x.csv', '-']);
  });
});
