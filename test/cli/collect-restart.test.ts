import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.ts';
import { type Collector, startCollector } from '../helpers/weir.ts';
import { ascii, message, optionsTemplateSet, set, templateSet, u16, u32 } from '../wire/build.ts';
import { exporterAt, logOf, OFTEN, sql, statusWhen, stopped, storedFlows, v5, v9 } from './collect-tools.ts';

/** kill -9, and the wait for the end. */
async function kill(collector: Collector): Promise<void> {
  collector.kill();
  await collector.finished;
}

/** What a collector warned of at its start, but for the size of the kernel's buffers. */
function warnings(collector: Collector): string[] {
  const ready = logOf(collector);
  return ready.filter(({ level, msg }) => level === 'warn' && !msg.includes('rmem')).map(({ msg }) => msg);
}

/** The state file, once it says what is wanted. */
async function savedTemplates(data: string): Promise<void> {
  const file = join(data, 'state', 'templates.json');
  const text = () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await expect.poll(text, { timeout: 20_000 }).toContain('"id":256');
}

/** The Parquet files of flows in a data folder, relative to it. */
function segments(data: string): string[] {
  const names = readdirSync(join(data, 'flows'), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.parquet'))
    .map((name) => join('flows', name))
    .sort();
}

describe('after kill -9', () => {
  it('all but the last second is there, and the start says whose work it took over', async () => {
    const first = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    const sent: { at: number; flows: number }[] = [];
    const flowsSent = () => sent.reduce((sum, { flows }) => sum + flows, 0);
    while (sent.length < 40) {
      await exporter.send(first, ...Array.from({ length: 20 }, (_, i) => v5(flowsSent() + i * 30)));
      sent.push({ at: Date.now(), flows: 600 });
      await sleep(100);
    }
    const { store } = await statusWhen(first, ({ store: { rowsStored } }) => rowsStored > 0);
    await exporter.send(first, v5(flowsSent()));
    const killed = Date.now();
    await kill(first);

    const before = await storedFlows(first.data);
    // What the status calls stored is durable.
    expect(before).toBeGreaterThanOrEqual(store.rowsStored);
    // The promise is one second; three leave room for a machine that is busy with other tests.
    const old = sent.filter(({ at }) => at < killed - 3000).reduce((sum, { flows }) => sum + flows, 0);
    expect(old).toBeGreaterThan(0);
    expect(before).toBeGreaterThanOrEqual(old);
    expect(before % 30).toBe(0);
    const second = await startCollector({ data: first.data, args: OFTEN });
    expect(warnings(second)).toContain(`process ${first.pid} was writing here and ended without closing the store`);
    expect(await storedFlows(first.data)).toBeGreaterThanOrEqual(before);
    await exporter.send(second, v5(flowsSent() + 30));
    await statusWhen(second, ({ records }) => records === 30);
    await stopped(second);
    expect(await storedFlows(first.data)).toBeGreaterThanOrEqual(before + 30);
    // Closed in order, it has nothing to say at the next start.
    const third = await startCollector({ data: first.data });
    expect(warnings(third)).toEqual([]);
    await stopped(third);
  });

  it('half-written files are removed, unlisted ones taken up, unreadable ones set aside, and all is said', async () => {
    const first = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    for (const count of [1, 2, 3]) {
      await exporter.send(first, v5(0, 10 * count));
      await statusWhen(first, ({ store }) => store.rowsStored === 5 * count * (count + 1));
    }
    await kill(first);
    const { data } = first;
    const files = segments(data);
    expect(files.length).toBeGreaterThanOrEqual(3);
    truncateSync(join(data, files[0] ?? ''), 100);
    writeFileSync(join(data, 'tmp', 'half-written.parquet'), 'PAR1');
    for (const name of readdirSync(data)) if (name.startsWith('catalogue')) rmSync(join(data, name));

    const second = await startCollector({ data });
    const said = warnings(second).join('\n');
    expect(said).toContain('the catalogue was missing or damaged; it was made again from the segments');
    expect(said).toMatch(/\d+ files complete but not listed: listed now/);
    expect(said).toContain('1 file half-written or replaced: removed');
    expect(said).toMatch(/flows\/\S+ cannot be read \(.*\); it was set aside as damaged\//s);
    await stopped(second);
    const lost = 60 - (await storedFlows(data));
    expect([10, 20, 30]).toContain(lost);
    expect(readdirSync(join(data, 'damaged'))).toHaveLength(1);
  });

  it('a catalogue of nonsense is made again', async () => {
    const first = await startCollector({ args: OFTEN });
    await (await exporterAt()).send(first, v5(0, 7));
    await stopped(first);
    const catalogues = readdirSync(first.data).filter((name) => name.startsWith('catalogue'));
    expect(catalogues.length).toBeGreaterThan(0);
    for (const name of catalogues) writeFileSync(join(first.data, name), '{"format": [nonsense');
    const second = await startCollector({ data: first.data });
    expect(warnings(second).join()).toContain('the catalogue was missing or damaged');
    await stopped(second);
    expect(await storedFlows(first.data)).toBe(7);
  });
});

describe('templates', () => {
  it.each(['kill -9', 'SIGTERM'])('are known after %s: data needs no new template', async (how) => {
    const first = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    await exporter.send(first, v9(0, 'template'), v9(1, 5));
    await statusWhen(first, ({ records }) => records === 5);
    await savedTemplates(first.data);
    await (how === 'SIGTERM' ? stopped(first) : kill(first));

    const second = await startCollector({ data: first.data, args: OFTEN });
    expect(logOf(second).find(({ msg }) => msg === 'collecting')).toMatchObject({ templates: 1 });
    await exporter.send(second, v9(2, 6));
    const status = await statusWhen(second, ({ records }) => records === 6);
    expect(status).toMatchObject({ awaited: [], setsHeld: 0, templates: 1 });
    await stopped(second);
    const rows = await sql<{ n: number; bytes: number }>(
      first.data,
      "select count(*) n, sum(bytes) bytes from flows where src_addr like '198.51.100.%'",
    );
    expect(Number(rows[0]?.bytes)).toBe(1000 * Number(rows[0]?.n));
    expect(Number(rows[0]?.n)).toBeGreaterThanOrEqual(how === 'SIGTERM' ? 11 : 6);
  });

  it.each(['kill -9', 'SIGTERM'])('that exporters taught elements of have their names after %s', async (how) => {
    const PEN = 4_242_424;
    const teaching = message(10, [
      optionsTemplateSet(10, 400, 2, [
        [346, 4],
        [303, 2],
        [339, 1],
        [341, 6],
      ]),
      set(400, [...u32(PEN), ...u16(7), 13, ...ascii('colour')]),
      templateSet(10, 256, [[7, 4, PEN]]),
    ]);
    const data = (word: string) => Buffer.from(message(10, [set(256, ascii(word))]));
    const first = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    await exporter.send(first, Buffer.from(teaching), data('blue'));
    await statusWhen(first, ({ records }) => records === 1);
    await savedTemplates(first.data);
    await (how === 'SIGTERM' ? stopped(first) : kill(first));

    const second = await startCollector({ data: first.data, args: OFTEN });
    await exporter.send(second, data('pink'));
    await statusWhen(second, ({ records }) => records === 1);
    await stopped(second);
    const rows = await sql<{ colour: string }>(
      first.data,
      "select extra->>'colour' colour from flows order by time_received desc limit 1",
    );
    expect(rows).toEqual([{ colour: 'pink' }]);
  });

  it('are not kept where that is switched off', async () => {
    const folder = tempFolder();
    writeFileSync(folder.join('weir.yaml'), 'templates:\n  persist: false\n');
    const data = folder.join('data');
    const first = await startCollector({ data, args: ['--config', folder.join('weir.yaml'), ...OFTEN] });
    const exporter = await exporterAt();
    await exporter.send(first, v9(0, 'template'), v9(1, 5));
    await statusWhen(first, ({ records }) => records === 5);
    await stopped(first);
    const second = await startCollector({ data, args: ['--config', folder.join('weir.yaml'), ...OFTEN] });
    await exporter.send(second, v9(2, 6));
    await statusWhen(second, ({ setsHeld }) => setsHeld === 1);
    await stopped(second);
  });

  it('that have not come are shown as awaited, and their data is held until they do', async () => {
    const collector = await startCollector({ args: OFTEN });
    const [exporter, other] = [await exporterAt(), await exporterAt('127.0.0.2')];
    await exporter.send(collector, v9(0, 5), v9(1, 6), v9(2, 7));
    const waiting = await statusWhen(collector, ({ setsHeld }) => setsHeld === 3);
    expect(waiting.records).toBe(0);
    expect(waiting.awaited).toEqual([
      { exporter: '127.0.0.1', observationDomain: 7, templateId: 256, sets: 3, seconds: expect.any(Number) },
    ]);
    // It is a state, not a fault.
    expect(waiting.faults).toEqual({});
    expect(logOf(collector).filter(({ level }) => level === 'error')).toEqual([]);

    // Another exporter's template of the same number is of no use.
    await other.send(collector, v9(0, 'template'));
    await statusWhen(collector, ({ datagrams, setsHeld }) => datagrams === 4 && setsHeld === 3);
    await exporter.send(collector, v9(3, 'template'));
    const released = await statusWhen(collector, ({ records }) => records === 18);
    expect(released).toMatchObject({ awaited: [], setsHeld: 0, loss: { sequence: 0, setsDropped: 0 } });
    await stopped(collector);
    expect(await storedFlows(collector.data)).toBe(18);
    const quality = await sql<{ held: number; released: number; dropped: number }>(
      collector.data,
      "select sum(sets_held) held, sum(sets_released) released, sum(sets_dropped) dropped from quality where exporter = '127.0.0.1'",
    );
    expect(quality.map(({ held, released: out, dropped }) => [held, out, dropped].map(Number))).toEqual([[3, 3, 0]]);
  });
});
