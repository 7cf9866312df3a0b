import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { AGGREGATES, FLOWS } from '../wire/fixed-datagrams.ts';

it('weir decode shows every fixed format of NetFlow on a line', async () => {
  const path = tempFolder('fixed').join('fixed.hex');
  writeFileSync(path, [...FLOWS, ...AGGREGATES].map(({ hex }) => hex.replaceAll(/\s/g, '')).join('\n'));
  const { code, stdout, stderr } = await weir(['decode', path, '--utc']);
  expect(code).toBe(0);
  expect(stderr).toContain('18 datagrams of 1 exporter: 18 flow records');
  expect(stderr).not.toContain('not decoded');
  const lines = stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^\S+ +\S+ +/, '').replace(/84\.3 M packets 151\.7 MB 1\.0\d* ?s/, '…'));
  expect(lines).toMatchInlineSnapshot(`
    [
      "0.0.0.0         v1           192.0.2.1:5398 → 198.51.100.2:5912     udp … if 258→772",
      "0.0.0.0         v1           192.0.2.1:5398 → 198.51.100.2:5912     udp … if 258→772",
      "0.0.0.0         v6           192.0.2.1:5398 → 198.51.100.2:5912     udp … if 258→772",
      "0.0.0.0         v7           192.0.2.1:5398 → 198.51.100.2:5912     udp … if 258→772",
      "0.0.0.0         v8                   AS7454 → AS7968                - aggregate of 825.4 M flows … if 258→772",
      "0.0.0.0         v8                    :5398 → :5912                 udp aggregate of 825.4 M flows …",
      "0.0.0.0         v8             192.0.2.0/24 → -                     - aggregate of 825.4 M flows … if 258→-",
      "0.0.0.0         v8                        - → 198.51.0.0/16         - aggregate of 825.4 M flows … if -→772",
      "0.0.0.0         v8             192.0.2.0/24 → 198.51.0.0/16         - aggregate of 825.4 M flows … if 258→772",
      "0.0.0.0         v8                        - → 198.51.100.2          - aggregate … if -→772",
      "0.0.0.0         v8                192.0.2.1 → 198.51.100.2          - aggregate … if 258→772",
      "0.0.0.0         v8           192.0.2.1:5398 → 198.51.100.2:5912     udp aggregate … if 258→772",
      "0.0.0.0         v8                   AS7454 → AS7968                - aggregate of 825.4 M flows … if 258→772",
      "0.0.0.0         v8                    :5398 → :5912                 udp aggregate of 825.4 M flows … if 258→772",
      "0.0.0.0         v8             192.0.2.0/24 → -                     - aggregate of 825.4 M flows … if 258→-",
      "0.0.0.0         v8                        - → 198.51.0.0/16         - aggregate of 825.4 M flows … if -→772",
      "0.0.0.0         v8             192.0.2.0/24 → 198.51.0.0/16         - aggregate of 825.4 M flows … if 258→772",
      "0.0.0.0         v8        192.0.2.0/24:5398 → 198.51.0.0/16:5912    udp aggregate of 825.4 M flows … if 258→772",
    ]
  `);
});
