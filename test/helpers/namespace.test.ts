import { expect, it } from 'vitest';
import { makeNamespace, type Namespace, namespace, plugCable, whyNoNetwork } from './namespace.ts';
import { describeUnless } from './skip.ts';

/** Tells who asks. */
const SERVER = `require('net').createServer((s) => s.end(s.remoteAddress)).listen(4000, '::', () => console.log('ready'))`;
const CLIENT = `require('net').connect(4000, process.argv[1]).pipe(process.stdout)`;

describeUnless(whyNoNetwork([]), 'network namespaces', () => {
  it('are joined by a cable, and seen by nobody outside', async () => {
    const [near, far] = [await namespace('near'), await namespace('far')];
    await plugCable(
      { namespace: near, name: 'wire', addresses: ['192.0.2.1/24', '2001:db8::1/64'] },
      { namespace: far, name: 'wire', addresses: ['192.0.2.2/24', '2001:db8::2/64'] },
    );
    const server = far.start(process.execPath, ['-e', SERVER]);
    await server.waitFor('ready');
    const ask = (from: Namespace, host: string) => from.run(process.execPath, ['-e', CLIENT, host]);
    expect((await ask(near, '192.0.2.2')).stdout).toBe('::ffff:192.0.2.1');
    expect((await ask(near, '2001:db8::2')).stdout).toBe('2001:db8::1');
    await expect(ask(await namespace('other'), '192.0.2.2')).rejects.toThrow('ENETUNREACH');
  });

  it('go with what was started inside', async () => {
    const made = await makeNamespace();
    const child = made.start('sleep', ['600']);
    await made.sysctl('ipv4/ip_forward', 1);
    expect((await made.run('cat', ['/proc/sys/net/ipv4/ip_forward'])).stdout).toBe('1\n');
    await made.remove();
    expect((await child.finished).signal).toBe('SIGKILL');
    await made.remove();
    await expect(made.ip('link')).rejects.toThrow(made.name);
  });
});
