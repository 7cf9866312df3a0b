import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { structuredValue } from '#weir/wire/structured-data.js';
import type { FieldSpecifier } from '#weir/wire/template.js';
import { testDecoder } from '../session/decoder.ts';
import {
  ascii,
  fromHex,
  ip4,
  message,
  optionsTemplateSet,
  type Specifier,
  set,
  templateSet,
  u16,
  u32,
  u64,
  VARIABLE,
  variable,
} from './build.ts';
import { decodeOne, fieldsOf, registry } from './run-plan.ts';

const ALL_OF = 3;
const ORDERED = 4;
const INGRESS = 10;
const OCTETS = 1;
const ADDRESS = 8;
const NAME = 82;

/** Template 300: an address and octets; 301: a name of any length. */
const TEMPLATES: Readonly<Record<number, readonly FieldSpecifier[]>> = {
  300: fieldsOf([
    [ADDRESS, 4],
    [OCTETS, 8],
  ]),
  301: fieldsOf([[NAME, VARIABLE]]),
  // A list within a record, as deep as one likes.
  302: fieldsOf([[292, VARIABLE]]),
  303: fieldsOf([[293, VARIABLE]]),
};
const names = { registry, templates: { fieldsOf: (id: number) => TEMPLATES[id] }, port: 0 };

const value = (type: 'basicList' | 'subTemplateList' | 'subTemplateMultiList', octets: readonly number[]) =>
  structuredValue(type, Uint8Array.from([9, ...octets, 9]), 1, octets.length, names);

describe('basicList', () => {
  it('has its values under the name of their element', () => {
    expect(value('basicList', [ORDERED, ...u16(INGRESS), ...u16(4), ...u32(7), ...u32(8)])).toEqual({
      semantic: 'ordered',
      ingressInterface: [7, 8],
    });
  });

  it('of an enterprise’s element, with values of variable length, and with an unknown semantic', () => {
    const octets = [77, ...u16(0x8000 | 117), ...u16(VARIABLE), ...u32(6871), ...variable(ascii('a.example')), 0];
    expect(value('basicList', octets)).toEqual({ semantic: 77, httpHost: ['a.example', ''] });
  });

  it('empty, of no octets, and of elements of length 0', () => {
    expect(value('basicList', [255, ...u16(INGRESS), ...u16(4)])).toEqual({
      semantic: 'undefined',
      ingressInterface: [],
    });
    expect(value('basicList', [])).toEqual({});
    expect(value('basicList', [0, ...u16(INGRESS), ...u16(0), 1, 2])).toEqual({
      semantic: 'noneOf',
      ingressInterface: [],
      octets: '0102',
    });
  });

  it('that ends within a value keeps the rest as octets', () => {
    expect(value('basicList', [ALL_OF, ...u16(INGRESS), ...u16(4), ...u32(7), 1, 2])).toEqual({
      semantic: 'allOf',
      ingressInterface: [7],
      octets: '0102',
    });
    expect(value('basicList', [ALL_OF, 0])).toEqual({ semantic: 'allOf', octets: '00' });
  });
});

describe('lists of records', () => {
  const record = (last: number, octets: number): number[] => [...ip4(`192.0.2.${last}`), ...u64(octets)];

  it('subTemplateList', () => {
    expect(value('subTemplateList', [1, ...u16(300), ...record(1, 10), ...record(2, 20)])).toEqual({
      semantic: 'exactlyOneOf',
      records: [
        { sourceIPv4Address: '192.0.2.1', octetDeltaCount: 10 },
        { sourceIPv4Address: '192.0.2.2', octetDeltaCount: 20 },
      ],
    });
  });

  it('subTemplateMultiList', () => {
    const octets = [2, ...u16(300), ...u16(16), ...record(1, 10), ...u16(301), ...u16(8), ...variable(ascii('eth'))];
    expect(value('subTemplateMultiList', octets)).toEqual({
      semantic: 'oneOrMoreOf',
      records: [{ sourceIPv4Address: '192.0.2.1', octetDeltaCount: 10 }, { interfaceName: 'eth' }],
    });
  });

  it('of a template that is not known, or cut off, are kept as octets', () => {
    expect(value('subTemplateList', [ALL_OF, ...u16(999), 1, 2, 3])).toEqual({
      semantic: 'allOf',
      records: [{ template: 999, octets: '010203' }],
    });
    expect(value('subTemplateList', [ALL_OF, ...u16(300), 1, 2, 3])).toEqual({
      semantic: 'allOf',
      records: [{ template: 300, octets: '010203' }],
    });
    expect(value('subTemplateMultiList', [ALL_OF, ...u16(300), ...u16(3)])).toEqual({
      semantic: 'allOf',
      records: [],
      octets: '012c0003',
    });
  });
});

/** A list in a list in a list …, `depth` of them, around `inner`. */
function nested(
  depth: number,
  inner: readonly number[],
  type: 'basicList' | 'subTemplateList' | 'subTemplateMultiList' = 'subTemplateList',
): number[] {
  let octets = [...inner];
  for (let i = 0; i < depth; i++) {
    const one = variable(octets);
    if (type === 'basicList') octets = [ALL_OF, ...u16(291), ...u16(VARIABLE), ...one];
    else if (type === 'subTemplateList') octets = [ALL_OF, ...u16(302), ...one];
    else octets = [ALL_OF, ...u16(303), ...u16(4 + one.length), ...one];
  }
  return octets;
}

describe('bounds', () => {
  it('three lists deep', () => {
    expect(value('subTemplateList', nested(2, [ALL_OF, ...u16(301), ...variable(ascii('eth'))]))).toEqual({
      semantic: 'allOf',
      records: [
        {
          subTemplateList: {
            semantic: 'allOf',
            records: [{ subTemplateList: { semantic: 'allOf', records: [{ interfaceName: 'eth' }] } }],
          },
        },
      ],
    });
  });

  const ETH = [ALL_OF, ...u16(301), ...variable(ascii('eth'))];

  it.each(['basicList', 'subTemplateList', 'subTemplateMultiList'] as const)(
    '%s, 1,000 deep: the outer lists are taken apart, the inner ones kept as octets',
    (type) => {
      const octets = nested(1000, ETH, type);
      const text = JSON.stringify(value(type, octets));
      const taken = text.match(/"semantic":"allOf"/g)?.length;
      expect(taken).toBe(16);
      // 'eth' in hexadecimal: nothing is lost.
      expect(text).toContain('03657468');
      expect(text.length).toBeLessThan(4 * octets.length);
    },
  );

  it.each([true, false])('1,000 deep in a message, compiled: %s; the next message decodes', (mayCompile) => {
    const decoder = testDecoder({ mayCompile });
    const list = nested(1000, ETH, 'subTemplateList');
    const templates = [
      templateSet(10, 302, [[292, VARIABLE]]),
      templateSet(10, 256, [
        [4, 1],
        [292, VARIABLE],
      ]),
    ];
    decoder.feed(message(10, templates));
    for (let i = 0; i < 200; i++) {
      const data = message(10, [set(256, [6, ...variable(list)], [17, ...variable([])])], { sequence: 2 * i });
      const [first, second] = decoder.feed(data);
      expect([first?.['proto'], second?.['proto']]).toEqual([6, 17]);
      expect(JSON.stringify(first?.['extra']).match(/"semantic":"allOf"/g)).toHaveLength(16);
    }
    expect(decoder.faults()).toEqual({});
  });

  it('no more values than the bound, and the rest as octets', () => {
    const many = Array.from({ length: 20_000 }, () => 5);
    const list = value('basicList', [ALL_OF, ...u16(4), ...u16(1), ...many]);
    expect(list['protocolIdentifier']).toHaveLength(8192);
    expect(list['octets']).toBe('05'.repeat(20_000 - 8192));
  });

  it('any octets: never throws, and ends', () => {
    const type = fc.constantFrom('basicList', 'subTemplateList', 'subTemplateMultiList');
    const likely = fc.constantFrom(0, 1, 3, 4, 8, 12, 16, 36, 37, 44, 45, 46, 255);
    const octets = fc.array(fc.oneof(likely, fc.nat(255)), { maxLength: 200 });
    fc.assert(
      fc.property(type, octets, (kind, bytes) => {
        const text = JSON.stringify(value(kind, bytes), (_, member: unknown) =>
          typeof member === 'bigint' ? `${member}` : member,
        );
        expect(text.length).toBeLessThan(100 + 100 * bytes.length);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('in records', () => {
  it('are members of extra; integers above 2⁵³ are text there', () => {
    const list = [ALL_OF, ...u16(OCTETS), ...u16(8), ...u64(2n ** 63n), ...u64(1)];
    const fields: Specifier[] = [
      [291, VARIABLE],
      [5, 1],
      [291, VARIABLE],
    ];
    const octets = [...variable(list), 4, ...variable([ORDERED, ...u16(0x8001), ...u16(1), ...u32(4_242_424), 6])];
    expect(decodeOne(10, fields, octets)).toMatchObject({
      tos: 4,
      extra: {
        basicList: [
          { semantic: 'allOf', octetDeltaCount: ['9223372036854775808', 1] },
          { semantic: 'ordered', '4242424/1': ['06'] },
        ],
      },
    });
  });

  it('name templates of their own domain and version', () => {
    const decoder = testDecoder();
    const templates = [
      templateSet(10, 300, [[ADDRESS, 4]]),
      templateSet(10, 256, [
        [4, 1],
        [292, VARIABLE],
      ]),
    ];
    const data = set(256, [6, ...variable([ALL_OF, ...u16(300), ...ip4('192.0.2.1'), ...ip4('192.0.2.2')])]);
    decoder.feed(message(10, [templateSet(10, 300, [[ADDRESS, 2]])], { domain: 2 }));
    const [record] = decoder.feed(message(10, [...templates, data], { domain: 1 }));
    expect(record).toMatchObject({
      proto: 6,
      extra: {
        subTemplateList: {
          semantic: 'allOf',
          records: [{ sourceIPv4Address: '192.0.2.1' }, { sourceIPv4Address: '192.0.2.2' }],
        },
      },
    });
    expect(decoder.faults()).toEqual({});
  });

  it('in options records, too', () => {
    const seen: unknown[] = [];
    const decoder = testDecoder({ observer: { options: (_domain, _id, record) => seen.push(record) } });
    const fields: Specifier[] = [
      [149, 4],
      [291, VARIABLE],
    ];
    const list = [ORDERED, ...u16(INGRESS), ...u16(4), ...u32(7)];
    decoder.feed(message(10, [optionsTemplateSet(10, 400, 1, fields), set(400, [...u32(1), ...variable(list)])]));
    expect(seen).toEqual([
      {
        scope: { observationDomainId: 1 },
        fields: { basicList: { semantic: 'ordered', ingressInterface: [7] } },
      },
    ]);
  });

  it('YAF’s DNS records: a subTemplateMultiList as it comes', () => {
    // Template 52,737 of two fields, one record of it, and an unknown template.
    const decoder = testDecoder();
    const dns: Specifier[] = [
      [179, VARIABLE, 6871],
      [199, 4, 6871],
    ];
    const list = [
      ALL_OF,
      ...u16(52_737),
      ...u16(4 + 9 + 4),
      ...variable(ascii('test.com')),
      ...u32(300),
      ...u16(999),
      ...u16(6),
      ...fromHex('beef'),
    ];
    const [record] = decoder.feed(
      message(10, [templateSet(10, 52_737, dns), templateSet(10, 256, [[293, VARIABLE]]), set(256, variable(list))]),
    );
    expect(record).toMatchObject({
      extra: {
        subTemplateMultiList: {
          semantic: 'allOf',
          records: [
            { dnsName: 'test.com', dnsTTL: 300 },
            { template: 999, octets: 'beef' },
          ],
        },
      },
    });
  });
});
