import { describe, expect, it } from 'vitest';
import type { OptionsRecord } from '#weir/session/options-data.js';
import { ascii, message, optionsTemplateSet, type Specifier, set, u8, u16, u32, u64 } from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

/** What an observer is shown of one options data record; `scopes` of the fields are its scope. */
function shown(version: 9 | 10, scopes: number, fields: readonly Specifier[], octets: readonly number[]) {
  const seen: OptionsRecord[] = [];
  const decoder = testDecoder({ observer: { options: (_domain, _id, record) => void seen.push(record) } });
  const sets = [optionsTemplateSet(version, 300, scopes, fields), set(300, octets)];
  expect(decoder.feed(message(version, sets))).toEqual([]);
  expect(decoder.faults()).toEqual({});
  expect(decoder.counters().optionsRecords).toBe(1);
  return seen;
}

describe('options data that change nothing are shown whole', () => {
  it('flow keys (RFC 7011 section 4.4): which fields of a template are the key', () => {
    const fields: Specifier[] = [
      [145, 2],
      [173, 8],
    ];
    expect(shown(10, 1, fields, [...u16(256), ...u64(0b10011)])).toEqual([
      { scope: { templateId: 256 }, fields: { flowKeyIndicator: 19 } },
    ]);
  });

  it('statistics of the exporting process (RFC 7011 sections 4.1 and 4.3)', () => {
    const fields: Specifier[] = [
      [144, 4],
      [40, 8],
      [41, 8],
      [42, 8],
      [166, 8],
    ];
    const octets = [...u32(7), ...u64(123_456), ...u64(100), ...u64(3000), ...u64(5)];
    expect(shown(10, 1, fields, octets)).toEqual([
      {
        scope: { exportingProcessId: 7 },
        fields: {
          exportedOctetTotalCount: 123_456,
          exportedMessageTotalCount: 100,
          exportedFlowRecordTotalCount: 3000,
          notSentFlowTotalCount: 5,
        },
      },
    ]);
  });

  it('statistics of a NetFlow v9 exporter, of the system (RFC 3954 section 6.1)', () => {
    const fields: Specifier[] = [
      [1, 4],
      [41, 4],
      [42, 4],
      [94, 4],
    ];
    const [record] = shown(9, 1, fields, [...u32(0), ...u32(100), ...u32(3000), ...ascii('core')]);
    expect(record?.fields).toEqual({
      exportedMessageTotalCount: 100,
      exportedFlowRecordTotalCount: 3000,
      applicationDescription: 'core',
    });
  });

  it('a selector report of PSAMP (RFC 5476 section 6.5.2)', () => {
    const fields: Specifier[] = [
      [302, 4],
      [304, 2],
      [305, 4],
      [306, 4],
    ];
    expect(shown(10, 1, fields, [...u32(3), ...u16(1), ...u32(1), ...u32(99)])).toEqual([
      {
        scope: { selectorId: 3 },
        fields: { selectorAlgorithm: 1, samplingPacketInterval: 1, samplingPacketSpace: 99 },
      },
    ]);
  });

  it('a selection sequence report of PSAMP (RFC 5476 section 6.5.1), with several selectors', () => {
    const fields: Specifier[] = [
      [301, 8],
      [138, 8],
      [302, 1],
      [302, 1],
    ];
    expect(shown(10, 1, fields, [...u64(1), ...u64(5), ...u8(3), ...u8(4)])).toEqual([
      { scope: { selectionSequenceId: 1 }, fields: { observationPointId: 5, selectorId: [3, 4] } },
    ]);
  });
});
