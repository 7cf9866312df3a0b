import { readFileSync } from 'node:fs';
import { connect as connectTls } from 'node:tls';
import { expect, it, onTestFinished } from 'vitest';
import { certificateMaker } from '../helpers/certificates.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { describeWithTool } from '../helpers/tools.ts';
import { message, set, u32 } from '../wire/build.ts';
import { connectTo, counted, eventually, listen, MESSAGES } from './stream-tools.ts';

/** How many files this process may have open; connections of both sides are in processes of their own. */
function openFiles(): number {
  try {
    return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 1024);
  } catch {
    return 1024;
  }
}

const WANTED = 10_000;
const IDLE = Math.min(WANTED, openFiles() - 500);
const why = IDLE === WANTED ? '' : ` (no more than that: ulimit -n is ${openFiles()})`;

/** Connections that do nothing, from another process. */
async function idle(port: number | undefined, count: number, hello = ''): Promise<void> {
  const script = repositoryPath('test/collect/idle-connections.mjs');
  const child = spawnProcess(process.execPath, [script, String(port), String(count), '10', hello]);
  await child.waitFor(`open ${count}`, 120_000);
}

/** As many messages as make a difference, in the order of their sequence numbers. */
const MANY = Array.from({ length: 5_000 }, (_, i) => message(10, [set(256, u32(i))], { sequence: i }));

// Linux gives every address of 127.0.0.0/8.
describeUnless(process.platform === 'linux' ? undefined : 'needs 127.0.0.0/8', 'a TCP listener', () => {
  it(`with ${IDLE} idle connections${why} loses nothing of a good one, and little memory`, {
    timeout: 180_000,
  }, async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', {
      limits: { connections: IDLE + 10, connectionsPerAddress: IDLE },
    });
    const good = await connectTo(listener);
    for (const one of MESSAGES) good.write(one);
    await eventually(() => sessions[0]?.messages.length).toBe(3);
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    const idling = idle(listener.bound?.port, IDLE);
    for (const one of MANY) {
      good.write(one);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await idling;
    await eventually(() => listener.counters().open).toBe(IDLE + 1);
    for (const one of MESSAGES) good.write(one);
    await eventually(() => sessions[0]?.messages.length).toBe(3 + MANY.length + 3);
    expect(counted(listener.counters().ended)).toEqual({});
    // What is refused here is a buffer of a whole message, 64 KiB, for each.
    expect((process.memoryUsage().rss - before) / IDLE).toBeLessThan(40_000);
    await listener.close();
    expect(counted(listener.counters().ended)).toEqual({ stopped: IDLE + 1 });
  });

  it('that is full of idle connections still takes every exporter that comes', { timeout: 180_000 }, async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', { limits: { connections: 200 } });
    await idle(listener.bound?.port, 500);
    for (let i = 0; i < 20; i++) {
      const good = await connectTo(listener);
      for (const one of MESSAGES) good.write(one);
      await eventually(() => sessions[500 + i]?.messages.length).toBe(3);
    }
    expect(counted(listener.counters().ended)).toEqual({ crowded_out: 320 });
    expect(counted(listener.counters().refused)).toEqual({});
  });
});

describeWithTool('openssl', 'a TLS listener', () => {
  it('with 2,000 handshakes that stall loses nothing of a good connection', { timeout: 180_000 }, async () => {
    const folder = tempFolder('stalls');
    const { cert, key } = certificateMaker(folder.path).authority('collector');
    let now = 0;
    const { listener, sessions } = await listen('tls://127.0.0.1:0', {
      tls: { cert, key, ca: undefined, clientCertificates: 'none', minimumVersion: 'TLSv1.2' },
      limits: { connections: 3_000, connectionsPerAddress: 2_500, handshake: 1_000 },
      deps: { clock: () => now },
    });
    const good = connectTls({
      port: listener.bound?.port ?? 0,
      host: '127.0.0.1',
      ca: cert,
      checkServerIdentity: () => undefined,
    });
    onTestFinished(() => void good.destroy());
    for (const one of MESSAGES) good.write(one);
    await eventually(() => sessions[0]?.messages.length).toBe(3);
    const stalling = idle(listener.bound?.port, 2_000, 'hello');
    for (const one of MANY) {
      good.write(one);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await stalling;
    await eventually(() => listener.counters().open).toBe(2_001);
    now = 1_001;
    await eventually(() => counted(listener.counters().ended)).toEqual({ handshake_timeout: 2_000 });
    for (const one of MESSAGES) good.write(one);
    await eventually(() => sessions[0]?.messages.length).toBe(3 + MANY.length + 3);
    expect(sessions).toHaveLength(1);
  });
});
