import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadAllowList } from '#weir/config/allow.js';
import { loadElements } from '#weir/config/elements.js';
import { explain } from '#weir/config/explain.js';
import { identityRules } from '#weir/config/exporters.js';
import { loadConfig } from '#weir/config/load.js';
import { configuredSampling } from '#weir/config/sampling.js';
import { parseAddress } from '#weir/util/address.js';
import { formatPrefix } from '#weir/util/prefix.js';
import { repositoryPath } from '../helpers/repository.ts';
import { tempFolder } from '../helpers/temp.ts';

/** Loads a configuration file of this text; `weir.yaml` in a temporary folder. */
function load(yaml: string, flags: Record<string, unknown> = {}) {
  const folder = tempFolder('config');
  writeFileSync(folder.join('weir.yaml'), yaml);
  return { folder, config: loadConfig({ file: 'weir.yaml', flags, cwd: folder.path }) };
}

const address = (text: string) => parseAddress(text) ?? ([0, 0, 0, 0] as const);

describe('loadConfig', () => {
  it('gives the defaults when nothing is configured', () => {
    const config = loadConfig({ cwd: '/somewhere' });
    expect(config.listen.map(({ text }) => text)).toEqual(['udp://[::]:2055', 'udp://[::]:4739', 'udp://[::]:6343']);
    expect({ ...config, listen: [], from: undefined }).toEqual({
      listen: [],
      data: '/somewhere/weir-data',
      receiveBufferBytes: 64 * 1024 * 1024,
      allow: { entries: [], file: undefined },
      sessions: {
        connections: 4096,
        connectionsPerAddress: 256,
        idle: 3_600_000,
        handshake: 10_000,
        message: 30_000,
        bufferBytes: 64 * 1024 ** 2,
      },
      tls: {
        cert: undefined,
        key: undefined,
        ca: undefined,
        clientCertificates: 'required',
        minimumVersion: 'TLSv1.2',
      },
      templates: { persist: true },
      identity: { sflowAgent: true, exporterElements: true, exporters: [] },
      sampling: { default: 0, exporters: [] },
      store: {
        rotateMs: 300_000,
        rollups: ['minute', 'hour'],
        segmentMs: 700,
        queueBytes: 128 * 1024 * 1024,
        retention: { minute: {}, hour: {} },
      },
      live: { enabled: true, subscribers: 16, queueBytes: 4 * 1024 * 1024, flowsPerSecond: 5000 },
      elements: [],
      lists: {},
      networks: {},
      log: { level: 'info', format: 'auto' },
      statusIntervalMs: 2000,
      from: undefined,
    });
  });

  it('takes a flag before the file, and the file before the default, each setting by itself', () => {
    const { config } = load('store:\n  rotate: 10m\n  segment: 1s\nlog: { level: debug }\n', {
      'store.rotate': '15m',
      receive_buffer: '1MiB',
    });
    expect(config.store.rotateMs).toBe(900_000);
    expect(config.store.segmentMs).toBe(1000);
    expect(config.store.queueBytes).toBe(128 * 1024 * 1024);
    expect(config.receiveBufferBytes).toBe(1024 * 1024);
    expect(config.log.level).toBe('debug');
    expect(config.from.settings).toMatchObject({
      'store.rotate': '--rotate',
      'store.segment': 'weir.yaml:3',
      'store.queue': 'default',
      'log.level': 'weir.yaml:4',
    });
  });

  it('takes false and lists of flags before the file’s', () => {
    const { config } = load('listen: ["udp://[::]:1"]\ntemplates: { persist: true }\n', {
      listen: ['udp://:2', 'udp://:3'],
      'templates.persist': false,
    });
    expect(config.listen.map(({ port }) => port)).toEqual([2, 3]);
    expect(config.templates.persist).toBe(false);
  });

  it('takes paths in the file from its folder, those of flags from the working directory', () => {
    const yaml = 'data: store\nallow_file: /etc/allow\nelements: [a.yaml, ../b.yaml]\n';
    const { config, folder } = load(yaml);
    expect(config.data).toBe(folder.join('store'));
    expect(config.allow.file).toBe('/etc/allow');
    expect(config.elements).toEqual([folder.join('a.yaml'), folder.join('..', 'b.yaml')]);
    writeFileSync(folder.join('weir.yaml'), yaml);
    const flagged = loadConfig({ file: folder.join('weir.yaml'), flags: { data: 'here' }, cwd: '/work' });
    expect(flagged.data).toBe('/work/here');
  });

  it('takes an empty file, and keys without a value, for nothing', () => {
    expect(load('').config.store.rotateMs).toBe(300_000);
    expect(load('# nothing\n').config.store.rotateMs).toBe(300_000);
    expect(load('\uFEFFstore:\n  retention:\nallow:\n').config.allow.entries).toEqual([]);
  });

  it('understands anchors and sizes in bytes', () => {
    const { config } = load('receive_buffer: &size 1048576\nstore: { queue: 33554432, retention: { size: *size } }\n');
    expect(config.receiveBufferBytes).toBe(1_048_576);
    expect(config.store.queueBytes).toBe(33_554_432);
    expect(config.store.retention.maxBytes).toBe(1_048_576);
  });

  it('adds exporters of flags to those of the file', () => {
    const { config } = load('sampling:\n  exporters:\n    - { network: 10.0.0.0/8, default: 5 }\n', {
      'sampling.exporters': [{ network: '10.0.0.0/8', default: 7 }],
    });
    expect(config.sampling.exporters.map((one) => [formatPrefix(one.network), one.default])).toEqual([
      ['10.0.0.0/8', 5],
      ['10.0.0.0/8', 7],
    ]);
    expect(configuredSampling(config.sampling)(address('10.1.1.1')).default).toBe(7);
  });
});

describe('loadConfig for TLS', () => {
  const listen = ['tls://[::]:4740'];

  it('takes paths as others are taken, and numbers in flags', () => {
    const { config, folder } = load(
      'tls: { cert: a.pem, key: keys/a.key, ca: /ca.pem }\nsessions: { connections: 9 }\n',
      {
        listen,
        'sessions.per_address': '7',
      },
    );
    expect(config.tls).toMatchObject({ cert: folder.join('a.pem'), key: folder.join('keys/a.key'), ca: '/ca.pem' });
    expect(config.sessions).toMatchObject({ connections: 9, connectionsPerAddress: 7 });
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a certificate', {}, /needs a certificate and its key, and tls\.cert is not set/],
    ['a key', { 'tls.cert': 'a' }, /tls\.key is not set/],
    ['authorities', { 'tls.cert': 'a', 'tls.key': 'a' }, /tls\.ca is not set/],
    [
      'authorities',
      { 'tls.cert': 'a', 'tls.key': 'a', 'tls.client_certificates': 'optional' },
      /have to show a certificate to tls:\/\/\[::\]:4740/,
    ],
  ])('misses %s', (_, flags, says) => {
    expect(() => loadConfig({ flags: { ...flags, listen } })).toThrow(says);
    expect(() => loadConfig({ flags })).not.toThrow();
  });

  it('wants no authorities when exporters need no certificate', () => {
    const flags = { listen, 'tls.cert': 'a', 'tls.key': 'a', 'tls.client_certificates': 'none' };
    expect(loadConfig({ flags }).tls.ca).toBeUndefined();
  });

  it.each([
    [{ 'sessions.connections': '0' }, /--max-connections: found "0", expected a whole number from 1/],
    [{ 'sessions.idle': '60' }, /--idle-timeout: found "60", expected a length of time/],
    [{ 'tls.minimum_version': 'TLSv1.1' }, /--tls-minimum-version: found "TLSv1\.1", expected one of TLSv1\.2/],
  ])('refuses %j', (flags, says) => {
    expect(() => loadConfig({ flags })).toThrow(says);
  });
});

describe('explain', () => {
  it.each([
    ['the defaults', ''],
    ['everything', 'examples/weir.yaml'],
    [
      'some',
      'allow: [::/0]\nsampling: { default: 3, exporters: [{ network: 10.0.0.1, override: 2 }] }\nstore: { retention: { size: 1500000 } }',
    ],
  ])('prints %s as a file that gives the same configuration', (_, given) => {
    const config = given.startsWith('examples')
      ? loadConfig({ file: given, cwd: repositoryPath() })
      : load(given).config;
    const again = load(explain(config)).config;
    const lines = (one: typeof config) => ({
      ...one,
      from: 0,
      allow: { ...one.allow, entries: one.allow.entries.map((e) => e.text) },
    });
    expect(lines(again)).toEqual(lines(config));
  });

  it('says where each setting comes from', () => {
    const text = explain(load('data: x\n', { 'store.rotate': '1h' }).config);
    expect(text).toMatch(/^data: .*x # weir\.yaml:1$/m);
    expect(text).toMatch(/^ {2}rotate: 1h # --rotate$/m);
    expect(text).toMatch(/^# default\nlisten:$/m);
    expect(text).toMatch(/^# store\.retention\.age: not set\./m);
  });
});

describe('configuredSampling', () => {
  it('looks default and override up apart, each in the longest network that says it', () => {
    const { config } = load(`
sampling:
  default: 10
  exporters:
    - { network: 10.0.0.0/8, default: 100, override: 1000 }
    - { network: 10.1.0.0/16, default: 200 }
    - { network: "2001:db8::/32", override: 5 }
`);
    const of = configuredSampling(config.sampling);
    expect(of(address('10.1.2.3'))).toEqual({ default: 200, override: 1000 });
    expect(of(address('10.2.2.3'))).toEqual({ default: 100, override: 1000 });
    expect(of(address('2001:db8::9'))).toEqual({ default: 10, override: 5 });
    expect(of(address('192.0.2.1'))).toEqual({ default: 10, override: 0 });
  });
});

describe('identityRules', () => {
  it('are those of the domain before those of all, each of the longest network', () => {
    const { config } = load(`
identity:
  sflow_agent: false
  exporters:
    - { network: 10.0.0.0/8, exporter: 192.0.2.8 }
    - { network: 10.1.0.0/16, name: relay }
    - { network: 10.0.0.0/8, domain: 7, exporter: "2001:db8::7", name: core }
`);
    const { configured, sflowAgent, exporterElements } = identityRules(config.identity);
    expect([sflowAgent, exporterElements]).toEqual([false, true]);
    expect(configured(address('10.2.0.1'), 0)).toEqual({ address: address('192.0.2.8'), name: undefined });
    expect(configured(address('10.1.0.1'), 0)).toEqual({ address: undefined, name: 'relay' });
    expect(configured(address('10.1.0.1'), 7)).toEqual({ address: address('2001:db8::7'), name: 'core' });
    expect(configured(address('192.0.2.1'), 7)).toBeUndefined();
  });

  it('an entry says something', () => {
    expect(() => load('identity: { exporters: [ { network: 10.0.0.0/8, domain: 7 } ] }')).toThrow(
      /expected a mapping with network and exporter or name/,
    );
  });
});

describe('loadAllowList', () => {
  const allows = (list: Awaited<ReturnType<typeof loadAllowList>>, text: string) =>
    list?.allows(...address(text), 1000);

  it('is undefined when nothing is configured', async () => {
    expect(await loadAllowList(loadConfig().allow)).toBeUndefined();
  });

  it('takes the senders of the entries and of the file', async () => {
    const { config, folder } = load('allow: [10.0.0.0/8]\nallow_file: allow.txt\n');
    writeFileSync(folder.join('allow.txt'), '# routers\n192.0.2.1\n');
    const list = await loadAllowList(config.allow);
    expect(list?.size).toBe(2);
    expect(['10.1.1.1', '192.0.2.1', '192.0.2.2'].map((one) => allows(list, one))).toEqual([true, true, false]);
    writeFileSync(folder.join('allow.txt'), '192.0.2.2\n');
    expect(allows(await loadAllowList(config.allow), '192.0.2.2')).toBe(true);
  });

  it('names file and line of a wrong entry', async () => {
    const { config, folder } = load('allow_file: allow.txt\n');
    writeFileSync(folder.join('allow.txt'), '192.0.2.1\n10.0.0.1/24\n');
    await expect(loadAllowList(config.allow)).rejects.toMatchObject({ code: 'WEIR_ALLOW_LIST', details: { line: 2 } });
  });
});

describe('loadElements', () => {
  it('adds the elements of files', () => {
    const folder = tempFolder('config');
    writeFileSync(
      folder.join('e.yaml'),
      '- enterprise: 4242\n  elements: [{ id: 1, name: fooBar, type: unsigned32 }]\n',
    );
    expect(loadElements([folder.join('e.yaml')]).lookup(4242, 1)?.name).toBe('fooBar');
  });

  it('says which file is missing', () => {
    expect(() => loadElements(['/nowhere/e.yaml'])).toThrow(/there is no file \/nowhere\/e\.yaml/);
  });
});
