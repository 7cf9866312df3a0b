import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FolderLock } from '#weir/store/lock.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { startCollector, weir } from '../helpers/weir.ts';
import { message, optionsTemplateSet, type Specifier, set, templateSet, u16, u32, u64 } from '../wire/build.ts';
import { exporterAt, OFTEN, statusWhen } from './collect-tools.ts';

interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'failure';
  readonly text: string;
  readonly fix: readonly string[];
}

/** Runs `weir check --format json`, with a data folder of its own and any free port unless `args` say otherwise. */
async function check(...args: string[]) {
  const given = [...args];
  if (!args.includes('--listen')) given.push('--listen', 'udp://127.0.0.1:0');
  if (!args.includes('--data')) given.push('--data', tempFolder('check').join('data'));
  const { code, stdout, stderr } = await weir(['check', '--format', 'json', ...given]);
  const { usable, findings } = JSON.parse(stdout) as { usable: boolean; findings: Finding[] };
  return { code, usable, findings, stderr, of: (name: string) => findings.find((one) => one.name === name) };
}

describe('weir check', () => {
  it('finds this machine ready and changes nothing', async () => {
    const data = tempFolder('check').join('data');
    const { code, usable, findings, of } = await check('--data', data, '--retention-age', '30d');
    expect(findings.filter(({ status }) => status === 'failure')).toEqual([]);
    expect([code, usable]).toEqual([0, true]);
    expect(of('configuration')?.text).toContain(data);
    for (const name of ['udp://127.0.0.1:0', 'data folder', 'node', 'duckdb', 'allow-list', 'retention'] as const) {
      expect(of(name)?.status ?? 'ok', name).toBe('ok');
    }
    expect(of('clock')?.status).toMatch(/ok|warning/);
    expect(existsSync(data)).toBe(false);
  });

  it('prints a line per finding with a sign, and what to do below it', async () => {
    const folder = tempFolder('check');
    const args = ['check', '--listen', 'udp://127.0.0.1:0', '--data', folder.join('data')];
    const { code, stdout } = await weir(args);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^✓ configuration +flags and defaults: receives on udp:\/\/127\.0\.0\.1:0, stores into .*data$/m,
    );
    expect(stdout).toMatch(/^! retention +no limit.*\n +→ Give --retention-size \d/m);
    expect(stdout).toMatch(/^ready to collect, \d warnings?$/m);
  });

  it('finds a port in use', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void socket.close());
    await once(socket, 'listening');
    const url = `udp://127.0.0.1:${socket.address().port}`;
    const { code, usable, of } = await check('--listen', url);
    expect([code, usable]).toEqual([1, false]);
    expect(of(url)).toMatchObject({ status: 'failure', text: expect.stringContaining('in use') });
    expect(of(url)?.fix[0]).toContain('ss -lunp');
  });

  it('finds a TCP port in use, by TLS too', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const urls = ['tcp', 'tls'].map((scheme) => `${scheme}://127.0.0.1:${port}`);
    const tls = ['--tls-cert', 'no.pem', '--tls-key', 'no.key', '--tls-client-certificates', 'none'];
    const { code, of } = await check(...urls.flatMap((url) => ['--listen', url]), ...tls);
    expect(code).toBe(1);
    for (const url of urls)
      expect(of(url)).toMatchObject({
        status: 'failure',
        text: expect.stringMatching('in use by another program') as string,
      });
    expect(of('certificate')).toMatchObject({
      status: 'failure',
      text: expect.stringMatching(/there is no file .*no\.pem/) as string,
    });
  });

  it('finds two listeners in each other’s way', async () => {
    const port = await freeUdpPort();
    const { code, findings } = await check(
      '--listen',
      `udp://127.0.0.1:${port}`,
      '--listen',
      `udp://127.0.0.1:${port}`,
    );
    expect(code).toBe(1);
    const found = findings.filter(({ name }) => name.startsWith('udp://'));
    expect(found.map(({ status }) => status)).toEqual(['ok', 'failure']);
  });

  it('names the kernel’s cap on the receive buffer, with the commands that lift it', async () => {
    const { code, of } = await check('--receive-buffer', '1GiB');
    expect(code).toBe(0);
    const found = of('receive buffer');
    // A machine may have been given a cap that high.
    if (process.platform !== 'linux' || found?.status === 'ok') return;
    expect(found?.fix.join('\n')).toMatch(/sysctl -w net\.core\.rmem_max=1073741824/);
    expect(found?.fix.join('\n')).toMatch(/echo net\.core\.rmem_max=1073741824 .*\/etc\/sysctl\.d\/60-netweir\.conf/);
  });

  it('finds a folder that is not weir’s', async () => {
    const folder = tempFolder('check');
    writeFileSync(folder.join('thesis.txt'), 'x');
    const { code, of } = await check('--data', folder.path);
    expect(code).toBe(1);
    expect(of('data folder')).toMatchObject({ status: 'failure', text: expect.stringContaining('thesis.txt') });
  });

  it('finds a folder of a newer version, and a file where the folder should be', async () => {
    const folder = tempFolder('check');
    mkdirSync(folder.join('newer'));
    writeFileSync(folder.join('newer', 'netweir.json'), '{"store":"netweir","version":99}');
    writeFileSync(folder.join('file'), '');
    expect((await check('--data', folder.join('newer'))).of('data folder')?.text).toContain('newer version');
    expect((await check('--data', folder.join('file'))).of('data folder')?.status).toBe('failure');
    expect((await check('--data', folder.join('file', 'below'))).of('data folder')?.status).toBe('failure');
  });

  it('finds a writer, but not one that is gone', async () => {
    const folder = tempFolder('check');
    writeFileSync(folder.join('netweir.json'), '{"store":"netweir","version":1}');
    const own = new FolderLock(folder.path);
    own.acquire();
    const gone = JSON.parse(readFileSync(folder.join('writer.lock'), 'utf8')) as object;
    writeFileSync(folder.join('writer.lock'), JSON.stringify({ ...gone, started: 'another' }));
    expect((await check('--data', folder.path)).of('data folder')?.status).toBe('ok');

    const collector = await startCollector();
    const { code, of } = await check('--data', collector.data, '--listen', collector.url);
    expect(code).toBe(1);
    expect(of('data folder')?.text).toContain(`process ${collector.pid}`);
    expect(of(collector.url)?.status).toBe('failure');
    await collector.stop();
    expect((await check('--data', collector.data)).of('data folder')?.status).toBe('ok');
  });

  it('tells a mistake in the file as a finding, and still looks at the machine', async () => {
    const file = tempFolder('check').join('weir.yaml');
    writeFileSync(file, 'store:\n  rotat: 5m\n');
    const { code, of } = await check('--config', file);
    expect(code).toBe(1);
    expect(of('configuration')).toMatchObject({ status: 'failure', text: expect.stringContaining(`${file}:2:3:`) });
    expect(of('node')?.status).toBe('ok');
    expect(of('data folder')).toBeUndefined();
  });

  it('loads the allow-list and the information elements', async () => {
    const folder = tempFolder('check');
    writeFileSync(folder.join('allow.txt'), '10.0.0.1/24\n');
    writeFileSync(folder.join('own.yaml'), '- enterprise: x\n');
    writeFileSync(folder.join('good.yaml'), '- enterprise: 4242\n  elements: [{ id: 1, name: foo, type: string }]\n');
    const files = ['--allow-file', folder.join('allow.txt'), '--elements', folder.join('good.yaml')];
    const { code, findings, of } = await check(...files, '--elements', folder.join('own.yaml'));
    expect(code).toBe(1);
    expect(of('allow-list')).toMatchObject({ status: 'failure', text: expect.stringContaining('allow.txt:1') });
    expect(findings.filter(({ name }) => name === 'elements').map(({ status }) => status)).toEqual(['ok', 'failure']);
  });

  it('warns of files that every user can change', async () => {
    const file = tempFolder('check').join('weir.yaml');
    writeFileSync(file, 'allow: [10.0.0.0/8]\n');
    chmodSync(file, 0o666);
    const { code, of } = await check('--config', file);
    expect(code).toBe(0);
    expect(of('permissions')).toMatchObject({ status: 'warning', fix: [`chmod o-w ${file}`] });
    expect(of('allow-list')?.text).toBe('1 entry; other senders are refused');
  });

  it('shows the quirks that were met, by exporter', async () => {
    const collector = await startCollector();
    // NetFlow v9: a template with samplingInterval, two records that have its lowest octet first (MikroTik), and a clock that is years off.
    const capture = tempFolder('check').join('mikrotik.hex');
    const template = '0000 0010 0100 0002 0007 0002 0022 0004';
    const data = '0100 0010 0001 64000000 0002 64000000';
    writeFileSync(capture, `0009 0003 00000001 00000001 00000001 00000001 ${template} ${data}`);
    expect((await weir(['replay', capture, collector.url])).code).toBe(0);
    await collector.stop();
    const found = (await check('--data', collector.data)).of('exporters');
    expect(found).toMatchObject({ status: 'ok', fix: [] });
    expect(found?.text.split('\n').slice(1)).toEqual(['127.0.0.1: sampling-byte-order 2, clock-off 1']);
  });

  it('says whether what exporters tell of themselves is what arrived', async () => {
    const collector = await startCollector({ args: OFTEN });
    const exporter = await exporterAt();
    const report = (messages: number, records: number, notSent: number): Buffer => {
      const fields: Specifier[] = [
        [144, 4],
        [41, 8],
        [42, 8],
        [166, 8],
      ];
      const octets = [...u32(1), ...u64(messages), ...u64(records), ...u64(notSent)];
      return Buffer.from(message(10, [optionsTemplateSet(10, 300, 1, fields), set(300, octets)]));
    };
    const flows = Buffer.from(message(10, [templateSet(10, 256, [[7, 2]]), set(256, u16(1), u16(2), u16(3))]));
    await exporter.send(collector, report(0, 0, 0), flows, report(2, 3, 0));
    await statusWhen(collector, ({ records }) => records === 3);
    await collector.stop();
    const first = (await check('--data', collector.data)).of('statistics');
    const lines = (text = '') => text.split('\n').slice(1);
    expect([first?.status, lines(first?.text)]).toEqual([
      'ok',
      ['127.0.0.1: 3 records sent, 3 arrived (100 %); 2 messages sent, 2 arrived (100 %)'],
    ]);
    const again = await startCollector({ data: collector.data, args: OFTEN });
    await exporter.send(again, report(2, 3, 0), flows, report(6, 1500, 12));
    await statusWhen(again, ({ records }) => records === 3);
    await again.stop();
    const second = (await check('--data', collector.data)).of('statistics');
    expect([second?.status, lines(second?.text)]).toEqual([
      'warning',
      ['127.0.0.1: 1,500 records sent, 6 arrived (0.40 %); 6 messages sent, 4 arrived (66.67 %); 12 flows not sent'],
    ]);
    expect(second?.fix.join()).toContain('look for loss on the way');
  });

  it('lists the quirks of exporters that are dealt with, without looking at anything', async () => {
    const { code, stdout } = await weir(['check', '--quirks']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^sampling-byte-order \(MikroTik RouterOS\)\n {2}seen by {2}samplingInterval/m);
    const json = await weir(['check', '--quirks', '--format', 'json']);
    expect((JSON.parse(json.stdout) as { quirks: { name: string }[] }).quirks.map(({ name }) => name)).toContain(
      'nat-without-event',
    );
  });

  it('prints the configuration in force with --explain', async () => {
    const folder = tempFolder('check');
    writeFileSync(folder.join('weir.yaml'), 'store: { rotate: 10m }\n');
    const flags = [
      '--config',
      'weir.yaml',
      '--sampling-default',
      '7',
      '--sampling-override',
      '10.0.0.0/8=5',
      '--no-templates-persist',
    ];
    const { code, stdout } = await weir(['check', '--explain', ...flags], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}rotate: 10m # weir\.yaml:1$/m);
    expect(stdout).toMatch(/^ {2}persist: false # --templates-persist$/m);
    expect(stdout).toMatch(/^ {2}default: 7 # --sampling-default$/m);
    expect(stdout).toMatch(/network: 10\.0\.0\.0\/8\n +override: 5$/m);
  });

  it.each([
    [['--rotate', '5'], /--rotate: found "5", expected a length of time/],
    [['--sampling-override', '5'], /--sampling-override: found "5", expected NETWORK=N/],
    [['--log-level', 'loud'], /Allowed choices are trace, debug/],
    [['--listn', 'udp://:1'], /unknown option '--listn'/],
  ])('refuses %j as wrongly called', async (args, says) => {
    const { code, stderr } = await weir(['check', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
  });

  it('has every setting as a flag in its help', async () => {
    const { stdout } = await weir(['check', '--help']);
    for (const flag of ['--config', '--listen', '--data', '--allow', '--allow-file', '--receive-buffer', '--queue']) {
      expect(stdout).toContain(`${flag} <`);
    }
  });
});

describeUnless(process.getuid?.() === 0 ? 'root may write everywhere' : undefined, 'weir check without rights', () => {
  it('finds a folder that it may not write', async () => {
    const folder = tempFolder('check');
    mkdirSync(folder.join('data'));
    chmodSync(folder.join('data'), 0o555);
    const { code, of } = await check('--data', folder.join('data'));
    expect(code).toBe(1);
    expect(of('data folder')?.fix[0]).toContain('chown');
  });
});
