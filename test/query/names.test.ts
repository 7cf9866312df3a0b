import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseColumns } from '#weir/query/key.js';
import type { Question } from '#weir/query/question.js';
import { smallFiles } from '#weir/query/small-tables.js';
import { openCatalogue, selectSegments } from '#weir/query/source.js';
import { SqlSession } from '#weir/query/sql-session.js';
import type { NameRow } from '#weir/session/name-row.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { askStore, askText } from './ask.ts';
import { micros, writeStore } from './fixture.ts';

const at = (minute: number): string => `2026-03-01T12:${String(minute).padStart(2, '0')}:00Z`;

function name(key: string, text: string, from: number, until: number | null, more: Partial<NameRow> = {}): NameRow {
  return {
    time_received: Number(micros(at(until ?? from))),
    exporter: '198.51.100.1',
    sender: '192.0.2.1',
    observation_domain: 7,
    kind: 'interface',
    key,
    name: text,
    description: null,
    valid_from: Number(micros(at(from))),
    valid_until: until === null ? null : Number(micros(at(until))),
    ...more,
  };
}

function flow(minute: number, more: Record<string, string | number>): Record<string, string | number> {
  return {
    time_received: at(minute),
    time_start: at(minute),
    duration: 0,
    exporter: '192.0.2.1',
    observation_domain: 7,
    bytes: 100,
    packets: 1,
    ...more,
  };
}

describe('names in queries', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder();
    await writeStore(
      folder.path,
      [
        [
          flow(1, { in_if: 1, out_if: 2 }),
          flow(11, { in_if: 1, out_if: 99 }),
          flow(21, { in_if: 1, out_if: 2, exporter: '192.0.2.9' }),
          flow(31, { in_if: 1, out_if: 2, observation_domain: 8 }),
        ],
        [flow(41, { in_if: 3, app_id: '13:453', ingress_vrf: 5 }), flow(42, { app_id: '13:453', app_name: 'own' })],
        [flow(51, { src_addr: '2001:db8::7' })],
      ],
      {
        names: [
          name('1', 'old', 5, 10),
          name('1', 'old', 5, null, { time_received: Number(micros(at(6))) }),
          name('1', 'new', 10, null),
          // Its end was lost with the collector that was killed.
          name('2', 'two', 5, null),
          name('2', 'deux', 30, null),
          name('3', 'of domain 0', 0, null, { observation_domain: 0 }),
          name('1', 'of domain 0', 0, null, { observation_domain: 0 }),
          name('13:453', 'secure-http', 40, null, { kind: 'application' }),
          name('5', 'red', 40, null, { kind: 'vrf' }),
          name('2001:db8::7', 'alice', 0, null, { kind: 'user' }),
        ],
      },
    );
  });
  afterAll(() => folder.remove());

  const ask = (question: Question) => askStore(folder.path, question);

  it("are in lines of one's own", async () => {
    const text = await askText(folder.path, { top: '2' }, 'fmt:%{in_if_name}|%in', { quiet: true });
    expect(text.replaceAll(' ', '')).toBe('old|1\nnew|1\n');
  });

  it('are those that held when the flow came; the first one also before it was told', async () => {
    const rows = await ask({ columns: 'in_if,in_if_name,out_if_name' });
    expect(rows.map((row) => [row['in_if_name'], row['out_if_name']])).toEqual([
      ['old', 'two'],
      ['new', undefined],
      [undefined, undefined],
      // Domain 8 has no names of its own.
      ['of domain 0', undefined],
      ['of domain 0', undefined],
      [undefined, undefined],
      [undefined, undefined],
    ]);
  });

  it('cost no flow and double none', async () => {
    const rows = await ask({ by: 'in_if_name' });
    expect(rows.map((row) => [row['in_if_name'], row['flows']])).toEqual([
      [null, 3],
      ['of domain 0', 2],
      ['new', 1],
      ['old', 1],
    ]);
  });

  it('stand beside the numbers with --names', async () => {
    const [row] = await ask({
      names: true,
      by: 'exporter,ingress_vrf',
      filter: 'in if 3',
    });
    expect(row).toMatchObject({ exporter: '192.0.2.1', ingress_vrf: 5, ingress_vrf_name: 'red', flows: 1 });
    expect(Object.keys(row ?? {}).slice(0, 3)).toEqual(['exporter', 'ingress_vrf', 'ingress_vrf_name']);
    const all = await ask({ names: true });
    expect(all).toHaveLength(7);
    expect(all[4]).toMatchObject({
      in_if: 3,
      in_if_name: 'of domain 0',
      app_label: 'secure-http',
      ingress_vrf_name: 'red',
    });
  });

  it('of applications and users yield to those that the record has itself', async () => {
    const rows = await ask({ columns: 'app_label,user_label' });
    expect(rows.slice(4)).toEqual([{ app_label: 'secure-http' }, { app_label: 'own' }, { user_label: 'alice' }]);
  });

  it('stand in weir sql once each, with their end', async () => {
    const session = new SqlSession(folder.join('tmp'));
    try {
      const catalogue = await openCatalogue(folder.path);
      await session.open(selectSegments(catalogue, { from: undefined, to: undefined }), smallFiles(catalogue));
      const answer = await session.select(
        `SELECT key, name, minute(valid_from), minute(valid_until) FROM names WHERE kind = 'interface' AND observation_domain = 7 ORDER BY ALL`,
      );
      const rows: unknown[] = [];
      for await (const { count } of answer.chunks())
        for (let row = 0; row < count; row++) rows.push(answer.columns.map(({ cell }) => cell.text(row)));
      expect(rows).toEqual([
        ['1', 'new', '10', undefined],
        ['1', 'old', '5', '10'],
        ['2', 'deux', '30', undefined],
        ['2', 'two', '5', '30'],
      ]);
    } finally {
      session.close();
    }
  });

  it('are refused with the nearest name where there are none of that kind', () => {
    expect(() => parseColumns('in_if_nam')).toThrow("no column 'in_if_nam'");
  });
});
