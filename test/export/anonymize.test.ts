import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLUMNS } from '#weir/flow/schema.js';
import { formatAddress, parseAddress } from '#weir/util/address.js';
import { CryptoPan } from '#weir/util/crypto-pan.js';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { makeTempFolder, type TempFolder, tempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { queuedOctets } from '../peers/tee.ts';
import { type PlainRow, writeStore } from '../query/fixture.ts';

type Row = Record<string, unknown>;

/** As nfanon takes it, too. */
const KEY = 'abcdefghijklmnopqrstuvwxyz012345';
const PAN = new CryptoPan(Buffer.from(KEY));
const ADDRESSES = COLUMNS.filter(({ type }) => type === 'address').map(({ name }) => name);
const SECRET = 'alice.example';
const FLOWS: PlainRow[] = Array.from({ length: 300 }, (_, index) => {
  const v6 = index % 3 === 0;
  const host = (number: number) =>
    v6 ? `2001:db8:${number % 7}::${(number + 1).toString(16)}` : `10.${number % 5}.77.${1 + (number % 250)}`;
  return {
    time_start: `2026-03-01T12:0${index % 10}:00Z`,
    duration: 1_000_000,
    time_received: '2026-03-01T12:10:00Z',
    exporter: '192.0.2.99',
    observation_domain: 1,
    flow_type: 4,
    record_kind: 0,
    sampling_rate: 1,
    src_addr: host(index),
    dst_addr: host(index * 3),
    next_hop: host(5),
    post_nat_src_addr: '198.51.100.7',
    src_port: index,
    dst_port: 443,
    proto: 6,
    src_mac: 0x0a0b_0c0d_0e0f,
    user_name: SECRET,
    app_name: 'mail',
    extra: `{"selectorName":"${SECRET}"}`,
    packets: 1,
    bytes: index + 100,
  };
});

function replaced(address: string): string {
  const words = Uint32Array.from(parseAddress(address) ?? []);
  PAN.replace(words);
  const [a, b, c, d] = words as unknown as [number, number, number, number];
  return formatAddress(a, b, c, d);
}

describe('weir export --anonymize', () => {
  let folder: TempFolder;
  let key: string;
  beforeAll(async () => {
    folder = makeTempFolder('anonymize');
    key = folder.join('weir.key');
    writeFileSync(key, KEY, { mode: 0o600 });
    await writeStore(folder.join('data'), [FLOWS]);
  });
  afterAll(() => folder.remove());

  const run = (...args: string[]) => weir(['export', '--data', folder.join('data'), ...args]);
  const rowsOf = async (file: string): Promise<Row[]> => {
    const { stdout } = await weir(['decode', file, '--format', 'ndjson']);
    const rows = parseNdjson<Row>(stdout).filter((row) => row['src_addr'] !== undefined);
    return rows.sort((a, b) => Number(a['bytes']) - Number(b['bytes']));
  };

  it('replaces every address, and leaves no other trace of whom it is about', async () => {
    const [plain, anonymous] = [folder.join('plain.ipfix'), folder.join('anonymous.ipfix')];
    expect((await run('--to', plain)).code).toBe(0);
    const { code, stderr } = await run('--to', anonymous, '--anonymize', '--key-file', key);
    expect(code, stderr).toBe(0);
    expect(stderr).not.toContain(KEY);
    const [before, after] = [await rowsOf(plain), await rowsOf(anonymous)];
    expect(after).toHaveLength(300);
    const inFile = ADDRESSES.filter((name) => name !== 'exporter' && before[0]?.[name] !== undefined);
    expect(inFile).toEqual(expect.arrayContaining(['src_addr', 'dst_addr', 'next_hop', 'post_nat_src_addr']));
    for (const name of inFile)
      expect(after.map((row) => row[name])).toEqual(before.map((row) => replaced(String(row[name]))));
    for (const name of ['src_mac', 'user_name', 'app_name', 'extra']) {
      expect(before[0], name).toHaveProperty(name);
      expect(after[0], name).not.toHaveProperty(name);
    }
    expect(after.map((row) => row['src_port'])).toEqual(before.map((row) => row['src_port']));
    const octets = readFileSync(anonymous);
    expect(readFileSync(plain).includes(SECRET)).toBe(true);
    expect(octets.includes(SECRET)).toBe(false);
    expect(octets.includes(Buffer.from([0x20, 0x01, 0x0d, 0xb8]))).toBe(false);
    expect(octets.includes(Buffer.from([0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f]))).toBe(false);
  });

  it('keeps what is to be kept', async () => {
    const file = folder.join('kept.ipfix');
    await run('--to', file, '--anonymize', '--key-file', key, '--keep', 'next_hop,app_name');
    const rows = await rowsOf(file);
    expect(rows[1]).toMatchObject({ app_name: 'mail', next_hop: '10.0.77.6' });
    expect(rows[1]).not.toHaveProperty('user_name');
    expect(rows[1]?.['src_addr']).toBe(replaced('10.1.77.2'));
  });

  it('filters by the true addresses', async () => {
    const file = folder.join('filtered.ipfix');
    await run('--to', file, '--anonymize', '--key-file', key, 'src net 10.1.77.0/24');
    const rows = await rowsOf(file);
    expect(rows.length).toBeGreaterThan(10);
    const networks = new Set(rows.map((row) => String(row['src_addr']).replace(/\d+$/, '')));
    expect([...networks]).toEqual([replaced('10.1.77.0').replace(/\d+$/, '')]);
  });

  it.each([
    [['--anonymize'], '--anonymize needs a key'],
    [['--keep', 'exporter'], '--keep is for --anonymize'],
    [['--anonymize', '--key-file', 'KEY', '--keep', 'src_port'], 'numbers stay anyway'],
    [['--anonymize', '--key-file', 'KEY', '--keep', 'src_mak'], "Did you mean 'src_mac'"],
    [['--anonymize', '--key-file', 'NONE'], 'Cannot read'],
    [['--anonymize', '--key-file', 'BAD'], 'holds no key'],
  ])('refuses %j', async (flags, message) => {
    const bad = folder.join('bad.key');
    writeFileSync(bad, 'swordfish');
    const names: Record<string, string> = { KEY: key, NONE: folder.join('none'), BAD: bad };
    const to = folder.join('refused.ipfix');
    const { code, stderr } = await run('--to', to, ...flags.map((flag) => names[flag] ?? flag));
    expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
    expect(stderr).not.toContain('swordfish');
    expect(readdirSync(folder.path)).not.toContain('refused.ipfix');
  });

  it('makes a key that only its owner reads, and never another over it', async () => {
    const file = folder.join('new.key');
    const first = await weir(['export', '--new-key', file]);
    expect(first.code, first.stderr).toBe(0);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^[0-9a-f]{64}\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(first.stdout + first.stderr).not.toContain(text.trim());
    expect((await weir(['export', '--new-key', file])).stderr).toContain('already');
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect((await run('--to', folder.join('y.ipfix'), '--anonymize', '--key-file', file)).code).toBe(0);
  });
});

describeWithTool(['nfcapd', 'nfanon', 'nfdump'], 'the same key in nfanon', () => {
  it('gives the same IPv4 addresses', async () => {
    const folder = tempFolder('nfanon');
    const data = folder.join('data');
    const key = folder.join('weir.key');
    writeFileSync(key, KEY, { mode: 0o600 });
    await writeStore(data, [FLOWS]);
    const port = await freeUdpPort();
    const nfcapd = ['-4', '-b', '127.0.0.1', '-p', `${port}`, '-w', folder.path, '-y', '-t', '3600'];
    const running = startProcess(requireTool('nfcapd'), nfcapd);
    await running.waitFor('Startup');
    const to = ['--to', `netflow5://127.0.0.1:${port}`];
    expect((await weir(['export', '--data', data, ...to])).code).toBe(0);
    for (let tries = 0; tries < 200 && queuedOctets(port) > 0; tries++) await sleep(50);
    await sleep(300);
    await running.stop('SIGTERM');
    const stored = readdirSync(folder.path).find((name) => /^nfcapd\.\d+$/.test(name)) ?? '';
    await runProcess(requireTool('nfanon'), ['-q', '-K', KEY, '-r', folder.join(stored), '-w', folder.join('anon')]);
    const format = ['-q', '-o', 'fmt:%sa %da %byt'];
    const theirs = await runProcess(requireTool('nfdump'), ['-r', folder.join('anon'), ...format]);
    const ipfix = folder.join('x.ipfix');
    await weir(['export', '--data', data, '--to', ipfix, '--anonymize', '--key-file', key, 'ipv4']);
    const ours = parseNdjson<Row>((await weir(['decode', ipfix, '--format', 'ndjson'])).stdout);
    const text = ours
      .filter((row) => row['src_addr'] !== undefined)
      .map((row) => `${String(row['src_addr'])} ${String(row['dst_addr'])} ${String(row['bytes'])}`);
    const lines = theirs.stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s+/g, ' '));
    expect(text).toHaveLength(200);
    expect(text.sort()).toEqual(lines.sort());
  });
});
