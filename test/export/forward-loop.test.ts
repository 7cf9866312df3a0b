import { describe, expect, it } from 'vitest';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import { refuseLoops } from '#weir/export/forward-loop.js';

const NAMES: Readonly<Record<string, readonly string[]>> = {
  'collector.example': ['192.0.2.1', '2001:db8::1'],
  localhost: ['127.0.0.1', '::1'],
};
const DEPS = {
  lookup: async (host: string) => NAMES[host] ?? Promise.reject(new Error('ENOTFOUND')),
  interfaces: () => ['127.0.0.1', '10.0.0.5', '::1', '2001:db8::5', 'fe80::5%eth0'],
};

function look(host: string, port: number, ...listen: string[]): Promise<void> {
  const target = { text: `udp://${host}:${port}`, host, port, exporters: undefined };
  return refuseLoops([target], listen.map(parseListenUrl), DEPS);
}

describe('a target that is an own listener is refused', () => {
  it.each([
    ['127.0.0.1', 'udp://127.0.0.1:2055'],
    ['127.0.0.9', 'udp://0.0.0.0:2055'],
    ['10.0.0.5', 'udp://0.0.0.0:2055'],
    ['10.0.0.5', 'udp://[::]:2055'],
    ['10.0.0.5', 'udp://10.0.0.5:2055'],
    ['::ffff:10.0.0.5', 'udp://10.0.0.5:2055'],
    ['2001:db8::5', 'udp://[::]:2055'],
    ['fe80::5%eth0', 'udp://[::]:2055'],
    ['0.0.0.0', 'udp://127.0.0.1:2055'],
    ['::', 'udp://[::]:2055'],
    ['localhost', 'udp://[::1]:2055'],
    ['127.0.0.1', 'udp://localhost:2055'],
    ['192.0.2.1', 'udp://collector.example:2055'],
  ])('%s, listening on %s', async (host, listen) => {
    await expect(look(host, 2055, 'udp://127.0.0.1:1', listen)).rejects.toMatchObject({ code: 'WEIR_USAGE' });
  });

  it.each([
    ['127.0.0.1', 'udp://127.0.0.1:2056'],
    ['127.0.0.1', 'udp://10.0.0.5:2055'],
    ['10.0.0.6', 'udp://[::]:2055'],
    ['2001:db8::5', 'udp://0.0.0.0:2055'],
    ['::', 'udp://127.0.0.1:2055'],
    ['collector.example', 'udp://[::]:2055'],
    ['no.such.host', 'udp://[::]:2055'],
  ])('others are not: %s, listening on %s', async (host, listen) => {
    await expect(look(host, 2055, listen)).resolves.toBeUndefined();
  });
});
