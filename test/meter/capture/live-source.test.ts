import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type CaptureProgram,
  type CaptureSettings,
  captureProgram,
  DEFAULT_CAPTURE,
  findCaptureProgram,
} from '#weir/meter/capture/capture-program.js';
import { parseInterface } from '#weir/meter/capture/interface-name.js';
import { LiveSource } from '#weir/meter/capture/live-source.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { type Namespace, namespace, plugCable, whyNoNetwork } from '../../helpers/namespace.ts';
import { type SendOptions, sendPackets } from '../../helpers/send-packets.ts';
import { describeUnless } from '../../helpers/skip.ts';
import { tempFolder } from '../../helpers/temp.ts';
import { requireTool } from '../../helpers/tools.ts';

interface Seen {
  readonly bytes: number;
  readonly originalLength: number;
  readonly timeMicros: number;
  readonly linkType: number;
  readonly interfaceIndex: number;
}

/** The capturing program as it runs inside a network namespace. */
function inside(at: Namespace, name: string): CaptureProgram {
  const program = captureProgram(requireTool(name));
  const command = (args: readonly string[]) => at.inside(program.path, args);
  return {
    ...program,
    path: command([])[0],
    args: (interfaceName, settings) => command(program.args(interfaceName, settings))[1],
  };
}

interface Setup {
  readonly interfaces?: readonly string[];
  readonly settings?: Partial<CaptureSettings>;
  readonly program?: string;
}

/** A cable whose far end `wire` is captured; what is sent into its near end. */
async function setUp({ interfaces = ['wire'], settings = {}, program = 'tcpdump' }: Setup = {}) {
  const [near, far] = [await namespace('near'), await namespace('far')];
  // Nothing but what the test sends.
  for (const at of [near, far]) await at.sysctl('ipv6/conf/default/disable_ipv6', 1);
  await plugCable({ namespace: near, name: 'wire' }, { namespace: far, name: 'wire' });
  const said: string[] = [];
  const seen: Seen[] = [];
  const source = new LiveSource({
    interfaces: interfaces.map(parseInterface),
    program: inside(far, program),
    settings: { ...DEFAULT_CAPTURE, ...settings },
    log: {
      info: (_, text) => void said.push(text),
      warn: (fields, text) => void said.push(`${text}: ${(fields as { error: string }).error}`),
    },
    clock: () => performance.now(),
  });
  onTestFinished(() => source.close());
  const handler = {
    packet(
      _: Uint8Array,
      start: number,
      end: number,
      originalLength: number,
      timeMicros: number,
      linkType: number,
      interfaceIndex: number,
    ) {
      seen.push({ bytes: end - start, originalLength, timeMicros, linkType, interfaceIndex });
    },
  };
  return { near, far, source, said, seen, start: () => source.start(handler) };
}

const send = (from: Namespace, count: number, options?: SendOptions) => sendPackets(from, 'wire', count, options);

/** Waits for something; the time limit of the test ends it otherwise. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20);
}

async function pidsOf(at: Namespace): Promise<number[]> {
  const { stdout } = await at.run('ip', ['netns', 'pids', at.name]);
  return stdout
    .split(/\s+/)
    .filter(Boolean)
    .map(Number)
    .filter((pid) => nameOf(pid) === 'tcpdump');
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

describeUnless(whyNoNetwork(['tcpdump', 'tcpreplay', 'dumpcap']), 'live capture', () => {
  for (const program of ['tcpdump', 'dumpcap']) {
    it(`hands over each packet once, by way of ${program}`, async () => {
      const { near, source, seen, start, said } = await setUp({ program, interfaces: ['7:wire'] });
      await start();
      expect(said).toEqual([expect.stringMatching(/^is captured by /)]);
      const before = Date.now() * 1000;
      await send(near, 3000, { octets: 120 });
      await source.close();
      expect(seen.length).toBe(3000);
      expect(new Set(seen.map(({ bytes, originalLength }) => `${bytes} ${originalLength}`))).toEqual(
        new Set(['120 120']),
      );
      expect(new Set(seen.map(({ linkType, interfaceIndex }) => `${linkType} ${interfaceIndex}`))).toEqual(
        new Set([`${LINK_TYPE.ethernet} 7`]),
      );
      expect(seen.every(({ timeMicros }) => timeMicros > before - 1e6 && timeMicros <= Date.now() * 1000)).toBe(true);
      expect(source.counters).toMatchObject({ packets: 3000, dropped: 0, interfaceDropped: 0, interruptions: 0 });
      await source.ended;
    });

    it(`tells the interface of each packet where all are captured, by way of ${program}`, async () => {
      const { near, far, source, seen, start } = await setUp({ program, interfaces: ['any', 'wire'] });
      const index = Number(/^(\d+): wire/m.exec((await far.ip('link show wire')).stdout)?.[1]);
      await start();
      await send(near, 10);
      await source.close();
      const cooked = seen.filter(({ linkType }) => linkType === LINK_TYPE.linuxCooked2);
      expect(cooked.map(({ interfaceIndex }) => interfaceIndex)).toEqual(Array(10).fill(index));
      expect(seen.length).toBe(20);
    });
  }

  it('keeps to the filter and the snap length', async () => {
    const { near, source, seen, start } = await setUp({ settings: { filter: 'udp port 53', snapLength: 96 } });
    await start();
    await send(near, 5, { port: 9 });
    await send(near, 7, { port: 53, octets: 900 });
    await source.close();
    expect(seen.map(({ bytes, originalLength }) => `${bytes} ${originalLength}`)).toEqual(Array(7).fill('96 900'));
  });

  for (const direction of ['in', 'out'] as const) {
    it(`captures what goes ${direction} only`, async () => {
      const { near, far, source, seen, start } = await setUp({ settings: { direction } });
      await start();
      await send(near, 4);
      await send(far, 3);
      await source.close();
      expect(seen.length).toBe(direction === 'in' ? 4 : 3);
    });
  }

  it('hands a single packet over without waiting for more', async () => {
    for (const delivery of ['immediate', 'second'] as const) {
      const { near, seen, start } = await setUp({ settings: { delivery } });
      await start();
      await send(near, 1);
      await until(() => seen.length === 1);
    }
  });

  it('gives the rights of root away', async () => {
    const { far, start } = await setUp({ settings: { user: 'nobody' } });
    await start();
    const [pid] = await pidsOf(far);
    expect(readFileSync(`/proc/${pid}/status`, 'utf8')).toMatch(/^Uid:\t65534\t65534\t65534/m);
  });

  it('counts what the kernel had no room for', async () => {
    const { near, far, source, seen, start } = await setUp({ settings: { bufferBytes: 256 << 10 } });
    await start();
    const [pid = 0] = await pidsOf(far);
    process.kill(pid, 'SIGSTOP');
    await send(near, 20_000, { octets: 200 });
    process.kill(pid, 'SIGCONT');
    await source.close();
    const { packets, dropped } = source.counters;
    expect(dropped).toBeGreaterThan(1000);
    expect(packets).toBe(seen.length);
    expect(packets + dropped).toBe(20_000);
  });

  it('goes on after the death of the capturing program, and says what was missed', async () => {
    const { near, far, source, seen, said, start } = await setUp();
    await start();
    await send(near, 10);
    await until(() => seen.length === 10);
    const [pid = 0] = await pidsOf(far);
    process.kill(pid, 'SIGKILL');
    await until(() => said.length === 3);
    expect(said[1]).toBe('nothing is captured; it is tried again: it was ended by SIGKILL');
    expect(said[2]).toMatch(/^packets are captured again, after \d+\.\d s$/);
    await send(near, 10);
    await source.close();
    expect(seen.length).toBe(20);
    expect(source.counters).toMatchObject({ packets: 20, interruptions: 1 });
    expect(source.counters.blindMillis).toBeGreaterThan(0);
    expect(await pidsOf(far)).toEqual([]);
  });

  it('goes on when the interface goes down and up', async () => {
    const { near, far, source, seen, start } = await setUp();
    await start();
    await send(near, 5);
    await far.ip('link set wire down');
    await far.ip('link set wire up');
    await send(near, 5);
    await source.close();
    expect(seen.length).toBe(10);
  });

  it('waits for an interface that has gone, and for one that is not up', async () => {
    const { near, far, source, seen, said, start } = await setUp();
    await far.ip('link set wire down');
    await start();
    expect(said.join()).toContain('not up');
    await far.ip('link set wire up');
    await until(() => said.some((text) => text.startsWith('packets are captured again')));
    await send(near, 5);
    await until(() => seen.length === 5);
    await near.ip('link del wire');
    await until(() => source.counters.interruptions === 1);
    expect(said.at(-1)).toContain('disappeared');
    await plugCable({ namespace: near, name: 'wire' }, { namespace: far, name: 'wire' });
    await until(() => said.filter((text) => text.startsWith('packets are captured again')).length === 2);
    await send(near, 5);
    await source.close();
    expect(seen.length).toBe(10);
  });

  it('ends while it waits', async () => {
    const { near, source, start } = await setUp();
    await start();
    await near.ip('link del wire');
    await until(() => source.counters.interruptions === 1);
    await source.close();
    await source.close();
    await source.ended;
  });

  it('says what is wrong at its start, and leaves nothing behind', async () => {
    const missing = await setUp({ interfaces: ['wire', 'nosuch'] });
    await expect(missing.start()).rejects.toMatchObject({
      code: 'WEIR_CAPTURE',
      message: expect.stringContaining('there is no interface nosuch') as string,
    });
    while ((await pidsOf(missing.far)).length > 0) await sleep(20);
    const filter = await setUp({ settings: { filter: 'por 80' } });
    await expect(filter.start()).rejects.toMatchObject({ code: 'WEIR_USAGE' });
    const user = await setUp({ settings: { user: 'no-such-user' } });
    await expect(user.start()).rejects.toThrow("Couldn't find user 'no-such-user'");
  });
});

describe('a capturing program that writes nonsense', () => {
  it('is ended and started again', async () => {
    const folder = tempFolder('nonsense');
    const fake = folder.join('fake-tcpdump');
    writeFileSync(fake, '#!/bin/sh\necho "listening on x" >&2\nsleep 0.2\necho this is no capture\nexec sleep 600\n', {
      mode: 0o755,
    });
    const said: string[] = [];
    const source = new LiveSource({
      interfaces: [{ name: 'x', index: 1 }],
      program: findCaptureProgram(fake, ''),
      settings: DEFAULT_CAPTURE,
      log: { info: () => {}, warn: (fields) => void said.push((fields as { error: string }).error) },
      clock: () => performance.now(),
    });
    onTestFinished(() => source.close());
    await source.start({ packet: () => {} });
    await until(() => source.counters.interruptions >= 2);
    expect(said[0]).toContain('what it writes cannot be read');
  });
});
