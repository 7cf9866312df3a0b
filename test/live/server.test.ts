import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LiveClient, parseAnswer } from '#weir/live/client.js';
import type { LiveAnswer, RequestLine } from '#weir/live/protocol.js';
import { LiveServer, type LiveServerOptions } from '#weir/live/server.js';
import { placeSocket } from '#weir/live/socket-place.js';
import { batchOfRows } from '../filter/batch-of-rows.ts';
import { tempFolder } from '../helpers/temp.ts';
import { type PlainRow, rowOf } from '../query/fixture.ts';

type FlowAnswer = LiveAnswer & { readonly type: 'flow' };

/** A clock that is set by hand, and warnings that are kept. */
async function startServer(more: Partial<LiveServerOptions> = {}, limits: Partial<LiveServerOptions['limits']> = {}) {
  const time = { now: 1_000_000, clock: 0, idle: 0 };
  const warnings: string[] = [];
  const server = new LiveServer({
    data: tempFolder('live').path,
    limits: { subscribers: 3, queueBytes: 1 << 20, flowsPerSecond: 1000, ...limits },
    now: () => time.now,
    clock: () => time.clock,
    idle: () => time.idle,
    status: () => ({ datagrams: 7 }),
    log: { warn: (_, text) => void warnings.push(text) },
    ...more,
  });
  await server.start();
  onTestFinished(() => server.close());
  return { server, time, warnings };
}

async function ask(data: string, request: RequestLine) {
  const client = await LiveClient.open(data);
  onTestFinished(() => client.close());
  client.ask(request);
  const answers = (async function* () {
    for await (const lines of client.lines()) for (const line of lines) yield parseAnswer(line);
  })();
  // The request is there once the answer to a later one is: the server reads them in order.
  await sleep(50);
  return { client, next: async () => (await answers.next()).value as LiveAnswer | undefined };
}

const flows = (count: number, more: PlainRow = {}) =>
  batchOfRows(
    Array.from({ length: count }, (_, n) =>
      rowOf({ src_addr: '10.0.0.1', src_port: n, proto: n % 2 === 0 ? 6 : 17, bytes: 100, packets: 1, ...more }),
    ),
  );

function rawSocket(path: string): Socket {
  const socket = connect(path);
  onTestFinished(() => void socket.destroy());
  return socket;
}

describe('the socket of a collector', () => {
  it('is in the data folder, for its user alone, and goes with the collector', async () => {
    const data = tempFolder('live').path;
    const { server } = await startServer({ data });
    const path = join(data, 'weir.sock');
    expect(statSync(path).isSocket()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await server.close();
    expect(readdirSync(data)).toEqual(['tmp']);
    expect(readdirSync(join(data, 'tmp'))).toEqual([]);
  });

  it('is bound where nobody else can enter, and can be found once it is for its user alone', async () => {
    const data = tempFolder('live').path;
    const place = placeSocket(data);
    expect(statSync(dirname(place.bindAt)).mode & 0o777).toBe(0o700);
    const server = createServer().listen(place.bindAt);
    await once(server, 'listening');
    expect(existsSync(place.path)).toBe(false);
    place.ready();
    expect(statSync(place.path).mode & 0o777).toBe(0o600);
    expect(existsSync(dirname(place.bindAt))).toBe(false);
    const socket = rawSocket(place.path);
    await once(socket, 'connect');
    socket.destroy();
    server.close();
    place.remove();
    expect(existsSync(place.path)).toBe(false);
  });

  it('takes the place of one that a killed collector has left', async () => {
    const data = tempFolder('live').path;
    const path = join(data, 'weir.sock');
    const left = createServer().listen(path);
    await once(left, 'listening');
    // A second name keeps the socket file when the server takes its own away, as after kill -9.
    linkSync(path, `${path}.left`);
    left.close();
    await once(left, 'close');
    renameSync(`${path}.left`, path);
    expect(lstatSync(path).isSocket()).toBe(true);
    await expect(LiveClient.open(data)).rejects.toMatchObject({ code: 'WEIR_LIVE' });
    const { warnings } = await startServer({ data });
    const { next } = await ask(data, { op: 'status' });
    expect(await next()).toEqual({ type: 'status', status: { datagrams: 7 } });
    expect(warnings).toEqual([]);
  });

  it('lies elsewhere when its path would be too long, and a file says where', async () => {
    const folder = tempFolder('live').path;
    const data = join(folder, 'x'.repeat(120));
    mkdirSync(data);
    const { server } = await startServer({ data });
    const path = readFileSync(join(data, 'weir.sock'), 'utf8').trim();
    expect(dirname(dirname(path))).toBe(tmpdir());
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    const { next } = await ask(data, { op: 'status', id: 'a' });
    expect(await next()).toMatchObject({ type: 'status', id: 'a' });
    await server.close();
    expect(existsSync(dirname(path))).toBe(false);
    expect(readdirSync(data)).toEqual([]);
  });

  it('is a warning where there can be none, and never removes a folder of that name', async () => {
    const data = tempFolder('live').path;
    mkdirSync(join(data, 'weir.sock'));
    writeFileSync(join(data, 'weir.sock', 'a'), '');
    const { warnings, server } = await startServer({ data });
    expect(warnings).toEqual(['weir tail and weir top cannot reach this collector']);
    await server.close();
    expect(existsSync(join(data, 'weir.sock', 'a'))).toBe(true);
  });

  it('is missed with a hint', async () => {
    await expect(LiveClient.open(tempFolder('live').path)).rejects.toMatchObject({
      code: 'WEIR_LIVE',
      hint: expect.stringContaining('weir collect --data'),
    });
  });
});

describe('who tails', () => {
  it('gets the flows that its filter selects, with the columns it chose', async () => {
    const data = tempFolder('live').path;
    const { server } = await startServer({ data });
    const { next } = await ask(data, { op: 'tail', filter: 'proto udp', columns: ['src_port', 'proto'], id: 1 });
    server.watch(flows(4));
    expect(await next()).toEqual({ type: 'flow', id: 1, flow: { src_port: 1, proto: 17 } });
    expect(await next()).toEqual({ type: 'flow', id: 1, flow: { src_port: 3, proto: 17 } });
  });

  it('gets some of more than its rate, evenly, and the count of all', async () => {
    const data = tempFolder('live').path;
    const { server, time } = await startServer({ data });
    const { next } = await ask(data, { op: 'tail', columns: ['src_port'], rate: 10 });
    server.watch(flows(1000));
    const ports: unknown[] = [];
    for (let n = 0; n < 10; n++) ports.push(((await next()) as FlowAnswer).flow['src_port']);
    expect(ports).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900]);
    expect(await next()).toEqual({ type: 'sampled', matched: 1000, sent: 10 });
    time.now += 500;
    server.watch(flows(6));
    for (let n = 0; n < 5; n++) expect(await next()).toMatchObject({ type: 'flow' });
    expect(await next()).toEqual({ type: 'sampled', matched: 6, sent: 5 });
  });

  it('is told how much was dropped when it reads slowly, and nothing is lost from the count', async () => {
    const data = tempFolder('live').path;
    const { server, time } = await startServer({ data }, { queueBytes: 200_000, flowsPerSecond: 1_000_000 });
    const socket = rawSocket(server.path as string);
    socket.write('{"op":"tail"}\n');
    await sleep(100);
    socket.pause();
    const batch = flows(5000);
    let sent = 0;
    // Until the system's own buffers and ours are full.
    for (let n = 0; n < 20; n++, sent += 5000) {
      time.now += 1000;
      time.idle += 1000;
      server.watch(batch);
      await sleep(5);
    }
    let text = '';
    socket.setEncoding('utf8').on('data', (part) => {
      text += String(part);
    });
    socket.resume();
    const answers = () =>
      text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as LiveAnswer);
    const count = () =>
      answers().reduce((sum, one) => sum + (one.type === 'flow' ? 1 : one.type === 'dropped' ? one.dropped : 0), 0);
    for (let n = 0; n < 100 && count() < sent; n++) {
      await sleep(20);
      server.tick();
    }
    const lines = answers();
    expect(lines.some(({ type }) => type === 'dropped')).toBe(true);
    expect(lines.filter(({ type }) => type === 'flow').length).toBeGreaterThan(0);
    expect(count()).toBe(sent);
  });

  it('is told of what was not looked at for want of idle time, and sees more when there is some', async () => {
    const data = tempFolder('live').path;
    let clock = 0;
    // Each look takes 150 ms, at first without any idle time in between: the second is over the 200 ms that may be exceeded.
    const { server, time } = await startServer({ data, clock: () => (clock += 150) });
    const { next } = await ask(data, { op: 'tail', columns: ['proto'] });
    for (let n = 0; n < 5; n++) server.watch(flows(1));
    time.now += 1000;
    server.tick();
    expect([await next(), await next()].map((one) => one?.type)).toEqual(['flow', 'flow']);
    expect(await next()).toEqual({ type: 'unseen', unseen: 3 });
    time.idle += 1000;
    server.watch(flows(1));
    expect(await next()).toMatchObject({ type: 'flow' });
  });
});

describe('several who tail', () => {
  it('are looked for in turns when there is not time for all', async () => {
    const data = tempFolder('live').path;
    let clock = 0;
    const { server, time } = await startServer({ data, clock: () => (clock += 250) });
    const both = [
      await ask(data, { op: 'tail', columns: ['proto'] }),
      await ask(data, { op: 'tail', columns: ['proto'] }),
    ];
    // Idle time for one look a batch.
    for (let n = 0; n < 4; n++, time.idle += 500) server.watch(flows(1));
    server.tick();
    for (const { next } of both) expect((await next())?.type).toMatch(/^(?:flow|unseen)$/);
    const told = await Promise.all(both.map(async ({ next }) => [await next(), await next()].map((one) => one?.type)));
    for (const types of told) expect(types).toContain('flow');
  });
});

describe('who asks wrongly', () => {
  it('is told what is wrong', async () => {
    const data = tempFolder('live').path;
    await startServer({ data });
    const { next } = await ask(data, { op: 'tail', filter: 'port htps' });
    await expect(next()).rejects.toMatchObject({ code: 'WEIR_FILTER' });
  });

  it('cannot fill memory with a request that never ends', async () => {
    const data = tempFolder('live').path;
    const { server } = await startServer({ data });
    const socket = rawSocket(server.path as string);
    let text = '';
    socket
      .on('error', () => {})
      .on('data', (part) => {
        text += String(part);
      });
    socket.write('x'.repeat(3 << 20));
    await once(socket, 'end');
    expect(text).toContain('a request is longer than');
  });

  it('cannot come with more than may', async () => {
    const data = tempFolder('live').path;
    await startServer({ data }, { subscribers: 1 });
    await ask(data, { op: 'status' });
    await expect(LiveClient.open(data)).rejects.toMatchObject({
      code: 'WEIR_LIVE',
      hint: expect.stringContaining('live.subscribers'),
    });
  });
});

describe('the end of a collector', () => {
  it('ends the answers, and does not wait for who does not read', async () => {
    const data = tempFolder('live').path;
    const { server } = await startServer({ data });
    rawSocket(server.path as string).pause();
    const { next } = await ask(data, { op: 'top', by: ['proto'] });
    await server.close();
    expect(await next()).toEqual({ type: 'end' });
    expect(await next()).toBeUndefined();
  });
});
