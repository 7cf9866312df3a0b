import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { whyNoNetwork } from '../helpers/namespace.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { parseNdjson, startCollector, weir } from '../helpers/weir.ts';
import {
  INSIDE,
  makeNatNetwork,
  type NatNetwork,
  OUTSIDE,
  openConnections,
  PUBLIC,
  serve,
} from '../nat/nat-network.ts';

const COMMAND = repositoryPath('bin/weir.js');
const FAKE = `${process.execPath} ${repositoryPath('test/nat/fake-conntrack.mjs')}`;
const EVENTS =
  '[1248952337.315000]\t    [NEW] tcp      6 120 SYN_SENT src=10.0.195.106 dst=74.125.6.225 sport=62380 dport=80 [UNREPLIED] src=74.125.6.225 dst=192.76.7.154 sport=80 dport=62380 id=77\n' +
  '[1248952480.737235]\t[DESTROY] tcp      6 src=10.0.195.106 dst=74.125.6.225 sport=62380 dport=80 packets=720 bytes=38052 src=74.125.6.225 dst=192.76.7.154 sport=80 dport=62380 packets=1432 bytes=2027040 [ASSURED] id=77\n';

/** Fields of a line without the stamps, which depend on when the machine was booted. */
const withoutStamps = (line: string) =>
  line
    .split(',')
    .filter((_, i) => ![2, 6, 7].includes(i))
    .join(',');

/** The records that a collector has stored, once there are so many. */
function storedRecords(data: string, count: number, more: readonly string[]) {
  const ask = async () => {
    const asked = await weir(['query', '--data', data, '--raw', '--top', '0', '--format', 'ndjson', ...more]);
    const records = parseNdjson(asked.stdout);
    expect(records, asked.stderr).toHaveLength(count);
    return records;
  };
  return vi.waitFor(ask, { timeout: 20_000, interval: 500 });
}

/** What a file with events of conntrack makes conntrack say. */
function events(text: string) {
  const file = tempFolder().join('events');
  writeFileSync(file, text);
  return { FAKE_CONNTRACK: file };
}

describe('weir nat', () => {
  it('prints the lines of nfflowd’s documentation, and a summary beside them', async () => {
    const args = ['nat', '--csv', '-', '--exporter', '172.16.1.1', '--conntrack', FAKE];
    const child = spawnProcess(process.execPath, [COMMAND, ...args], { env: events(EVENTS) });
    await child.waitFor(/,80,62380,6,0,0$/);
    const { code, stdout, stderr } = await child.stop();
    const lines = stdout.trim().split('\n');
    expect(lines.map(withoutStamps)).toEqual([
      '1248952480,737235000,172.16.1.1,720,38052,10.0.195.106,74.125.6.225,0.0.0.0,0,0,62380,80,6,0,0',
      '1248952480,737235000,172.16.1.1,720,38052,192.76.7.154,74.125.6.225,0.0.0.0,0,0,62380,80,6,0,0',
      '1248952480,737235000,172.16.1.1,1432,2027040,74.125.6.225,192.76.7.154,0.0.0.0,0,0,80,62380,6,0,0',
    ]);
    const [first, last] = [Number(lines[0]?.split(',')[6]), Number(lines[0]?.split(',')[7])];
    expect((last - first + 2 ** 32) % 2 ** 32).toBe(279_737 - 136_315);
    expect(stderr).toContain('Connections: 0 open, 1 begun, 1 ended');
    expect(code).toBe(0);
  });

  it('sends records, syslog and lines into files at the same time, and opens the files anew at SIGHUP', async () => {
    const collector = await startCollector();
    const syslog = createSocket('udp4');
    onTestFinished(() => void syslog.close());
    const got: string[] = [];
    syslog.on('message', (datagram) => got.push(datagram.toString()));
    syslog.bind(0, '127.0.0.1');
    await once(syslog, 'listening');
    const csv = tempFolder().join('nat.csv');
    const child = spawnProcess(
      process.execPath,
      [
        COMMAND,
        'nat',
        `--to=127.0.0.1:${collector.port}`,
        `--csv=${csv}`,
        `--syslog=udp://127.0.0.1:${syslog.address().port}?ident=nfflowd`,
        `--conntrack=${FAKE}`,
        '--format=json',
      ],
      { env: events(EVENTS) },
    );
    await vi.waitFor(() => expect(got).toHaveLength(3), { timeout: 20_000 });
    expect(got[0]).toMatch(/^<182>1 \S+ \S+ nfflowd \d+ - - 1248952480,737235000,/);
    await vi.waitFor(() => expect(readFileSync(csv, 'utf8').split('\n')).toHaveLength(4));
    writeFileSync(csv, '');
    child.signal('SIGHUP');
    const { code, stdout } = await child.stop();
    expect(code).toBe(0);
    const summary = JSON.parse(stdout) as { lines: { copies: { lines: number }[] }; outputs: { records: number }[] };
    expect(summary.lines.copies.map(({ lines }) => lines)).toEqual([3, 3]);
    // Two directions, a session that began and one that ended.
    expect(summary.outputs.map(({ records }) => records)).toEqual([4]);
    const stored = await storedRecords(collector.data, 4, ['--from', '2009-07-30', '--to', '2009-07-31']);
    expect(stored.map((one) => [one['src_addr'], one['post_nat_src_addr'], one['bytes']])).toEqual(
      expect.arrayContaining([['10.0.195.106', '192.76.7.154', 38_052]]),
    );
  });

  it.each([
    [['nat', '--conntrack', FAKE, '-c', '/no/such/file'], 2, 'WEIR_CONFIG'],
    [['nat', 'begin', '--csv', '-'], 2, 'Allowed choices are start, stop'],
    [['nat', '-n', 'sflow://h'], 2, 'sFlow has no records'],
    [['nat', '--csv', '-', '--conntrack', '/no/such/conntrack'], 1, 'WEIR_CONNTRACK'],
    [['nat', '--csv', '/no/such/folder/x', '--conntrack', FAKE], 1, 'Cannot write'],
    [['nat', '--csv', '-', '--active', 'soon'], 2, '--active: found "soon"'],
  ])('%j ends with %i', async (args, code, message) => {
    const done = await weir(args);
    expect([done.code, done.stderr]).toEqual([code, expect.stringContaining(message)]);
  });

  it('help and version are told', async () => {
    expect((await weir(['nat', 'help'])).stdout).toContain('Usage: weir nat');
    expect((await weir(['nat', 'version'])).stdout).toMatch(/^weir \d/);
  });
});

describe('weir nat in the background', () => {
  const life = () => {
    const folder = tempFolder();
    const own = ['--pid-file', folder.join('nat.pid'), '--log', folder.join('nat.log')];
    const csv = folder.join('nat.csv');
    const flags = [...own, '--csv', csv, '--conntrack', FAKE];
    onTestFinished(async () => void (await weir(['nat', 'stop', ...own])));
    return { folder, own, flags, csv, pidFile: folder.join('nat.pid'), log: folder.join('nat.log') };
  };
  const pidOf = (file: string) => Number(readFileSync(file, 'utf8'));

  it('starts, tells how it goes, starts once only, stops', async () => {
    const { flags, own, pidFile, csv } = life();
    expect((await weir(['nat', 'status', ...own])).code).toBe(3);
    const started = await weir(['nat', 'start', ...flags], { env: events(EVENTS) });
    expect([started.code, started.stderr]).toEqual([0, '']);
    const pid = pidOf(pidFile);
    expect(started.stdout).toContain(`process ${pid}`);
    await vi.waitFor(() => expect(readFileSync(csv, 'utf8').split('\n')).toHaveLength(4));

    const again = await weir(['nat', 'start', ...flags]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('WEIR_RUNNING')]);
    await vi.waitFor(
      async () => {
        const status = await weir(['nat', 'status', ...own]);
        expect(status.code).toBe(0);
        expect(status.stdout).toMatch(new RegExp(`^running: process ${pid}, for \\d+ s\n`));
        expect(status.stdout).toContain('1 ended');
        expect(status.stdout).toContain(`${csv}: 3 lines`);
      },
      { timeout: 15_000, interval: 500 },
    );
    const json = JSON.parse((await weir(['nat', 'status', '--format', 'json', ...own])).stdout) as object;
    expect(json).toMatchObject({ state: 'running', pid, connections: { ended: 1 } });

    const restarted = await weir(['nat', 'restart', ...flags]);
    expect([restarted.code, restarted.stdout]).toEqual([0, expect.stringContaining(`stopped: process ${pid}`)]);
    expect(pidOf(pidFile)).not.toBe(pid);
    const stopped = await weir(['nat', 'stop', ...own]);
    expect([stopped.code, stopped.stdout]).toEqual([0, expect.stringMatching(/^stopped: process \d+/)]);
    expect(existsSync(pidFile)).toBe(false);
    expect((await weir(['nat', 'status', ...own])).code).toBe(3);
    expect((await weir(['nat', 'stop', ...own])).code).toBe(0);
  }, 60_000);

  it('that was killed is known to have ended, and is in nobody’s way', async () => {
    const { flags, own, pidFile } = life();
    await weir(['nat', 'start', ...flags]);
    const pid = pidOf(pidFile);
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(async () => expect((await weir(['nat', 'status', ...own])).code).toBe(1), { timeout: 10_000 });
    const started = await weir(['nat', 'start', ...flags]);
    expect(started.code).toBe(0);
    expect(pidOf(pidFile)).not.toBe(pid);
  }, 60_000);

  it('a number in a pid file that is another program’s by now is no weir', async () => {
    const { own, pidFile } = life();
    writeFileSync(pidFile, `${process.pid}\n`);
    expect((await weir(['nat', 'status', ...own])).code).toBe(1);
    expect((await weir(['nat', 'stop', ...own])).stdout).toContain('was left over');
    expect(existsSync(pidFile)).toBe(false);
  });

  it('that cannot start says why', async () => {
    const { own, log, pidFile } = life();
    const failed = await weir(['nat', 'start', ...own, '--csv', '/no/such/folder/x', '--conntrack', FAKE]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain('Cannot write /no/such/folder/x');
    expect(readFileSync(log, 'utf8')).toContain('Cannot write /no/such/folder/x');
    expect(existsSync(pidFile)).toBe(false);
  });
});

const why = whyNoNetwork(['conntrack', 'iptables', 'python3']);

describeUnless(why, 'weir nat on a router', () => {
  let network: NatNetwork;
  beforeAll(async () => {
    network = await makeNatNetwork('cli');
    await network.router.run('iptables', '-t nat -A POSTROUTING -o ro -j MASQUERADE'.split(' '));
  }, 60_000);
  afterAll(() => network.remove());

  it('runs with an nfflowd.conf: each connection has its three lines and its three records', async () => {
    const collector = await startCollector();
    const folder = tempFolder();
    const csv = folder.join('nat.csv');
    const conf = folder.join('nfflowd.conf');
    writeFileSync(
      conf,
      `<flow_send>\nargs 127.0.0.1\nargs 127.0.0.1\nargs ${collector.port}\n</flow_send>\n<ptee>\n<conf>\ndispatchers file\n<file>\nclass Log::Dispatch::File\nfilename ${csv}\n</file>\n</conf>\n</ptee>\n<conntrack>\nprogname ${network.command.join(' ')}\n</conntrack>\n`,
    );
    const child = spawnProcess(process.execPath, [COMMAND, 'nat', '-c', conf]);
    await child.waitFor('telling of connections');
    const server = await serve(network.outside, [OUTSIDE]);
    const wanted = Array.from({ length: 40 }, (_, i) => ({
      n: i + 1,
      proto: i % 2 === 0 ? ('tcp' as const) : ('udp' as const),
      src: INSIDE[i % 3] as string,
      sport: 30_000 + Math.floor(i / 6),
      dst: OUTSIDE,
      dport: i % 2 === 0 ? 8080 : 8081,
      bytes: 100 + i,
    }));
    const { seen, close } = await openConnections(network.inside, server, wanted);
    await close();
    // UDP connections do not end; at the end of the exporter they are told of as they are.
    const { code, stdout } = await child.stop();
    expect(code).toBe(0);
    expect(stdout).toContain(`${csv}: `);
    const lines = readFileSync(csv, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split(','));
    expect(lines.length % 3).toBe(0);
    const ends = (line: readonly string[] | undefined) =>
      line === undefined ? '' : `${line[15]} ${line[8]}:${line[13]} ${line[9]}:${line[14]}`;
    const told = new Set<string>();
    for (let i = 0; i < lines.length; i += 3) told.add([0, 1, 2].map((at) => ends(lines[i + at])).join(' | '));
    for (const { proto, src, sport, dport, publicPort } of seen) {
      const number = proto === 'tcp' ? 6 : 17;
      const back = `${number} ${OUTSIDE}:${dport} ${PUBLIC}:${publicPort}`;
      const there = `${number} ${PUBLIC}:${publicPort} ${OUTSIDE}:${dport}`;
      expect(told).toContain(`${number} ${src}:${sport} ${OUTSIDE}:${dport} | ${there} | ${back}`);
    }
    await storedRecords(collector.data, lines.length, ['--from', '-1h']);
  }, 120_000);

  it('check tells what is wrong, with the commands that put it right, which do', async () => {
    const check = async () => {
      const args = ['nat', 'check', '--format', 'json', '--csv', '-', '--conntrack', network.command.join(' ')];
      const { code, stdout } = await weir(args);
      const { usable, findings } = JSON.parse(stdout) as {
        usable: boolean;
        findings: { name: string; status: string; fix: string[] }[];
      };
      const of = (name: string) => findings.find((one) => one.name === name);
      return { code, usable, of, status: (name: string) => of(name)?.status };
    };
    // What newer kernels have from the start.
    await network.router.sysctl('netfilter/nf_conntrack_events', 2);
    expect((await check()).status('events')).toBe('warning');
    await network.router.sysctl('netfilter/nf_conntrack_events', 1);
    const right = await check();
    expect(['conntrack', 'rights', 'events', 'counters', 'times', 'table'].map(right.status)).toEqual(
      Array(6).fill('ok'),
    );
    expect([right.code, right.usable]).toEqual([0, true]);
    for (const name of ['acct', 'timestamp', 'events'])
      await network.router.sysctl(`netfilter/nf_conntrack_${name}`, 0);
    const wrong = await check();
    expect(['events', 'counters', 'times'].map(wrong.status)).toEqual(['failure', 'warning', 'warning']);
    expect([wrong.code, wrong.usable]).toEqual([1, false]);
    for (const name of ['events', 'counters', 'times']) {
      const [command = ''] = wrong.of(name)?.fix ?? [];
      expect(command).toMatch(/^(sudo )?sysctl -w net\.netfilter\.nf_conntrack_\w+=1$/);
      await network.router.run('sh', ['-c', command]);
    }
    expect((await check()).code).toBe(0);
  }, 60_000);
});

describe('weir nat check', () => {
  it('without conntrack fails, and says how to install it', async () => {
    const { code, stdout } = await weir(['nat', 'check', '--csv', '-', '--conntrack', '/no/such/conntrack']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ conntrack .*is not installed\n\s+→ (sudo )?apt-get install conntrack/);
    expect(stdout).toContain('not ready: 1 failure');
  });
});
