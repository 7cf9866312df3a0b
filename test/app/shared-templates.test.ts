import { createSocket } from 'node:dgram';
import { expect, it, onTestFinished } from 'vitest';
import { Collector } from '#weir/app/collector.js';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import { createElementRegistry } from '#weir/elements/registry.js';
import { freeTcpPort } from '../helpers/free-port.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { ask } from '../store/batches.ts';
import { message, set, templateSet, u16, u32 } from '../wire/build.ts';

const nothing = () => {};

describeWithTool('redis-server', 'two collectors behind a balancer', () => {
  it('store all data, though one gets the templates and the other the data', async () => {
    const port = await freeTcpPort();
    const folder = tempFolder('redis');
    const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder.path];
    const server = spawnProcess(requireTool('redis-server'), options);
    await server.waitFor(/Ready to accept connections/);
    const start = async (name: string) => {
      const collector = new Collector({
        listen: [parseListenUrl('udp://127.0.0.1:0')],
        data: folder.join(name),
        receiveBufferBytes: 1 << 20,
        allowList: undefined,
        sampling: () => ({ default: 0, override: 0 }),
        registry: createElementRegistry(),
        persistState: true,
        sharedTemplates: `redis://127.0.0.1:${port}/1`,
        maxQueueBytes: 64 << 20,
        rotateSeconds: 300,
        segmentMillis: 700,
        retention: {},
        now: Date.now,
        log: { info: nothing, warn: nothing, error: nothing },
      });
      onTestFinished(() => collector.close());
      await collector.start();
      return collector;
    };
    const [first, second] = [await start('first'), await start('second')];
    const socket = createSocket('udp4');
    onTestFinished(() => {
      socket.close();
    });
    const send = (to: Collector, datagram: Uint8Array): Promise<void> =>
      new Promise((resolve, reject) => {
        const done = (error: Error | null) => (error === null ? resolve() : reject(error));
        socket.send(datagram, to.listeners[0]?.bound?.port ?? 0, '127.0.0.1', done);
      });
    const fields = [
      [7, 2],
      [1, 4],
    ] as const;
    await send(first, message(10, [templateSet(10, 256, fields)]));
    await expect.poll(() => first.sharedTemplates?.published, { timeout: 20_000 }).toBe(1);
    for (let n = 0; n < 10; n++) await send(second, message(10, [set(256, [...u16(n), ...u32(100)])], { sequence: n }));
    await expect.poll(() => second.status().records, { timeout: 20_000 }).toBe(10);
    expect(second.status().sharedTemplates).toMatchObject({ served: 1, conflicts: 0, fallbacks: 0 });
    expect(second.status().loss.setsDropped).toBe(0);
    await second.close();
    expect(await ask(folder.join('second'), 'SELECT count(*), sum(src_port), sum(bytes) FROM flows')).toEqual([
      ['10', '45', '1000'],
    ]);
    // What the other told is kept in the file, too: a restart needs neither.
    await first.close();
    await server.stop();
    const again = await start('second');
    expect(again.templatesLoaded).toBe(1);
  });
});
