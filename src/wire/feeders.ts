import { COLUMNS } from '../flow/schema.ts';

/** Which column an element feeds, and how good it is for it: 0 is best. */
export interface Feeder {
  readonly column: number;
  readonly rank: number;
}

/** Keys are enterprise × 65536 + number. */
type Feeders = ReadonlyMap<number, Feeder>;

function build(version: 9 | 10): Feeders {
  const feeders = new Map<number, Feeder>();
  COLUMNS.forEach(({ elements }, column) => {
    elements.forEach((element, rank) => {
      const text = String(element);
      const isVersion9 = text.startsWith('v9/');
      if (isVersion9 && version !== 9) return;
      const [enterprise, id] = text.includes('/') && !isVersion9 ? text.split('/') : ['0', text.replace('v9/', '')];
      feeders.set(Number(enterprise) * 65_536 + Number(id), { column, rank });
    });
  });
  return feeders;
}

const VERSION_9 = build(9);
const VERSION_10 = build(10);

/** The columns that elements feed, from the schema: NetFlow v9 has vendor numbers of its own in the place of IANA's. */
export function feedersOf(version: 9 | 10): Feeders {
  return version === 9 ? VERSION_9 : VERSION_10;
}
