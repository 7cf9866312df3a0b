import type { Catalogue } from '../../store/catalogue.ts';
import { pruneByAddress } from '../address-pruning.ts';
import { type QueryDuck, stringAt } from '../duck.ts';
import { ADDRESS_MACROS } from '../macros.ts';
import { type Source, selectSegments } from '../source.ts';
import type { Evidence } from './evidence.ts';
import { sqlEventIntervals, sqlFlowIntervals } from './intervals.ts';
import type { TraceQuestion } from './question.ts';
import { askedAddress, TRANSLATED_COLUMNS } from './records.ts';
import { sqlTriplets } from './triplets.ts';

/** Pieces of evidence of one kind and exporter that are shown for one inside endpoint; `records` says how many there are. */
const SHOWN = 3;
/** Most pieces of evidence of a statement. */
const MOST_EVIDENCE = 5000;

/** Files that a search reads, so that people see what an answer rests on. */
export interface Searched {
  readonly files: number;
  readonly rows: number;
}

/** Makes the functions that the statements here use. Call once for a DuckDB. */
export async function prepareSearch(duck: QueryDuck): Promise<void> {
  for (const macro of ADDRESS_MACROS) await duck.read(macro, () => {});
}

/** The rows of a statement as objects, for answers that are small: DuckDB makes JSON of each. */
export async function readObjects<T>(duck: QueryDuck, sql: string): Promise<T[]> {
  const found: T[] = [];
  await duck.read(`SELECT to_json(r)::VARCHAR FROM (${sql}) r`, (rows) => {
    const { bytes } = rows.values(0, 16);
    for (let row = 0; row < rows.count; row++) found.push(JSON.parse(stringAt(bytes, row)) as T);
  });
  return found;
}

/** The files with translations in a span of time, both ends in it. */
export function translatedSource(catalogue: Catalogue, from: bigint | undefined, to: bigint | undefined): Source {
  const segments = catalogue.segments.filter(({ columns }) =>
    TRANSLATED_COLUMNS.some((name) => columns.includes(name)),
  );
  return spanSource({ ...catalogue, segments }, from, to);
}

function spanSource(catalogue: Catalogue, from: bigint | undefined, to: bigint | undefined): Source {
  return selectSegments(catalogue, { from, to: to === undefined ? undefined : to + 1n });
}

/** What is looked for in which files, and SQL of the intervals that it holds for. */
export interface Search {
  /** The kind of evidence, for people. */
  readonly what: string;
  readonly source: Source;
  readonly sql: string;
}

/** SQL of the intervals of each kind of evidence, over the files that can have some. */
export async function searches(duck: QueryDuck, catalogue: Catalogue, question: TraceQuestion): Promise<Search[]> {
  const { from, to, tolerance, ttl } = question;
  const [first, last] = [from - tolerance, to + tolerance];
  const asked = askedAddress(question);
  const events = await pruneByAddress(duck, translatedSource(catalogue, first - ttl, last + ttl), asked);
  const flows = await pruneByAddress(duck, translatedSource(catalogue, first, last), asked);
  // The other records of a triplet may be in other files than the one with the address; and files with translated addresses may have triplets, too.
  const plain = spanSource(catalogue, first, last);
  const all = [
    {
      what: 'events: translations and port blocks that began and ended',
      source: events,
      sql: sqlEventIntervals(events, question),
    },
    { what: 'flows with translated addresses', source: flows, sql: sqlFlowIntervals(flows, question) },
    { what: 'triplets of NetFlow v5', source: plain, sql: sqlTriplets(plain, question) },
  ];
  return all.filter(({ source }) => source.segments.length > 0);
}

/** What `searches` read together, each file once. */
export function searchedFiles(all: readonly { readonly source: Source }[]): Searched {
  const rows = new Map(all.flatMap(({ source }) => source.segments.map((segment) => [segment.file, segment.rows])));
  return { files: rows.size, rows: [...rows.values()].reduce((sum, one) => sum + one, 0) };
}

/** All evidence of a question, the nearest first, and whether there was more than is shown. */
export async function findEvidence(
  duck: QueryDuck,
  catalogue: Catalogue,
  question: TraceQuestion,
): Promise<{ evidence: Evidence[]; searched: Searched; truncated: boolean }> {
  const all = await searches(duck, catalogue, question);
  const evidence: Evidence[] = [];
  let truncated = false;
  for (const { sql } of all) {
    const found = await readObjects<Evidence>(duck, sqlEvidence(sql, question));
    if (found.length > MOST_EVIDENCE) truncated = true;
    for (const one of found.slice(0, MOST_EVIDENCE)) evidence.push(one);
  }
  return { evidence: evidence.sort((a, b) => a.distance - b.distance), searched: searchedFiles(all), truncated };
}

/** Rows in the form of `Evidence`: the nearest of each inside endpoint (each host where no port is asked for), kind and exporter. */
export function sqlEvidence(intervals: string, { endpoint }: TraceQuestion): string {
  const of = `PARTITION BY kind, exporter_hi, exporter_lo, inside_hi, inside_lo, ingress_vrf${endpoint.port === undefined ? '' : ', inside_port'}`;
  return `SELECT ${sqlEvidenceColumns()}, count(*) OVER (${of}) AS records FROM (${intervals})
    QUALIFY row_number() OVER (${of} ORDER BY distance, start IS NULL OR "end" IS NULL, t0 DESC) <= ${SHOWN}
    ORDER BY distance, t0 DESC LIMIT ${MOST_EVIDENCE + 1}`;
}

/** Columns of `Evidence` but `records`, from those of intervals. */
export function sqlEvidenceColumns(): string {
  return `kind, addr(exporter_hi, exporter_lo) AS exporter, "proto", addr(inside_hi, inside_lo) AS inside_addr, inside_port, ingress_vrf, user_name,
    addr(public_hi, public_lo) AS public_addr, public_port, block_start, block_end, block_step,
    CASE WHEN peer_lo IS NOT NULL THEN addr(peer_hi, peer_lo) END AS peer_addr, peer_port,
    start, "end", ended_by, from_ AS "from", until_ AS until, distance, port_told, packets::VARCHAR AS packets, bytes::VARCHAR AS bytes`;
}
