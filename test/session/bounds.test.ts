import { describe, expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { createLayout } from '#weir/flow/layout.js';
import type { Specification } from '#weir/session/specification.js';
import {
  message,
  message5,
  optionsTemplateSet,
  record5,
  type Specifier,
  set,
  templateRecord,
  templateSet,
  u16,
  u32,
  VARIABLE,
} from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

/** The nth of very many layouts, all different: 20 fields whose lengths spell n. */
const layout = (n: number): Specifier[] =>
  Array.from({ length: 20 }, (_, i): Specifier => [(i % 10) + 1, ((n >> i) & 1) + 1]);

const addressOf = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;

function plansOf(specifications: Iterable<Specification>): { plans: number; compiled: number } {
  let [plans, compiled] = [0, 0];
  for (const { plan } of specifications) {
    if (plan !== undefined) plans++;
    if (plan?.compiled === true) compiled++;
  }
  return { plans, compiled };
}

describe('many exporters', () => {
  it('10,000 with 100 templates each: every one is kept, equal layouts once', () => {
    const decoder = testDecoder();
    const sets = [set(0, ...Array.from({ length: 100 }, (_, i) => templateRecord(256 + i, layout(i))))];
    const templates = message(9, sets);
    for (let n = 0; n < 10_000; n++) decoder.feed(templates, addressOf(n));
    const { domains, specifications } = decoder.decoder;
    expect(domains.size).toBe(10_000);
    expect(domains.templates).toBe(1_000_000);
    expect(specifications.fields).toBe(2000);
    expect(domains.forgotten).toBe(0);
    const octets = Array.from({ length: 40 }, () => 1);
    expect(decoder.feed(message(9, [set(355, octets)], { sequence: 1 }), addressOf(9_999)).length).toBeGreaterThan(0);
    expect(decoder.feed(message(9, [set(256, octets)], { sequence: 1 }), addressOf(0)).length).toBeGreaterThan(0);
  });

  it('with layouts of their own: the bounds hold, the silent are forgotten first', () => {
    const limits = { domains: 1000, templates: 20_000, fields: 100_000 };
    const decoder = testDecoder({ limits });
    for (let n = 0; n < 3000; n++) {
      const records = Array.from({ length: 10 }, (_, i) => templateRecord(256 + i, layout(n * 10 + i)));
      decoder.feed(message(9, [set(0, ...records)]), addressOf(n));
      const { domains, specifications } = decoder.decoder;
      expect(domains.size).toBeLessThanOrEqual(limits.domains);
      expect(domains.templates).toBeLessThanOrEqual(limits.templates);
      expect(specifications.fields).toBeLessThanOrEqual(limits.fields);
    }
    const { domains } = decoder.decoder;
    expect(domains.forgotten).toBe(3000 - domains.size);
    expect([...domains].map(({ exporter }) => exporter)).toContain(addressOf(2999));
  });

  it('that make up domain numbers', () => {
    const decoder = testDecoder({ limits: { domains: 500 } });
    for (let n = 0; n < 20_000; n++)
      decoder.feed(message5([record5()], { domain: n & 0xffff, sequence: 1 }), '192.0.2.1');
    for (let n = 0; n < 20_000; n++) decoder.feed(message(10, [set(256, u16(n))], { domain: n }), '192.0.2.2');
    expect(decoder.decoder.domains.size).toBe(500);
    expect(decoder.decoder.held.bytes).toBeLessThanOrEqual(500 * 202);
  });
});

describe('one exporter', () => {
  it('with more templates than a domain may have', () => {
    const decoder = testDecoder({ limits: { templatesPerDomain: 100 } });
    for (let id = 256; id < 5000; id++) decoder.feed(message(9, [templateSet(9, id, layout(id))], { sequence: id }));
    expect(decoder.decoder.domains.templates).toBe(100);
    expect(decoder.decoder.specifications.fields).toBe(2000);
    expect(
      decoder.feed(
        message(9, [
          set(
            4999,
            Array.from({ length: 40 }, () => 1),
          ),
        ]),
      ).length,
    ).toBeGreaterThan(0);
  });

  it('with templates whose fields alone pass the bound, from one port and from many', () => {
    for (const ports of [1, 50]) {
      const decoder = testDecoder({ limits: { fields: 50_000 } });
      for (let n = 0; n < 300; n++) {
        const fields = Array.from({ length: 2000 }, (_, i): Specifier => [i + 1, i === n ? 2 : 1]);
        const from = `192.0.2.1/${1000 + (n % ports)}`;
        decoder.feed(message(9, [templateSet(9, 256 + (n % 100), fields)]), from);
        expect(decoder.decoder.specifications.fields).toBeLessThanOrEqual(50_000 + 2000 * ports);
      }
      expect(decoder.decoder.domains.templates).toBe([...decoder.decoder.domains][0]?.templates.entries.size);
    }
  });

  it('flooding templates, with a record for each, never makes a plan to code, and keeps few plans', () => {
    const decoder = testDecoder();
    const specifications = new Set<Specification>();
    for (let n = 0; n < 12_000; n++) {
      const id = 256 + (n % 4000);
      const octets = Array.from({ length: 40 }, () => 1);
      expect(
        decoder.feed(message(9, [templateSet(9, id, layout(n)), set(id, octets)], { sequence: n })).length,
      ).toBeGreaterThan(0);
      const specification = [...decoder.decoder.domains][0]?.templates.find(id, 2055);
      if (specification !== undefined) specifications.add(specification);
    }
    const { plans, compiled } = plansOf([...specifications].filter(({ uses }) => uses > 0));
    expect(compiled).toBe(0);
    expect(plans).toBeLessThanOrEqual(4096);
    expect(plans).toBeGreaterThan(0);
  });

  it('a hot template is compiled, once for all exporters', () => {
    const decoder = testDecoder();
    const fields: Specifier[] = [[7, 2]];
    const many = set(256, ...Array.from({ length: 300 }, (_, i) => u16(i)));
    for (const address of ['10.0.0.1', '10.0.0.2'])
      decoder.feed(message(9, [templateSet(9, 256, fields), many]), address);
    const [one, two] = [...decoder.decoder.domains].map(({ templates }) => templates.find(256, 2055));
    expect(one).toBe(two);
    expect(one?.plan?.compiled).toBe(true);
    expect(decoder.feed(message(9, [many], { sequence: 1 }), '10.0.0.2').map((record) => record['src_port'])).toEqual(
      Array.from({ length: 300 }, (_, i) => i),
    );
  });
});

describe('odd templates', () => {
  it('of 10,000 fields', () => {
    const fields = Array.from({ length: 10_000 }, (_, i): Specifier => [(i % 400) + 1, 1]);
    const decoder = testDecoder();
    const record = Array.from({ length: 10_000 }, (_, i) => i & 255);
    for (let i = 0; i < 30; i++) {
      const sets = i === 0 ? [templateSet(9, 256, fields)] : [set(256, record, record)];
      const records = decoder.feed(message(9, sets, { sequence: i }));
      expect(records).toHaveLength(i === 0 ? 0 : 2);
    }
    expect(decoder.faults()).toEqual({});
  });

  it('whose lengths sum above 65,535 have no record', () => {
    const fields: Specifier[] = [
      [82, 60_000],
      [83, 60_000],
      [84, VARIABLE],
    ];
    for (const version of [9, 10] as const) {
      const decoder = testDecoder();
      decoder.feed(message(version, [templateSet(version, 256, fields)]));
      expect(
        decoder.feed(
          message(version, [
            set(
              256,
              Array.from({ length: 60_100 }, () => 1),
            ),
          ]),
        ),
      ).toEqual([]);
    }
  });

  it('without a single octet, or with fields of no octets by the hundred, are refused', () => {
    const decoder = testDecoder();
    decoder.feed(
      message(9, [
        templateSet(9, 256, [
          [8, 0],
          [12, 0],
        ]),
      ]),
    );
    const empty = Array.from({ length: 5000 }, (): Specifier => [8, 0]);
    decoder.feed(message(9, [templateSet(9, 257, [...empty, [4, 1]])]));
    decoder.feed(message(9, [optionsTemplateSet(9, 258, 1, [[1, 0], ...empty, [34, 1]])]));
    expect(decoder.faults()).toEqual({ template_zero_length: 3 });
    expect(decoder.decoder.domains.templates).toBe(0);
    decoder.feed(
      message(9, [
        templateSet(9, 256, [
          [8, 0],
          [12, 0],
          [4, 1],
        ]),
      ]),
    );
    expect(decoder.feed(message(9, [set(256, [6, 17])]))).toMatchObject([{ proto: 6 }, { proto: 17 }]);
  });

  it('of 4,094 messages in one datagram', () => {
    const decoder = testDecoder();
    const header = message(10, []);
    const datagram = Uint8Array.from(Array.from({ length: 4094 }, () => [...header]).flat());
    expect(decoder.feed(datagram)).toEqual([]);
    expect(decoder.counters()).toMatchObject({ datagrams: 4094, octets: 65_504 });
  });

  it('options data of one sampler after the other: the table of samplers is bounded', () => {
    const decoder = testDecoder();
    decoder.feed(
      message(9, [
        optionsTemplateSet(9, 300, 0, [
          [48, 4],
          [34, 4],
        ]),
      ]),
    );
    for (let n = 0; n < 200; n++) {
      const records = Array.from({ length: 100 }, (_, i) => [...u32(n * 100 + i), ...u32(10)]);
      decoder.feed(message(9, [set(300, ...records)], { sequence: n }));
    }
    expect([...decoder.decoder.domains][0]?.sampling.samplers.size).toBe(4096);
  });
});

describe('a batch', () => {
  it('ends a set where it is full, and the rest goes into the next one', () => {
    const decoder = testDecoder({}, 7);
    const sets = [templateSet(9, 256, [[7, 2]]), set(256, ...Array.from({ length: 100 }, (_, i) => u16(i)))];
    expect(decoder.feed(message(9, sets)).map((record) => record['src_port'])).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
  });

  it('of too many layouts counts as full', () => {
    const batch = new FlowBatch(8192);
    for (let n = 0; batch.hasRoom(1); n++) {
      batch.beginRun(createLayout([1], [{ name: `0/${n}`, type: 'octetArray', length: 1 }]));
      batch.rows++;
    }
    expect(batch.layouts.length).toBeLessThan(8192);
  });
});
