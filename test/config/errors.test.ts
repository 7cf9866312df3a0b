import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '#weir/config/load.js';
import { parseConfig } from '#weir/config/yaml-file.js';
import { WeirError } from '#weir/util/errors.js';
import { tempFolder } from '../helpers/temp.ts';

function errorOf(run: () => unknown): WeirError {
  try {
    run();
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error('no error');
}

interface Case {
  readonly what: string;
  readonly yaml: string;
  /** `line:column`. */
  readonly at: string;
  readonly says: RegExp;
  readonly hint?: RegExp;
}

const CASES: readonly Case[] = [
  {
    what: 'an unknown key',
    yaml: 'data: x\nlistn: []',
    at: '2:1',
    says: /unknown key "listn", expected one of listen, data.*did you mean listen\?/,
    hint: /Write listen/,
  },
  { what: 'a key in kebab-case', yaml: 'receive-buffer: 1MiB', at: '1:1', says: /did you mean receive_buffer\?/ },
  {
    what: 'an unknown key inside',
    yaml: 'store:\n  rotate: 5m\n  retension: {}',
    at: '3:3',
    says: /"retension", expected one of rotate, segment, queue, rollups, retention; did you mean retention\?/,
  },
  {
    what: 'a key in the wrong place',
    yaml: 'retention: { age: 3d }',
    at: '1:1',
    says: /did you mean store\.retention\?/,
    hint: /indented/,
  },
  { what: 'a wrong type', yaml: 'data: 5', at: '1:7', says: /found 5, expected the path of a folder/ },
  {
    what: 'a text for a list',
    yaml: 'data: x\nlisten: udp://[::]:2055',
    at: '2:9',
    says: /found "udp:\/\/\[::\]:2055", expected a list/,
    hint: / {2}- udp:\/\/\[::\]:2055/,
  },
  {
    what: 'a list for a mapping',
    yaml: 'store:\n  - rotate',
    at: '2:3',
    says: /found a list, expected a mapping with rotate/,
  },
  { what: 'an empty list', yaml: 'listen: []', at: '1:9', says: /found an empty list, expected a list/ },
  { what: 'a list at the top', yaml: '- listen', at: '1:1', says: /found a list, expected a mapping of settings/ },
  {
    what: 'a bad unit of time',
    yaml: 'store:\n  segment: 5sec',
    at: '2:12',
    says: /found "5sec", expected a length of time/,
  },
  {
    what: 'a time without unit',
    yaml: 'status_interval: 5',
    at: '1:18',
    says: /found 5, expected a length of time/,
    hint: /5s or 5ms/,
  },
  {
    what: 'a rotation that does not fit into the hour',
    yaml: 'store: { rotate: 7m }',
    at: '1:18',
    says: /found "7m".*makes an hour/,
  },
  { what: 'a time out of range', yaml: 'store: { segment: 2h }', at: '1:19', says: /from 100ms to 60s/ },
  {
    what: 'a bad unit of size',
    yaml: 'receive_buffer: 64XB',
    at: '1:17',
    says: /found "64XB", expected a size such as 64MiB/,
  },
  {
    what: 'a size out of range',
    yaml: 'receive_buffer: 12',
    at: '1:17',
    says: /found 12, expected a size.*from 64KiB to 1GiB/,
  },
  {
    what: 'a wrong network',
    yaml: 'sampling:\n  exporters:\n    - network: 10.0.0.0/33\n      default: 5',
    at: '3:16',
    says: /found "10\.0\.0\.0\/33", expected an address or a network/,
  },
  {
    what: 'an entry without network',
    yaml: 'sampling:\n  exporters:\n    - default: 5',
    at: '3:7',
    says: /found no network/,
  },
  {
    what: 'an entry that says nothing',
    yaml: 'sampling:\n  exporters:\n    - network: 10.0.0.1',
    at: '3:7',
    says: /expected a mapping with network and default or override/,
  },
  {
    what: 'a rate that is no whole number',
    yaml: 'sampling: { default: 1.5 }',
    at: '1:22',
    says: /found 1\.5, expected a whole number/,
  },
  {
    what: 'an allow-list entry with host bits',
    yaml: 'allow:\n  - 10.0.0.0/8\n  - 10.0.0.1/24',
    at: '3:5',
    says: /"10\.0\.0\.1\/24" has bits set after its prefix/,
    hint: /did you mean 10\.0\.0\.0\/24/,
  },
  {
    what: 'an allow-list entry that is a name',
    yaml: 'allow: [router1]',
    at: '1:9',
    says: /"router1" is not an address/,
  },
  { what: 'another transport', yaml: 'listen:\n  - sctp://[::]:4739', at: '2:5', says: /"sctp" is not a transport/ },
  { what: 'a URL without port', yaml: 'listen:\n  - udp://192.0.2.1', at: '2:5', says: /it has no port/ },
  {
    what: 'a text that YAML takes for a mapping',
    yaml: 'allow:\n  - fe80::',
    at: '2:5',
    says: /found a mapping/,
    hint: /in quotes/,
  },
  {
    what: 'a misspelt word',
    yaml: 'log:\n  level: inof',
    at: '2:10',
    says: /found "inof", expected one of trace.*did you mean info\?/,
  },
  {
    what: 'yes for true',
    yaml: 'templates: { persist: yes }',
    at: '1:23',
    says: /found "yes", expected true or false; did you mean true\?/,
  },
  {
    what: 'a server of another kind for templates',
    yaml: 'templates: { shared: "http://localhost:6379" }',
    at: '1:22',
    says: /found "http:\/\/localhost:6379", expected redis:\/\/HOST:PORT or rediss/,
  },
  {
    what: 'a key twice',
    yaml: 'data: x\ndata: y',
    at: '2:1',
    says: /found a key that stands in this mapping already, expected each key once/,
  },
  {
    what: 'what is not YAML',
    yaml: 'data: x\nlisten: [udp://[::]:2055]',
    at: '2:16',
    says: /found what is not YAML/,
    hint: /in quotes/,
  },
  { what: 'an unclosed quote', yaml: 'data: "x', at: '1:9', says: /found what is not YAML/ },
  { what: 'an unknown alias', yaml: 'data: *there', at: '1:7', says: /found what is not YAML/ },
  { what: 'several documents', yaml: 'data: x\n---\ndata: y', at: '2:1', says: /found what is not YAML/ },
];

describe('a configuration file with', () => {
  it.each(CASES)('$what is refused where it is wrong', ({ yaml, at, says, hint }) => {
    const error = errorOf(() => parseConfig(yaml, 'weir.yaml'));
    expect(error.code).toBe('WEIR_CONFIG');
    expect(error.message).toMatch(says);
    expect(error.message.split(' ')[0]).toBe(`weir.yaml:${at}:`);
    expect([error.details['line'], error.details['column']].join(':')).toBe(at);
    expect(error.details['found']).toEqual(expect.any(String));
    expect(error.details['expected']).toEqual(expect.any(String));
    expect(error.hint).toMatch(hint ?? /./);
  });

  it('several mistakes tells all, in the order of the lines', () => {
    const error = errorOf(() =>
      parseConfig('log: { level: x }\nlisten: []\nfoo: 1\nstore: { queue: 1q }\n', 'weir.yaml'),
    );
    const lines = (error.details['problems'] as { line: number }[]).map(({ line }) => line);
    expect(lines).toEqual([1, 2, 3, 4]);
    expect(error.message.match(/weir\.yaml:\d/g)).toHaveLength(4);
    expect(error.details['line']).toBe(1);
  });
});

describe('a configuration file that', () => {
  it('is missing is named', () => {
    const error = errorOf(() => loadConfig({ file: 'no.yaml', cwd: '/tmp' }));
    expect(error).toMatchObject({
      code: 'WEIR_CONFIG',
      message: 'there is no file no.yaml',
      details: { file: 'no.yaml' },
    });
  });

  it('is a folder is named', () => {
    expect(errorOf(() => loadConfig({ file: tempFolder('config').path })).message).toMatch(/^cannot read /);
  });

  it('is a bomb of aliases is refused', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `k${i}: &a${i} [${i === 0 ? 'x' : `*a${i - 1},`.repeat(9)}]`);
    expect(errorOf(() => parseConfig(levels.join('\n'), 'weir.yaml')).code).toBe('WEIR_CONFIG');
  });

  it('sets what every object has is refused like any other', () => {
    expect(errorOf(() => parseConfig('__proto__: { data: x }', 'weir.yaml')).message).toMatch(/unknown key/);
    expect(errorOf(() => parseConfig('constructor: 1', 'weir.yaml')).message).toMatch(/unknown key "constructor"/);
  });
});

describe('a wrong flag', () => {
  it.each([
    [{ 'store.rotate': '5' }, /^--rotate: found "5", expected a length of time/],
    [{ listen: ['udp://:1', 'x'] }, /^--listen: cannot listen on "x"/],
    [{ receive_buffer: '1' }, /^--receive-buffer: found "1", expected a size/],
    [{ 'sampling.exporters': [{ network: 'x', override: 5 }] }, /^--sampling-override: found "x"/],
    [{ 'sampling.exporters': [{ network: '::/0', default: 0 }] }, /^--sampling-default: found 0/],
    [{ data: '' }, /^--data: found "", expected the path of a folder/],
  ])('%o is named, as WEIR_USAGE', (flags, says) => {
    const error = errorOf(() => loadConfig({ flags }));
    expect(error.code).toBe('WEIR_USAGE');
    expect(error.message).toMatch(says);
  });

  it('goes before a correct file', () => {
    const folder = tempFolder('config');
    writeFileSync(folder.join('weir.yaml'), 'store: { rotate: 5m }');
    expect(errorOf(() => loadConfig({ file: folder.join('weir.yaml'), flags: { 'store.rotate': 'x' } })).code).toBe(
      'WEIR_USAGE',
    );
  });
});
