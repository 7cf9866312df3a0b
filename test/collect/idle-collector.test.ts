import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { logOf, OFTEN, statusWhen, stopped } from '../cli/collect-tools.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { startCollector } from '../helpers/weir.ts';
import { message, set, templateSet, u32 } from '../wire/build.ts';

/* The whole command with its own limits, and more idle connections than it takes. */

const IDLE = 10_000;
/** Enough that no address has more connections than an address may have. */
const ADDRESSES = 50;

/** Resident memory of a process, octets. */
function residentOctets(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024;
}

function openFiles(): number {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 0);
}

/** Why it cannot run: connections of one process are files of it, and Linux alone gives every address of 127.0.0.0/8. */
function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux';
  return openFiles() < IDLE + 500 ? `ulimit -n is ${openFiles()}, fewer than ${IDLE + 500}` : undefined;
}

describeUnless(whyNot(), `weir collect with ${IDLE} idle connections`, () => {
  it('stores every record of good ones, old and new, in bounded memory', { timeout: 180_000 }, async () => {
    const collector = await startCollector({ args: ['--listen', 'tcp://127.0.0.1:0', ...OFTEN] });
    const [, url = ''] = logOf(collector).find(({ msg }) => msg === 'collecting')?.listen ?? [];
    const port = Number(new URL(url).port);
    let records = 0;
    /** An exporter that sends a record in each message. */
    const exporter = async (domain: number) => {
      const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' });
      onTestFinished(() => void socket.destroy());
      await once(socket, 'connect');
      socket.write(message(10, [templateSet(10, 256, [[8, 4]])], { domain }));
      let sequence = 0;
      return (): void => {
        socket.write(message(10, [set(256, u32(++records))], { domain, sequence: sequence++ }));
      };
    };
    const old = await exporter(1);
    old();
    await statusWhen(collector, (status) => status.records === records);
    const before = residentOctets(collector.pid);
    const script = repositoryPath('test/collect/idle-connections.mjs');
    const idle = spawnProcess(process.execPath, [script, String(port), String(IDLE), String(ADDRESSES)]);
    const isOpen = idle.waitFor(`open ${IDLE}`, 150_000).then(() => true);
    for (let isDone = false; !isDone; ) {
      old();
      isDone = await Promise.race([isOpen, new Promise<false>((resolve) => setTimeout(resolve, 2, false))]);
    }
    const young = await exporter(2);
    for (let i = 0; i < 100; i++) for (const send of [old, young]) send();
    await statusWhen(collector, (status) => status.records === records);
    expect(residentOctets(collector.pid) - before).toBeLessThan(150e6);
    const status = (await statusWhen(collector, () => true)) as unknown as { sessions: { open: number } };
    expect(status).toMatchObject({ faults: {}, loss: { sequence: 0, kernel: 0, store: 0, setsDropped: 0 } });
    // What is open is within the limit of the listener.
    expect(status.sessions.open).toBeLessThanOrEqual(4096);
    expect(status.sessions.open).toBeGreaterThan(4000);
    expect(await stopped(collector)).toMatchObject({ stored: records });
  });
});
