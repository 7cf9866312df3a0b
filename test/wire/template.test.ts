import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  readIpfixTemplates,
  readV9OptionsTemplates,
  readV9Templates,
  type TemplateEvent,
  type TemplateFault,
} from '#weir/wire/template.js';
import { optionsRecord9, optionsRecord10, type Specifier, templateRecord, u16, VARIABLE } from './build.ts';
import { fieldsOf } from './run-plan.ts';

type Reader = 'v9' | 'v9 options' | 'ipfix' | 'ipfix options';

/** Reads the content of a template set in the middle of other octets. */
function read(
  reader: Reader,
  content: readonly number[],
): { events: TemplateEvent[]; fault: TemplateFault | undefined } {
  const bytes = Uint8Array.from([0xee, 0xee, ...content, 0x01, 0x00, 0x00, 0x01, 0x00, 0x08, 0x00, 0x04]);
  const events: TemplateEvent[] = [];
  const emit = (event: TemplateEvent) => void events.push(event);
  const end = 2 + content.length;
  const fault =
    reader === 'v9'
      ? readV9Templates(bytes, 2, end, emit)
      : reader === 'v9 options'
        ? readV9OptionsTemplates(bytes, 2, end, emit)
        : readIpfixTemplates(bytes, 2, end, reader === 'ipfix' ? 'data' : 'options', emit);
  return { events, fault };
}

const FIELDS: readonly Specifier[] = [
  [8, 4],
  [12, 4],
  [371, VARIABLE],
  [1, 8],
];
const ENTERPRISE: readonly Specifier[] = [
  [8, 4],
  [33, 2, 6871],
  [32_767, 4, 4_294_967_295],
  [1, 8, 29_305],
];

const record = (id: number, fields: readonly Specifier[], kind: 'data' | 'options' = 'data', scopeCount = 0) => ({
  record: { id, kind, scopeCount, fields: fieldsOf(fields) },
});

describe('template records', () => {
  it('one after another', () => {
    for (const reader of ['v9', 'ipfix'] as const) {
      const { events, fault } = read(reader, [...templateRecord(256, FIELDS), ...templateRecord(65_535, [[4, 1]])]);
      expect(fault).toBeUndefined();
      expect(events).toEqual([record(256, FIELDS), record(65_535, [[4, 1]])]);
    }
  });

  it('enterprise elements, in IPFIX only', () => {
    expect(read('ipfix', templateRecord(256, ENTERPRISE)).events).toEqual([record(256, ENTERPRISE)]);
    const vendor: Specifier[] = [[57_591, 16]];
    expect(read('v9', templateRecord(256, vendor)).events).toEqual([record(256, vendor)]);
  });

  it('options templates with scopes', () => {
    const fields: Specifier[] = [
      [1, 4],
      [2, 0],
      [34, 4],
      [35, 1],
    ];
    expect(read('v9 options', optionsRecord9(300, 2, fields)).events).toEqual([record(300, fields, 'options', 2)]);
    expect(read('ipfix options', optionsRecord10(300, 2, fields)).events).toEqual([record(300, fields, 'options', 2)]);
    expect(read('ipfix options', optionsRecord10(300, 3, ENTERPRISE)).events).toEqual([
      record(300, ENTERPRISE, 'options', 3),
    ]);
    // RFC 7011 section 3.4.2.2 forbids it, exporters do it.
    expect(read('ipfix options', optionsRecord10(300, 0, fields)).events).toEqual([record(300, fields, 'options', 0)]);
  });

  it('padding after the last one is padding', () => {
    for (const octets of [1, 2, 3, 4, 60]) {
      const zeros = Array.from({ length: octets }, () => 0);
      const cases: [Reader, number[]][] = [
        ['v9', templateRecord(256, FIELDS)],
        ['v9 options', optionsRecord9(256, 1, FIELDS)],
        ['ipfix', templateRecord(256, FIELDS)],
        ['ipfix options', optionsRecord10(256, 1, FIELDS)],
      ];
      for (const [reader, content] of cases) {
        const { events, fault } = read(reader, [...content, ...zeros]);
        expect([reader, events.length, fault]).toEqual([reader, 1, undefined]);
      }
    }
  });

  it('cut off anywhere give nothing of the last one, and never octets behind the set', () => {
    const cases: [Reader, number[]][] = [
      ['v9', templateRecord(256, FIELDS)],
      ['v9 options', optionsRecord9(256, 1, FIELDS)],
      ['ipfix', templateRecord(256, ENTERPRISE)],
      ['ipfix options', optionsRecord10(256, 1, ENTERPRISE)],
    ];
    for (const [reader, content] of cases) {
      for (let length = 0; length < content.length; length++) {
        const { events, fault } = read(reader, [...content, ...content.slice(0, length)]);
        expect([reader, length, events.length]).toEqual([reader, length, 1]);
        if (length >= 6) expect(fault).toBe('template_truncated');
      }
    }
  });

  it('ids below 256 and records without fields are faults; those before them stay', () => {
    const good = templateRecord(256, [[4, 1]]);
    expect(read('v9', [...good, ...templateRecord(255, [[4, 1]])])).toMatchObject({ fault: 'template_id' });
    expect(read('v9', [...good, ...u16(300), ...u16(0)])).toMatchObject({ fault: 'template_empty' });
    expect(read('ipfix', [...good, ...templateRecord(2, [[4, 1]])])).toMatchObject({ fault: 'template_id' });
    expect(read('ipfix', [...good, ...templateRecord(2, [[4, 1]])]).events).toHaveLength(1);
    expect(read('v9 options', optionsRecord9(256, 0, []))).toMatchObject({ fault: 'template_empty' });
    expect(read('v9 options', [...u16(256), ...u16(3), ...u16(4), ...u16(1), ...u16(4), ...u16(1)])).toMatchObject({
      fault: 'template_truncated',
    });
  });

  it('more scope fields than fields are all scope fields', () => {
    const { events } = read('ipfix options', [...u16(256), ...u16(1), ...u16(9), ...u16(149), ...u16(4)]);
    expect(events).toEqual([record(256, [[149, 4]], 'options', 1)]);
  });
});

describe('withdrawal (RFC 7011 section 8.1)', () => {
  it('of one, among records', () => {
    const content = [...u16(400), ...u16(0), ...templateRecord(256, [[4, 1]]), ...u16(401), ...u16(0)];
    expect(read('ipfix', content).events).toEqual([
      { withdraw: 400, kind: 'data' },
      record(256, [[4, 1]]),
      { withdraw: 401, kind: 'data' },
    ]);
    expect(read('ipfix options', [...u16(400), ...u16(0)]).events).toEqual([{ withdraw: 400, kind: 'options' }]);
  });

  it('of all: the id of the set', () => {
    expect(read('ipfix', [...u16(2), ...u16(0)]).events).toEqual([{ withdraw: 0, kind: 'data' }]);
    expect(read('ipfix options', [...u16(3), ...u16(0)]).events).toEqual([{ withdraw: 0, kind: 'options' }]);
    expect(read('ipfix', [...u16(3), ...u16(0)])).toEqual({ events: [], fault: 'template_id' });
  });
});

it('any octets give an answer', () => {
  const readers: Reader[] = ['v9', 'v9 options', 'ipfix', 'ipfix options'];
  fc.assert(
    fc.property(fc.constantFrom(...readers), fc.uint8Array({ maxLength: 80 }), (reader, bytes) => {
      const { events } = read(reader, [...bytes]);
      for (const event of events) if ('record' in event) expect(event.record.fields.length).toBeLessThanOrEqual(20);
    }),
    { numRuns: 2000 },
  );
});
