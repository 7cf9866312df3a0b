import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SERVICES, systemdUnit, type UnitOptions } from '#weir/app/systemd-unit.js';
import { runProcess } from '../helpers/processes.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { toolPath } from '../helpers/tools.ts';

const unit = (more: Partial<UnitOptions> = {}) =>
  systemdUnit({ kind: 'collector', program: [process.execPath, '/usr/lib/weir/bin/weir.js'], flags: [], ...more });
const valueOf = (text: string, key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1];

describe('a systemd unit', () => {
  it.each([
    ['collector', [], ''],
    ['collector', ['--listen', 'udp://[::]:2055'], ''],
    ['collector', ['--listen=udp://[::]:514'], 'CAP_NET_BIND_SERVICE'],
    ['collector', ['--listen', 'tcp://[::]:1023', '--listen', 'udp://[::]:4739'], 'CAP_NET_BIND_SERVICE'],
    ['probe', ['-i', 'eth0'], 'CAP_NET_RAW'],
    ['nat', [], 'CAP_NET_ADMIN'],
  ] as const)('of a %s with %j has the right %j alone', (kind, flags, right) => {
    const text = unit({ kind, flags });
    expect(valueOf(text, 'CapabilityBoundingSet')).toBe(right);
    expect(valueOf(text, 'AmbientCapabilities')).toBe(right);
  });

  it('keeps records in its own folder unless it is said where they go', () => {
    expect(valueOf(unit(), 'ExecStart')).toMatch(/ collect --data=\/var\/lib\/weir-collector$/);
    expect(valueOf(unit({ kind: 'probe', flags: ['-i', 'eth0'] }), 'ExecStart')).toMatch(
      /-i eth0 --data=\/var\/lib\/weir-probe$/,
    );
    expect(valueOf(unit({ kind: 'probe', flags: ['-nh:1'] }), 'ExecStart')).toMatch(/ probe -nh:1$/);
    expect(valueOf(unit({ kind: 'nat', flags: ['--syslog'] }), 'ExecStart')).toMatch(
      / nat --syslog --pid-file=\/run\/weir-nat\/weir-nat\.pid$/,
    );
  });

  it('has words that systemd does not take for something else', () => {
    expect(valueOf(unit({ flags: ['--data', '/a b/%n', '$HOME', 'q"\\'] }), 'ExecStart')).toMatch(
      / --data "\/a b\/%%n" \$\$HOME "q\\"\\\\"$/,
    );
  });

  it('of NAT raises the buffer of new sockets while it starts, and puts it back', async () => {
    const folder = tempFolder();
    const [setting, kept] = [folder.join('rmem_default'), folder.join('kept')];
    writeFileSync(setting, '212992\n');
    const text = unit({ kind: 'nat' });
    const run = async (key: string) => {
      const command = /^\+\/bin\/sh -c "(.*)"$/.exec(valueOf(text, key) ?? '')?.[1] ?? 'false';
      const here = command
        .replaceAll('/proc/sys/net/core/rmem_default', setting)
        .replaceAll(/\/run\/weir-nat\.\w+/g, kept);
      expect((await runProcess('/bin/sh', ['-c', here])).code).toBe(0);
      return readFileSync(setting, 'utf8').trim();
    };
    expect(await run('ExecStopPost')).toBe('212992');
    expect(await run('ExecStartPre')).toBe('134217728');
    // Once more, without having been put back.
    expect(await run('ExecStartPre')).toBe('134217728');
    expect(await run('ExecStartPost')).toBe('212992');
    expect(await run('ExecStopPost')).toBe('212992');
    expect(existsSync(kept)).toBe(false);
    expect(unit()).not.toContain('rmem_default');
  });

  it('can have a user and folders that are there already', () => {
    const text = unit({ user: 'flows', writes: ['/srv/flows'] });
    expect(valueOf(text, 'User')).toBe('flows');
    expect(valueOf(text, 'DynamicUser')).toBeUndefined();
    expect(valueOf(text, 'ReadWritePaths')).toBe('/srv/flows');
  });
});

describeUnless(
  toolPath('systemd-analyze') === undefined ? 'systemd-analyze not installed' : undefined,
  'systemd-analyze',
  () => {
    it.each(SERVICES)('finds no mistake in the unit of a %s, and little to be afraid of', async (kind) => {
      const file = tempFolder().join(`weir-${kind}.service`);
      writeFileSync(file, unit({ kind, flags: ['-n', '192.0.2.7:4739', 'a b$c%d'] }));
      const analyze = toolPath('systemd-analyze') as string;
      const verified = await runProcess(analyze, ['verify', file]);
      expect([verified.code, verified.stdout, verified.stderr]).toEqual([0, '', '']);
      // 10 is a service that may do everything.
      const security = await runProcess(analyze, ['security', '--offline=true', '--threshold=25', file]);
      expect(security.code).toBe(0);
    });
  },
);
