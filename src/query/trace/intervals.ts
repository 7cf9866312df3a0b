import { type Source, sqlSpan } from '../source.ts';
import type { TraceQuestion } from './question.ts';
import { sqlRecords } from './records.ts';

/*
 * Translations as intervals of time. A row has the columns of `sqlRecords`, and: `kind` (an EvidenceKind), `start` and `end` (µs, NULL where it was
 * not seen), `ended_by`, `from_` and `until_` (from when and until when it counts), `distance` (µs from the time asked about).
 */

/** Who was translated into what, towards whom: a beginning and an end that are equal in it belong together. */
const TRANSLATION =
  'exporter_hi, exporter_lo, kind, "proto", inside_hi, inside_lo, inside_port, ingress_vrf, public_hi, public_lo, public_port, block_start, peer_hi, peer_lo, peer_port';
/** What one host can have at a time: that another one gets it shows that the first has lost it. An address may be shared. */
const RESOURCE = `exporter_hi, exporter_lo, kind, "proto", public_hi, public_lo, public_port, block_start, peer_hi, peer_lo, peer_port,
  CASE WHEN kind = 'address' THEN inside_lo END, CASE WHEN kind = 'address' THEN inside_hi END`;

/** Events, each beginning with its end. `source` has the files from `ttl` before the question's time until `ttl` after it. */
export function sqlEventIntervals(source: Source, question: TraceQuestion): string {
  const { ttl } = question;
  const events = `SELECT *, CASE phase WHEN 1 THEN t0 ELSE t1 END AS t FROM ${sqlRecords(source, question, sqlSpan(source))} WHERE phase > 0`;
  const paired = `SELECT *, lead(phase) OVER own AS next_phase, lead(t) OVER own AS next_t, lag(phase) OVER own AS last_phase,
      lead(CASE phase WHEN 1 THEN t END IGNORE NULLS) OVER resource AS reused_t, lag(t) OVER resource AS before_t
    FROM (${events}) WINDOW own AS (PARTITION BY ${TRANSLATION} ORDER BY t, phase), resource AS (PARTITION BY ${RESOURCE} ORDER BY t, phase)`;
  const begun = `SELECT *, t AS start, CASE WHEN next_phase = 2 THEN next_t ELSE reused_t END AS "end",
      CASE WHEN next_phase = 2 THEN 'delete' WHEN reused_t IS NOT NULL THEN 'reuse' END AS ended_by FROM paired WHERE phase = 1`;
  // An end that has its own beginning is a flow, too, and told of there.
  const ended = `SELECT *, NULL::BIGINT AS start, t AS "end", 'delete' AS ended_by FROM paired
    WHERE phase = 2 AND last_phase IS DISTINCT FROM 1 AND NOT is_flow`;
  const counted = `SELECT *, coalesce(start, greatest(before_t, t - ${ttl})) AS from_, coalesce("end", t + ${ttl}) AS until_
    FROM (${begun} UNION ALL ${ended})`;
  return `WITH paired AS (${paired}) ${near(counted, question)}`;
}

/** Flows with translated addresses. `source` has the files of the question's time. */
export function sqlFlowIntervals(source: Source, question: TraceQuestion): string {
  const records = `SELECT * REPLACE ('flow' AS kind), t0 AS start, t1 AS "end", NULL::VARCHAR AS ended_by, t0 AS from_, t1 AS until_
    FROM ${sqlRecords(source, question, sqlSpan(source))} WHERE is_flow`;
  return near(records, question);
}

/** Those within the tolerance of the question's time. */
function near(intervals: string, { from, to, tolerance }: TraceQuestion): string {
  return `SELECT *, greatest(0, from_ - ${to}, ${from} - until_) AS distance FROM (${intervals})
    WHERE from_ <= ${to + tolerance} AND until_ >= ${from - tolerance}`;
}
