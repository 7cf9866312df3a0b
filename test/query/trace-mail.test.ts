import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatTimeLiteral } from '#weir/filter/time-literal.js';
import { type MailReport, readAbuseMail } from '#weir/query/trace/abuse-mail.js';
import { mailQuestions } from '#weir/query/trace/mail-questions.js';
import { formatEndpoint } from '#weir/query/trace/question.js';

const CONTEXT = { now: Date.UTC(2026, 10, 21, 12), zone: 'utc' } as const;

/** A report as text: `source > peer proto time`, with `?` behind a time without a zone. */
function shown({ source, peer, proto, time }: MailReport): string {
  const at = time === undefined ? '-' : formatTimeLiteral(time.at).replace('.000000Z', 'Z') + (time.zoned ? '' : '?');
  return `${formatEndpoint(source)} > ${peer === undefined ? '-' : formatEndpoint(peer)} ${proto ?? '-'} ${at}`;
}
const read = (mail: string): string[] => readAbuseMail(mail, CONTEXT).map(shown);

describe('a mail about abuse', () => {
  it('has labels, and a header that is not read', () => {
    const mail = `Received: from mail.example (192.0.2.200) by mx
From: abuse@example.org
Subject: Abuse from 192.0.2.201
Date: Thu, 30 Jul 2009 14:00:00 +0200

Dear Sir or Madam,
your customer 192.76.7.154 attacked us.

Timestamp: 2009-07-30 11:14:40 GMT
IP Address: 192.76.7.154
Port: 62380
Protocol: TCP
Destination: 74.125.6.225:80

> From: other@example.net
> Date: Wed, 29 Jul 2009 10:00:00 GMT
> Subject: Re: 192.0.2.202
`;
    expect(read(mail)).toEqual(['192.76.7.154:62380 > 74.125.6.225:80 6 2009-07-30T11:14:40Z']);
  });

  it('is XML as ACNS has it', () => {
    const mail = `<Infringement><Case><ID>12</ID></Case><Source>
<TimeStamp>2012-05-31T12:41:01.25Z</TimeStamp><IP_Address>192.0.2.5</IP_Address>
<Port>4414</Port><Type>P2P</Type><Protocol>BitTorrent</Protocol></Source></Infringement>`;
    expect(read(mail)).toEqual(['192.0.2.5:4414 > - - 2012-05-31T12:41:01.250000Z']);
  });

  it('is X-ARF, whose port is that of the service', () => {
    const mail = `Reported-From: abuse@example.org
Report-Type: login-attack
Date: Wed, 12 May 2010 15:14:11 +0200
Source: 192.0.2.77
Port: 22`;
    expect(read(mail)).toEqual(['192.0.2.77 > - - 2010-05-12T13:14:11Z']);
    const json = `{"Report":{"SourceIp":"192.0.2.9","SourcePort":1234,"DestinationIp":"198.51.100.1","DestinationPort":25,"Date":"2019-02-03T04:05:06Z"}}`;
    expect(read(json)).toEqual(['192.0.2.9:1234 > 198.51.100.1:25 - 2019-02-03T04:05:06Z']);
  });

  it('has lines of logs, each a report', () => {
    const mail = `Jul 30 11:14:40 gw kernel: [12.3] DROP IN=eth0 SRC=192.0.2.5 DST=198.51.100.1 LEN=60 PROTO=TCP SPT=62380 DPT=80
Jul 30 11:14:45 gw kernel: [12.3] DROP IN=eth0 SRC=192.0.2.5 DST=198.51.100.1 LEN=60 PROTO=UDP SPT=62381 DPT=53
2009-07-30 11:14:40 +0100 192.0.2.6:443 -> 198.51.100.1:80 TCP
[2001:db8::1]:443 -> [2001:db8::2]:80 at 30/Jul/2009:11:14:40 +0100
1248952480.737 192.0.2.7 port 62381 udp`;
    expect(read(mail)).toEqual([
      '192.0.2.5:62380 > 198.51.100.1:80 6 2026-07-30T11:14:40Z?',
      '192.0.2.5:62381 > 198.51.100.1:53 17 2026-07-30T11:14:45Z?',
      '192.0.2.6:443 > 198.51.100.1:80 6 2009-07-30T10:14:40Z',
      '[2001:db8::1]:443 > [2001:db8::2]:80 - 2009-07-30T10:14:40Z',
      '192.0.2.7:62381 > - 17 2009-07-30T11:14:40.737000Z',
    ]);
  });

  it.each([
    ['2009-07-30T11:14:40.5+02:00', '2009-07-30T09:14:40.500000Z'],
    ['2009/07/30 11:14:40 EST', '2009-07-30T16:14:40Z'],
    ['30 Jul 2009 11:14:40 (CEST)', '2009-07-30T09:14:40Z'],
    ['Thu Jul 30 11:14:40 UTC 2009', '2009-07-30T11:14:40Z'],
    ['Thu Jul 30 11:14:40 2009', '2009-07-30T11:14:40Z?'],
    ['July 30, 2009 at 11:14 UTC+2', '2009-07-30T09:14:00Z'],
    ['Dec 24 11:14:40', '2025-12-24T11:14:40Z?'],
    ['time=1248952480', '2009-07-30T11:14:40Z'],
    ['timestamp: 1248952480737', '2009-07-30T11:14:40.737000Z'],
  ])('has the time %s', (text, expected) => {
    expect(read(`192.0.2.5:62380 ${text}`)).toEqual([`192.0.2.5:62380 > - - ${expected}`]);
  });

  it('may tell the zone of all its times', () => {
    expect(read('All times are in UTC+2.\n2009-07-30 11:14:40 192.0.2.5:1')).toEqual([
      '192.0.2.5:1 > - - 2009-07-30T09:14:40Z',
    ]);
    expect(read('Time zone: CET\n2009-07-30 11:14:40 192.0.2.5:1')).toEqual(['192.0.2.5:1 > - - 2009-07-30T10:14:40Z']);
  });

  it('may tell of several connections one after the other', () => {
    const one = (port: number, second: number) =>
      `IP: 192.0.2.5\nSource port: ${port}\nTime: 2009-07-30 11:14:${second} UTC\n`;
    expect(read(`${one(1001, 10)}\n${one(1002, 20)}`)).toEqual([
      '192.0.2.5:1001 > - - 2009-07-30T11:14:10Z',
      '192.0.2.5:1002 > - - 2009-07-30T11:14:20Z',
    ]);
  });

  it('is decoded where it is quoted-printable', () => {
    const mail = 'Content-Transfer-Encoding: quoted-printable\n\nSRC=3D192.0.2.5 SPT=3D10=\n01 2009-07-30 11:14:40Z\n';
    expect(read(mail)).toEqual(['192.0.2.5:1001 > - - 2009-07-30T11:14:40Z']);
  });

  it('that lacks something is told what', () => {
    expect(() => readAbuseMail('we were attacked', CONTEXT)).toThrow('no address was found in the mail');
    const ask = (mail: string, flags = {}) => mailQuestions(mail, flags, CONTEXT);
    expect(() => ask('192.0.2.5:1001 attacked us')).toThrow(
      'tells no time that could be understood of 192.0.2.5:1001 (line 1)',
    );
    // Irish, Israel and Indian time.
    expect(() => ask('192.0.2.5:1001 2009-07-30 11:14:40 IST')).toThrow('no time that could be understood');
    const { questions } = ask('192.0.2.5:1001 attacked us', { at: '2009-07-30 11:14:40', proto: 'tcp' });
    expect(questions.map(({ question }) => [formatTimeLiteral(question.from), question.proto])).toEqual([
      ['2009-07-30T11:14:40.000000Z', 6],
    ]);
  });

  it('of any text is read or refused', () => {
    const word = fc.constantFrom(
      '192.0.2.5',
      ':',
      '80',
      ' ',
      '\n',
      'port',
      'SRC=',
      '<IP>',
      '</IP>',
      '2009-07-30',
      '11:14:40',
      'Z',
      '"',
      '{',
      '::',
      'Jul 30',
      '=',
      '>',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 300 }),
          fc.array(word, { maxLength: 60 }).map((words) => words.join('')),
        ),
        (mail) => {
          try {
            for (const report of readAbuseMail(mail, CONTEXT)) expect(report.lines.length).toBeGreaterThan(0);
          } catch (error) {
            expect((error as { code?: string }).code).toBe('WEIR_USAGE');
          }
        },
      ),
    );
  });
});
