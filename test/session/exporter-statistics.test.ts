import { describe, expect, it } from 'vitest';
import { NO_STATISTICS } from '#weir/session/exporter-statistics.js';
import { QualityLedger } from '#weir/session/quality.js';
import { message, optionsTemplateSet, type Specifier, set, templateSet, u16, u32, u64 } from '../wire/build.ts';
import { type TestDecoder, testDecoder } from './decoder.ts';

/** Scope: exporting process. Messages, records, octets it has sent, flows it has not. */
const PROCESS: Specifier[] = [
  [144, 4],
  [41, 8],
  [42, 8],
  [40, 8],
  [166, 8],
];
const FLOW: Specifier[] = [[7, 2]];

interface Report {
  readonly messages: number;
  readonly records: number;
  readonly process?: number;
  readonly domain?: number;
  readonly from?: string;
  readonly notSent?: number;
}

function report(decoder: TestDecoder, { messages, records, process = 1, domain = 1, from, notSent = 0 }: Report): void {
  const octets = [...u32(process), ...u64(messages), ...u64(records), ...u64(messages * 100), ...u64(notSent)];
  decoder.feed(message(10, [optionsTemplateSet(10, 300, 1, PROCESS), set(300, octets)], { domain }), from);
}

function flows(decoder: TestDecoder, count: number, domain = 1, from?: string, version: 9 | 10 = 10): void {
  const records = Array.from({ length: count }, () => u16(80)).flat();
  decoder.feed(message(version, [templateSet(version, 256, FLOW), set(256, records)], { domain }), from);
}

/** Statistics of the rows of a minute, those that say something. */
function told(decoder: TestDecoder, ledger = new QualityLedger()): Record<string, number>[] {
  return [...decoder.decoder.domains].flatMap((domain) => {
    const row = ledger.take(domain, 0);
    const entries = Object.entries(row ?? {}).filter(([name, value]) => name in NO_STATISTICS && value !== null);
    return entries.length === 0 ? [] : [Object.fromEntries(entries)];
  });
}

describe('what an exporter says it sent is compared with what arrived', () => {
  it('from report to report, over all domains of the sender', () => {
    const decoder = testDecoder();
    flows(decoder, 5);
    report(decoder, { messages: 1000, records: 70_000, domain: 0, notSent: 9 });
    expect(told(decoder)).toEqual([]);
    // The message of the first report counts in the second.
    flows(decoder, 30);
    flows(decoder, 20, 2);
    report(decoder, { messages: 1004, records: 70_060, domain: 0, notSent: 12 });
    expect(told(decoder)).toEqual([
      {
        exported_octet_count: 400,
        exported_message_count: 4,
        exported_message_received_count: 3,
        exported_flow_record_count: 60,
        exported_flow_record_received_count: 50,
        not_sent_flow_count: 3,
      },
    ]);
  });

  it('rows are what came since the row before', () => {
    const [decoder, ledger] = [testDecoder(), new QualityLedger()];
    report(decoder, { messages: 0, records: 0 });
    expect(told(decoder, ledger)).toEqual([]);
    for (const times of [1, 2]) {
      flows(decoder, 10);
      report(decoder, { messages: 2 * times, records: 10 * times });
      const sent = { exported_message_count: 2, exported_flow_record_count: 10 };
      expect(told(decoder, ledger)).toMatchObject([{ ...sent, exported_flow_record_received_count: 10 }]);
    }
    expect(told(decoder, ledger)).toEqual([]);
  });

  it('begins anew when totals go back', () => {
    const decoder = testDecoder();
    report(decoder, { messages: 100, records: 100 });
    report(decoder, { messages: 3, records: 4 });
    expect(told(decoder)).toEqual([{ not_sent_flow_count: 0 }]);
    flows(decoder, 2);
    report(decoder, { messages: 5, records: 6 });
    expect(told(decoder)).toMatchObject([{ exported_flow_record_count: 2, exported_flow_record_received_count: 2 }]);
  });

  it('of one domain, where the scope names it; not of another one, and not of a part', () => {
    for (const [scope, isCompared] of [
      [[[149, 4]], true],
      [
        [
          [149, 4],
          [144, 4],
        ],
        true,
      ],
      [[[143, 4]], false],
      [
        [
          [149, 4],
          [143, 4],
        ],
        false,
      ],
    ] as [Specifier[], boolean][]) {
      const decoder = testDecoder();
      const tell = (records: number) => {
        const octets = [...scope.flatMap(() => u32(7)), ...u64(records)];
        const sets = [optionsTemplateSet(10, 300, scope.length, [...scope, [42, 8]]), set(300, octets)];
        decoder.feed(message(10, sets, { domain: 7 }));
      };
      tell(0);
      flows(decoder, 3, 7);
      flows(decoder, 100, 8);
      tell(4);
      const [row] = told(decoder);
      expect(row?.['exported_flow_record_count']).toBe(4);
      expect(row?.['exported_flow_record_received_count']).toBe(isCompared ? 3 : undefined);
    }
  });

  it('not while several report, since nobody knows which flows are whose', () => {
    const decoder = testDecoder();
    for (const process of [1, 2]) report(decoder, { messages: 0, records: 0, process });
    flows(decoder, 10);
    for (const process of [1, 2]) report(decoder, { messages: 5, records: 5, process });
    const [row] = told(decoder);
    expect(row).toMatchObject({ exported_flow_record_count: 10 });
    expect(row).not.toHaveProperty('exported_flow_record_received_count');
    // Another sender is nobody of these.
    report(decoder, { messages: 0, records: 0, from: '192.0.2.9' });
    flows(decoder, 1, 1, '192.0.2.9');
    report(decoder, { messages: 2, records: 1, from: '192.0.2.9' });
    expect(told(decoder).at(-1)).toMatchObject({ exported_flow_record_received_count: 1 });
  });

  it('NetFlow v9: of the domain', () => {
    const decoder = testDecoder();
    const fields: Specifier[] = [
      [1, 4],
      [41, 4],
      [42, 4],
    ];
    const tell = (messages: number, records: number) => {
      const octets = [...u32(0), ...u32(messages), ...u32(records)];
      decoder.feed(message(9, [optionsTemplateSet(9, 300, 1, fields), set(300, octets)], { domain: 4 }));
    };
    tell(10, 100);
    flows(decoder, 8, 4, undefined, 9);
    flows(decoder, 50, 5, undefined, 9);
    tell(12, 109);
    expect(told(decoder)).toEqual([
      {
        exported_message_count: 2,
        exported_message_received_count: 2,
        exported_flow_record_count: 9,
        exported_flow_record_received_count: 8,
      },
    ]);
  });

  it('a report that waited for its template is not of now', () => {
    const decoder = testDecoder();
    const octets = [...u32(1), ...u64(7), ...u64(7), ...u64(7), ...u64(7)];
    decoder.feed(message(10, [set(300, octets)]), undefined, 1e15);
    decoder.feed(message(10, [optionsTemplateSet(10, 300, 1, PROCESS)]), undefined, 1e15 + 5);
    expect(decoder.counters().optionsRecords).toBe(1);
    decoder.feed(message(10, [set(300, [...u32(1), ...u64(9), ...u64(9), ...u64(9), ...u64(9)])]), undefined, 1e15 + 9);
    expect(told(decoder)).toEqual([]);
  });

  it('whatever octets they have, they are bounded', () => {
    const decoder = testDecoder();
    for (let process = 0; process < 2000; process++) report(decoder, { messages: process, records: 1, process });
    const fields: Specifier[] = [
      [144, 4],
      [41, 9],
      [42, 0],
    ];
    decoder.feed(
      message(10, [optionsTemplateSet(10, 301, 1, fields), set(301, [...u32(1), 1, 2, 3, 4, 5, 6, 7, 8, 9])]),
    );
    expect(decoder.faults()).toEqual({});
    expect(told(decoder)).toEqual([]);
    report(decoder, { messages: 0, records: 0 });
    report(decoder, { messages: 2 ** 63, records: 2 ** 63 });
    expect(told(decoder)).toMatchObject([{ exported_message_count: Number.MAX_SAFE_INTEGER }]);
  });
});
