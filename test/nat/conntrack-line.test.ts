import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAddress } from '#weir/nat/address-octets.js';
import {
  ASSURED,
  BY_PROGRAM,
  Connection,
  OFFLOADED,
  ORIGINAL_DESTINATION,
  ORIGINAL_SOURCE,
  REPLY_DESTINATION,
  REPLY_SOURCE,
  UNREPLIED,
} from '#weir/nat/connection.js';
import { readConntrackLine } from '#weir/nat/conntrack-line.js';
import { LineSplitter } from '#weir/nat/line-splitter.js';
import { formatAddress, parseAddress } from '#weir/util/address.js';
import { corpusPath, describeCorpus } from '../helpers/corpus.ts';

/** A line as an object; undefined when it tells of no connection. */
function read(line: string) {
  const connection = new Connection();
  const bytes = Buffer.from(line);
  if (!readConntrackLine(bytes, 0, bytes.length, connection)) return undefined;
  const { addresses: _, ...rest } = connection;
  return {
    ...rest,
    original: `${connection.addressText(ORIGINAL_SOURCE)} > ${connection.addressText(ORIGINAL_DESTINATION)}`,
    reply: `${connection.addressText(REPLY_SOURCE)} > ${connection.addressText(REPLY_DESTINATION)}`,
  };
}

describe('a line of conntrack', () => {
  it('tells of an event with its time, addresses, ports and number', () => {
    const line =
      '[1795286504.033022]\t    [NEW] ipv4     2 tcp      6 120 SYN_SENT src=10.1.0.2 dst=203.0.113.2 sport=38844 dport=8080 [UNREPLIED] src=203.0.113.2 dst=203.0.113.1 sport=8080 dport=1024 id=3365103276';
    expect(read(line)).toMatchObject({
      kind: 'new',
      proto: 6,
      isIpv6: false,
      original: '10.1.0.2 > 203.0.113.2',
      reply: '203.0.113.2 > 203.0.113.1',
      originalSourcePort: 38_844,
      originalDestinationPort: 8080,
      replySourcePort: 8080,
      replyDestinationPort: 1024,
      flags: UNREPLIED,
      hasCounters: false,
      id: 3_365_103_276,
      eventMicros: 1_795_286_504_033_022,
      startSeconds: 0,
      lifeSeconds: -1,
    });
  });

  it('tells of an end with counters, the kernel’s times, and who did it', () => {
    const line =
      '[1795286504.062647]\t[DESTROY] tcp      6 119 TIME_WAIT src=10.1.0.2 dst=203.0.113.2 sport=38844 dport=8080 packets=6 bytes=400 src=203.0.113.2 dst=203.0.113.1 sport=8080 dport=38844 packets=7 bytes=9007199254740991 [ASSURED] mark=4294967295 zone=7 delta-time=86400 [start=Fri Nov 20 18:41:44 2026] [stop=Sat Nov 21 18:41:44 2026] id=1 [USERSPACE] portid=16133 progname=conntrack';
    expect(read(line)).toMatchObject({
      kind: 'destroy',
      packets: 6,
      bytes: 400,
      replyPackets: 7,
      replyBytes: Number.MAX_SAFE_INTEGER,
      hasCounters: true,
      flags: ASSURED | BY_PROGRAM,
      mark: 0xffff_ffff,
      zone: 7,
      replyZone: 7,
      id: 1,
      lifeSeconds: 86_400,
      startSeconds: Date.UTC(2026, 10, 20, 18, 41, 44) / 1000,
      stopSeconds: Date.UTC(2026, 10, 21, 18, 41, 44) / 1000,
    });
  });

  it('tells ICMP’s type, code and id apart from the connection’s number', () => {
    const line =
      'icmp     1 29 src=10.1.0.2 dst=203.0.113.2 type=8 code=3 id=77 src=203.0.113.2 dst=203.0.113.1 type=0 code=1 id=1024 mark=0 use=1 id=564079247';
    expect(read(line)).toMatchObject({
      kind: 'listed',
      proto: 1,
      icmpType: 8,
      icmpCode: 3,
      replyIcmpType: 0,
      replyIcmpCode: 1,
      originalSourcePort: 77,
      originalDestinationPort: 0,
      replySourcePort: 0,
      replyDestinationPort: 1024,
      id: 564_079_247,
    });
  });

  it.each([
    ['udp      17 src=2001:db8::1 dst=fd00::2 sport=1 dport=2 src=fd00::2 dst=2001:db8::1 sport=2 dport=1', 17, true],
    [
      'ipv6     10 icmpv6   58 29 src=fe80::1 dst=ff02::1 type=128 code=0 id=1 src=ff02::1 dst=fe80::1 type=129 code=0 id=1',
      58,
      true,
    ],
    [
      'ipv4     2 udplite  136 29 src=1.2.3.4 dst=5.6.7.8 sport=1 dport=2 src=5.6.7.8 dst=1.2.3.4 sport=2 dport=1 mark=0 zone=0 use=2',
      136,
      false,
    ],
    [
      'sctp     132 2 COOKIE_WAIT src=1.2.3.4 dst=5.6.7.8 sport=1 dport=2 [UNREPLIED] src=5.6.7.8 dst=1.2.3.4 sport=2 dport=1',
      132,
      false,
    ],
    [
      'dccp     33 9 REQUEST src=1.2.3.4 dst=5.6.7.8 sport=1 dport=2 src=5.6.7.8 dst=1.2.3.4 sport=2 dport=1',
      33,
      false,
    ],
    ['unknown  253 599 src=1.2.3.4 dst=5.6.7.8 src=5.6.7.8 dst=1.2.3.4 mark=0 use=1', 253, false],
  ])('of any protocol: %s', (line, proto, isIpv6) => {
    expect(read(line)).toMatchObject({ proto, isIpv6 });
  });

  it('has the keys of GRE where others have ports, and flags of offloading', () => {
    const line =
      'gre      47 29 timeout=30 stream_timeout=180 src=1.2.3.4 dst=5.6.7.8 srckey=0x0 dstkey=0xffFe src=5.6.7.8 dst=1.2.3.4 srckey=0x10 dstkey=0x0 [HW_OFFLOAD] mark=0';
    expect(read(line)).toMatchObject({
      originalSourcePort: 0,
      originalDestinationPort: 0xfffe,
      replySourcePort: 0x10,
      flags: OFFLOADED,
    });
  });

  it('may have a zone for each direction, and words that nobody knows', () => {
    const line =
      'tcp      6 9 ESTABLISHED src=1.2.3.4 dst=5.6.7.8 sport=1 dport=2 zone-orig=4 src=5.6.7.8 dst=1.2.3.4 sport=2 dport=1 zone-reply=5 [WHATEVER] secctx=system_u:object_r:unlabeled_t:s0 labels=a,b helper=ftp news=9 use=1';
    expect(read(line)).toMatchObject({ zone: 4, replyZone: 5, mark: 0, id: 0 });
  });

  it.each([
    '',
    'conntrack v1.4.7 (conntrack-tools): 1 flow entries have been shown.',
    'tcp      6 src=1.2.3.4 dst=5.6.7.8 sport=1 dport=2',
    'tcp      6 src=1.2.3.4 dst=5.6.7.8 src=5.6.7.8',
    'tcp      6 src=1.2.3 dst=5.6.7.8 src=5.6.7.8 dst=1.2.3.4',
    'tcp      6 src=1.2.3.256 dst=5.6.7.8 src=5.6.7.8 dst=1.2.3.4',
    'src=1.2.3.4 dst=5.6.7.8 src=5.6.7.8 dst=1.2.3.4',
    'tcp      600 src=1.2.3.4 dst=5.6.7.8 src=5.6.7.8 dst=1.2.3.4',
    'tcp      6 src=1.2.3.4 dst=5.6.7.8 src=5.6.7.8 dst=1.2.3.4 src=9.9.9.9',
  ])('is refused when it tells of no connection: %s', (line) => {
    expect(read(line)).toBeUndefined();
  });

  it('is read without exception, whatever is in it', () => {
    const good =
      '[1795286504.062647]\t[DESTROY] icmp 1 src=10.1.0.2 dst=203.0.113.2 type=8 code=0 id=7 packets=6 bytes=400 src=203.0.113.2 dst=::1 type=0 code=0 id=7 [start=Fri Nov 20 18:41:44 2026] id=1';
    const part = fc.oneof(
      fc.constantFrom(...good.split(/(?<=[ =[\]])/)),
      fc.string(),
      fc.uint8Array({ maxLength: 30 }).map((octets) => Buffer.from(octets).toString('latin1')),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        read(parts.join(''));
      }),
    );
    for (let length = 0; length <= good.length; length++) read(good.slice(0, length));
  });
});

describe('an address in octets', () => {
  const words = new Uint32Array(6);
  const readText = (text: string) => {
    const bytes = Buffer.from(`=${text} `);
    return readAddress(bytes, 1, bytes.length - 1, words, 1) ? [...words.subarray(1, 5)] : undefined;
  };

  it('is the same as read from a string, or is refused by both', () => {
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[0-9a-f:.]{1,20}$/),
      fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()).map(([a, b, c, d]) => formatAddress(a, b, c, d)),
    );
    fc.assert(
      fc.property(text, (one) => {
        const expected = parseAddress(one);
        // Leading zeros of IPv4 are octal to some: only strings from people are so strict.
        if (/(^|\.)0\d/.test(one)) return;
        expect(readText(one)).toEqual(expected === undefined ? undefined : [...expected]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the splitter of lines', () => {
  it('gives each line once, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{0,30}$/)),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (lines, cuts) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const seen: string[] = [];
          const splitter = new LineSplitter((octets, start, end) =>
            seen.push(Buffer.from(octets.subarray(start, end)).toString()),
          );
          let at = 0;
          for (const cut of cuts) {
            splitter.push(bytes.subarray(at, at + cut));
            at += cut;
          }
          splitter.push(bytes.subarray(at));
          expect(seen).toEqual(lines.filter((line) => line !== ''));
        },
      ),
    );
  });

  it('leaves out what is too long for a line, and goes on', () => {
    const seen: number[] = [];
    const splitter = new LineSplitter((_, start, end) => seen.push(end - start));
    splitter.push(Buffer.from(`a\n${'x'.repeat(5000)}`));
    splitter.push(Buffer.from(`${'x'.repeat(5000)}\nbb\n${'y'.repeat(4097)}\n${'z'.repeat(4096)}\n`));
    expect([seen, splitter.tooLong]).toEqual([[1, 2, 4096], 2]);
  });
});

describeCorpus('lines of conntrack on other machines', () => {
  const lines = (name: string) =>
    readFileSync(corpusPath(`conntrack/${name}`), 'utf8')
      .split('\n')
      .filter((line) => line !== '');

  it('are all understood', () => {
    const events = lines('openwrt-conntrack-E-events.txt').map(read);
    const kinds = events.map((one) => one?.kind);
    expect(['destroy', 'new', 'update'].map((kind) => kinds.filter((one) => one === kind).length)).toEqual([8, 4, 6]);
    expect(events.filter((one) => one?.proto === 1).every((one) => (one?.originalSourcePort ?? 0) > 20_000)).toBe(true);
    expect(events[14]).toMatchObject({ packets: 19, bytes: 5181, replyPackets: 17, replyBytes: 5896, mark: 256 });
    const others = [...lines('scope-conntrack-E-events.txt'), ...lines('scope-conntrack-L-dump.txt')].map(read);
    expect(others.map((one) => one?.id)).toEqual([
      347_275_904, 347_275_904, 347_275_904, 347_275_904, 2_993_966_208, 4_001_098_880, 943_643_840,
    ]);
  });
});
