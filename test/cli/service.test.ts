import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';

/** A systemctl that keeps what it was asked, and answers with `code`. */
function fakeSystemctl(code = 0) {
  const folder = tempFolder();
  const program = folder.join('systemctl');
  const kept = folder.join('asked');
  writeFileSync(program, `#!/bin/sh\necho "$@" >> ${kept}\necho said "$1"\nexit ${code}\n`);
  chmodSync(program, 0o755);
  const env = { PATH: `${dirname(program)}:${process.env['PATH'] ?? ''}` };
  return { env, unitDir: folder.path, asked: () => readFileSync(kept, 'utf8').trim().split('\n') };
}

describe('weir service', () => {
  it('install writes the unit and has it started; uninstall takes it away', async () => {
    const { env, unitDir, asked } = fakeSystemctl();
    const flags = ['--', '-n', '192.0.2.7:4739', '--syslog'];
    const installed = await weir(['service', 'install', 'nat', '--unit-dir', unitDir, ...flags], { env });
    expect([installed.code, installed.stderr.replaceAll(/^note: .*\n/gm, '')]).toEqual([0, '']);
    const file = `${unitDir}/weir-nat.service`;
    expect(readFileSync(file, 'utf8')).toMatch(/^ExecStart=.* nat -n 192\.0\.2\.7:4739 --syslog /m);
    expect(asked()).toEqual(['daemon-reload', 'enable --now weir-nat.service']);
    const removed = await weir(['service', 'uninstall', 'nat', '--unit-dir', unitDir], { env });
    expect([removed.code, existsSync(file)]).toEqual([0, false]);
    expect(asked().slice(2)).toEqual(['disable --now weir-nat.service', 'daemon-reload']);
  });

  it('--print changes nothing', async () => {
    const { unitDir } = fakeSystemctl();
    const printed = await weir(['service', 'install', 'probe', '--print', '--unit-dir', unitDir, '--', '-i', 'eth0']);
    expect(printed.code).toBe(0);
    expect(printed.stdout).toMatch(/^Type=notify$/m);
    expect(existsSync(`${unitDir}/weir-probe.service`)).toBe(false);
  });

  it('nat install is the same with the flags of weir nat', async () => {
    const printed = await weir(['nat', 'install', '--print', '-n', '192.0.2.7:2055', '-v', '5', '--csv', 'x.csv']);
    expect(printed.code).toBe(0);
    const path = `${process.cwd()}/x.csv`;
    expect(printed.stdout).toMatch(/^ExecStart=.* nat --to=192\.0\.2\.7:2055 --export-version=5 --csv=/m);
    expect(printed.stdout).toContain(`--csv=${path}`);
  });

  it('says what systemctl said when it fails, and passes on how a service is', async () => {
    const { env, unitDir } = fakeSystemctl(3);
    const failed = await weir(['service', 'install', 'collector', '--unit-dir', unitDir], { env });
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringContaining('daemon-reload has failed: said daemon-reload'),
    ]);
    const status = await weir(['service', 'status', 'collector'], { env });
    expect([status.code, status.stdout]).toEqual([3, 'said status\n']);
  });

  it.each([
    ['instal', 'nat'],
    ['install', 'gnat'],
  ])('%s %s is a wrong call', async (action, service) => {
    expect((await weir(['service', action, service])).code).toBe(2);
  });
});
