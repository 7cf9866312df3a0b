import type { Catalogue } from '../../store/catalogue.ts';
import { formatAddress } from '../../util/address.ts';
import { sqlText } from '../../util/sql-text.ts';
import type { QueryDuck } from '../duck.ts';
import { smallFiles, smallTableSelect } from '../small-tables.ts';
import { type Source, selectSegments, spanColumns, sqlSource, sqlSpan } from '../source.ts';
import { sqlTime } from '../sql-text.ts';
import type { Evidence } from './evidence.ts';
import { sqlEventIntervals, sqlFlowIntervals } from './intervals.ts';
import type { TraceQuestion } from './question.ts';
import { sqlIsAddress, sqlRecords, sqlTranslated, TRANSLATED_ADDRESSES } from './records.ts';
import { readObjects, sqlEvidenceColumns, translatedSource } from './search.ts';
import { sqlTripletExporters, sqlTriplets, sqlTripletTimes } from './triplets.ts';

/** Why nothing was found. */
export type ReasonCode =
  | 'outside_store'
  | 'exporter_silent'
  | 'no_nat_evidence'
  | 'never_translated'
  | 'not_translated_then'
  | 'port_not_seen'
  | 'untranslated';

export interface Reason {
  readonly code: ReasonCode;
  readonly text: string;
}

/** The last translation of the asked endpoint that ended before the time asked about, and the first that began after it. */
export interface Nearest {
  readonly before: Evidence | null;
  readonly after: Evidence | null;
}

/** How far around a moment flows are looked for to say whether translations were told of at all, µs. */
const AROUND = 900_000_000n;
/** An exporter that sent nothing for so long around a moment was silent then, µs. */
const SILENCE = 90_000_000n;
/** Longer than any store. */
const EVER = 100n * 366n * 86_400_000_000n;

/** Looks for the reasons why a question has no answer, and for what comes nearest to one. Reads more than the question itself did. */
export async function explainAbsence(
  duck: QueryDuck,
  catalogue: Catalogue,
  question: TraceQuestion,
): Promise<{ reasons: Reason[]; nearest: Nearest }> {
  const nearest = await findNearest(duck, catalogue, question);
  const outside = outsideStore(catalogue, question);
  if (outside !== undefined) return { reasons: [outside], nearest };
  const reasons: Reason[] = [];
  const exporters = await natExporters(duck, catalogue, question);
  const silent = await silentExporters(duck, catalogue, question, exporters.ever);
  for (const { exporter, before, after } of silent) {
    reasons.push({
      code: 'exporter_silent',
      text: `the exporter ${exporter} was silent then: nothing of it arrived between ${isoText(before)} and ${isoText(after)}`,
    });
  }
  if (exporters.around.length === 0) {
    reasons.push({ code: 'no_nat_evidence', text: 'no exporter told of any translation at that time' });
  }
  reasons.push(...(await addressReasons(duck, catalogue, question)));
  return { reasons, nearest };
}

function outsideStore(catalogue: Catalogue, { from, to }: TraceQuestion): Reason | undefined {
  const { first, last } = selectSegments(catalogue, { from: undefined, to: undefined }).stored;
  if (first === null || last === null) return undefined;
  if (to < BigInt(first))
    return {
      code: 'outside_store',
      text: `what is stored begins at ${isoText(first)}: records of that time have been deleted (retention) or never came`,
    };
  if (from > BigInt(last))
    return {
      code: 'outside_store',
      text: `what is stored ends at ${isoText(last)}: there are no records of that time`,
    };
  return undefined;
}

/** Exporters that told of translations, ever and around the time asked about. */
async function natExporters(
  duck: QueryDuck,
  catalogue: Catalogue,
  { from, to, ttl }: TraceQuestion,
): Promise<{ ever: string[]; around: string[] }> {
  const around = new Set<string>();
  const ever = new Set<string>();
  const source = translatedSource(catalogue, undefined, undefined);
  if (source.segments.length > 0) {
    const scan = sqlSource(source, [
      'time_start',
      'duration',
      'nat_event',
      'exporter_hi',
      'exporter_lo',
      ...TRANSLATED_ADDRESSES,
    ]);
    const since = sqlTime(from - AROUND);
    const until = sqlTime(to + AROUND);
    // An event speaks for the time after it, until its translation would have ended.
    const isThen = `"time_start" <= ${until} AND ("time_start" >= ${since} OR "time_start" + to_microseconds("duration") >= ${since}
      OR ("nat_event" IS NOT NULL AND "time_start" >= ${sqlTime(from - ttl)}))`;
    const rows = await readObjects<{ exporter: string; told_then: boolean }>(
      duck,
      `SELECT addr(exporter_hi, exporter_lo) AS exporter, coalesce(bool_or(${isThen}), FALSE) AS told_then FROM ${scan}
       WHERE ${sqlTranslated()} GROUP BY exporter_hi, exporter_lo`,
    );
    for (const { exporter, told_then } of rows) {
      ever.add(exporter);
      if (told_then) around.add(exporter);
    }
  }
  const plain = selectSegments(catalogue, { from: from - AROUND, to: to + AROUND });
  if (plain.segments.length > 0) {
    for (const { exporter } of await readObjects<{ exporter: string }>(duck, sqlTripletExporters(plain))) {
      ever.add(exporter);
      around.add(exporter);
    }
  }
  return { ever: [...ever], around: [...around] };
}

interface Silence {
  readonly exporter: string;
  readonly before: number;
  readonly after: number;
}

/**
 * Exporters whose datagrams arrived before and after the time asked about and not around it, by the table `quality`; of those that tell of
 * translations where some do.
 */
async function silentExporters(
  duck: QueryDuck,
  catalogue: Catalogue,
  { from, to }: TraceQuestion,
  exporters: readonly string[],
): Promise<Silence[]> {
  const { quality } = smallFiles(catalogue);
  if (quality.length === 0) return [];
  const among = exporters.length === 0 ? "exporter <> ''" : `exporter IN (${exporters.map(sqlText).join(', ')})`;
  // A row is of a minute.
  const begin = sqlTime(from - SILENCE - 60_000_000n);
  const end = sqlTime(to + SILENCE);
  return readObjects<Silence>(
    duck,
    `SELECT exporter, epoch_us(max("minute") FILTER ("minute" < ${begin})) + 60000000 AS before, epoch_us(min("minute") FILTER ("minute" > ${end})) AS after
     FROM (${smallTableSelect('quality', quality)}) WHERE datagrams > 0 AND ${among} GROUP BY exporter
     HAVING count(*) FILTER ("minute" BETWEEN ${begin} AND ${end}) = 0 AND before IS NOT NULL AND after IS NOT NULL ORDER BY exporter LIMIT 20`,
  );
}

/** What is known of the address, whatever its port. */
async function addressReasons(duck: QueryDuck, catalogue: Catalogue, question: TraceQuestion): Promise<Reason[]> {
  const { endpoint, from, to, side } = question;
  const text = formatAddress(...endpoint.address);
  const any: TraceQuestion = {
    ...question,
    endpoint: { address: endpoint.address, port: undefined },
    peer: undefined,
    proto: undefined,
  };
  const source = translatedSource(catalogue, undefined, undefined);
  let [ever, then] = [0, 0];
  if (source.segments.length > 0) {
    const sql = `SELECT count(*) AS "ever", count(*) FILTER (t0 <= ${to + AROUND} AND t1 >= ${from - AROUND}) AS "then" FROM ${sqlRecords(source, any, [])}`;
    for (const row of await readObjects<{ ever: number; then: number }>(duck, sql)) [ever, then] = [row.ever, row.then];
  }
  const plain = selectSegments(catalogue, { from: from - AROUND, to: to + AROUND + 1n });
  if (plain.segments.length > 0) {
    const around = { ...any, tolerance: AROUND };
    const [row] = await readObjects<{ n: number }>(duck, `SELECT count(*) AS n FROM (${sqlTriplets(plain, around)})`);
    ever += row?.n ?? 0;
    then += row?.n ?? 0;
  }
  const reasons: Reason[] = [];
  const translated = side === 'public' ? 'anything being translated to it' : 'it being translated';
  if (ever === 0) reasons.push({ code: 'never_translated', text: `${text}: no record tells of ${translated}` });
  else if (then === 0) {
    const minutes = AROUND / 60_000_000n;
    reasons.push({
      code: 'not_translated_then',
      text: `${text}: no record of the ${minutes} minutes before and after tells of ${translated}; at other times ${ever} do`,
    });
  } else if (endpoint.port !== undefined || question.peer !== undefined || question.proto !== undefined) {
    reasons.push({
      code: 'port_not_seen',
      text: `${text}: ${then} records around that time tell of ${translated}, none of them with that ${named(question)} then`,
    });
  }
  const seen = await countUntranslated(duck, plain, question);
  if (then === 0 && seen > 0)
    reasons.push({
      code: 'untranslated',
      text: `${text}: ${seen} flows around that time have it as their own address, untranslated`,
    });
  return reasons;
}

function named({ endpoint, peer, proto }: TraceQuestion): string {
  const parts = [
    ...(endpoint.port === undefined ? [] : ['port']),
    ...(peer === undefined ? [] : ['other end']),
    ...(proto === undefined ? [] : ['protocol']),
  ];
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}` : (parts[0] ?? '');
}

async function countUntranslated(duck: QueryDuck, source: Source, { endpoint }: TraceQuestion): Promise<number> {
  if (source.segments.length === 0) return 0;
  const ends = ['src_addr', 'dst_addr'].map((end) => sqlIsAddress(end, endpoint.address));
  const needed = [...['src_addr', 'dst_addr'].flatMap((end) => [`${end}_hi`, `${end}_lo`]), ...spanColumns(source)];
  const where = [`(${ends.join(' OR ')})`, ...sqlSpan(source)].join(' AND ');
  const [row] = await readObjects<{ n: number }>(
    duck,
    `SELECT count(*) AS n FROM ${sqlSource(source, needed)} WHERE ${where}`,
  );
  return row?.n ?? 0;
}

/** The translations of the endpoint that are nearest in time, of any time. */
async function findNearest(duck: QueryDuck, catalogue: Catalogue, question: TraceQuestion): Promise<Nearest> {
  const { from, to } = question;
  const ever = { ...question, tolerance: EVER };
  const source = translatedSource(catalogue, undefined, undefined);
  const statements =
    source.segments.length === 0 ? [] : [sqlEventIntervals(source, ever), sqlFlowIntervals(source, ever)];
  const all = selectSegments(catalogue, { from: undefined, to: undefined });
  // Pairs are found around a time that is known; only then few rows have to be compared.
  const times = await readObjects<{ before: number | null; after: number | null }>(
    duck,
    sqlTripletTimes(all, question),
  );
  for (const time of times.flatMap(({ before, after }) => [before, after])) {
    if (time === null) continue;
    const moment = { ...question, from: BigInt(time), to: BigInt(time), tolerance: 0n };
    const there = selectSegments(catalogue, { from: moment.from, to: moment.to + 1n });
    statements.push(
      `SELECT * REPLACE (greatest(0, from_ - ${to}, ${from} - until_) AS distance) FROM (${sqlTriplets(there, moment)})`,
    );
  }
  const [isBefore, isAfter] = [`until_ < ${from}`, `from_ > ${to}`];
  const nearest: { before: Evidence | null; after: Evidence | null } = { before: null, after: null };
  for (const sql of statements) {
    const found = await readObjects<Evidence & { readonly side: keyof Nearest }>(
      duck,
      `SELECT ${sqlEvidenceColumns()}, 1 AS records, CASE WHEN ${isBefore} THEN 'before' ELSE 'after' END AS side FROM (${sql})
       WHERE ${isBefore} OR ${isAfter} QUALIFY row_number() OVER (PARTITION BY ${isBefore} ORDER BY distance) = 1`,
    );
    for (const { side, ...one } of found) {
      const other = nearest[side];
      if (other === null || one.distance < other.distance) nearest[side] = one;
    }
  }
  return nearest;
}

function isoText(micros: number): string {
  return new Date(micros / 1000).toISOString();
}
