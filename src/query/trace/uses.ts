import type { Catalogue } from '../../store/catalogue.ts';
import type { QueryDuck } from '../duck.ts';
import type { Evidence, EvidenceKind } from './evidence.ts';
import type { TraceQuestion } from './question.ts';
import { readObjects, type Searched, searchedFiles, searches } from './search.ts';

/** Public endpoints and blocks of an answer at most. */
const MOST_USES = 10_000;

/** A public endpoint or block that an inside host used, by one kind of evidence of one exporter. */
export interface Use
  extends Pick<
    Evidence,
    | 'exporter'
    | 'proto'
    | 'inside_addr'
    | 'inside_port'
    | 'ingress_vrf'
    | 'public_addr'
    | 'public_port'
    | 'block_start'
    | 'block_end'
    | 'block_step'
  > {
  readonly kind: EvidenceKind;
  /** First and last time, µs; null where it was not seen of the first (or last) translation. */
  readonly start: number | null;
  readonly end: number | null;
  /** Other ends of its connections. */
  readonly peers: number;
  readonly records: number;
}

/** What the inside endpoint of the question used within its time, in order of time. */
export async function findUses(
  duck: QueryDuck,
  catalogue: Catalogue,
  question: TraceQuestion,
): Promise<{ uses: Use[]; searched: Searched; truncated: boolean }> {
  const all = await searches(duck, catalogue, question);
  const uses: Use[] = [];
  for (const { sql } of all) for (const use of await readObjects<Use>(duck, sqlUses(sql))) uses.push(use);
  const time = ({ start, end }: Use): number => start ?? end ?? 0;
  uses.sort((a, b) => time(a) - time(b));
  return { uses: uses.slice(0, MOST_USES), searched: searchedFiles(all), truncated: uses.length > MOST_USES };
}

/** What inside endpoints used, a row for each public endpoint or block: those of `Use`. */
export function sqlUses(intervals: string): string {
  const block = 'block_start, block_end, block_step';
  return `SELECT kind, addr(exporter_hi, exporter_lo) AS exporter, "proto", addr(inside_hi, inside_lo) AS inside_addr, inside_port, ingress_vrf,
      addr(public_hi, public_lo) AS public_addr, public_port, ${block}, first AS start, last AS "end", peers, records
    FROM (SELECT kind, exporter_hi, exporter_lo, "proto", inside_hi, inside_lo, inside_port, ingress_vrf, public_hi, public_lo, public_port, ${block},
      CASE WHEN count(*) = count(start) THEN min(start) END AS first, CASE WHEN count(*) = count("end") THEN max("end") END AS last,
      count(DISTINCT (peer_hi, peer_lo, peer_port)) FILTER (peer_lo IS NOT NULL) AS peers, count(*) AS records, min(from_) AS since
      FROM (${intervals}) GROUP BY ALL)
    ORDER BY since, public_hi, public_lo, public_port LIMIT ${MOST_USES + 1}`;
}
