import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AllowList, loadAllowListFile, parseAllowList, RefusedSenders } from '#weir/collect/allow-list.js';
import { type Address, parseAddress } from '#weir/util/address.js';
import { WeirError } from '#weir/util/errors.js';

function allows(list: AllowList, host: string, port = 50_000): boolean {
  return list.allows(...(parseAddress(host) as Address), port);
}

function errorOf(run: () => unknown): WeirError {
  try {
    run();
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('parseAllowList', () => {
  it.each<[entry: string, yes: [string, number?][], no: [string, number?][]]>([
    ['10.0.0.1', [['10.0.0.1', 1], ['10.0.0.1', 65_535], ['::ffff:10.0.0.1']], [['10.0.0.2'], ['::10.0.0.1']]],
    ['2001:db8::1', [['2001:DB8:0::1', 7]], [['2001:db8::2'], ['10.0.0.1']]],
    ['[2001:db8::1]', [['2001:db8::1', 7]], [['2001:db8::2']]],
    ['::ffff:10.0.0.1', [['10.0.0.1']], [['10.0.0.2']]],
    [
      '10.0.0.1/1337',
      [['10.0.0.1', 1337]],
      [
        ['10.0.0.1', 1338],
        ['10.0.0.2', 1337],
      ],
    ],
    ['10.0.0.1:1337', [['10.0.0.1', 1337]], [['10.0.0.1', 1338]]],
    [
      '10.0.0.1:20',
      [['10.0.0.1', 20]],
      [
        ['10.0.0.1', 21],
        ['10.0.0.2', 20],
      ],
    ],
    ['10.0.0.1/33', [['10.0.0.1', 33]], [['10.0.0.1', 34]]],
    ['10.0.0.1/32', [['10.0.0.1', 5]], [['10.0.0.2', 32]]],
    [
      '2001:db8::1/1337',
      [['2001:db8::1', 1337]],
      [
        ['2001:db8::1', 1338],
        ['2001:db8::2', 1337],
      ],
    ],
    ['2001:db8::1/129', [['2001:db8::1', 129]], [['2001:db8::1', 128]]],
    ['2001:db8::1/128', [['2001:db8::1', 5]], [['2001:db8::', 5]]],
    ['[2001:db8::1]:20', [['2001:db8::1', 20]], [['2001:db8::1', 21]]],
    ['10.0.0.0/8', [['10.255.1.2'], ['10.0.0.0']], [['11.0.0.0'], ['9.255.255.255'], ['::a00:0']]],
    ['10.0.0.0/255.255.0.0', [['10.0.1.2']], [['10.1.0.0']]],
    ['2001:db8::/32', [['2001:db8:ffff::1']], [['2001:db9::']]],
    ['0.0.0.0/0', [['1.2.3.4'], ['255.255.255.255']], [['::1'], ['2001:db8::1']]],
    ['::/0', [['::1'], ['2001:db8::1']], [['1.2.3.4']]],
    ['::ffff:0:0/96', [['1.2.3.4']], [['::1']]],
    ['  10.0.0.1  ', [['10.0.0.1']], [['10.0.0.2']]],
  ])('%s', (entry, yes, no) => {
    const list = parseAllowList([entry], 'test');
    expect(list.size).toBe(1);
    for (const [host, port] of yes) expect(allows(list, host, port), `${host} ${port}`).toBe(true);
    for (const [host, port] of no) expect(allows(list, host, port), `${host} ${port}`).toBe(false);
  });

  it('is the union of its entries', () => {
    const list = parseAllowList(['::/0', '10.0.0.0/8', '10.0.0.1/1337', '192.0.2.1/99', '192.0.2.1:20'], 'test');
    expect(list.size).toBe(5);
    expect(allows(list, '10.0.0.1', 1)).toBe(true);
    expect(allows(list, '192.0.2.1', 99)).toBe(true);
    expect(allows(list, '192.0.2.1', 20)).toBe(true);
    expect(allows(list, '192.0.2.1', 21)).toBe(false);
    expect(allows(list, '2001:db8::1')).toBe(true);
  });

  it.each<[entry: string, message: RegExp, hint: RegExp]>([
    ['10.0.0.1/24', /has bits set/, /10\.0\.0\.0\/24 for the network.*10\.0\.0\.1:24 for that source port/],
    ['2001:db8::1/64', /has bits set/, /2001:db8::\/64 for the network.*\[2001:db8::1\]:64 for that source port/],
    ['10.0.0.1/255.255.255.0', /has bits set/, /10\.0\.0\.0\/24 for the network, 10\.0\.0\.1 for the host\?/],
    ['10.0.0.1/0', /has bits set/, /0\.0\.0\.0\/0 for the network, 10\.0\.0\.1 for the host\?/],
    ['10.0.0.1/65536', /"65536" where a port/, /1–65535/],
    ['10.0.0.1/0099', /"0099" where a port/, /1–65535/],
    ['10.0.0.1:0', /"0" where a port/, /1–65535/],
    ['10.0.0.1:', /"" where a port/, /1–65535/],
    ['[2001:db8::1]:http', /"http" where a port/, /1–65535/],
    ['10.0.0.0/', /"" after the slash/, /prefix length \(0–32\)/],
    ['10.0.0.0/255.0.255.0', /after the slash/, /mask/],
    ['2001:db8::/x', /"x" after the slash/, /0–128/],
    ['10.0.0.1/port/20', /"port\/20" after the slash/, /prefix length/],
    ['router1', /is not an address/, /names are not resolved/],
    ['router1.example.net:2055', /is not an address/, /names are not resolved/],
    ['fe80::1%eth0', /has a zone/, /leave out %eth0/],
    ['10.0.0', /is not an address/, /expected an address/],
    ['[10.0.0.1]:5', /is not an address/, /expected an address/],
    ['', /is not an address/, /expected an address/],
  ])('refuses %j', (entry, message, hint) => {
    const error = errorOf(() => parseAllowList(['192.0.2.1', { text: entry, line: 7 }], 'senders.txt'));
    expect(error.code).toBe('WEIR_ALLOW_LIST');
    expect(error.message).toMatch(message);
    expect(error.message).toContain(`senders.txt:7: "${entry}"`);
    expect(error.hint).toMatch(hint);
    expect(error.details).toEqual({ where: 'senders.txt', entry, line: 7 });
  });

  it('names the option when there is no line', () => {
    const error = errorOf(() => parseAllowList(['nonsense!'], '--allow'));
    expect(error.message).toMatch(/^--allow: "nonsense!"/);
    expect(error.details).toEqual({ where: '--allow', entry: 'nonsense!' });
  });

  it('refuses an empty list, which would refuse everyone', () => {
    expect(errorOf(() => parseAllowList([], 'allow')).message).toMatch(/no entries/);
  });
});

describe('loadAllowListFile', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'weir-allow-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads one entry per line, with comments, in any line ending', async () => {
    const path = join(folder, 'good.txt');
    await writeFile(path, '\uFEFF# routers\r\n10.0.0.0/8 # core\r\n\r\n  2001:db8::1/1337\n#192.0.2.1');
    const list = await loadAllowListFile(path);
    expect(list.size).toBe(2);
    expect(allows(list, '10.1.1.1')).toBe(true);
    expect(allows(list, '2001:db8::1', 1337)).toBe(true);
    expect(allows(list, '192.0.2.1')).toBe(false);
  });

  it('gives the line of a wrong entry, counting comments and empty lines', async () => {
    const path = join(folder, 'bad.txt');
    await writeFile(path, '# routers\n\n10.0.0.1\n10.0.0.1/24 # edge\n');
    await expect(loadAllowListFile(path)).rejects.toMatchObject({
      code: 'WEIR_ALLOW_LIST',
      message: expect.stringContaining(`${path}:4: "10.0.0.1/24"`) as unknown,
      details: { line: 4, entry: '10.0.0.1/24', where: path },
    });
  });

  it('says when the file is not there, is a folder, or is empty', async () => {
    await expect(loadAllowListFile(join(folder, 'none.txt'))).rejects.toMatchObject({
      code: 'WEIR_ALLOW_LIST',
      hint: expect.stringContaining('create it') as unknown,
    });
    await expect(loadAllowListFile(folder)).rejects.toMatchObject({ code: 'WEIR_ALLOW_LIST' });
    const path = join(folder, 'empty.txt');
    await writeFile(path, '# nobody yet\n');
    await expect(loadAllowListFile(path)).rejects.toMatchObject({
      code: 'WEIR_ALLOW_LIST',
      message: expect.stringContaining('no entries') as unknown,
    });
  });
});

describe('RefusedSenders', () => {
  it('counts by address up to its limit, and the rest as other', () => {
    const refused = new RefusedSenders(2);
    for (const host of ['192.0.2.1', '192.0.2.2', '192.0.2.2', '192.0.2.3', '2001:db8::1', '192.0.2.1', '192.0.2.1']) {
      const count = refused.counterOf(parseAddress(host) as Address);
      count.datagrams++;
      count.bytes += 10;
    }
    expect(refused.list()).toEqual([
      { address: '192.0.2.1', datagrams: 3, bytes: 30, connections: 0 },
      { address: '192.0.2.2', datagrams: 2, bytes: 20, connections: 0 },
      { address: 'other', datagrams: 2, bytes: 20, connections: 0 },
    ]);
  });
});
