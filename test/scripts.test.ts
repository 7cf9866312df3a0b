import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runProcess } from './helpers/processes.ts';
import { repositoryPath } from './helpers/repository.ts';
import { tempFolder } from './helpers/temp.ts';

interface TestCase {
  readonly status: string;
  readonly title: string;
  readonly ancestorTitles: readonly string[];
}

const test = (status: string, title = 'does it', suite = 'a suite'): TestCase => ({
  status,
  title,
  ancestorTitles: ['', suite],
});
const file = (status: string, assertionResults: readonly TestCase[], message = '') => ({
  name: repositoryPath('test/x.test.ts'),
  status,
  message,
  assertionResults,
});

describe('scripts/summary.mjs', () => {
  async function summary(testResults: readonly unknown[], ...args: string[]) {
    const report = tempFolder().join('vitest.json');
    writeFileSync(report, JSON.stringify({ testResults }));
    const { code, stdout } = await runProcess(
      process.execPath,
      [repositoryPath('scripts/summary.mjs'), report, ...args],
      {
        cwd: repositoryPath(),
      },
    );
    return { code, last: stdout.trimEnd().split('\n').at(-1), stdout };
  }

  it('counts tests, and lists the skipped ones under their reasons', async () => {
    const skipped = test('skipped', 'v5', 'softflowd [skipped: softflowd not installed]');
    const result = await summary([file('passed', [test('passed'), test('passed'), skipped, test('todo')])]);
    expect(result).toMatchObject({ code: 0, last: '2 passed, 0 failed, 2 skipped' });
    expect(result.stdout).toContain('softflowd not installed (1)\n    test/x.test.ts: softflowd > v5\n');
    expect(result.stdout).toContain('no reason given (1)');
  });

  it('names what failed', async () => {
    const result = await summary([file('failed', [test('failed'), test('passed')])]);
    expect(result).toMatchObject({ code: 1, last: '1 passed, 1 failed, 0 skipped' });
    expect(result.stdout).toContain('test/x.test.ts: a suite > does it');
  });

  it('counts a file that could not be loaded as failed', async () => {
    const result = await summary([file('passed', [test('passed')]), file('failed', [], 'Cannot find module x\nmore')]);
    expect(result).toMatchObject({ code: 1, last: '1 passed, 1 failed, 0 skipped' });
    expect(result.stdout).toContain('test/x.test.ts: Cannot find module x\n');
  });

  it('counts a failed hook in a file whose tests were skipped by it', async () => {
    expect(await summary([file('failed', [test('skipped')], 'hook')])).toMatchObject({
      code: 1,
      last: '0 passed, 1 failed, 1 skipped',
    });
  });

  it('fails a run without tests, and one in which all were skipped', async () => {
    expect(await summary([])).toMatchObject({ code: 1, last: '0 passed, 0 failed, 0 skipped' });
    expect(await summary([file('passed', [test('skipped')])])).toMatchObject({
      code: 1,
      last: '0 passed, 0 failed, 1 skipped',
    });
  });

  it('fails when the run failed outside of its tests, or something else did', async () => {
    const passed = [file('passed', [test('passed')])];
    expect(await summary(passed, '--code', '1')).toMatchObject({ code: 1, last: '1 passed, 1 failed, 0 skipped' });
    expect(await summary(passed, '--failed', '2', '--line')).toEqual({
      code: 1,
      last: '1 passed, 2 failed, 0 skipped',
      stdout: '1 passed, 2 failed, 0 skipped\n',
    });
  });

  it('fails without a report', async () => {
    const { code, stdout } = await runProcess(process.execPath, [
      repositoryPath('scripts/summary.mjs'),
      '/nonexistent.json',
    ]);
    expect({ code, last: stdout.trimEnd().split('\n').at(-1) }).toEqual({
      code: 1,
      last: '0 passed, 1 failed, 0 skipped',
    });
  });
});

describe('scripts/install-peers.sh', () => {
  it('says for each missing program what is skipped, and never fails', async () => {
    // A path without any programs but those the script itself needs, and no apt-get.
    const folder = tempFolder();
    writeFileSync(folder.join('id'), '#!/bin/sh\necho 1000\n', { mode: 0o755 });
    const bash = (await runProcess('sh', ['-c', 'command -v bash'])).stdout.trim();
    // The script adds the sbin folders to the path itself; only what is not there can be looked for on every machine.
    const result = await runProcess(bash, [repositoryPath('scripts/install-peers.sh')], { env: { PATH: folder.path } });
    expect(result.code).toBe(0);
    expect(result.stdout).toContain(
      'peers: nfdump is not installed; skipped for want of it: the comparison with nfcapd and nfdump\n',
    );
    expect(result.stdout).not.toContain('installing');
  });
});
