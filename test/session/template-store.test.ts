import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { SharedTemplates } from '#weir/session/template-store-shared.js';
import { freeTcpPort } from '../helpers/free-port.ts';
import { type Running, startProcess } from '../helpers/processes.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { message, optionsTemplateSet, type Specifier, set, templateSet, u16, u32 } from '../wire/build.ts';
import { type TestDecoder, testDecoder } from './decoder.ts';

const FIELDS: Specifier[] = [
  [7, 2],
  [1, 4],
];
const template = (fields = FIELDS, id = 256) => message(10, [templateSet(10, id, fields)]);
const data = (port = 5, id = 256) => message(10, [set(id, [...u16(port), ...u32(100)])]);

describeWithTool('redis-server', 'templates shared over Redis', () => {
  let folder: TempFolder;
  let server: Running;
  let port = 0;
  let prefixes = 0;
  beforeAll(async () => {
    folder = makeTempFolder();
    port = await freeTcpPort();
    server = startRedis();
    await server.waitFor(/Ready to accept connections/);
  });
  afterAll(async () => {
    await server.stop();
    folder.remove();
  });

  function startRedis(): Running {
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder.path];
    return startProcess(requireTool('redis-server'), options);
  }

  interface Shared {
    readonly decoder: TestDecoder;
    readonly store: SharedTemplates;
    readonly errors: unknown[];
    records: number;
  }

  /** A collector's decoder with a shared store. */
  async function collector(prefix: string, url = `redis://127.0.0.1:${port}`): Promise<Shared> {
    const errors: unknown[] = [];
    const store = new SharedTemplates({ url, prefix, now: Date.now, onError: (error) => errors.push(error) });
    const decoder = testDecoder({
      observer: {
        template: (domain, event, from) => store.heard(domain, event, from),
        missing: (domain, id) => store.missing(domain, id),
      },
    });
    await store.start(decoder.decoder);
    onTestFinished(() => store.close());
    return { decoder, store, errors, records: 0 };
  }

  const fresh = (): string => `test${++prefixes}`;
  const soon = <T>(value: () => T) => expect.poll(value, { timeout: 20_000, interval: 10 });

  it('one collector hears the template, another decodes the data that waited for it', async () => {
    const prefix = fresh();
    const [a, b] = [await collector(prefix), await collector(prefix)];
    a.decoder.feed(template());
    await soon(() => a.store.counters.published).toBe(1);
    expect(b.decoder.feed(data())).toEqual([]);
    await soon(() => b.store.counters.served).toBe(1);
    expect(b.decoder.counters()).toMatchObject({ setsHeld: 1, setsReleased: 1, records: 1 });
    expect(b.decoder.feed(data(6))).toMatchObject([{ src_port: 6, bytes: 100 }]);
    expect(b.store.counters).toMatchObject({ unserved: 0, conflicts: 0, fallbacks: 0 });
  });

  it('a held set keeps its exporter, whoever sent the last datagram', async () => {
    const prefix = fresh();
    const [a, b] = [await collector(prefix), await collector(prefix)];
    a.decoder.feed(template(), '2001:db8::1/2055');
    await soon(() => a.store.counters.published).toBe(1);
    b.decoder.feed(data(), '2001:db8::1/2055');
    b.decoder.feed(template([[8, 4]]), '192.0.2.77');
    await soon(() => b.store.counters.served).toBe(1);
    expect(b.decoder.counters('2001:db8::1')).toMatchObject({ records: 1 });
    expect(b.decoder.counters('192.0.2.77')).toMatchObject({ records: 0 });
  });

  it('a change reaches collectors that know the template', async () => {
    const prefix = fresh();
    const [a, b] = [await collector(prefix), await collector(prefix)];
    a.decoder.feed(template());
    b.decoder.feed(template());
    expect(b.decoder.feed(data(6))).toMatchObject([{ src_port: 6 }]);
    const changed: Specifier[] = [
      [11, 2],
      [2, 4],
    ];
    await soon(() => a.store.counters.published + b.store.counters.published).toBe(1);
    a.decoder.feed(template(changed), '192.0.2.1', Date.now() * 1000);
    await soon(() => b.store.counters.taken).toBe(1);
    expect(b.decoder.feed(data(7))).toMatchObject([{ dst_port: 7, packets: 100 }]);
    expect(b.decoder.counters().templateChanges).toBe(1);
    expect(a.store.counters.conflicts + b.store.counters.conflicts).toBe(0);
  });

  it('ports of one address that disagree are told apart, and counted', async () => {
    const prefix = fresh();
    const [a, b] = [await collector(prefix), await collector(prefix)];
    a.decoder.feed(template(), '192.0.2.1/1000');
    await soon(() => a.store.counters.published).toBe(1);
    b.decoder.feed(
      template([
        [11, 2],
        [1, 4],
      ]),
      '192.0.2.1/2000',
      Date.now() * 1000,
    );
    await soon(() => b.store.counters.conflicts).toBe(1);
    await soon(() => a.store.counters.conflicts).toBe(1);
    expect(a.decoder.feed(data(5), '192.0.2.1/1000')).toMatchObject([{ src_port: 5 }]);
    expect(a.decoder.feed(data(5), '192.0.2.1/2000')).toMatchObject([{ dst_port: 5 }]);
  });

  it('options templates are shared, and those of streams are not', async () => {
    const prefix = fresh();
    const [a, b] = [await collector(prefix), await collector(prefix)];
    const options: Specifier[] = [
      [149, 4],
      [34, 4],
    ];
    a.decoder.feed(message(10, [optionsTemplateSet(10, 300, 1, options)]));
    await soon(() => a.store.counters.published).toBe(1);
    b.decoder.feed(message(10, [set(300, [...u32(0), ...u32(512)])]));
    await soon(() => b.store.counters.served).toBe(1);
    expect(b.decoder.counters().optionsRecords).toBe(1);
    const stream = a.decoder.decoder.beginSession([0, 0, 0xffff, 0xc0000201], 4739);
    a.decoder.decoder.decode(template(FIELDS, 400), stream, Date.now() * 1000);
    b.decoder.feed(data(1, 400));
    await soon(() => b.store.counters.unserved).toBe(1);
    expect(a.store.counters.published).toBe(1);
  });

  it('what another program left there is not believed', async () => {
    const prefix = fresh();
    const { createClient } = await import('@redis/client');
    const client = createClient({ url: `redis://127.0.0.1:${port}` });
    await client.connect();
    onTestFinished(() => client.destroy());
    const b = await collector(prefix);
    const wrong = [
      '',
      '{',
      '[]',
      '{"id":256}',
      '{"id":256,"kind":"data","scopeCount":0,"port":0,"lastSeen":1,"fields":[[0,7,0]]}',
    ];
    for (const [index, text] of wrong.entries()) {
      const id = 256 + index;
      await client.set(`${prefix}:template:10:192.0.2.1:1:${id}`, text);
      b.decoder.feed(message(10, [set(id, [1, 2, 3, 4])], { domain: 1 }));
      await client.publish(`${prefix}:templates`, text);
    }
    await soon(() => b.store.counters.unserved).toBe(wrong.length);
    expect(b.store.counters).toMatchObject({ served: 0, taken: 0 });
  });

  it('a server that goes away and comes back costs no more than its help', async () => {
    const prefix = fresh();
    const a = await collector(prefix);
    await server.stop();
    a.decoder.feed(template());
    expect(a.decoder.feed(data(6))).toMatchObject([{ src_port: 6 }]);
    await soon(() => a.store.counters.fallbacks + a.errors.length).toBeGreaterThan(0);
    server = startRedis();
    await server.waitFor(/Ready to accept connections/);
    // What was heard meanwhile is written when the connection is there again.
    await soon(() => a.store.counters.published).toBe(1);
    const b = await collector(prefix);
    b.decoder.feed(data());
    await soon(() => b.store.counters.served).toBe(1);
  });
});

describe('a shared store that is not there', () => {
  it('does not hold up the start, and data wait for their exporter', async () => {
    const errors: unknown[] = [];
    const url = `redis://127.0.0.1:${await freeTcpPort()}`;
    const store = new SharedTemplates({ url, now: Date.now, onError: (error) => errors.push(error) });
    const decoder = testDecoder({ observer: { missing: (domain, id) => store.missing(domain, id) } });
    onTestFinished(() => store.close());
    expect(await store.start(decoder.decoder)).toBe(0);
    expect(errors).toHaveLength(1);
    decoder.feed(data());
    expect(store.counters.fallbacks).toBe(1);
    expect(decoder.counters().setsHeld).toBe(1);
  });
});
