import { readFileSync } from 'node:fs';
import { createDecoder, createElementRegistry, parseUserElements, records, WeirError } from 'netweir';
import { describe, expect, it } from 'vitest';
import { runProcess } from './helpers/processes.ts';
import { repositoryPath } from './helpers/repository.ts';
import {
  message,
  message5,
  NOON,
  optionsTemplateSet,
  record5,
  type Specifier,
  set,
  templateSet,
  u16,
  u32,
} from './wire/build.ts';

/* The package as its users import it; docs/library.md is what it promises. */

const FIELDS: Specifier[] = [
  [8, 4],
  [7, 2],
];
const data = set(256, [192, 0, 2, 7], u16(443));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('createDecoder', () => {
  it('gives records by the names of the columns, and leaves out what was not sent', () => {
    const [record] = createDecoder().decode(message5([record5({ bytes: 4321 })]), { address: '2001:db8::9' });
    expect(record).toMatchObject({
      exporter: '2001:db8::9',
      flow_type: 'netflow_v5',
      src_addr: '192.0.2.1',
      bytes: 4321,
      time_source: 'flow',
      sampling_source: 'unknown',
    });
    expect(record).not.toHaveProperty('src_mac');
    expect(record).not.toHaveProperty('extra');
  });

  it('takes hexadecimal text, with spaces, colons and 0x', () => {
    const bytes = message5([record5()]);
    const pairs = hexOf(bytes).match(/../g) ?? [];
    const expected = createDecoder({ now: () => NOON * 1000 }).decode(bytes);
    for (const text of [hexOf(bytes), pairs.join(' '), pairs.join(':'), `0x${hexOf(bytes)}`, `${pairs.join('\n')}\n`]) {
      expect(createDecoder({ now: () => NOON * 1000 }).decode(text)).toEqual(expected);
    }
  });

  it('knows when a datagram arrived: said with it, or by the clock', () => {
    const decoder = createDecoder({ now: () => 1_700_000_000_123 });
    expect(decoder.decode(message5([record5()]))[0]?.['time_received']).toBe('2023-11-14T22:13:20.123000Z');
    const [record] = decoder.decode(message5([record5()]), { receivedAt: NOON * 1000 });
    expect(record?.['time_received']).toBe(`${new Date(NOON * 1000).toISOString().slice(0, -1)}000Z`);
  });

  it('keeps templates from one datagram to the next, by exporter', () => {
    const decoder = createDecoder();
    decoder.decode(message(9, [templateSet(9, 256, FIELDS)]), { address: '192.0.2.1', port: 1 });
    expect(decoder.decode(message(9, [data]), { address: '192.0.2.1', port: 1 })).toHaveLength(1);
    expect(decoder.decode(message(9, [data]), { address: '192.0.2.1', port: 2 })).toHaveLength(1);
    expect(decoder.decode(message(9, [data]), { address: '192.0.2.2', port: 1 })).toEqual([]);
  });

  it('says which templates are awaited, and gives the records when they come', () => {
    const decoder = createDecoder({ now: () => NOON * 1000 });
    for (let i = 0; i < 3; i++) decoder.decode(message(10, [data], { domain: 5 }), { address: '192.0.2.1' });
    expect(decoder.awaited()).toEqual([
      { exporter: '192.0.2.1', observationDomain: 5, templateId: 256, since: NOON * 1e6, sets: 3 },
    ]);
    const released = decoder.decode(message(10, [templateSet(10, 256, FIELDS)], { domain: 5 }), {
      address: '192.0.2.1',
    });
    expect(released.map((record) => record['src_addr'])).toEqual(['192.0.2.7', '192.0.2.7', '192.0.2.7']);
    expect(decoder.awaited()).toEqual([]);
  });

  it('gives thousands of records that one template sets free', () => {
    const decoder = createDecoder();
    const many = set(256, ...Array.from({ length: 5000 }, () => [192, 0, 2, 7, 1, 187]));
    for (let i = 0; i < 5; i++) decoder.decode(message(9, [many], { sequence: i }));
    expect(decoder.decode(message(9, [templateSet(9, 256, FIELDS)], { sequence: 5 }))).toHaveLength(25_000);
    expect(decoder.decode(message(9, [data], { sequence: 6 }))).toHaveLength(1);
  });

  it('gives the same as batches of columns', () => {
    const sets = [templateSet(9, 256, FIELDS), data, data];
    const options = { now: () => NOON * 1000 };
    const batches = createDecoder(options).decodeBatches(message(9, sets));
    expect(batches.map(({ rows }) => rows)).toEqual([2]);
    expect(batches.flatMap((batch) => [...records(batch)])).toEqual(createDecoder(options).decode(message(9, sets)));
    expect(createDecoder().decodeBatches(new Uint8Array())).toEqual([]);
  });

  it('gives as many batches as it takes when a template sets thousands of records free', () => {
    const decoder = createDecoder();
    const many = set(256, ...Array.from({ length: 5000 }, () => [192, 0, 2, 7, 1, 187]));
    for (let i = 0; i < 5; i++) decoder.decode(message(9, [many], { sequence: i }));
    const batches = decoder.decodeBatches(message(9, [templateSet(9, 256, FIELDS)], { sequence: 5 }));
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.reduce((sum, { rows }) => sum + rows, 0)).toBe(25_000);
    const [single] = decoder.decodeBatches(message(9, [data], { sequence: 6 }));
    expect(single?.rows).toBe(1);
  });

  it('counts what it cannot use, and throws for nothing that comes from the network', () => {
    const decoder = createDecoder();
    const bad = [new Uint8Array(), Uint8Array.of(5), Uint8Array.of(0, 99, 1, 2), message5([], { count: 3 })];
    for (const datagram of bad) expect(decoder.decode(datagram)).toEqual([]);
    decoder.decode(message(9, [set(0, [...u16(255), ...u16(1), ...u32(1)])]));
    expect(decoder.faults()).toEqual({ short_message: 2, unknown_version: 1, record_count: 1, template_id: 1 });
  });

  it('throws for what the caller got wrong', () => {
    const decoder = createDecoder();
    const code = (call: () => unknown): unknown => {
      try {
        return call();
      } catch (error) {
        return error instanceof WeirError ? error.code : error;
      }
    };
    expect(code(() => decoder.decode(message5([]), { address: 'router' }))).toBe('WEIR_INPUT');
    expect(code(() => decoder.decode('000'))).toBe('WEIR_INPUT');
    expect(code(() => decoder.decode('00 0g'))).toBe('WEIR_INPUT');
  });

  it('knows elements of one’s own', () => {
    const text = '- enterprise: 4242\n  elements:\n    - { id: 7, name: acmeQueue, type: unsigned16 }\n';
    const registry = createElementRegistry(parseUserElements(text, 'acme.yaml'));
    const sets = [templateSet(10, 256, [[7, 2, 4242]]), set(256, u16(513))];
    expect(createDecoder({ registry }).decode(message(10, sets))).toMatchObject([{ extra: { acmeQueue: 513 } }]);
    expect(createDecoder().decode(message(10, sets))).toMatchObject([{ extra: { '4242/7': '0201' } }]);
  });

  it('shows templates and options data to an observer', () => {
    const seen: unknown[] = [];
    const decoder = createDecoder({
      observer: {
        template: (domain, event) =>
          seen.push([domain.exporter, domain.id, 'record' in event ? event.record.id : event]),
        options: (_, templateId, record) => seen.push([templateId, record]),
      },
    });
    const options = optionsTemplateSet(9, 300, 1, [
      [1, 4],
      [34, 4],
    ]);
    decoder.decode(message(9, [templateSet(9, 256, FIELDS), options, set(300, u32(0), u32(64))]), {
      address: '192.0.2.1',
    });
    expect(seen).toEqual([
      ['192.0.2.1', 1, 256],
      ['192.0.2.1', 1, 300],
      [300, { scope: { System: 0 }, fields: { samplingInterval: 64 } }],
    ]);
  });

  it('decodes the same without generating code', () => {
    const many = set(256, ...Array.from({ length: 1000 }, (_, i) => [192, 0, 2, 7, i >> 8, i & 255]));
    const options = { now: () => NOON * 1000 };
    const decode = (mayCompile: boolean) => {
      const decoder = createDecoder({ ...options, mayCompile });
      decoder.decode(message(9, [templateSet(9, 256, FIELDS), many]));
      return decoder.decode(message(9, [many], { sequence: 1 }));
    };
    expect(decode(false)).toEqual(decode(true));
  });
});

describe('docs/library.md', () => {
  const blocks = [...readFileSync(repositoryPath('docs/library.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map(
    ([, code]) => code ?? '',
  );

  const examples = blocks.filter((block) => /console\.log\(.*\); \/\/ /.test(block));

  it('has examples that print what they say', () => {
    expect(examples).toHaveLength(2);
  });

  it.each(examples.map((code, index) => [index + 1, code] as const))('example %d does', async (_, code) => {
    const expected = /console\.log\(.*\); \/\/ (.*)/.exec(code)?.[1];
    const result = await runProcess(process.execPath, ['--input-type=module', '-e', code], { cwd: repositoryPath() });
    expect({ ...result, stdout: result.stdout.trim() }).toMatchObject({ code: 0, stdout: expected, stderr: '' });
  });

  it('speaks of options that exist', () => {
    const text = readFileSync(repositoryPath('docs/library.md'), 'utf8');
    const types = readFileSync(repositoryPath('dist/session/library-decoder.d.ts'), 'utf8');
    for (const [, name] of text.matchAll(/^- `(\w+)[:`]/gm))
      if (name !== 'flow_type' && name !== 'extra') expect(types).toContain(`${name}?`);
  });
});
