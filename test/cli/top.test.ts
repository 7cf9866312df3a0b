import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { toolPath } from '../helpers/tool-path.ts';
import { type Collector, startCollector, weir } from '../helpers/weir.ts';

const BIN = repositoryPath('bin/weir.js');

/** A collector that is sent flows, which have begun to come, until the test ends. */
async function busyCollector(): Promise<Collector> {
  const collector = await startCollector();
  const sender = spawnProcess(process.execPath, [
    BIN,
    'generate',
    collector.url,
    '--version',
    '9',
    '--rate',
    '2000',
    '--keep-going',
  ]);
  onTestFinished(() => sender.kill());
  expect((await weir(['tail', '--data', collector.data, '--limit', '1'])).code).toBe(0);
  return collector;
}

describe('weir top in a pipe', () => {
  it('prints one interval, whose rows are part of its total', async () => {
    const collector = await busyCollector();
    const asked = ['--interval', '1s', '--top', '4', '--by', 'dst_port,proto', '--order', 'flows', 'proto tcp'];
    const { code, stdout, stderr } = await weir(['top', '--data', collector.data, '--utc', '--plain', ...asked]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/));
    expect(rows[0]).toEqual(['dst port', 'proto', 'bit/s', 'packet/s', 'flow/s', 'byte/packet', '% flows']);
    expect(rows).toHaveLength(1 + 4 + 2);
    const flows = rows.slice(1, 5).map((row) => Number(row[4]));
    expect(flows).toEqual([...flows].sort((a, b) => b - a));
    const total = Number(/ (\d+) flow\/s/.exec(stdout)?.[1]);
    // Each is rounded.
    expect(flows.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(total + 3);
    await collector.stop();
  });

  it.each([
    [['--by', 'time/5m'], 'a live view cannot group by it'],
    [['--by', 'nothing'], "there is no column 'nothing'"],
    [['--order', 'size'], 'bytes, packets, flows'],
    [['--interval', '1ms'], 'is no time from 500ms to 5m'],
    [['port htps'], 'htps'],
  ])('refuses %j', async (args, says) => {
    const { code, stderr } = await weir(['top', '--data', '/nowhere', ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });

  it('says that no collector is running', async () => {
    const { code, stderr } = await weir(['top', '--data', tempFolder('top').path]);
    expect(code).toBe(1);
    expect(stderr).toContain('no collector is running');
  });
});

const script = toolPath('script');

describeUnless(
  script === undefined ? 'script (util-linux) is not installed' : undefined,
  'weir top on a terminal',
  () => {
    it('fills the screen, does what keys say, and gives the terminal back', async () => {
      const collector = await busyCollector();
      const folder = tempFolder('top');
      const keys = folder.join('keys');
      const typescript = folder.join('typescript');
      // Keys come from a pipe that stays open, as from somebody who types.
      const command = `stty rows 16 cols 90; ${process.execPath} ${BIN} top --utc --data ${collector.data} --interval 500ms; echo "ended $?"; stty -a`;
      const typed = [
        [3000, 'b'],
        [1500, 's'],
        [1500, '/proto udp\\r'],
        [2000, '/\\025port x\\r'],
        [700, '\\033'],
        [1000, 'h'],
        [500, 'h'],
        [500, ' '],
        [700, 'q'],
        [1500, ''],
      ] as const;
      const feed = typed.map(([ms, text]) => `sleep ${ms / 1000}; printf '${text}'`).join('; ');
      const terminal = spawnProcess('bash', [
        '-c',
        `(${feed}) | TERM=xterm ${script ?? ''} -qfec '${command}' ${typescript} > ${keys}`,
      ]);
      await terminal.finished;
      const text = readFileSync(typescript, 'utf8');
      const [before = '', after = ''] = text.split('\u001B[?1049l');
      const frames = before
        .split('\u001B[H')
        .slice(1)
        .map((frame) => stripVTControlCharacters(frame).split(/\r*\n/));
      for (const frame of frames) expect(frame.length).toBeLessThanOrEqual(17);
      const has = (...patterns: RegExp[]) =>
        frames.some((frame) => patterns.every((pattern) => frame.some((line) => pattern.test(line))));
      expect(
        has(/^weir top {2}by src_addr {2}order bytes {2}every 500 ms/, /^source +bit\/s/, /^\d+\.\d+\.\d+\.\d+ /),
      ).toBe(true);
      expect(has(/by dst_addr {2}order packets/, /^destination /)).toBe(true);
      expect(has(/^filter: proto udp$/, /^destination /)).toBe(true);
      expect(has(/^filter: port x_$/)).toBe(true);
      expect(has(/^filter, position 6: 'x' is not a number /)).toBe(true);
      expect(has(/next grouping/)).toBe(true);
      expect(has(/PAUSED/)).toBe(true);
      expect(text).toContain('\u001B[?1049h');
      expect(after).toContain('ended 0');
      // Echo and line editing are as they were.
      expect(after).toMatch(/ icanon /);
      expect(after).toMatch(/ echo /);
      await collector.stop();
    });

    it('gives the terminal back when it is told to end', async () => {
      const collector = await busyCollector();
      const typescript = tempFolder('top').join('typescript');
      const command = `${process.execPath} ${BIN} top --data ${collector.data} & sleep 3; kill -TERM $!; wait $!; echo "ended $?"`;
      const terminal = spawnProcess('bash', [
        '-c',
        `(sleep 6) | TERM=xterm ${script ?? ''} -qfec 'set -m; ${command}' ${typescript}`,
      ]);
      await terminal.finished;
      await sleep(100);
      const text = readFileSync(typescript, 'utf8');
      expect(text).toContain('ended ');
      expect(text.split('\u001B[?1049h').length).toBe(text.split('\u001B[?1049l').length);
      await collector.stop();
    });
  },
);
