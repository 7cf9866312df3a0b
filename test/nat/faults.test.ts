import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { whyNoNetwork } from '../helpers/namespace.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { startCollector } from '../helpers/weir.ts';
import { keptLog, openTrace, startExporter, target } from './exporter-tools.ts';
import { makeNatNetwork, type NatNetwork, OUTSIDE, PUBLIC } from './nat-network.ts';

/* What goes wrong around the exporter of translations: it goes on, and says what was lost. */

const why = whyNoNetwork(['conntrack', 'iptables', 'python3']);
/** Sends a datagram from each of `count` ports from `first` on. */
const SEND = `
import socket, sys
for port in range(int(sys.argv[1]), int(sys.argv[1]) + int(sys.argv[2])):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(('10.1.0.2', port))
    one.sendto(b'x', ('${OUTSIDE}', 9999))
    one.close()
`;

describeUnless(why, 'the NAT exporter', () => {
  let network: NatNetwork;

  beforeAll(async () => {
    network = await makeNatNetwork('fault');
    await network.router.run('iptables', '-t nat -A POSTROUTING -o ro -j MASQUERADE'.split(' '));
  }, 60_000);
  afterAll(() => network.remove());

  const send = (first: number, count: number) => network.inside.run('python3', ['-c', SEND, `${first}`, `${count}`]);
  const flush = () => network.router.run('conntrack', ['-F']);
  const until = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 100 });

  it('starts conntrack again when it is killed, and finds what began and what ended meanwhile', {
    timeout: 120_000,
  }, async () => {
    const log = keptLog();
    const exporter = await startExporter({ command: network.command, log, backOffMillis: [1500, 3000] });
    await send(1000, 20);
    await until(() => expect(exporter.counters().connections.begun).toBe(20));
    process.kill(exporter.conntrackPid as number, 'SIGKILL');
    await until(() => expect(exporter.conntrackPid).toBeUndefined());
    // Nobody listens now: these are not told of by events, neither their beginning nor, by some kernels, their end.
    await flush();
    await send(2000, 10);
    await until(() =>
      expect(exporter.counters().connections).toMatchObject({
        begun: 30,
        beginningsMissed: 10,
        endsMissed: 20,
        open: 10,
      }),
    );
    expect(exporter.counters().conntrack.restarts).toBe(1);
    await flush();
    await exporter.list();
    await until(() => expect(exporter.counters().connections.open).toBe(0));
    expect(log.lines.map(({ text }) => text)).toContain('conntrack -E has ended; events are lost until it runs again');
  });

  it('goes on trying when conntrack cannot be started again', { timeout: 60_000 }, async () => {
    const folder = tempFolder('conntrack');
    const path = folder.join('conntrack');
    const run = `#!/bin/sh\nexec ${network.command.join(' ')} "$@"\n`;
    writeFileSync(path, run, { mode: 0o755 });
    const log = keptLog();
    const exporter = await startExporter({ command: [path], log, backOffMillis: [100, 200] });
    execFileSync('mv', [path, `${path}.away`]);
    process.kill(exporter.conntrackPid as number, 'SIGKILL');
    await until(() => expect(exporter.counters().conntrack.restarts).toBeGreaterThan(3));
    expect(log.lines.at(-1)?.text).toBe('conntrack -E cannot be started');
    execFileSync('mv', [`${path}.away`, path]);
    await until(() => expect(exporter.conntrackPid).toBeGreaterThan(0));
    await send(3000, 3);
    await until(() => expect(exporter.counters().connections.open).toBe(3));
    await flush();
  });

  it('says what to do when conntrack is not installed', async () => {
    await expect(startExporter({ command: ['/nowhere/conntrack'] })).rejects.toMatchObject({
      code: 'WEIR_CONNTRACK',
      hint: expect.stringContaining('apt-get install conntrack'),
    });
  });

  it('counts events that the kernel threw away, and finds what they were about in the table', {
    timeout: 120_000,
  }, async () => {
    const log = keptLog();
    const exporter = await startExporter({ command: network.command, log, bufferBytes: 4096 });
    process.kill(exporter.conntrackPid as number, 'SIGSTOP');
    await send(10_000, 3000);
    process.kill(exporter.conntrackPid as number, 'SIGCONT');
    await until(() => expect(exporter.counters().connections.begun).toBe(3000));
    const { connections, conntrack } = exporter.counters();
    expect(conntrack.overruns).toBeGreaterThan(0);
    expect(connections.beginningsMissed).toBeGreaterThan(0);
    await until(() =>
      expect(exporter.counters().conntrack.eventsLost).toBe(exporter.counters().connections.beginningsMissed),
    );
    process.kill(exporter.conntrackPid as number, 'SIGSTOP');
    await flush();
    process.kill(exporter.conntrackPid as number, 'SIGCONT');
    await until(() => expect(exporter.counters().connections).toMatchObject({ open: 0, ended: 3000 }));
    expect(exporter.counters().connections.endsMissed).toBeGreaterThan(0);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('keeps within bounds while collectors are away, and counts what they do not get', {
    timeout: 120_000,
  }, async () => {
    const nobody = await freeUdpPort();
    const exporter = await startExporter({
      command: network.command,
      targets: [target(`ipfix+tcp://127.0.0.1:${nobody}`), target(`netflow5://127.0.0.1:${nobody}`)],
    });
    for (let round = 0; round < 3; round++) {
      await send(20_000, 2000);
      await until(() => expect(exporter.counters().connections.begun).toBe(2000 * (round + 1)));
      await flush();
      await until(() => expect(exporter.counters().connections.open).toBe(0));
    }
    await exporter.close();
    const targets = exporter.counters().outputs.flatMap((one) => one.targets);
    // Create, delete and two flows for each; three of NetFlow v5.
    for (const [each, one] of [
      [4, targets[0]],
      [3, targets[1]],
    ] as const) {
      const { records = 0, waiting, dropped = 0, lost = 0 } = one ?? {};
      expect(records + (waiting?.records ?? 0) + dropped + lost).toBe(each * 6000);
      expect(waiting?.octets ?? 0).toBeLessThanOrEqual(16 << 20);
    }
    expect((targets[0]?.lost ?? 0) + (targets[0]?.dropped ?? 0)).toBe(24_000);
    expect(targets[1]?.refused).toBeGreaterThan(0);
  });

  it('goes on when the clock is set, by conntrack’s own times', { timeout: 60_000 }, async () => {
    let step = 0;
    const data = tempFolder('nat-data').path;
    const exporter = await startExporter({
      command: network.command,
      now: () => Date.now() + step,
      data: { dir: data },
    });
    await send(4000, 1);
    await until(() => expect(exporter.counters().connections.begun).toBe(1));
    const at = Date.now() * 1000;
    step = -86_400_000;
    await sleep(2500);
    await flush();
    await until(() => expect(exporter.counters().connections).toMatchObject({ ended: 1, timesReversed: 0 }));
    step = 30 * 86_400_000;
    await sleep(2500);
    await send(4001, 1);
    await until(() => expect(exporter.counters().connections).toMatchObject({ begun: 2, forgotten: 0 }));
    await exporter.close();
    const { trace } = await openTrace(data);
    const answer = await trace({ address: PUBLIC, port: 4000, to: `${OUTSIDE}:9999`, proto: 17, at });
    expect([answer.class, answer.inside]).toEqual(['exact', ['10.1.0.2:4000']]);
    await flush();
  });

  it('goes on when the disk is full, and counts what is not stored; collectors get everything', {
    timeout: 120_000,
  }, async () => {
    const folder = tempFolder('nat-full');
    mkdirSync(folder.join('data'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=700k', 'weir-test', folder.join('data')]);
    onTestFinished(() => void execFileSync('umount', ['-l', folder.join('data')]));
    const collector = await startCollector();
    const exporter = await startExporter({
      command: network.command,
      data: { dir: folder.join('data') },
      targets: [target(`ipfix://127.0.0.1:${collector.port}`)],
    });
    for (let round = 0; round < 6; round++) {
      await send(30_000, 3000);
      await until(() => expect(exporter.counters().connections.begun).toBe(3000 * (round + 1)));
      await flush();
      await until(() => expect(exporter.counters().connections.open).toBe(0));
    }
    await exporter.close();
    const { outputs } = exporter.counters();
    const [{ store, storeDropped, targets } = {}] = outputs;
    expect(storeDropped).toBeGreaterThan(0);
    expect((store?.rowsStored ?? 0) + (storeDropped ?? 0)).toBe(4 * 18_000);
    expect(targets?.[0]).toMatchObject({ records: 4 * 18_000, dropped: 0, lost: 0 });
  });
});
