import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NameRow } from '#weir/session/name-row.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { writeStore } from '../query/fixture.ts';

describe('filters of weir query', () => {
  let folder: TempFolder;

  beforeAll(async () => {
    folder = makeTempFolder('filter-command');
    const at = '2026-11-21T10:00:00Z';
    const flow = (src: string, port: number, inIf: number, app?: string) => ({
      time_received: at,
      time_start: at,
      duration: 0,
      exporter: '192.0.2.1',
      observation_domain: 0,
      src_addr: src,
      dst_addr: '198.51.100.1',
      dst_port: port,
      proto: 6,
      bytes: 100,
      packets: 1,
      in_if: inIf,
      app_name: app,
    });
    await writeStore(
      folder.join('data'),
      [[flow('10.0.0.1', 443, 1, 'MS Teams'), flow('10.9.0.1', 53, 2), flow('2001:db8::5', 8080, 1, 'http-proxy')]],
      {
        names: [1, 2].map(
          (key): NameRow => ({
            sender: '192.0.2.1',
            exporter: '192.0.2.1',
            observation_domain: 0,
            kind: 'interface',
            key: `${key}`,
            name: `ge-0/0/${key}`,
            description: null,
            valid_from: 0,
            valid_until: null,
            time_received: 0,
          }),
        ),
      },
    );
    writeFileSync(folder.join('addresses.txt'), '# ours\n10.0.0.0/16\n2001:db8::5\n');
    writeFileSync(folder.join('web.nf'), 'dst port https or dst port http-alt # web\n');
    writeFileSync(folder.join('weir.yaml'), 'lists:\n  web: [https, 8080]\nnetworks:\n  offices:\n    - 10.9.0.0/16\n');
  });
  afterAll(() => folder.remove());

  const ports = async (filter: string, ...flags: string[]) => {
    const data = ['--data', folder.join('data'), '--format', 'ndjson', '--columns', 'dst_port', ...flags];
    const { stdout, stderr, code } = await weir(['query', ...data, filter]);
    if (code !== 0) return stderr;
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as { dst_port: number }).dst_port).sort((a, b) => a - b);
  };

  it('read files', async () => {
    expect(await ports(`src ip in @${folder.join('addresses.txt')}`)).toEqual([443, 8080]);
    expect(await ports(`@include "${folder.join('web.nf')}"`)).toEqual([443, 8080]);
    expect(await ports('ip in @/no/such/file')).toMatch(/could not be read: ENOENT/);
    expect(await ports(`ip in @${folder.path}`)).toMatch(/it is a folder/);
  });

  it('know the lists and networks of a configuration file', async () => {
    const config = ['--config', folder.join('weir.yaml')];
    expect(await ports('dst port in web', ...config)).toEqual([443, 8080]);
    expect(await ports('src net offices', ...config)).toEqual([53]);
    expect(await ports('src net offces', ...config)).toMatch(/Did you mean 'offices'\?/);
    expect(await ports('src net offices')).toMatch(/no list has this name/);
  });

  it('take names that are looked up', async () => {
    expect(await ports('in_if_name = "ge-0/0/1"')).toEqual([443, 8080]);
    expect(await ports('not in_if_name ~ "1$"')).toEqual([53]);
    expect(await ports('app_label starts with "MS"')).toEqual([443]);
  });
});
