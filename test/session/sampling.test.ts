import { describe, expect, it } from 'vitest';
import { loadState, saveState } from '#weir/session/saved-state.js';
import { SelectionSequences } from '#weir/session/selection-sequences.js';
import {
  float,
  message,
  message5,
  optionsTemplateSet,
  record5,
  type Specifier,
  set,
  templateSet,
  u16,
  u32,
  u64,
  VARIABLE,
  variable,
} from '../wire/build.ts';
import { type TestDecoder, testDecoder } from './decoder.ts';

/** Data records with source port, sampler, ingress interface. */
const DATA: Specifier[] = [
  [7, 2],
  [48, 4],
  [10, 4],
];
const data = (sampler: number, ifIndex: number): number[] => [...u16(1), ...u32(sampler), ...u32(ifIndex)];

interface Told {
  readonly version?: 9 | 10;
  readonly scopes?: number;
  readonly fields: readonly Specifier[];
  readonly octets: readonly number[];
  readonly domain?: number;
}

/** Options data as an exporter sends it: template and record in one message. */
function tell(decoder: TestDecoder, { version = 10, scopes = 1, fields, octets, domain = 1 }: Told): void {
  decoder.feed(message(version, [optionsTemplateSet(version, 300, scopes, fields), set(300, octets)], { domain }));
}

/** Rate and source of a record that names this sampler and interface. */
function rateOf(decoder: TestDecoder, version: 9 | 10 = 10, domain = 1, sampler = 0, ifIndex = 0): unknown[] {
  const sets = [templateSet(version, 256, DATA), set(256, data(sampler, ifIndex))];
  const [record] = decoder.feed(message(version, sets, { domain }));
  return [record?.['sampling_rate'], record?.['sampling_source']];
}

const SYSTEM: Specifier = [149, 4];

describe('the rate in options data', () => {
  it.each([
    ['34', [SYSTEM, [34, 4]], [...u32(1), ...u32(512)], 512],
    ['34 of two octets, 35', [SYSTEM, [34, 2], [35, 1]], [...u32(1), ...u16(512), 1], 512],
    ['50', [SYSTEM, [50, 4]], [...u32(1), ...u32(128)], 128],
    ['305 and 306', [SYSTEM, [305, 4], [306, 4]], [...u32(1), ...u32(1), ...u32(999)], 1000],
    ['305 and 306, ten of a thousand', [SYSTEM, [305, 4], [306, 4]], [...u32(1), ...u32(10), ...u32(990)], 100],
    ['305 alone', [SYSTEM, [305, 4]], [...u32(1), ...u32(4096)], 4096],
    ['309 of 310', [SYSTEM, [309, 4], [310, 4]], [...u32(1), ...u32(1), ...u32(2048)], 2048],
    ['311 of eight octets', [SYSTEM, [311, 8]], [...u32(1), ...float(0.001, 8)], 1000],
    ['311 of four octets', [SYSTEM, [311, 4]], [...u32(1), ...float(0.01, 4)], 100],
    [
      'behind a text of variable length',
      [SYSTEM, [84, VARIABLE], [34, 4]],
      [...u32(1), ...variable([65, 66]), ...u32(9)],
      9,
    ],
  ] as [string, Specifier[], number[], number][])('%s', (_, fields, octets, rate) => {
    const decoder = testDecoder();
    expect(rateOf(decoder)).toEqual([0, 'unknown']);
    tell(decoder, { fields, octets });
    expect(rateOf(decoder)).toEqual([rate, 'domain']);
  });

  it.each([
    ['0', [SYSTEM, [34, 4]], [...u32(1), ...u32(0)]],
    ['311 above 1', [SYSTEM, [311, 8]], [...u32(1), ...float(1.5, 8)]],
    ['311 not a number', [SYSTEM, [311, 8]], [...u32(1), ...float(Number.NaN, 8)]],
    ['306 alone', [SYSTEM, [306, 4]], [...u32(1), ...u32(99)]],
    ['of nine octets', [SYSTEM, [34, 9]], [...u32(1), 0, 0, 0, 0, 0, 0, 0, 0, 9]],
  ] as [string, Specifier[], number[]][])('%s is none', (_, fields, octets) => {
    const decoder = testDecoder();
    tell(decoder, { fields, octets });
    expect(rateOf(decoder)).toEqual([0, 'unknown']);
  });

  it('counts for data of the same message, whichever stands first', () => {
    const fields: Specifier[] = [SYSTEM, [34, 4]];
    for (const order of [
      [0, 1, 2, 3],
      [2, 3, 0, 1],
      [3, 1, 2, 0],
    ]) {
      const sets = [
        optionsTemplateSet(10, 300, 1, fields),
        set(300, u32(1), u32(77)),
        templateSet(10, 256, DATA),
        set(256, data(0, 0)),
      ];
      const records = testDecoder().feed(
        message(
          10,
          order.map((i) => sets[i] ?? []),
        ),
      );
      expect(records).toMatchObject([{ sampling_rate: 77, sampling_source: 'domain' }]);
    }
  });
});

describe('samplers', () => {
  const SAMPLER9: Specifier[] = [
    [1, 4],
    [48, 1],
    [49, 1],
    [50, 4],
  ];
  const SELECTOR: Specifier[] = [
    [302, 4],
    [305, 4],
    [306, 4],
  ];

  it('each with its rate, v9: 48, 49, 50', () => {
    const decoder = testDecoder();
    tell(decoder, {
      version: 9,
      fields: SAMPLER9,
      octets: [...u32(0), 1, 2, ...u32(100), ...u32(0), 2, 2, ...u32(5000)],
    });
    expect(rateOf(decoder, 9, 1, 1)).toEqual([100, 'sampler']);
    expect(rateOf(decoder, 9, 1, 2)).toEqual([5000, 'sampler']);
    expect(rateOf(decoder, 9, 1, 3)).toEqual([0, 'unknown']);
  });

  it('each with its rate, IPFIX: selectorId as scope', () => {
    const decoder = testDecoder();
    tell(decoder, {
      fields: SELECTOR,
      octets: [...u32(7), ...u32(1), ...u32(999), ...u32(8), ...u32(1), ...u32(1999)],
    });
    expect(rateOf(decoder, 10, 1, 7)).toEqual([1000, 'sampler']);
    expect(rateOf(decoder, 10, 1, 8)).toEqual([2000, 'sampler']);
  });

  it('the only one there is counts for records that name none', () => {
    const decoder = testDecoder();
    tell(decoder, { fields: SELECTOR, octets: [...u32(7), ...u32(1), ...u32(999)] });
    expect(rateOf(decoder)).toEqual([1000, 'sampler']);
  });

  it('told in domain 0 for all domains of the exporter, and of no other', () => {
    const decoder = testDecoder();
    const octets = [...u32(0), 1, 2, ...u32(100), ...u32(0), 2, 2, ...u32(5000)];
    expect(rateOf(decoder, 9, 44, 2)).toEqual([0, 'unknown']);
    tell(decoder, { version: 9, fields: SAMPLER9, octets, domain: 0 });
    expect(rateOf(decoder, 9, 44, 2)).toEqual([5000, 'sampler']);
    expect(rateOf(decoder, 9, 45, 1)).toEqual([100, 'sampler']);
    expect(rateOf(decoder, 10, 44, 2)).toEqual([0, 'unknown']);
    // Its own word goes before that of domain 0.
    tell(decoder, { version: 9, fields: SAMPLER9, octets: [...u32(0), 2, 2, ...u32(64)], domain: 44 });
    expect(rateOf(decoder, 9, 44, 2)).toEqual([64, 'sampler']);
  });
});

describe('interfaces', () => {
  it('v9: scope Interface', () => {
    const fields: Specifier[] = [
      [2, 4],
      [34, 4],
    ];
    const decoder = testDecoder();
    tell(decoder, { version: 9, fields, octets: [...u32(11), ...u32(100), ...u32(12), ...u32(200)] });
    expect(rateOf(decoder, 9, 1, 0, 11)).toEqual([100, 'interface']);
    expect(rateOf(decoder, 9, 1, 0, 12)).toEqual([200, 'interface']);
    expect(rateOf(decoder, 9, 1, 0, 13)).toEqual([0, 'unknown']);
  });

  it('IPFIX: ingressInterface as scope', () => {
    const fields: Specifier[] = [
      [10, 4],
      [34, 4],
    ];
    const decoder = testDecoder();
    tell(decoder, { fields, octets: [...u32(11), ...u32(100)] });
    expect(rateOf(decoder, 10, 1, 0, 11)).toEqual([100, 'interface']);
    expect(rateOf(decoder, 10, 1, 0, 12)).toEqual([0, 'unknown']);
  });
});

describe('selection sequences (PSAMP, RFC 5476 section 6.5)', () => {
  /** A report of sequence `id`: its observation point, and its selectors. */
  const report = (decoder: TestDecoder, id: number, ...selectors: number[]) =>
    tell(decoder, {
      fields: [[301, 8], [138, 8], ...selectors.map((): Specifier => [302, 2])],
      octets: [...u64(id), ...u64(5), ...selectors.flatMap((selector) => u16(selector))],
    });
  const selector = (decoder: TestDecoder, id: number, algorithm: number, fields: Specifier[], ...octets: number[]) =>
    tell(decoder, { fields: [[302, 2], [304, 2], ...fields], octets: [...u16(id), ...u16(algorithm), ...octets] });
  const oneIn = (decoder: TestDecoder, id: number, rate: number) =>
    selector(
      decoder,
      id,
      1,
      [
        [305, 4],
        [306, 4],
      ],
      ...u32(1),
      ...u32(rate - 1),
    );

  /** What a record of sequence `id` is given, and of what it says. */
  const ofSequence = (decoder: TestDecoder, id: number | bigint, sampler = 0) => {
    const fields: Specifier[] = [...DATA, [301, 8]];
    const sets = [templateSet(10, 258, fields), set(258, [...data(sampler, 0), ...u64(id)])];
    const [record] = decoder.feed(message(10, sets));
    return [record?.['sampling_rate'], record?.['sampling_source'], record?.['selection_sequence']];
  };

  it('have the product of their selectors’ rates, whatever comes first', () => {
    const decoder = testDecoder();
    report(decoder, 1, 7, 8);
    oneIn(decoder, 7, 100);
    expect(ofSequence(decoder, 1)).toEqual([0, 'unknown', 1]);
    oneIn(decoder, 8, 20);
    expect(ofSequence(decoder, 1)).toEqual([2000, 'sampler', 1]);
    report(decoder, 2 ** 40, 8);
    expect(ofSequence(decoder, 2 ** 40)).toEqual([20, 'sampler', 2 ** 40]);
    expect(ofSequence(decoder, 1)).toEqual([2000, 'sampler', 1]);
    oneIn(decoder, 8, 2);
    expect(ofSequence(decoder, 1)).toEqual([200, 'sampler', 1]);
    expect(ofSequence(decoder, 3, 7)).toEqual([100, 'sampler', 3]);
    expect(ofSequence(decoder, 3, 9)).toEqual([0, 'unknown', 3]);
  });

  it.each([
    [
      'a filter takes all that it is for',
      5,
      [
        [303, 2],
        [45, 2],
      ],
      [...u16(4), ...u16(17)],
      1,
    ],
    [
      '10 of 25',
      3,
      [
        [309, 4],
        [310, 4],
      ],
      [...u32(10), ...u32(25)],
      2.5,
    ],
    ['0.3', 4, [[311, 8]], float(0.3, 8), 10 / 3],
    [
      '1 ms, then 9 ms nothing',
      2,
      [
        [307, 4],
        [308, 4],
      ],
      [...u32(1000), ...u32(9000)],
      10,
    ],
    [
      'a sixteenth of a hash’s range',
      6,
      [
        [329, 4],
        [330, 4],
        [331, 4],
        [332, 4],
      ],
      [...u32(0), ...u32(0xffff), ...u32(0x1000), ...u32(0x1fff)],
      16,
    ],
  ] as [string, number, Specifier[], number[], number][])('%s', (_, algorithm, fields, octets, rate) => {
    const decoder = testDecoder();
    report(decoder, 1, 7, 8, 8);
    oneIn(decoder, 7, 30);
    selector(decoder, 8, algorithm, fields, ...octets);
    // Rounded once, at the end.
    expect(ofSequence(decoder, 1)).toEqual([Math.round(30 * rate * rate), 'sampler', 1]);
  });

  it('count for records that name none, while all have the same rate', () => {
    const decoder = testDecoder();
    report(decoder, 1, 7, 8);
    oneIn(decoder, 7, 100);
    // Its selectors are not all known, so that the rate is not that of the one that is.
    expect(rateOf(decoder)).toEqual([0, 'unknown']);
    oneIn(decoder, 8, 20);
    expect(rateOf(decoder)).toEqual([2000, 'sampler']);
    report(decoder, 2, 8, 7);
    expect(rateOf(decoder)).toEqual([2000, 'sampler']);
    report(decoder, 3, 8);
    expect(rateOf(decoder)).toEqual([0, 'unknown']);
  });

  it('may have a rate of their own', () => {
    const decoder = testDecoder();
    tell(decoder, {
      fields: [
        [301, 8],
        [305, 4],
        [306, 4],
      ],
      octets: [...u64(4), ...u32(1), ...u32(49)],
    });
    tell(decoder, {
      fields: [
        [301, 8],
        [302, 2],
        [310, 4],
        [309, 4],
      ],
      octets: [...u64(5), ...u16(9), ...u32(8), ...u32(1)],
    });
    expect([ofSequence(decoder, 4), ofSequence(decoder, 5)]).toEqual([
      [50, 'sampler', 4],
      [8, 'sampler', 5],
    ]);
    expect(rateOf(decoder, 10, 1, 9)).toEqual([8, 'sampler']);
  });

  it('are kept over a restart', () => {
    const before = testDecoder();
    report(before, 1, 7, 8);
    oneIn(before, 7, 100);
    selector(
      before,
      8,
      3,
      [
        [309, 4],
        [310, 4],
      ],
      ...u32(10),
      ...u32(25),
    );
    tell(before, {
      fields: [
        [301, 8],
        [34, 4],
      ],
      octets: [...u64(2), ...u32(11)],
    });
    const decoder = testDecoder();
    loadState(decoder.decoder, JSON.parse(JSON.stringify(saveState(before.decoder, 0))));
    expect([ofSequence(decoder, 1), ofSequence(decoder, 2)]).toEqual([
      [250, 'sampler', 1],
      [11, 'sampler', 2],
    ]);
  });

  it('are bounded', () => {
    const sequences = new SelectionSequences();
    for (let id = 0; id < 10_000; id++) {
      sequences.learnSelector(id, 2);
      sequences.learnSequence(id, [id]);
      sequences.rate(id);
    }
    expect([sequences.selectors.size, sequences.sequences.size]).toEqual([4096, 4096]);
    expect(
      sequences.learnSequence(
        1,
        Array.from({ length: 17 }, () => 1),
      ),
    ).toBe(false);
    expect(
      sequences.learnSequence(
        1,
        Array.from({ length: 16 }, () => 1),
      ),
    ).toBe(true);
    expect(sequences.rate(1)).toBe(65_536);
  });
});

describe('precedence', () => {
  /** Everything that can be told, from the weakest on; each step adds one. */
  const steps: [string, (decoder: TestDecoder) => void, number][] = [
    ['default', () => {}, 2],
    ['domain', (decoder) => tell(decoder, { fields: [SYSTEM, [34, 4]], octets: [...u32(1), ...u32(3)] }), 3],
    [
      'interface',
      (decoder) =>
        tell(decoder, {
          fields: [
            [10, 4],
            [34, 4],
          ],
          octets: [...u32(5), ...u32(4)],
        }),
      4,
    ],
    [
      'sampler',
      (decoder) =>
        tell(decoder, {
          fields: [
            [302, 4],
            [34, 4],
          ],
          octets: [...u32(9), ...u32(6)],
        }),
      6,
    ],
  ];

  it('sampler, interface, domain, default, unknown', () => {
    const decoder = testDecoder({ sampling: () => ({ default: 2, override: 0 }) });
    for (const [source, add, rate] of steps) {
      add(decoder);
      expect(rateOf(decoder, 10, 1, 9, 5)).toEqual([rate, source]);
    }
  });

  it('the record’s own goes before them', () => {
    const decoder = testDecoder({ sampling: () => ({ default: 2, override: 0 }) });
    for (const [, add] of steps) add(decoder);
    const fields: Specifier[] = [...DATA, [34, 4]];
    const sets = [templateSet(10, 257, fields), set(257, [...data(9, 5), ...u32(8)], [...data(9, 5), ...u32(0)])];
    expect(decoder.feed(message(10, sets))).toMatchObject([
      { sampling_rate: 8, sampling_source: 'record' },
      { sampling_rate: 6, sampling_source: 'sampler' },
    ]);
  });

  it('the override goes before all, also the record’s own and the v5 header’s', () => {
    const decoder = testDecoder({ sampling: () => ({ default: 2, override: 1000 }) });
    for (const [, add] of steps) add(decoder);
    expect(rateOf(decoder, 10, 1, 9, 5)).toEqual([1000, 'override']);
    const fields: Specifier[] = [...DATA, [34, 4]];
    const own = decoder.feed(message(10, [templateSet(10, 257, fields), set(257, [...data(9, 5), ...u32(8)])]));
    expect(own).toMatchObject([{ sampling_rate: 1000, sampling_source: 'override' }]);
    const five = decoder.feed(message5([record5()], { sampling: 0x4064 }));
    expect(five).toMatchObject([{ sampling_rate: 1000, sampling_source: 'override' }]);
  });

  it('v5: header, then default', () => {
    const decoder = testDecoder({ sampling: () => ({ default: 2, override: 0 }) });
    expect(decoder.feed(message5([record5()], { sampling: 0x4064 }))).toMatchObject([
      { sampling_rate: 100, sampling_source: 'header' },
    ]);
    expect(decoder.feed(message5([record5()], { sequence: 1 }))).toMatchObject([
      { sampling_rate: 2, sampling_source: 'default' },
    ]);
  });

  it('is by exporter address', () => {
    const decoder = testDecoder({
      sampling: (address) => ({ default: 0, override: address[3] === 0xc000_0202 ? 50 : 0 }),
    });
    expect(decoder.feed(message5([record5()]), '192.0.2.2')).toMatchObject([{ sampling_rate: 50 }]);
    expect(decoder.feed(message5([record5()]), '192.0.2.1')).toMatchObject([
      { sampling_rate: 0, sampling_source: 'unknown' },
    ]);
  });
});
