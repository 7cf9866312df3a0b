import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { QualityLedger } from '#weir/session/quality.js';
import { QUIRKS } from '#weir/session/quirks.js';
import { repositoryPath } from '../helpers/repository.ts';
import { ip4, message, NOON, optionsTemplateSet, type Specifier, set, templateSet, u16, u32 } from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

const FIELDS: Specifier[] = [
  [7, 2],
  [34, 4],
];
const withInterval = (octets: readonly number[], version: 9 | 10 = 9): Uint8Array =>
  message(version, [templateSet(version, 256, FIELDS), set(256, [...u16(1), ...octets, ...u16(2), ...octets])]);

describe('quirks', () => {
  it('MikroTik: an interval with its lowest octet first', () => {
    const decoder = testDecoder();
    for (const [octets, rate] of [
      [[0x64, 0, 0, 0], 100],
      [[0xe8, 0x03, 0, 0], 1000],
      [[1, 0, 0, 0], 1],
      [[0xff, 0xff, 0xff, 0], 0xff_ffff],
    ] as const) {
      for (const version of [9, 10] as const) {
        const records = decoder.feed(withInterval(octets, version));
        expect(records.map((record) => [record['sampling_rate'], record['sampling_source']])).toEqual([
          [rate, 'record'],
          [rate, 'record'],
        ]);
      }
    }
    const [domain] = decoder.decoder.domains;
    expect(domain?.quirks).toEqual(new Map([['sampling-byte-order', 8]]));
    const ledger = new QualityLedger();
    expect(domain && ledger.take(domain, 0)?.quirks).toEqual({ 'sampling-byte-order': 8 });
    decoder.feed(withInterval(u32(100)));
    expect(domain && ledger.take(domain, 60_000)?.quirks).toEqual({});
  });

  it('an interval in network byte order is left alone, and so is one that makes no sense either way', () => {
    const decoder = testDecoder();
    for (const rate of [1, 100, 65_536, 2 ** 24 - 1, 0xffff_ffff, 0x0100_0001]) {
      const [record] = decoder.feed(withInterval(u32(rate)));
      expect(record?.['sampling_rate']).toBe(rate);
    }
    expect([...decoder.decoder.domains].map(({ quirks }) => quirks.size)).toEqual([0]);
  });

  it('a rate of 2²⁴ is left alone where the record names a sampler, or options data tell it, too', () => {
    const rate = 2 ** 24;
    const named = testDecoder();
    const fields: Specifier[] = [
      [48, 2],
      [34, 4],
    ];
    const bytes = message(9, [templateSet(9, 256, fields), set(256, [...u16(5), ...u32(rate)])]);
    expect(named.feed(bytes)).toMatchObject([{ sampling_rate: rate }]);
    // A sampler's, an interface's, the domain's; and told in domain 0.
    for (const [scope, domain] of [
      [302, 7],
      [10, 7],
      [149, 7],
      [149, 0],
    ] as const) {
      const told = testDecoder();
      const in7 = (): Uint8Array =>
        message(10, [templateSet(10, 256, FIELDS), set(256, [...u16(1), ...u32(rate)])], { domain: 7 });
      expect(told.feed(in7())).toMatchObject([{ sampling_rate: 1 }]);
      const options: Specifier[] = [
        [scope, 4],
        [34, 4],
      ];
      const sets = [optionsTemplateSet(10, 300, 1, options), set(300, [...u32(3), ...u32(rate)])];
      told.feed(message(10, sets, { domain }));
      expect(told.feed(in7()), `${scope} in domain ${domain}`).toMatchObject([{ sampling_rate: rate }]);
    }
  });

  it('FortiGate: a sampling field of nine octets is no rate', () => {
    const decoder = testDecoder();
    const options: Specifier[] = [
      [1, 4],
      [34, 9],
    ];
    decoder.feed(
      message(9, [
        optionsTemplateSet(9, 300, 1, options),
        set(300, [...u32(0), 0, 0, 0, 0, 0, 0, 0, 6, 177]),
        templateSet(9, 256, [[7, 2]]),
      ]),
    );
    const [record] = decoder.feed(message(9, [set(256, u16(1))]));
    expect(record).toMatchObject({ sampling_rate: 0, sampling_source: 'unknown' });
  });

  it('Palo Alto: a clock that is weeks off is shown, not corrected', () => {
    const decoder = testDecoder();
    const weeks = 3 * 7 * 86_400;
    const fields: Specifier[] = [[150, 4]];
    const sets = [templateSet(10, 256, fields), set(256, u32(NOON - weeks))];
    const [record] = decoder.feed(message(10, sets, { seconds: NOON - weeks }), '192.0.2.1', NOON * 1e6);
    const start = new Date((NOON - weeks) * 1000).toISOString().replace('.000Z', '.000000Z');
    expect(record).toMatchObject({ time_source: 'flow', time_start: start });
    expect([...decoder.decoder.domains][0]?.clockSkewMillis).toBe(-weeks * 1000);
  });

  it('softflowd: sequence numbers that count the message’s own records are no loss', () => {
    const decoder = testDecoder();
    const data = set(256, [...u16(1), ...u16(2)]);
    decoder.feed(message(10, [templateSet(10, 256, [[7, 2]]), data], { sequence: 2 }));
    // Messages of different lengths: the number goes up by what this one holds, not the one before.
    let sequence = 2;
    for (let n = 0; n < 20; n++) {
      const sets = n % 3 === 0 ? [data, data] : [data];
      sequence += 2 * sets.length;
      decoder.feed(message(10, sets, { sequence }));
    }
    const { expected, received } = decoder.counters();
    expect(received).toBeGreaterThan(30);
    expect(expected).toBe(received);
  });
});

/** Messages of one exporter in which a quirk is met, and how often. */
interface Case {
  readonly quirk: string;
  readonly count: number;
  readonly messages: readonly (readonly [octets: Uint8Array, from?: string])[];
}

const port = [...u16(1), ...u16(2)];
const ports: Specifier[] = [[7, 2]];
const options = (version: 9 | 10, id: number, length: number, value: readonly number[], domain = 1): Uint8Array => {
  const fields: Specifier[] = [version === 9 ? [1, 4] : [149, 4], [id, length]];
  const sets = [optionsTemplateSet(version, 300, 1, fields), set(300, [...u32(0), ...value])];
  return message(version, sets, { domain });
};
const stamps = (version: 9 | 10, uptime: number): Uint8Array => {
  const fields: Specifier[] = [
    [22, 4],
    [21, 4],
  ];
  return message(version, [templateSet(version, 256, fields), set(256, [...u32(700), ...u32(900)])], { uptime });
};

const CASES: readonly Case[] = [
  { quirk: 'sampling-byte-order', count: 2, messages: [[withInterval([0x64, 0, 0, 0])]] },
  { quirk: 'sampling-odd-length', count: 1, messages: [[options(9, 34, 9, new Array<number>(9).fill(1))]] },
  { quirk: 'sampling-in-options', count: 1, messages: [[options(10, 34, 4, u32(100))]] },
  { quirk: 'sampling-without-space', count: 1, messages: [[options(10, 305, 4, u32(100))]] },
  {
    quirk: 'sampling-in-domain-0',
    count: 2,
    messages: [[options(9, 34, 4, u32(100), 0)], [message(9, [templateSet(9, 256, ports), set(256, port)])]],
  },
  {
    quirk: 'sampling-never-told',
    count: 2,
    messages: [[message(9, [templateSet(9, 256, [...ports, [48, 1]]), set(256, [...u16(1), 5, ...u16(2), 5, 0, 0])])]],
  },
  {
    quirk: 'templates-of-another-port',
    count: 2,
    messages: [
      [message(9, [templateSet(9, 256, ports)]), '192.0.2.1/1'],
      [message(9, [set(256, port)]), '192.0.2.1/2'],
    ],
  },
  {
    quirk: 'variable-length-v9',
    count: 1,
    messages: [[message(9, [templateSet(9, 256, [...ports, [82, 65_535]]), set(256, [...u16(1), 2, 65, 66])])]],
  },
  {
    quirk: 'nat-without-event',
    count: 1,
    messages: [[message(10, [templateSet(10, 256, [[225, 4]]), set(256, ip4('192.0.2.7'))])]],
  },
  {
    quirk: 'events-as-flows',
    count: 1,
    messages: [[message(9, [templateSet(9, 256, [...ports, [233, 1]]), set(256, [...u16(1), 1])])]],
  },
  { quirk: 'uptime-without-boot', count: 1, messages: [[stamps(10, 0)]] },
  { quirk: 'uptime-of-another-boot', count: 1, messages: [[stamps(9, 700_000_000)]] },
  {
    quirk: 'clock-off',
    count: 1,
    messages: [[message(9, [templateSet(9, 256, ports)], { seconds: NOON - 8 * 86_400 })]],
  },
  {
    quirk: 'sequence-after',
    count: 2,
    messages: [
      [message(10, [templateSet(10, 256, ports), set(256, port)], { sequence: 2 })],
      [message(10, [set(256, port), set(256, port)], { sequence: 6 })],
      [message(10, [set(256, port)], { sequence: 8 })],
    ],
  },
];

describe('by exporter, in the table quality', () => {
  it.each(CASES.map((one) => [one.quirk, one] as const))('%s is counted', (quirk, { count, messages }) => {
    const decoder = testDecoder();
    for (const [octets, from] of messages) decoder.feed(octets, from);
    const ledger = new QualityLedger();
    const rows = [...decoder.decoder.domains].map((domain) => ledger.take(domain, 0)?.quirks ?? {});
    expect(rows.filter((quirks) => Object.keys(quirks).length > 0)).toEqual([{ [quirk]: count }]);
  });

  it('are all of the table', () => {
    expect(CASES.map(({ quirk }) => quirk)).toEqual(QUIRKS.map(({ name }) => name));
  });
});

describe('the table of quirks', () => {
  it('names the test that shows each', () => {
    for (const { test } of QUIRKS) {
      const [file, title] = test;
      expect(readFileSync(repositoryPath(file), 'utf8'), `${file}: ${title}`).toContain(title);
    }
    expect(new Set(QUIRKS.map(({ name }) => name)).size).toBe(QUIRKS.length);
  });

  it('is docs/quirks.md', async () => {
    const rows = QUIRKS.map(
      ({ name, exporters, signature, wrong, remedy, source }) =>
        `| \`${name}\` | ${exporters} | ${signature} | ${wrong} | ${remedy} | ${source} |`,
    );
    const text = [
      '# Quirks of exporters',
      '',
      'What exporters send wrong, or in a way of their own, and what `weir` does about it. Each is recognised by what comes, never by a vendor’s name, and each has a',
      'test. `weir check --quirks` prints this list. How often each was met is counted by exporter: `weir check` shows it for a data folder, and the column `quirks` of',
      'the table `quality` has it by the minute. Counted are records, of `clock-off` and `sequence-after` messages, of `sampling-in-options` and its two neighbours',
      'options records. Made from `src/session/quirks.ts`: after a change, `npx tsc -b && npx vitest run test/session/quirks.test.ts -u`.',
      '',
      '| name | known of | recognised by | what is wrong | what is done | source |',
      '|---|---|---|---|---|---|',
      ...rows,
      '',
    ].join('\n');
    await expect(text).toMatchFileSnapshot(repositoryPath('docs/quirks.md'));
  });
});
