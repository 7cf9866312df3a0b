import { createSocket } from 'node:dgram';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Collector } from '#weir/app/collector.js';
import type { CollectorOptions } from '#weir/app/collector-options.js';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import { createElementRegistry } from '#weir/elements/registry.js';
import { sql, v5, v9 } from '../cli/collect-tools.ts';
import { tempFolder } from '../helpers/temp.ts';
import { message, set, templateSet } from '../wire/build.ts';

/** 2026-11-21T10:00:30Z. */
const START = 1_795_255_230_000;

/** A collector on a free port, with a clock that stands still until it is moved. */
async function start(changes: Partial<CollectorOptions> = {}) {
  const data = tempFolder('collector').join('data');
  const clock = { now: START };
  const log: string[] = [];
  const say = (_fields: object, text: string) => void log.push(text);
  const url = parseListenUrl('udp://127.0.0.1:0');
  const collector = new Collector({
    listen: [url],
    data,
    receiveBufferBytes: 1 << 20,
    allowList: undefined,
    sampling: () => ({ default: 0, override: 0 }),
    registry: createElementRegistry(),
    persistState: true,
    maxQueueBytes: 64 << 20,
    rotateSeconds: 300,
    segmentMillis: 700,
    retention: {},
    now: () => clock.now,
    log: { info: say, warn: say, error: say },
    ...changes,
  });
  onTestFinished(() => collector.close());
  const report = await collector.start();
  const socket = createSocket('udp4');
  onTestFinished(() => {
    socket.close();
  });
  const send = async (...datagrams: Buffer[]): Promise<void> => {
    const expected = collector.status().datagrams + datagrams.length;
    for (const datagram of datagrams) {
      await new Promise((resolve) => {
        socket.send(datagram, collector.listeners[0]?.bound?.port ?? 0, '127.0.0.1', resolve);
      });
    }
    await expect.poll(() => collector.status().datagrams, { timeout: 20_000 }).toBe(expected);
  };
  return { collector, data, clock, log, report, send };
}

describe('a collector', () => {
  it('keeps the accounts of each minute apart', async () => {
    const { collector, data, clock, send } = await start();
    await send(v5(0, 10));
    clock.now += 60_000;
    // The minute ends with the next tick of a second.
    await expect.poll(() => collector.store.stats().listed.segments, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    await send(v5(10, 3), v5(43, 2));
    await collector.close();
    const rows = await sql<Record<string, unknown>>(
      data,
      `select strftime(minute, '%H:%M') as minute, exporter, flow_type, datagrams::int d, records::int r, sequence_expected::int e,
         sequence_received::int g from quality order by 1`,
    );
    expect(rows).toEqual([
      { minute: '10:00', exporter: '127.0.0.1', flow_type: 'netflow_v5', d: 1, r: 10, e: 10, g: 10 },
      { minute: '10:01', exporter: '127.0.0.1', flow_type: 'netflow_v5', d: 2, r: 5, e: 35, g: 5 },
    ]);
  });

  it('counts the quirks it dealt with', async () => {
    const { collector, send } = await start();
    const interval = templateSet(9, 256, [[34, 4]]);
    await send(Buffer.from(message(9, [interval, set(256, [100, 0, 0, 0, 0, 0, 0, 100, 200, 0, 0, 0])])));
    expect(collector.status()).toMatchObject({ quirks: { 'sampling-byte-order': 2 }, sharedTemplates: undefined });
    await collector.close();
  });

  it('gives up data whose template never comes, and counts it as lost', async () => {
    const { collector, clock, send } = await start();
    await send(v9(0, 5));
    expect(collector.status()).toMatchObject({ setsHeld: 1, records: 0, awaited: [{ templateId: 256, seconds: 0 }] });
    clock.now += 40_000;
    expect(collector.status().awaited[0]?.seconds).toBe(40);
    clock.now += 24 * 3_600_000;
    await expect.poll(() => collector.status().setsHeld, { timeout: 20_000 }).toBe(0);
    expect(collector.status()).toMatchObject({ loss: { setsDropped: 1 }, faults: { held_expired: 1 } });
    await collector.close();
  });

  it('can be closed twice, and its folder be opened again at once', async () => {
    const first = await start();
    await first.send(v5(0, 2));
    await Promise.all([first.collector.close(), first.collector.close()]);
    const second = await start({ data: first.data });
    // Two flows, and a row of quality.
    expect(second.report).toMatchObject({ catalogue: 'sound', segments: 2, rows: 3, tookOverFrom: undefined });
    await second.collector.close();
  });

  it('frees the folder when a socket cannot be bound', async () => {
    const first = await start();
    const url = parseListenUrl(`udp://127.0.0.1:${first.collector.listeners[0]?.bound?.port}`);
    const options = { ...first.collector.options, data: tempFolder().join('data'), listen: [url] };
    const second = new Collector(options);
    await expect(second.start()).rejects.toMatchObject({ code: 'WEIR_LISTEN' });
    const third = await start({ data: options.data });
    expect(third.report).toMatchObject({ catalogue: 'sound', tookOverFrom: undefined });
    await Promise.all([first.collector.close(), third.collector.close()]);
  });
});
