import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { toolPath } from '../helpers/tools.ts';
import { startCollector, weir } from '../helpers/weir.ts';
import { exporterAt, logOf, OFTEN, sql, statusWhen, stopped, storedFlows, v5 } from './collect-tools.ts';

const isLinux = process.platform === 'linux';

describeUnless(isLinux ? undefined : 'only Linux tells what it drops', 'datagrams that the kernel drops', () => {
  it('are counted, agree with the sequence numbers, and stand in the table quality', async () => {
    const collector = await startCollector({ args: ['--receive-buffer', '64KiB', ...OFTEN] });
    const exporter = await exporterAt();
    await exporter.send(collector, v5(0));
    await statusWhen(collector, ({ datagrams }) => datagrams === 1);
    // While it stands still, 3000 datagrams come to a buffer that holds a few dozen.
    collector.signal('SIGSTOP');
    await exporter.send(collector, ...Array.from({ length: 3000 }, (_, i) => v5(30 + i * 30)));
    collector.signal('SIGCONT');
    await statusWhen(collector, ({ loss }) => loss.kernel > 0);
    // The gap shows with the next message.
    await exporter.send(collector, v5(30 * 3001));
    const { datagrams, loss } = await statusWhen(collector, (status) => status.datagrams + status.loss.kernel === 3002);
    expect(loss.kernel).toBeGreaterThan(1000);
    expect(loss.sequence).toBe(loss.kernel * 30);
    const end = await stopped(collector);
    expect(end.msg).toMatch(/LOSS: [\d,]+ missing by sequence numbers, [\d,]+ datagrams dropped by the kernel$/);
    expect(end).toMatchObject({ records: datagrams * 30, stored: datagrams * 30 });
    const [row] = await sql<Record<string, number>>(
      collector.data,
      'select sum(kernel_drops) drops, sum(datagrams) datagrams, sum(sequence_expected - sequence_received) missing from quality',
    );
    expect(Number(row?.['drops'])).toBe(loss.kernel);
    expect(Number(row?.['datagrams'])).toBe(datagrams);
    expect(Number(row?.['missing'])).toBe(loss.sequence);
  });
});

/** Why there can be no small file system here; undefined when there can. */
function whyNoTmpfs(): string | undefined {
  if (!isLinux) return 'not on Linux';
  if (process.getuid?.() !== 0) return 'not run as root, who alone mounts file systems';
  const [unshare, mount] = [toolPath('unshare'), toolPath('mount')];
  if (unshare === undefined || mount === undefined) return 'unshare, mount not installed';
  const { status } = spawnSync(unshare, ['--mount', '--', mount, '-t', 'tmpfs', 'weir-test', '/mnt']);
  return status === 0 ? undefined : 'no rights to mount file systems here';
}

describeUnless(whyNoTmpfs(), 'when the disk is full', () => {
  it('receiving goes on, what is lost is counted, and it recovers when there is space', async () => {
    const folder = tempFolder('full');
    const disk = folder.join('disk');
    mkdirSync(disk);
    const { status, stderr } = spawnSync(toolPath('mount') as string, [
      '-t',
      'tmpfs',
      '-o',
      'size=16m',
      'weir-test',
      disk,
    ]);
    expect(status, String(stderr)).toBe(0);
    // Registered last, so run first: before the folder is removed and, as it is lazy, whoever still has files open there.
    onTestFinished(() => {
      spawnSync(toolPath('umount') as string, ['-l', disk]);
    });
    const data = join(disk, 'data');
    const collector = await startCollector({ data, args: ['--queue', '16MiB', ...OFTEN] });
    const exporter = await exporterAt();
    let sent = 0;
    const send = async (datagrams: number): Promise<void> => {
      await exporter.send(collector, ...Array.from({ length: datagrams }, (_, i) => v5(sent + i * 30)));
      sent += datagrams * 30;
    };
    await send(100);
    await statusWhen(collector, ({ store }) => store.rowsStored === 3000);

    const ballast = join(disk, 'ballast');
    fill(disk, ballast);
    const deadline = Date.now() + 60_000;
    // More than the queue takes, at a rate at which the kernel drops nothing.
    for (;;) {
      await send(100);
      await sleep(20);
      const lost = logOf(collector).findLast(({ msg }) => msg === 'status')?.loss?.store ?? 0;
      if (lost > 10_000) break;
      if (Date.now() > deadline) throw new Error(`nothing was lost: ${collector.stdout().slice(-2000)}`);
    }
    const full = await statusWhen(collector, ({ records }) => records === sent);
    expect(full.loss.kernel).toBe(0);
    expect(full.store.failing).toMatch(/no space left/i);
    const said = logOf(collector).filter(({ level }) => level === 'error');
    expect(said.map(({ msg }) => msg)).toContain('the data folder cannot be written; trying again');
    // Said once, not with every try.
    expect(said.length).toBeLessThan(5);
    // Readers are not disturbed.
    expect(await storedFlows(data)).toBe(full.store.rowsStored);

    rmSync(ballast);
    await collector.waitFor('writing to the data folder works again', 60_000);
    await statusWhen(collector, ({ store }) => store.rowsWaiting === 0 && store.failing === undefined, 60_000);
    await send(100);
    const end = await stopped(collector);
    expect(end.records).toBe(sent);
    expect((end.stored ?? 0) + (end.loss?.store ?? 0)).toBe(sent);
    expect(end.loss?.kernel).toBe(0);
    expect(end.msg).toMatch(/LOSS: [\d,]+ flows not stored$/);
    expect(await storedFlows(data)).toBe(end.stored);
    const [row] = await sql<Record<string, number>>(
      data,
      'select sum(records_dropped) dropped, sum(records) records from quality',
    );
    expect(Number(row?.['dropped'])).toBe(end.loss?.store);
    expect(Number(row?.['records'])).toBe(sent);

    // No damaged or half-written file is left.
    expect(
      readdirSync(join(data, 'tmp'), { recursive: true }).filter((name) => String(name).endsWith('.parquet')),
    ).toEqual([]);
    expect(readdirSync(join(data, 'damaged'))).toEqual([]);
    const next = await startCollector({ data, args: OFTEN });
    expect(logOf(next).filter(({ level, msg }) => level === 'warn' && !msg.includes('rmem'))).toEqual([]);
    await stopped(next);
  });

  it('a start says so, and what to do', async () => {
    const folder = tempFolder('full');
    const disk = folder.join('disk');
    mkdirSync(disk);
    spawnSync(toolPath('mount') as string, ['-t', 'tmpfs', '-o', 'size=1m', 'weir-test', disk]);
    onTestFinished(() => {
      spawnSync(toolPath('umount') as string, ['-l', disk]);
    });
    fill(disk, join(disk, 'ballast'));
    const { code, stderr } = await weir(['collect', '--listen', 'udp://127.0.0.1:0', '--data', join(disk, 'data')]);
    expect(code).toBe(1);
    expect(stderr).toContain('WEIR_DATA_FOLDER');
    expect(stderr).toContain('the file system is full: make space');
  });
});

describe('a queue that is too small for the burst', () => {
  it('costs no more than what is counted', async () => {
    const collector = await startCollector({ args: ['--queue', '16MiB', ...OFTEN] });
    const exporter = await exporterAt();
    const datagrams = 4000;
    for (let i = 0; i < datagrams; i++) await exporter.send(collector, v5(i * 30));
    const { records, stored, loss } = await stopped(collector);
    expect((records ?? 0) + (loss?.kernel ?? 0) * 30).toBe(datagrams * 30);
    expect((stored ?? 0) + (loss?.store ?? 0)).toBe(records);
    expect(await storedFlows(collector.data)).toBe(stored);
  });
});

/** Writes a file until the file system takes no more. */
function fill(disk: string, file: string): void {
  for (const size of [1 << 20, 1 << 16, 4096]) {
    for (;;) {
      const { bavail, bsize } = statfsSync(disk);
      if (bavail * bsize < size) break;
      writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    }
  }
}
