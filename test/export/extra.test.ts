import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createElementRegistry } from '#weir/elements/registry.js';
import { ElementNumbers } from '#weir/export/element-numbers.js';
import { createEncoder, type EncoderOptions } from '#weir/export/encoder.js';
import { parseExtra } from '#weir/export/extra-values.js';
import type { ElementObject } from '#weir/flow/element-value.js';
import type { FlowRecord } from '#weir/flow/record.js';
import { createDecoder } from '#weir/session/library-decoder.js';
import { exporterAt, OFTEN, statusWhen } from '../cli/collect-tools.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';

const FLOW: FlowRecord = {
  observation_domain: 7,
  time_start: '2026-11-21T11:59:00Z',
  time_end: '2026-11-21T11:59:30Z',
  src_addr: '10.0.0.1',
  dst_addr: '10.0.0.2',
  bytes: 100,
  packets: 1,
};
const NOON = Date.parse('2026-11-21T12:00:00Z');

/** Elements that no column takes, with values of their types. */
const VALUES: ElementObject = {
  octetDeltaSumOfSquares: 18_446_744_073_709_551_615n,
  octetTotalCount: 12,
  relativeError: 0.125,
  dataRecordsReliability: true,
  flowKeyIndicator: 6,
  monitoringIntervalStartMilliSeconds: '2026-11-21T11:00:00.123000Z',
  hashOutputRangeMin: 5,
  absoluteError: Number.NaN,
  wlanChannelId: 36,
  collectorIPv4Address: '192.0.2.77',
  collectorIPv6Address: '2001:db8::77',
  mibObjectValueInteger: -3,
};
const NAMES: ElementObject = { mibObjectName: 'ifName', mibContextName: 'größe', informationElementName: '' };

function through(records: readonly FlowRecord[], options: EncoderOptions) {
  const encoder = createEncoder(options);
  const messages = encoder.encode(records, { exportMillis: NOON });
  const decoder = createDecoder({ now: () => NOON });
  const decoded = messages.flatMap((message) => decoder.decode(message));
  expect(decoder.faults()).toEqual({});
  const extra = Object.fromEntries(Object.entries(encoder.counters.extra).filter(([, count]) => count > 0));
  return { decoded, extra, counters: encoder.counters };
}

const plain = (values: unknown): unknown =>
  JSON.parse(
    JSON.stringify(values, (_, value: unknown) =>
      typeof value === 'bigint' || Number.isNaN(value) ? String(value) : value,
    ),
  );

describe.each(['netflow9', 'ipfix'] as const)('%s: elements that no column takes', (protocol) => {
  it('are the same after the way through', () => {
    const values = { ...VALUES, ...NAMES };
    const { decoded, extra, counters } = through([{ ...FLOW, extra: values }, FLOW], { protocol });
    expect(plain(decoded[0]?.['extra'])).toEqual(plain(values));
    expect(decoded[1]).not.toHaveProperty('extra');
    expect(extra).toEqual({ sent: Object.keys(values).length });
    expect(counters.omitted).toEqual({});
  });

  it('come more than once, and unknown ones by their numbers', () => {
    const values = { wlanChannelId: [1, 2, 3], '0/32000': 'c0ffee' };
    const { decoded, extra } = through([{ ...FLOW, extra: values }], { protocol });
    expect(decoded[0]?.['extra']).toEqual(values);
    expect(extra).toEqual({ sent: 4 });
  });

  it('are left out by rules, and counted', () => {
    const values = {
      // Of sFlow, so without a number; structured data; no unsigned8; the element that `bytes` goes out by.
      routerAs: 64_500,
      flowSelectorAlgorithm: { element: 'x', semantic: 'allOf', values: [1] },
      wlanChannelId: ['much', 7],
      octetDeltaCount: 99,
    };
    const { decoded, extra } = through([{ ...FLOW, extra: values }], { protocol });
    expect(decoded[0]).toMatchObject({ bytes: 100, extra: { wlanChannelId: 7 } });
    expect(extra).toEqual({ sent: 1, no_number: 1, no_octets: 2, taken: 1 });
  });

  it('a decoded record goes out as it came, whatever its octets', () => {
    const lengths = fc.uint8Array({ minLength: 1, maxLength: 300 });
    const rows = fc.array(fc.record({ octets: lengths, text: fc.string({ unit: 'grapheme', maxLength: 15 }) }), {
      minLength: 1,
      maxLength: 20,
    });
    const property = fc.property(rows, (all) => {
      const records = all.map(({ octets, text }, index) => {
        const name = text.replaceAll('\0', '').trim();
        const extra = { '0/31000': Buffer.from(octets).toString('hex'), wlanChannelId: index, mibObjectName: name };
        return { ...FLOW, extra };
      });
      const { decoded } = through(records, { protocol, maxLength: 1472 });
      const again = through(decoded, { protocol, maxLength: 1472 }).decoded;
      const extras = (list: readonly FlowRecord[]) => list.map(({ extra }) => JSON.stringify(extra)).sort();
      expect(extras(decoded)).toEqual(extras(records));
      expect(extras(again)).toEqual(extras(records));
    });
    fc.assert(property, { numRuns: 60 });
  });

  it('are stored, exported, and stored elsewhere', { timeout: 30_000 }, async () => {
    const values = { ...VALUES, ...NAMES };
    const first = await startCollector({ args: OFTEN });
    const records = [FLOW, { ...FLOW, extra: values }, { ...FLOW, extra: { wlanChannelId: 9 } }];
    const sent = createEncoder({ protocol: 'ipfix' }).encode(records, { exportMillis: NOON });
    await (await exporterAt()).send(first, ...sent.map((message) => Buffer.from(message)));
    await statusWhen(first, ({ records: count }) => count === 3);
    await first.stop();
    const second = await startCollector({ args: OFTEN });
    const flags = ['--data', first.data, '--format', 'json'];
    const exported = await weir(['export', '--to', second.url.replace('udp', protocol), ...flags]);
    expect(JSON.parse(exported.stdout)).toMatchObject({
      records: 3,
      omitted: {},
      extra: { sent: Object.keys(values).length + 1 },
    });
    const status = await statusWhen(second, ({ records: count }) => count === 3);
    expect(status.faults).toEqual({});
    await second.stop();
    const extras = async (data: string) => {
      const { stdout } = await weir(['query', '--data', data, '--format', 'ndjson', '--raw']);
      return parseNdjson<{ extra?: unknown }>(stdout.replaceAll('18446744073709551615', '"largest"'))
        .map(({ extra }) => JSON.stringify(extra ?? null))
        .sort();
    };
    const stored = await extras(second.data);
    expect(stored).toEqual(await extras(first.data));
    expect(stored.join()).toContain('"octetDeltaSumOfSquares":"largest"');
  });
});

it('NetFlow v9 has no enterprise numbers and no variable length', () => {
  const values = { '35632/118': 1, '6871/33': '01', '0/31000': 'abcd' };
  const { decoded, extra } = through([{ ...FLOW, extra: values }], { protocol: 'netflow9' });
  expect(decoded[0]?.['extra']).toEqual({ '0/31000': 'abcd' });
  expect(extra).toEqual({ sent: 1, no_number: 2 });
});

it('integers of the column `extra` are exact, and texts that look like them are texts', () => {
  const json =
    '{"a":18446744073709551615,"b":"x:18446744073709551615,","c":1.2345678901234567,"d":[-9223372036854775808]}';
  expect(parseExtra(json)).toEqual({
    a: 18_446_744_073_709_551_615n,
    b: 'x:18446744073709551615,',
    c: 1.234_567_890_123_456_7,
    d: [-9_223_372_036_854_775_808n],
  });
});

it('a name that two elements have names none', () => {
  const element = { type: 'unsigned8', semantics: 'default', units: undefined } as const;
  const registry = createElementRegistry([
    { ...element, enterprise: 4242, id: 1, name: 'twice' },
    { ...element, enterprise: 4243, id: 1, name: 'twice' },
    { ...element, enterprise: 4243, id: 2, name: 'once' },
  ]);
  const numbers = new ElementNumbers(registry, 10);
  expect(numbers.find('twice')).toBeUndefined();
  expect(numbers.find('once')).toMatchObject({ enterprise: 4243, id: 2 });
  expect(new ElementNumbers(registry, 9).find('once')).toBeUndefined();
  expect(numbers.find('octetDeltaCount')).toMatchObject({ enterprise: 0, id: 1 });
  expect(numbers.find('0/40000')).toBeUndefined();
});
