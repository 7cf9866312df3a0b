import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseAllowList, RefusedSenders } from '#weir/collect/allow-list.js';
import { parseListenUrl } from '#weir/collect/listen-url.js';
import { StreamListener } from '#weir/collect/stream-listener.js';
import { message, message5, record5, set, u32 } from '../wire/build.ts';
import { connectTo, counted, eventually, hex, listen, MESSAGES } from './stream-tools.ts';

const ALL = Buffer.concat(MESSAGES);
const hasV6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
const EXPECTED = MESSAGES.map(hex);

describe('a TCP listener', () => {
  it('hands on the messages of each connection, and its end', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0');
    const [one, two] = [await connectTo(listener), await connectTo(listener, '127.0.0.2')];
    one.write(ALL);
    two.write(MESSAGES[0] as Uint8Array);
    await eventually(() => sessions.map(({ messages }) => messages.length)).toEqual([3, 1]);
    expect(sessions[0]?.messages).toEqual(EXPECTED);
    expect(sessions.map(({ peer }) => peer.text)).toEqual([`127.0.0.1:${one.localPort}`, `127.0.0.2:${two.localPort}`]);
    expect(sessions[0]?.peer).toMatchObject({ address: [0, 0, 0xffff, 0x7f000001], port: one.localPort, subject: '' });
    expect(listener.sessions(10)).toMatchObject([
      { exporter: `127.0.0.1:${one.localPort}`, messages: 3, bytes: ALL.length, protocol: '' },
      { exporter: `127.0.0.2:${two.localPort}`, messages: 1 },
    ]);
    one.end();
    await eventually(() => sessions.map(({ ended }) => ended)).toEqual([true, false]);
    two.resetAndDestroy();
    await eventually(() => sessions[1]?.ended).toBe(true);
    const counters = listener.counters();
    expect(counted(counters.ended)).toEqual({ ended: 1, reset: 1 });
    expect(counters).toMatchObject({ open: 0, accepted: 2, messages: 4, unfinishedBytes: 0 });
    expect(counters.bytes).toBe(ALL.length + (MESSAGES[0] as Uint8Array).length);
  });

  it.skipIf(!hasV6)('accepts both families on [::], IPv4 as IPv4', async () => {
    const { listener, sessions } = await listen('tcp://[::]:0');
    for (const host of ['127.0.0.1', '::1']) {
      const socket = connect(listener.bound?.port ?? 0, host);
      onTestFinished(() => void socket.destroy());
      socket.write(ALL);
    }
    await eventually(() => sessions.map(({ messages }) => messages.length)).toEqual([3, 3]);
    expect(sessions.map(({ peer }) => peer.text.replace(/\d+$/, '')).sort()).toEqual(['127.0.0.1:', '[::1]:']);
  });

  it('receives a stream that comes octet by octet', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0');
    const socket = await connectTo(listener);
    socket.setNoDelay(true);
    for (const octet of ALL) {
      socket.write(Uint8Array.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
  });

  it('closes a connection whose framing is broken, and no other', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0');
    const good = await connectTo(listener);
    good.write(ALL.subarray(0, 30));
    const http = await connectTo(listener);
    http.write('GET / HTTP/1.1\r\n\r\n');
    const short = await connectTo(listener);
    short.write(Buffer.concat([MESSAGES[0] as Uint8Array, Uint8Array.of(0, 10, 0, 3)]));
    await eventually(() => counted(listener.counters().ended)).toEqual({ framing_version: 1, framing_length: 1 });
    good.write(ALL.subarray(30));
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
    expect(sessions.map(({ messages, ended }) => [messages.length, ended])).toEqual([
      [3, false],
      [0, true],
      [1, true],
    ]);
  });

  it('counts octets of a message that never became whole', async () => {
    const { listener } = await listen('tcp://127.0.0.1:0');
    const socket = await connectTo(listener);
    socket.end(ALL.subarray(0, ALL.length - 3));
    await eventually(() => counted(listener.counters().ended)).toEqual({ ended: 1 });
    expect(listener.counters()).toMatchObject({ messages: 2, unfinishedBytes: (MESSAGES[2] as Uint8Array).length - 3 });
  });

  it('takes NetFlow v9 as soon as it pauses, and v5 by its count', async () => {
    let now = 0;
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', { deps: { clock: () => now } });
    const v9 = message(9, [set(256, u32(1))]);
    const nine = await connectTo(listener);
    nine.write(Buffer.concat([v9, v9]));
    await eventually(() => sessions[0]?.messages).toEqual([hex(v9)]);
    now += 1001;
    await eventually(() => sessions[0]?.messages).toEqual([hex(v9), hex(v9)]);
    nine.end(v9);
    await eventually(() => sessions[0]?.ended).toBe(true);
    expect(sessions[0]?.messages).toHaveLength(3);
    const five = await connectTo(listener);
    five.write(message5([record5()]));
    await eventually(() => sessions[1]?.messages).toEqual([hex(message5([record5()]))]);
    expect(listener.counters()).toMatchObject({ messages: 4, unfinishedBytes: 0 });
  });

  it('takes the first NetFlow v1 message, whose records may have two lengths, when it pauses, and the next at once', async () => {
    let now = 0;
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', { deps: { clock: () => now } });
    const one = Uint8Array.from({ length: 16 + 48 }, (_, i) => (i === 1 || i === 3 ? 1 : 0));
    const socket = await connectTo(listener);
    socket.write(one);
    await eventually(() => listener.counters().bytes).toBe(one.length);
    expect(sessions[0]?.messages).toEqual([]);
    now += 1001;
    await eventually(() => sessions[0]?.messages).toEqual([hex(one)]);
    socket.write(one);
    await eventually(() => sessions[0]?.messages).toEqual([hex(one), hex(one)]);
  });

  it('refuses who is not on the allow-list, and closes who no longer is', async () => {
    const refused = new RefusedSenders();
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', {
      allowList: parseAllowList(['127.0.0.1', '127.0.0.2'], 'test'),
      refused,
    });
    const good = await connectTo(listener);
    await connectTo(listener, '127.0.0.2');
    await connectTo(listener, '127.0.0.3');
    await eventually(() => counted(listener.counters().refused)).toEqual({ allow_list: 1 });
    expect(refused.list()).toEqual([{ address: '127.0.0.3', datagrams: 0, bytes: 0, connections: 1 }]);
    await eventually(() => sessions.length).toBe(2);
    listener.setAllowList(parseAllowList(['127.0.0.1'], 'test'));
    await eventually(() => counted(listener.counters().ended)).toEqual({ disallowed: 1 });
    good.write(ALL);
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
  });

  it('keeps to its bounds: per address it refuses, in all the oldest without a message gives way', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', {
      limits: { connections: 4, connectionsPerAddress: 2 },
    });
    const good = await connectTo(listener);
    good.write(MESSAGES[0] as Uint8Array);
    await eventually(() => sessions[0]?.messages.length).toBe(1);
    await connectTo(listener);
    await connectTo(listener);
    await eventually(() => counted(listener.counters().refused)).toEqual({ connections_per_address: 1 });
    for (const address of ['127.0.0.2', '127.0.0.2', '127.0.0.3']) await connectTo(listener, address);
    await eventually(() => sessions.length).toBe(5);
    expect(sessions.map(({ ended }) => ended)).toEqual([false, true, false, false, false]);
    expect(counted(listener.counters().ended)).toEqual({ crowded_out: 1 });
    expect(listener.counters().open).toBe(4);
    for (const index of [5, 6]) {
      (await connectTo(listener, `127.0.0.${index}`)).write(ALL);
      await eventually(() => sessions[index]?.messages.length).toBe(3);
    }
    good.write(Buffer.concat(MESSAGES.slice(1)));
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
  });

  it('refuses new connections when all there are have sent messages', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', { limits: { connections: 2 } });
    for (const index of [0, 1]) {
      (await connectTo(listener)).write(ALL);
      await eventually(() => sessions[index]?.messages.length).toBe(3);
    }
    await connectTo(listener);
    await eventually(() => counted(listener.counters().refused)).toEqual({ connections: 1 });
    expect(listener.counters().open).toBe(2);
  });

  it('closes what is silent, or too slow with a message, and not what is slow between messages', async () => {
    let now = 0;
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', {
      limits: { idle: 1000, message: 100 },
      deps: { clock: () => now },
    });
    const swept = () => new Promise((resolve) => setTimeout(resolve, 60));
    await connectTo(listener);
    const loris = await connectTo(listener);
    const steady = await connectTo(listener);
    await eventually(() => sessions.length).toBe(3);
    let at = 0;
    // 10 octets every 50 ms: a message of 33 is whole in time, one of 60,000 would never be.
    loris.write(Uint8Array.of(0, 10, 0xea, 0x60));
    for (let step = 0; step < 3; step++) {
      loris.write(Uint8Array.of(0));
      steady.write(ALL.subarray(at, (at += 10)));
      await eventually(() => listener.counters().bytes).toBe(4 + 11 * (step + 1));
      now += 45;
      await swept();
    }
    await eventually(() => counted(listener.counters().ended)).toEqual({ stalled: 1 });
    steady.write(ALL.subarray(at));
    await eventually(() => sessions[2]?.messages).toEqual(EXPECTED);
    now = 999;
    await swept();
    expect(listener.counters().open).toBe(2);
    now = 1001;
    await eventually(() => counted(listener.counters().ended)).toEqual({ stalled: 1, idle: 1 });
    now = 5000;
    await eventually(() => counted(listener.counters().ended)).toEqual({ stalled: 1, idle: 2 });
  });

  it('bounds the memory of all unfinished messages together', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0', { limits: { bufferBytes: 100_000 } });
    const begun = Buffer.alloc(60_000);
    begun.set([0, 10, 0xff, 0xff]);
    const good = await connectTo(listener);
    good.write(MESSAGES[0] as Uint8Array);
    const first = await connectTo(listener);
    first.write(begun);
    await eventually(() => listener.counters().bytes).toBe(60_000 + (MESSAGES[0] as Uint8Array).length);
    const second = await connectTo(listener);
    second.write(begun);
    await eventually(() => counted(listener.counters().ended)).toEqual({ buffer: 1 });
    good.write(Buffer.concat(MESSAGES.slice(1)));
    await eventually(() => sessions[0]?.messages).toEqual(EXPECTED);
    second.write(Buffer.alloc(5_535));
    await eventually(() => sessions[2]?.messages.length).toBe(1);
    expect(listener.counters().unfinishedBytes).toBe(60_000);
  });

  it('reads what has arrived before it closes, and tells each session of its end', async () => {
    const { listener, sessions } = await listen('tcp://127.0.0.1:0');
    const sockets = await Promise.all([1, 2, 3].map(() => connectTo(listener)));
    await eventually(() => sessions.length).toBe(3);
    for (const socket of sockets) await new Promise((resolve) => socket.write(ALL, resolve));
    await listener.close();
    expect(sessions.map(({ messages, ended }) => [messages, ended])).toEqual([1, 2, 3].map(() => [EXPECTED, true]));
    expect(counted(listener.counters().ended)).toEqual({ stopped: 3 });
  });

  it('says why it cannot listen', async () => {
    const { listener } = await listen('tcp://127.0.0.1:0');
    const second = new StreamListener({
      url: parseListenUrl(`tcp://127.0.0.1:${listener.bound?.port}`),
      onSession: () => expect.unreachable(),
    });
    await expect(second.start()).rejects.toMatchObject({
      code: 'WEIR_LISTEN',
      message: expect.stringContaining('is in use by another program') as string,
      hint: process.platform === 'linux' ? (expect.stringContaining('ss -ltnp') as string) : expect.anything(),
    });
    await second.close();
    await expect(second.start()).rejects.toThrow();
  });

  it('does nothing before it is started, and may be closed then', async () => {
    const listener = new StreamListener({
      url: parseListenUrl('tcp://127.0.0.1:0'),
      onSession: () => expect.unreachable(),
    });
    expect(listener.bound).toBeUndefined();
    await listener.close();
    await expect(listener.start()).rejects.toThrow('closed');
  });
});
