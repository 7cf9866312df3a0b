import { describe, expect, it } from 'vitest';
import { createSyslogFormatter, FACILITIES, syslogPriority } from '#weir/sink/syslog-message.js';
import { parseSyslogTarget } from '#weir/sink/syslog-target.js';

const HEADER = { facility: 'local6', severity: 'info', host: 'fw 1.example', ident: 'nfflowd', pid: 77 } as const;
const AT = Date.UTC(2009, 6, 3, 11, 14, 40, 737);
const USUAL = { facility: 'local6', severity: 'info', ident: 'nfflowd' };

describe('a message of syslog', () => {
  it('is of RFC 5424: priority, version, time, host, application, process', () => {
    const line = createSyslogFormatter({ ...HEADER, format: 'rfc5424' })('1,2,3', AT);
    expect(line).toBe('<182>1 2009-07-03T11:14:40.737Z fw1.example nfflowd 77 - - 1,2,3');
  });

  it('is of RFC 3164: local time with a blank for the first digit of the day, the host without its domain', () => {
    const line = createSyslogFormatter({ ...HEADER, format: 'rfc3164' })('1,2,3', AT);
    const hours = String(new Date(AT).getHours()).padStart(2, '0');
    expect(line).toBe(`<182>Jul  3 ${hours}:14:40 fw1 nfflowd[77]: 1,2,3`);
  });

  it('has priorities of RFC 5424, table 1 and 2', () => {
    expect(FACILITIES).toHaveLength(24);
    expect(syslogPriority('kern', 'emerg')).toBe(0);
    expect(syslogPriority('local4', 'notice')).toBe(165);
    expect(syslogPriority('local7', 'debug')).toBe(191);
    expect(() => syslogPriority('local8', 'info')).toThrow(/local8 is no facility/);
  });
});

describe('a target of syslog', () => {
  it.each([
    ['local', { ...USUAL, transport: 'local' }],
    ['local:/run/log?ident=fw', { ...USUAL, ident: 'fw', transport: 'local', socket: '/run/log' }],
    ['udp://192.0.2.9', { transport: 'udp', host: '192.0.2.9', port: 514, format: 'rfc5424' }],
    ['tcp://[2001:db8::1]:1514?framing=lf', { transport: 'tcp', host: '2001:db8::1', port: 1514, framing: 'lf' }],
    ['tls://logs.example?facility=local0', { transport: 'tls', port: 6514, facility: 'local0' }],
    ['udp://h?format=rfc3164&severity=notice', { format: 'rfc3164', severity: 'notice' }],
  ])('%s is read', (text, expected) => {
    expect(parseSyslogTarget(text, USUAL)).toMatchObject(expected);
  });

  it.each([
    'locale',
    'udp://',
    'udp://h:0',
    'udp://h:99999',
    'http://h',
    'udp://h?facility=local9',
    'udp://h?colour=red',
    'local?format=rfc3164',
  ])('%s is none', (text) => {
    expect(() => parseSyslogTarget(text, USUAL)).toThrow(expect.objectContaining({ code: 'WEIR_USAGE' }));
  });
});
