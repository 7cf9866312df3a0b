import { describe, expect, it } from 'vitest';
import { HeldSets } from '#weir/session/held-sets.js';
import {
  message,
  NOON,
  optionsTemplateSet,
  type Specifier,
  set,
  templateSet,
  UPTIME,
  u16,
  u32,
} from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

const FIELDS: Specifier[] = [
  [7, 2],
  [22, 4],
  [21, 4],
];
const record = (port: number, first: number, last: number): number[] => [...u16(port), ...u32(first), ...u32(last)];
const iso = (millis: number): string => new Date(millis).toISOString().replace('Z', '000Z');

describe('data before its template', () => {
  it('is decoded when it comes, in order, with the times of its own message', () => {
    const decoder = testDecoder();
    for (let i = 0; i < 5; i++) {
      const header = { sequence: i, seconds: NOON + i * 10, uptime: UPTIME + i * 10_000 };
      const data = set(256, record(i, header.uptime - 2000, header.uptime - 1000));
      expect(decoder.feed(message(9, [data], header), '192.0.2.1', (NOON + i * 10) * 1e6)).toEqual([]);
    }
    expect([...decoder.decoder.awaited()].map(([, template]) => template)).toEqual([
      { templateId: 256, since: NOON * 1e6, sets: 5 },
    ]);
    const late = { sequence: 5, seconds: NOON + 500, uptime: UPTIME + 500_000 };
    const own = set(256, record(5, late.uptime, late.uptime));
    const records = decoder.feed(message(9, [templateSet(9, 256, FIELDS), own], late), '192.0.2.1', (NOON + 500) * 1e6);
    expect(records).toHaveLength(6);
    const held = records.filter((flow) => (flow['src_port'] as number) < 5);
    expect(held.map((flow) => flow['src_port'])).toEqual([0, 1, 2, 3, 4]);
    held.forEach((flow, i) => {
      expect(flow).toMatchObject({
        time_start: iso((NOON + i * 10) * 1000 - 2000),
        time_end: iso((NOON + i * 10) * 1000 - 1000),
        time_received: iso((NOON + i * 10) * 1000),
      });
    });
    // What the released sets had must not stay for those of the message itself.
    expect(records.find((flow) => flow['src_port'] === 5)).toMatchObject({ time_end: iso((NOON + 500) * 1000) });
    expect(decoder.counters()).toMatchObject({ setsHeld: 5, setsReleased: 5, setsDropped: 0, records: 6 });
    expect(decoder.decoder.held.bytes).toBe(0);
  });

  it('is given the sampling rate that came meanwhile, held options data first', () => {
    const options: Specifier[] = [
      [1, 4],
      [34, 4],
    ];
    const decoder = testDecoder();
    decoder.feed(message(9, [set(256, record(1, 0, 0)), set(257, u32(0), u32(512))]));
    const templates = [templateSet(9, 256, FIELDS), optionsTemplateSet(9, 257, 1, options)];
    expect(decoder.feed(message(9, templates, { sequence: 1 }))).toMatchObject([
      { src_port: 1, sampling_rate: 512, sampling_source: 'domain' },
    ]);
  });

  it('keeps its octets when the datagram’s buffer is used again', () => {
    const decoder = testDecoder();
    const buffer = Buffer.from(message(9, [set(256, record(77, UPTIME - 9, UPTIME))]));
    decoder.feed(buffer);
    buffer.fill(0xff);
    expect(decoder.feed(message(9, [templateSet(9, 256, FIELDS)]))).toMatchObject([{ src_port: 77 }]);
  });

  it('of another domain or version is not freed by this template', () => {
    const decoder = testDecoder();
    decoder.feed(message(9, [set(256, record(1, 0, 0))], { domain: 2 }));
    decoder.feed(message(10, [set(256, record(2, 0, 0))], { domain: 1 }));
    expect(decoder.feed(message(9, [templateSet(9, 256, FIELDS)], { domain: 1 }))).toEqual([]);
    expect(decoder.decoder.held.bytes).toBeGreaterThan(0);
  });

  it('systemInitTime that comes later makes times of its stamps', () => {
    const decoder = testDecoder();
    const boot = NOON * 1000 - 100_000;
    decoder.feed(message(10, [set(256, record(1, 60_000, 70_000))]));
    const options: Specifier[] = [
      [149, 4],
      [160, 8],
    ];
    const upper = Math.floor(boot / 2 ** 32);
    const sets = [
      templateSet(10, 256, FIELDS),
      optionsTemplateSet(10, 257, 1, options),
      set(257, u32(1), u32(upper), u32(boot % 2 ** 32)),
      set(256, record(2, 80_000, 90_000)),
    ];
    const records = decoder.feed(message(10, sets, { sequence: 1 }));
    expect(records.find((flow) => flow['src_port'] === 1)).toMatchObject({ time_end: iso(boot + 70_000) });
    expect(records.find((flow) => flow['src_port'] === 2)).toMatchObject({ time_start: iso(boot + 80_000) });
  });

  it('is dropped at once, and counted, when holding is off', () => {
    const decoder = testDecoder({ hold: false });
    decoder.feed(message(9, [set(256, record(1, 0, 0))]));
    expect(decoder.counters()).toMatchObject({ setsHeld: 1, setsDropped: 1 });
    expect(decoder.feed(message(9, [templateSet(9, 256, FIELDS)]))).toEqual([]);
  });
});

describe('bounds', () => {
  const data = (bytes: number): number[] =>
    set(
      256,
      Array.from({ length: bytes }, () => 1),
    );

  it('per domain: the oldest go, counted', () => {
    const decoder = testDecoder({ limits: { bytesPerDomain: 10_000, bytes: 1e6 } });
    for (let i = 0; i < 100; i++) decoder.feed(message(9, [data(1000)], { sequence: i }));
    expect(decoder.decoder.held.bytes).toBeLessThanOrEqual(10_000);
    const { setsHeld, setsDropped } = decoder.counters();
    expect(setsHeld).toBe(100);
    expect(setsDropped).toBe(92);
    expect(decoder.faults()).toEqual({ held_overflow: 92 });
    const [[, template] = []] = [...decoder.decoder.awaited()];
    expect(template?.sets).toBe(8);
  });

  it('in all', () => {
    const decoder = testDecoder({ limits: { bytesPerDomain: 10_000, bytes: 30_000 } });
    for (let i = 0; i < 400; i++) {
      decoder.feed(message(9, [data(1000)], { domain: i % 40 }));
      expect(decoder.decoder.held.bytes).toBeLessThanOrEqual(30_000);
    }
    let waiting = 0;
    for (const [, template] of decoder.decoder.awaited()) waiting += template.sets;
    expect(waiting + (decoder.faults()['held_overflow'] ?? 0)).toBe(400);
  });

  it('a set that alone is too large is dropped', () => {
    const decoder = testDecoder({ limits: { bytesPerDomain: 500 } });
    decoder.feed(message(9, [data(1000)]));
    expect(decoder.decoder.held.bytes).toBe(0);
    expect(decoder.faults()).toEqual({ held_overflow: 1 });
  });

  it('by age', () => {
    const decoder = testDecoder({ limits: { age: 60e6 } });
    for (let i = 0; i < 10; i++) decoder.feed(message(9, [data(10)]), '192.0.2.1', (NOON + i * 10) * 1e6);
    decoder.decoder.held.expire((NOON + 105) * 1e6);
    expect(decoder.faults()).toEqual({ held_expired: 5 });
    decoder.decoder.held.expire((NOON + 1e6) * 1e6);
    expect(decoder.faults()).toEqual({ held_expired: 10 });
    expect(decoder.decoder.held.bytes).toBe(0);
    expect([...decoder.decoder.awaited()]).toEqual([]);
  });

  it('octets are neither lost nor counted twice, whatever happens', () => {
    const held = new HeldSets({ bytesPerDomain: 5000, bytes: 12_000, age: 100 }, () => {});
    const owners = [{}, {}, {}, {}];
    let state = 1;
    const random = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    for (let now = 0; now < 3000; now++) {
      const owner = owners[random(4)] as object;
      const what = random(10);
      if (what < 7) {
        const bytes = new Uint8Array(random(400));
        const times = { uptime: 0, exportMillis: 0, receivedMicros: now };
        held.hold({ owner, templateId: random(3), port: random(2), bytes, ...times });
      } else if (what === 7) held.release(owner, random(3), (port) => port === random(2));
      else if (what === 8) held.expire(now);
      else if (random(20) === 0) held.forget(owner);
      expect(held.bytes).toBeLessThanOrEqual(12_000);
    }
    for (const owner of owners) for (const id of [0, 1, 2]) held.release(owner, id, () => true);
    expect(held.bytes).toBe(0);
  });
});
