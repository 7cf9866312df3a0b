import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Collector } from '#weir/app/collector.js';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import { createElementRegistry } from '#weir/elements/registry.js';
import { sql } from '../cli/collect-tools.ts';
import { tempFolder } from '../helpers/temp.ts';
import { ip4, message, NOON, set, templateSet, u16, u32 } from '../wire/build.ts';

async function start() {
  const data = tempFolder('streams').join('data');
  const collector = new Collector({
    listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'].map(parseListenUrl),
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
    now: () => NOON * 1000,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  });
  onTestFinished(() => collector.close());
  await collector.start();
  const client = () => {
    const socket = connect(collector.streams[0]?.bound?.port ?? 0, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    return socket.on('error', () => {}).resume();
  };
  return { collector, data, client };
}

const template = templateSet(10, 256, [
  [8, 4],
  [1, 4],
]);
const flow = (bytes: number) => set(256, ip4('192.0.2.9'), u32(bytes));

describe('a collector with a TCP listener', () => {
  it('stores what comes over TCP, forgets templates with their session, and keeps the accounts', async () => {
    const { collector, data, client } = await start();
    const status = () => collector.status();
    const one = client();
    one.write(Buffer.concat([message(10, [template, flow(1)]), message(10, [flow(2)], { sequence: 1 })]));
    await expect.poll(() => status().records, { timeout: 20_000 }).toBe(2);
    expect(status().sessions).toMatchObject({ open: 1, accepted: 1, messages: 2, largest: [{ messages: 2 }] });
    expect([status().templates, status().exporters]).toEqual([1, 1]);
    // A second session of the same exporter must send its own template, and may send another under the same id.
    const two = client();
    two.write(message(10, [templateSet(10, 256, [[1, 4]]), set(256, u32(40))]));
    await expect.poll(() => status().records, { timeout: 20_000 }).toBe(3);
    one.write(message(10, [set(2, u16(256), u16(0)), flow(8)], { sequence: 2 }));
    await expect.poll(() => status().sessions?.messages, { timeout: 20_000 }).toBe(4);
    expect([status().templates, status().setsHeld]).toEqual([1, 1]);
    one.write(Uint8Array.of(0, 10, 0, 0));
    two.end();
    await expect.poll(() => status().sessions?.open, { timeout: 20_000 }).toBe(0);
    // What was counted for the sessions is still counted: the set that waited is lost now.
    expect(status()).toMatchObject({ records: 3, templates: 0, setsHeld: 0, loss: { setsDropped: 1, sequence: 0 } });
    expect(status().sessions).toMatchObject({ ended: { ended: 1, framing_length: 1 }, refused: {} });
    await collector.close();
    expect(await sql(data, 'select bytes::int b from flows order by 1')).toEqual([{ b: 1 }, { b: 2 }, { b: 40 }]);
    expect(
      await sql(data, 'select sum(datagrams)::int d, sum(records)::int r, sum(sets_dropped)::int s from quality'),
    ).toEqual([{ d: 4, r: 3, s: 1 }]);
  });
});
