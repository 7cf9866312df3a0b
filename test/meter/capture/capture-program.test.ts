import { chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  captureProgram,
  DEFAULT_CAPTURE,
  findCaptureProgram,
  unprivilegedUser,
} from '#weir/meter/capture/capture-program.js';
import { captureRefused, isWaitedFor } from '#weir/meter/capture/capture-refused.js';
import { interfaceNames, parseInterface, systemIndex } from '#weir/meter/capture/interface-name.js';
import { tempFolder } from '../../helpers/temp.ts';

const tcpdump = captureProgram('/usr/bin/tcpdump');
const dumpcap = captureProgram('/opt/bin/dumpcap');

describe('the command line of a capturing program', () => {
  it('has what was asked for', () => {
    expect(tcpdump.args('eth0', DEFAULT_CAPTURE)).toEqual(['-n', '-ieth0', '-s256', '-B32768', '-U', '-w-', '--']);
    const all = {
      filter: 'not port 22',
      snapLength: 2048,
      bufferBytes: 1 << 20,
      isPromiscuous: false,
      direction: 'in',
      delivery: 'immediate',
      user: 'nobody',
    } as const;
    expect(tcpdump.args('any', all).join(' ')).toBe(
      '-n -iany -s2048 -B1024 -p -Q in -U --immediate-mode -Z nobody -w- -- not port 22',
    );
    expect(tcpdump.args('eth0', { ...DEFAULT_CAPTURE, delivery: 'full' })).not.toContain('-U');
    expect(dumpcap.args('any', all).join(' ')).toBe('-q -P -iany -s2048 -B1 -p -y LINUX_SLL2 -f not port 22 -w-');
  });

  it('never lets a filter be taken for a flag', () => {
    const args = tcpdump.args('eth0', { ...DEFAULT_CAPTURE, filter: '-w /etc/passwd' });
    expect(args.slice(-2)).toEqual(['--', '-w /etc/passwd']);
  });
});

describe('what a capturing program says', () => {
  it('tells its losses', () => {
    expect(tcpdump.losses('17 packets dropped by kernel')).toEqual({ dropped: 17 });
    expect(tcpdump.losses('1 packet dropped by interface')).toEqual({ interfaceDropped: 1 });
    const atSignal =
      'tcpdump: 5 packets captured, 9 packets received by filter, 4 packets dropped by kernel, 2 packets dropped by interface';
    expect(tcpdump.losses(atSignal)).toEqual({ dropped: 4, interfaceDropped: 2 });
    expect(tcpdump.losses('5 packets captured')).toBeUndefined();
    const atEnd =
      "Packets received/dropped on interface 'w': 319/85 (pcap:48/dumpcap:6/flushed:1/ps_ifdrop:30) (39.9%)";
    expect(dumpcap.losses(atEnd)).toEqual({ dropped: 55, interfaceDropped: 30 });
    expect(dumpcap.losses('Packets captured: 5')).toBeUndefined();
  });

  it('becomes an error that says what to do', () => {
    const refused = (reason: string, filter = '') => captureRefused(tcpdump, 'eth7', filter, reason);
    expect(refused('eth7: No such device exists')).toMatchObject({
      code: 'WEIR_CAPTURE',
      message: expect.stringContaining('there is no interface eth7') as string,
      hint: expect.stringContaining('any.') as string,
    });
    expect(refused("eth7: You don't have permission to perform this capture on that device").hint).toContain('setcap');
    expect(refused("can't parse filter expression: syntax error", 'por 80')).toMatchObject({ code: 'WEIR_USAGE' });
    expect(refused('it ended with exit code 1', 'port 80').hint).toContain('/usr/bin/tcpdump -i eth7');
    expect(isWaitedFor('eth7: That device is not up')).toBe(true);
    expect(isWaitedFor('eth7: No such device exists')).toBe(false);
  });
});

describe('capturing programs', () => {
  it('are found by name and by path, tcpdump first', () => {
    const folder = tempFolder('programs');
    const program = (name: string) => {
      writeFileSync(folder.join(name), '#!/bin/sh\n');
      chmodSync(folder.join(name), 0o755);
      return folder.join(name);
    };
    const own = program('my-dumpcap');
    writeFileSync(folder.join('unusable'), '');
    expect(findCaptureProgram('my-dumpcap', folder.path)).toMatchObject({ path: own, lossesSignal: undefined });
    expect(findCaptureProgram(own, '')).toMatchObject({ path: own });
    expect(() => findCaptureProgram('unusable', folder.path)).toThrow('there is no program unusable');
    const tcpdumpHere = program('tcpdump');
    program('dumpcap');
    expect(findCaptureProgram(undefined, folder.path)).toMatchObject({ path: tcpdumpHere, lossesSignal: 'SIGUSR1' });
  });

  it('become a user without rights', () => {
    expect(unprivilegedUser('root:x:0:0::/:/bin/sh\nnobody:x:65534:\ntcpdump:x:102:\n')).toBe('tcpdump');
    expect(unprivilegedUser('root:x:0:0\nnobody:x:65534:\nnot_tcpdump:x:1:\n')).toBe('nobody');
    expect(unprivilegedUser('')).toBeUndefined();
  });
});

describe('names of interfaces', () => {
  it('may have a number', () => {
    expect(parseInterface('eth0')).toEqual({ name: 'eth0', index: undefined });
    expect(parseInterface('3:eth0')).toEqual({ name: 'eth0', index: 3 });
    expect(parseInterface('eth0:1')).toEqual({ name: 'eth0:1', index: undefined });
    for (const wrong of ['', '3:', 'a/b', 'a b', '99999999999:eth0', '4294967296:eth0', 'x'.repeat(65)])
      expect(() => parseInterface(wrong), wrong).toThrow('is no name of an interface');
  });

  it('have a number of the system', () => {
    expect(interfaceNames()).toContain('lo');
    if (process.platform === 'linux') expect(systemIndex('lo')).toBe(1);
    for (const none of ['any', 'no-such-one', '..', '.']) expect(systemIndex(none)).toBe(0);
  });
});
