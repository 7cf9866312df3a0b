import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedDuck } from '#weir/query/duck.js';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { askText } from './ask.ts';
import { type PlainRow, writeStore } from './fixture.ts';

const QUESTIONS = [
  { by: 'src_addr', order: 'src_addr' },
  { by: 'time/5m,proto' },
  { stat: 'src_addr,dst_port' },
  { bidirectional: true },
  { filter: 'proto tcp' },
  { by: 'in_if', names: true },
] as const;

/** Rows that come at the same time have no order. */
const sorted = (text: string): string[] => text.split('\n').sort();

describe('a database that questions share', () => {
  let folder: TempFolder;
  let duck: SharedDuck;
  beforeAll(async () => {
    folder = makeTempFolder();
    const rows = Array.from(
      { length: 400 },
      (_, i): PlainRow => ({
        time_start: `2026-03-01T12:0${i % 10}:00Z`,
        duration: i,
        src_addr: `10.0.0.${i % 7}`,
        dst_addr: `192.0.2.${i % 5}`,
        src_port: 40_000 + (i % 3),
        dst_port: 443,
        proto: i % 2 === 0 ? 6 : 17,
        in_if: i % 4,
        packets: 1 + i,
        bytes: 100 * i,
      }),
    );
    await writeStore(folder.path, [rows.slice(0, 150), rows.slice(150)]);
    duck = new SharedDuck({ temporary: folder.join('tmp') });
    await duck.open();
  });
  afterAll(() => {
    duck.close();
    folder.remove();
  });

  it('gives each of them its own answer, also at the same time', async () => {
    const alone: string[][] = [];
    for (const question of QUESTIONS) alone.push(sorted(await askText(folder.path, question)));
    expect(new Set(alone.map(String)).size).toBe(QUESTIONS.length);
    const twice = [...QUESTIONS, ...QUESTIONS];
    const together = await Promise.all(twice.map((question) => askText(folder.path, question, 'ndjson', { duck })));
    expect(together.map(sorted)).toEqual([...alone, ...alone]);
  });

  it('must be open', async () => {
    const closed = new SharedDuck({ temporary: folder.join('tmp') });
    await expect(askText(folder.path, { by: 'proto' }, 'ndjson', { duck: closed })).rejects.toThrow('not open');
  });
});
