import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { hasTool, requireTool } from '../helpers/tools.ts';
import { startCollector, weir } from '../helpers/weir.ts';
import { exporterAt, logOf, OFTEN, statusWhen, stopped, stored, storedFlows, v5 } from './collect-tools.ts';

const hasIpv6 = existsSync('/proc/net/if_inet6') && readFileSync('/proc/net/if_inet6', 'utf8').includes('00000001 01');

/** Asks a collector that must refuse to start; gives what it said. */
async function refusal(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await weir(['collect', ...args]);
  expect(stdout).not.toContain('"collecting"');
  expect(code).toBe(1);
  return stderr;
}

describe('weir collect', () => {
  it('says where it listens once it does, with the port it was given for port 0', async () => {
    const data = tempFolder('data').join('new', 'folder');
    const args = ['collect', '--listen', 'udp://127.0.0.1:0', '--data', data];
    const collector = spawnProcess(process.execPath, [repositoryPath('bin/weir.js'), ...args]);
    await collector.waitFor('"msg":"collecting"');
    const ready = logOf(collector).find(({ msg }) => msg === 'collecting');
    expect(ready).toMatchObject({ level: 'info', data, templates: 0 });
    expect(ready?.listen?.[0]).toMatch(/^udp:\/\/127\.0\.0\.1:[1-9]\d*$/);
    expect((await collector.stop()).code).toBe(0);
  });

  it('receives on several listeners', async () => {
    const second = await freeUdpPort();
    const collector = await startCollector({ args: ['--listen', `udp://127.0.0.1:${second}`, ...OFTEN] });
    const exporter = await exporterAt();
    await exporter.send(collector, v5(0, 3));
    await exporter.send({ ...collector, port: second }, v5(3, 4));
    await statusWhen(collector, ({ records }) => records === 7);
    await stopped(collector);
    expect(await stored(collector.data)).toEqual({ '127.0.0.1': { flows: 7, packets: 70, bytes: 7000 } });
  });

  it('shows flows in a query while it runs', async () => {
    const collector = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    await exporter.send(collector, v5(0, 5));
    await expect
      .poll(
        () =>
          weir(['query', '--data', collector.data, '--format', 'ndjson']).then((r) => r.stdout.split('\n').length - 1),
        { timeout: 20_000 },
      )
      .toBe(5);
    await exporter.send(collector, v5(5, 6));
    await expect.poll(() => storedFlows(collector.data), { timeout: 20_000 }).toBe(11);
    await stopped(collector);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stores all that was sent before a %s, and says so', async (signal) => {
    const collector = await startCollector();
    const exporter = await exporterAt();
    await exporter.send(collector, ...Array.from({ length: 300 }, (_, i) => v5(i * 30)));
    const end = await stopped(collector, signal);
    expect(end).toMatchObject({ datagrams: 300, records: 9000, stored: 9000, loss: { kernel: 0, store: 0 } });
    expect(end.msg).toBe('stopped: 9,000 flows received, 9,000 stored, no loss');
    expect(await stored(collector.data)).toEqual({ '127.0.0.1': { flows: 9000, packets: 90_000, bytes: 9_000_000 } });
  });

  it('also stores what waited in the kernel when it was told to end', async () => {
    const collector = await startCollector();
    collector.signal('SIGSTOP');
    const exporter = await exporterAt();
    await exporter.send(collector, ...Array.from({ length: 3000 }, (_, i) => v5(i * 30)));
    collector.signal('SIGTERM');
    collector.signal('SIGCONT');
    const { records, datagrams, loss, stored: rows } = await stopped(collector);
    // Where the kernel's cap of receive buffers is low, it has dropped some.
    expect((datagrams ?? 0) + (loss?.kernel ?? 0)).toBe(3000);
    expect(records).toBe((datagrams ?? 0) * 30);
    expect(rows).toBe(records);
    expect(await storedFlows(collector.data)).toBe(records);
  });

  it('counts what is neither NetFlow nor IPFIX, and goes on', async () => {
    const collector = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    await exporter.send(
      collector,
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
      Buffer.alloc(0),
      Buffer.from([0]),
      v5(0, 2),
      v5(2).subarray(0, 100),
    );
    const { faults } = await statusWhen(collector, ({ records, datagrams }) => records === 3 && datagrams === 5);
    // Of the message that was cut short, the one record that was whole is used.
    expect(faults).toEqual({ unknown_version: 1, short_message: 2, record_count: 1 });
    await stopped(collector);
    expect(await storedFlows(collector.data)).toBe(3);
  });
});

describeUnless(hasIpv6 ? undefined : 'no IPv6 here', 'weir collect with IPv6', () => {
  it('receives IPv6 and IPv4 on one socket, and shows IPv4 senders as IPv4', async () => {
    const collector = await startCollector({ host: '::', args: OFTEN });
    await (await exporterAt('::1')).send({ ...collector, host: '::1' }, v5(0, 2));
    await (await exporterAt()).send({ ...collector, host: '127.0.0.1' }, v5(0, 3));
    await statusWhen(collector, ({ records }) => records === 5);
    await stopped(collector);
    const flows = (count: number) => ({ flows: count, packets: count * 10, bytes: count * 1000 });
    expect(await stored(collector.data)).toEqual({ '::1': flows(2), '127.0.0.1': flows(3) });
  });

  it('listens on IPv4 and IPv6 addresses side by side', async () => {
    const port = await freeUdpPort('::1');
    const collector = await startCollector({ args: ['--listen', `udp://[::1]:${port}`, ...OFTEN] });
    await (await exporterAt()).send(collector, v5(0, 1));
    await (await exporterAt('::1')).send({ ...collector, host: '::1', port }, v5(0, 1));
    await statusWhen(collector, ({ records, exporters }) => records === 2 && exporters === 2);
    await stopped(collector);
    expect(Object.keys(await stored(collector.data)).sort()).toEqual(['127.0.0.1', '::1']);
  });
});

describe('weir collect refuses to start, with a code and a hint,', () => {
  it('when its port is in use', async () => {
    const first = await startCollector();
    const data = tempFolder().join('data');
    const said = await refusal(['--listen', first.url, '--data', data]);
    expect(said).toContain('WEIR_LISTEN');
    expect(said).toMatch(
      new RegExp(`port ${first.port} is in use by another program\n.*stop it, or listen on another port`),
    );
    await stopped(first);
    // It leaves the folder free: the next start has nothing to repair.
    const next = await startCollector({ data });
    expect(
      logOf(next)
        .filter(({ level }) => level === 'warn')
        .map(({ msg }) => msg)
        .filter((msg) => !msg.includes('rmem')),
    ).toEqual([]);
    await stopped(next);
  });

  it('when one of two listeners cannot be bound, and frees the other', async () => {
    const first = await startCollector();
    const other = await freeUdpPort();
    const args = ['--listen', `udp://127.0.0.1:${other}`, '--listen', first.url, '--data', tempFolder().join('data')];
    expect(await refusal(args)).toContain('WEIR_LISTEN');
    await stopped(first);
  });

  it('when the address is none of this machine', async () => {
    const said = await refusal(['--listen', 'udp://192.0.2.77:2055', '--data', tempFolder().join('data')]);
    expect(said).toContain('192.0.2.77 is not an address of this machine');
  });

  it('when another collector has the folder, whose flows go on being stored', async () => {
    const first = await startCollector({ args: OFTEN });
    const said = await refusal(['--listen', `udp://127.0.0.1:${await freeUdpPort()}`, '--data', first.data]);
    expect(said).toContain('WEIR_DATA_LOCKED');
    expect(said).toContain(`stop process ${first.pid}, or give this one a folder of its own with --data DIR`);
    await (await exporterAt()).send(first, v5(0, 4));
    expect(await stopped(first)).toMatchObject({ records: 4, stored: 4 });
  });

  it('when the folder holds something else, which it leaves as it was', async () => {
    const folder = tempFolder();
    writeFileSync(folder.join('thesis.tex'), 'years of work');
    const said = await refusal(['--listen', 'udp://127.0.0.1:0', '--data', folder.path]);
    expect(said).toContain('WEIR_DATA_FOREIGN');
    expect(said).toContain('thesis.tex');
    expect(said).toContain('give an empty or new folder with --data DIR');
    expect(readdirSync(folder.path)).toEqual(['thesis.tex']);
  });

  it('when the folder’s name is that of a file', async () => {
    const folder = tempFolder();
    writeFileSync(folder.join('data'), '');
    const said = await refusal(['--listen', 'udp://127.0.0.1:0', '--data', folder.join('data')]);
    expect(said).toContain('WEIR_DATA_FOLDER');
    expect(said).toContain('give another folder with --data DIR');
  });

  it('when its configuration is wrong, with exit code 2', async () => {
    const folder = tempFolder();
    writeFileSync(folder.join('weir.yaml'), 'listn:\n  - udp://127.0.0.1:0\n');
    const { code, stderr } = await weir([
      'collect',
      '--config',
      folder.join('weir.yaml'),
      '--data',
      folder.join('data'),
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('WEIR_CONFIG');
    expect(stderr).toMatch(/weir\.yaml:1/);
    expect(stderr).toContain('listen');
    expect(existsSync(folder.join('data'))).toBe(false);
  });

  // Root may write everywhere; then the command runs as the user "nobody", who must be able to read this checkout.
  const isRoot = process.getuid?.() === 0;
  const nobody = isRoot ? ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'] : [];
  const reason = isRoot && !hasTool('setpriv') ? 'setpriv not installed' : undefined;
  describeUnless(reason, 'for want of rights', () => {
    it.each(['to create the folder', 'to write into it'])('%s', async (what) => {
      const folder = tempFolder();
      const data = folder.join('data');
      if (what === 'to write into it') mkdirSync(data, { mode: 0o755 });
      chmodSync(folder.path, 0o755);
      if (!isRoot) chmodSync(what === 'to write into it' ? data : folder.path, 0o555);
      const command = [
        process.execPath,
        repositoryPath('bin/weir.js'),
        'collect',
        '--data',
        data,
        '--listen',
        'udp://127.0.0.1:0',
      ];
      const [program = '', ...args] = [...nobody.map((word, i) => (i === 0 ? requireTool(word) : word)), ...command];
      const { code, stdout, stderr } = await spawnProcess(program, args).finished;
      if (!isRoot) chmodSync(what === 'to write into it' ? data : folder.path, 0o755);
      expect(stdout).toBe('');
      expect(stderr).toContain('WEIR_DATA_FOLDER');
      expect(stderr).toMatch(/permission denied/i);
      expect(stderr).toContain(`sudo chown -R ${isRoot ? 'nobody' : ''}`);
      expect(code).toBe(1);
    });
  });
});

describe('the allow-list', () => {
  it('refuses others, counts them by address, and is read again on SIGHUP', async () => {
    const file = tempFolder().join('allow.txt');
    writeFileSync(file, '# exporters\n127.0.0.1\n');
    const collector = await startCollector({ args: ['--allow-file', file, ...OFTEN] });
    const [first, second, third] = [await exporterAt(), await exporterAt('127.0.0.2'), await exporterAt('127.0.0.3')];
    await first.send(collector, v5(0, 2));
    await second.send(collector, v5(0, 3), v5(3, 3));
    await third.send(collector, v5(0, 5));
    const { refused, records } = await statusWhen(collector, ({ refused: { datagrams } }) => datagrams === 3);
    expect(records).toBe(2);
    expect(refused.senders.toSorted((a, b) => a.address.localeCompare(b.address))).toEqual([
      { address: '127.0.0.2', datagrams: 2, connections: 0 },
      { address: '127.0.0.3', datagrams: 1, connections: 0 },
    ]);

    writeFileSync(file, '127.0.0.0/30\n');
    collector.signal('SIGHUP');
    await collector.waitFor('allow-list reloaded');
    await second.send(collector, v5(6, 4));
    await third.send(collector, v5(5, 5));
    await statusWhen(collector, (status) => status.records === 11);

    // A list with an error keeps the one there is, and so does one that is gone.
    writeFileSync(file, '127.0.0.1\nnonsense\n');
    collector.signal('SIGHUP');
    await collector.waitFor('the allow-list was not reloaded; the old one stays');
    expect(logOf(collector).find(({ level }) => level === 'error')).toMatchObject({
      error: expect.stringContaining('allow.txt:2'),
    });
    await second.send(collector, v5(10, 1));
    await statusWhen(collector, (status) => status.records === 12 && status.refused.datagrams === 3);
    await stopped(collector);
    const sums = await stored(collector.data);
    expect(Object.fromEntries(Object.entries(sums).map(([address, { flows }]) => [address, flows]))).toEqual({
      '127.0.0.1': 2,
      '127.0.0.2': 5,
      '127.0.0.3': 5,
    });
  });
});
