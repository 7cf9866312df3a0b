import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { makeTempFolder } from '../helpers/temp.ts';
import { micros, type PlainRow, writeStore } from './fixture.ts';
import { asking, day, event, session } from './trace-tools.ts';

interface Use {
  readonly host: number;
  readonly port: number;
  readonly start: number;
  readonly minutes: number;
}

const HOSTS = 4;
const PORTS = 3;
const MINUTES = 120;
const clock = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** Uses of ports one after the other, as a translator gives them out: no port has two hosts at a time. */
const uses = fc
  .array(
    fc.record({
      host: fc.nat(HOSTS - 1),
      port: fc.nat(PORTS - 1),
      start: fc.nat(MINUTES),
      minutes: fc.integer({ min: 1, max: 30 }),
    }),
    {
      maxLength: 20,
    },
  )
  .map((list) => {
    const free = new Map<number, number>();
    return [...list]
      .sort((a, b) => a.start - b.start)
      .filter(({ port, start, minutes }) => {
        if (start <= (free.get(port) ?? -1)) return false;
        free.set(port, start + minutes);
        return true;
      });
  });

const questions = fc.array(fc.record({ port: fc.nat(PORTS - 1), minute: fc.nat(MINUTES) }), {
  minLength: 5,
  maxLength: 5,
});

it('of sessions that were all seen, the host is the one that had the port at that minute', async () => {
  await fc.assert(
    fc.asyncProperty(uses, questions, async (list, asked) => {
      using folder = makeTempFolder('trace');
      const rows = list.flatMap((use: Use): PlainRow[] => {
        const tuple = session(`10.0.0.${use.host}`, 5000 + use.port, 40_000 + use.port);
        return [event(4, clock(use.start), tuple), event(5, clock(use.start + use.minutes), tuple)];
      });
      // A store is never empty.
      const other = { time_start: micros(day('00:00')), duration: 36_000_000_000, src_addr: '192.0.2.1' };
      await writeStore(folder.path, [[...rows, other]]);
      const { trace } = await asking(folder.path);
      for (const { port, minute } of asked) {
        const answer = await trace(`198.51.100.1:${40_000 + port}`, clock(minute), { tolerance: '0' });
        const expected = list.filter(
          (use) => use.port === port && use.start <= minute && minute <= use.start + use.minutes,
        );
        expect(answer.candidates.map(({ inside_addr }) => inside_addr)).toEqual(
          expected.map(({ host }) => `10.0.0.${host}`),
        );
        expect(answer.open).toBe(false);
      }
    }),
    { numRuns: 4 },
  );
});
