import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Domain } from '#weir/session/domain.js';
import { QualityLedger } from '#weir/session/quality.js';
import { message, type Specifier, set, templateSet, u8, u16, u32, u64 } from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

const SMALL: Specifier[] = [
  [7, 2],
  [1, 4],
];
const LARGE: Specifier[] = [
  [4, 1],
  [1, 8],
  [7, 2],
];
const small = (port: number): number[] => [...u16(port), ...u32(100)];
const large = (port: number): number[] => [...u8(6), ...u64(2 ** 33), ...u16(port)];
const ports = (records: readonly Record<string, unknown>[]): unknown[] => records.map((record) => record['src_port']);

describe('a template belongs to address, version, domain and id', () => {
  const LAYOUTS: readonly Specifier[][] = [
    [[7, 2]],
    [
      [4, 1],
      [7, 2],
    ],
    [[7, 4]],
    [
      [1, 8],
      [7, 2],
    ],
    [
      [7, 2],
      [4, 1],
    ],
    [
      [7, 3],
      [5, 1],
      [4, 1],
    ],
  ];
  /** A record of the layout with this source port; all other octets are 0xee. */
  const recordOf = (layout: readonly Specifier[], port: number): number[] =>
    layout.flatMap(([id, length]) =>
      Array.from({ length }, (_, i) => (id !== 7 ? 0xee : i < length - 2 ? 0 : (port >> (8 * (length - 1 - i))) & 255)),
    );

  it('however many send the same ids, interleaved', () => {
    const who = fc.record({
      address: fc.constantFrom('192.0.2.1', '192.0.2.2', '2001:db8::1'),
      version: fc.constantFrom(9 as const, 10 as const),
      domain: fc.constantFrom(0, 1, 77),
      id: fc.constantFrom(256, 257),
    });
    const action = fc.record({
      who,
      layout: fc.constantFrom(...LAYOUTS),
      port: fc.integer({ min: 1, max: 65_535 }),
      data: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60 }), fc.boolean(), (actions, mayCompile) => {
        const decoder = testDecoder({ mayCompile });
        const model = new Map<string, Specifier[]>();
        for (const {
          who: { address, version, domain, id },
          layout,
          port,
          data,
        } of actions) {
          const key = `${address} ${version} ${domain} ${id}`;
          const known = model.get(key);
          if (data && known !== undefined) {
            const records = [port, port ^ 1, 7].map((value) => recordOf(known, value));
            expect(ports(decoder.feed(message(version, [set(id, ...records)], { domain }), address))).toEqual([
              port,
              port ^ 1,
              7,
            ]);
          } else {
            decoder.feed(message(version, [templateSet(version, id, layout)], { domain }), address);
            model.set(key, layout);
          }
        }
        expect(decoder.decoder.domains.templates).toBe(model.size);
      }),
      { numRuns: 150 },
    );
  });
});

describe.each([9, 10] as const)('version %i: a template that changes', (version) => {
  it('from one message to the next', () => {
    const decoder = testDecoder();
    decoder.feed(message(version, [templateSet(version, 256, SMALL)]));
    expect(ports(decoder.feed(message(version, [set(256, small(1))])))).toEqual([1]);
    decoder.feed(message(version, [templateSet(version, 256, LARGE)]));
    expect(decoder.feed(message(version, [set(256, large(2))]))).toMatchObject([
      { src_port: 2, bytes: 2 ** 33, proto: 6 },
    ]);
    expect(decoder.counters()).toMatchObject({ templates: 2, templateChanges: 1, templateConflicts: 0 });
  });

  it('within a message: each set with the template before it', () => {
    const decoder = testDecoder();
    const sets = [
      templateSet(version, 256, SMALL),
      set(256, small(1), small(2)),
      templateSet(version, 256, LARGE),
      set(256, large(3)),
      templateSet(version, 256, SMALL),
      set(256, small(4)),
    ];
    const records = decoder.feed(message(version, sets));
    expect(ports(records).sort((a, b) => Number(a) - Number(b))).toEqual([1, 2, 3, 4]);
    expect(records.map((record) => record['bytes']).sort((a, b) => Number(a) - Number(b))).toEqual([
      100,
      100,
      100,
      2 ** 33,
    ]);
    expect(decoder.counters()).toMatchObject({ records: 4, expected: version === 9 ? 1 : 4 });
  });

  it('data before its first template in the same message is decoded with it', () => {
    expect(ports(testDecoder().feed(message(version, [set(256, small(1)), templateSet(version, 256, SMALL)])))).toEqual(
      [1],
    );
  });

  it('sent again and again is nothing new', () => {
    const decoder = testDecoder();
    for (let i = 0; i < 50; i++)
      decoder.feed(message(version, [templateSet(version, 256, SMALL)], { sequence: version === 9 ? i : 0 }));
    expect(decoder.counters()).toMatchObject({ templates: 50, templateChanges: 0 });
    expect(decoder.decoder.specifications.fields).toBe(2);
  });
});

describe('withdrawal', () => {
  it('of one and of all: data is held from then on', () => {
    const decoder = testDecoder();
    const two = [templateSet(10, 256, SMALL), templateSet(10, 257, SMALL)];
    decoder.feed(message(10, two));
    decoder.feed(message(10, [set(2, u16(256), u16(0))]));
    expect(ports(decoder.feed(message(10, [set(256, small(1)), set(257, small(2))])))).toEqual([2]);
    decoder.feed(message(10, [set(2, u16(2), u16(0))]));
    expect(decoder.feed(message(10, [set(257, small(3))]))).toEqual([]);
    expect(decoder.counters()).toMatchObject({ withdrawals: 2, setsHeld: 2 });
    expect(ports(decoder.feed(message(10, two)))).toEqual([1, 3]);
  });

  it('followed by another template in the same message: data before it keeps the old one', () => {
    const decoder = testDecoder();
    decoder.feed(message(10, [templateSet(10, 256, SMALL)]));
    const sets = [set(256, small(1)), set(2, u16(256), u16(0)), templateSet(10, 256, LARGE), set(256, large(2))];
    expect(decoder.feed(message(10, sets))).toMatchObject([
      { src_port: 1, bytes: 100 },
      { src_port: 2, bytes: 2 ** 33 },
    ]);
  });
});

describe('one address, several ports', () => {
  const A = '192.0.2.1/1000';
  const B = '192.0.2.1/2000';
  const C = '192.0.2.1/3000';

  it('the same layout is shared, and each use of another port’s is counted', () => {
    const decoder = testDecoder();
    decoder.feed(message(9, [templateSet(9, 256, SMALL)]), A);
    expect(ports(decoder.feed(message(9, [set(256, small(1))], { sequence: 1 }), A))).toEqual([1]);
    expect(decoder.counters().portFallbacks).toBe(0);
    expect(ports(decoder.feed(message(9, [set(256, small(2))]), B))).toEqual([2]);
    expect(decoder.counters()).toMatchObject({ portFallbacks: 1, templateConflicts: 0 });
  });

  it('differing layouts are kept apart, and a third port has to wait for its own', () => {
    const decoder = testDecoder();
    decoder.feed(message(9, [templateSet(9, 256, SMALL)]), A);
    decoder.feed(message(9, [templateSet(9, 256, LARGE)]), B);
    expect(decoder.counters().templateConflicts).toBe(1);
    const [domain] = decoder.decoder.domains;
    expect(new QualityLedger().take(domain as Domain, 0)).toMatchObject({ template_conflicts: 1 });
    for (let i = 1; i < 4; i++) {
      expect(decoder.feed(message(9, [set(256, small(i))], { sequence: i }), A)).toMatchObject([
        { src_port: i, bytes: 100 },
      ]);
      expect(decoder.feed(message(9, [set(256, large(i))], { sequence: i }), B)).toMatchObject([
        { src_port: i, bytes: 2 ** 33 },
      ]);
    }
    expect(decoder.counters().portFallbacks).toBe(0);
    expect(decoder.feed(message(9, [set(256, small(9))]), C)).toEqual([]);
    expect(decoder.counters().setsHeld).toBe(1);
    expect(ports(decoder.feed(message(9, [templateSet(9, 256, SMALL)], { sequence: 1 }), C))).toEqual([9]);
  });

  it('a restart from another port with another layout goes on at once', () => {
    const decoder = testDecoder();
    for (let restart = 0; restart < 200; restart++) {
      const [layout, record] = restart % 2 === 0 ? ([SMALL, small] as const) : ([LARGE, large] as const);
      const from = `192.0.2.1/${10_000 + restart}`;
      const records = decoder.feed(message(9, [templateSet(9, 256, layout), set(256, record(restart))]), from);
      expect(ports(records)).toEqual([restart]);
    }
    expect(decoder.decoder.specifications.fields).toBe(5);
  });

  it('a withdrawal takes back only what its port has sent', () => {
    const decoder = testDecoder();
    decoder.feed(message(10, [templateSet(10, 256, SMALL)]), A);
    decoder.feed(message(10, [templateSet(10, 256, LARGE)]), B);
    decoder.feed(message(10, [set(2, u16(256), u16(0))]), B);
    expect(ports(decoder.feed(message(10, [set(256, small(5))]), A))).toEqual([5]);
  });
});
