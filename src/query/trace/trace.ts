import type { Catalogue } from '../../store/catalogue.ts';
import { messageOf, WeirError } from '../../util/errors.ts';
import { isInterrupt, type QueryDuck } from '../duck.ts';
import { openCatalogue } from '../source.ts';
import { storeError } from '../store-error.ts';
import { explainAbsence, type Nearest, type Reason } from './absence.ts';
import { candidatesOf, classOf, type ResultClass } from './classify.ts';
import { clockSkews } from './clock.ts';
import type { Candidate } from './evidence.ts';
import { explainSearches } from './explain.ts';
import type { TraceQuestion } from './question.ts';
import { findEvidence, prepareSearch, type Searched } from './search.ts';
import { findUses, type Use } from './uses.ts';

/** What is asked: a data folder, and a DuckDB that is open. */
export interface TraceSource {
  readonly data: string;
  readonly duck: QueryDuck;
}

export interface TraceAnswer {
  readonly question: TraceQuestion;
  readonly class: ResultClass;
  /** Whether no end (or beginning) was seen of the translation that comes first. */
  readonly open: boolean;
  /** The nearest in time first. */
  readonly candidates: readonly Candidate[];
  /** Of an answer of class `none`: why. */
  readonly reasons: readonly Reason[];
  readonly nearest: Nearest;
  /** What is to be minded with this answer, in sentences. */
  readonly warnings: readonly string[];
  readonly searched: Searched;
}

export interface UsesAnswer {
  readonly question: TraceQuestion;
  /** What the inside host used, in order of time. */
  readonly uses: readonly Use[];
  readonly reasons: readonly Reason[];
  readonly warnings: readonly string[];
  readonly searched: Searched;
}

const NO_NEAREST: Nearest = { before: null, after: null };

/**
 * Which inside address and port a public one (`side` 'public') stood for at a time, with the evidence. Nothing found is an answer, too, and says why.
 *
 * ```ts
 * const duck = new QueryDuck({ temporary: '/tmp/weir-trace' });
 * await duck.open();
 * const question = readTraceQuestion('192.0.2.1:62380', { at: '2026-11-21 09:30:15Z' }, { now: Date.now(), zone: 'utc' });
 * const answer = await traceNat({ data: './weir-data', duck }, question);
 * ```
 *
 * @throws WeirError WEIR_DATA_EMPTY, WEIR_CATALOGUE, WEIR_DATA_FOLDER, WEIR_STORE
 */
export function traceNat(source: TraceSource, question: TraceQuestion): Promise<TraceAnswer> {
  return withCatalogue(source, async (catalogue) => {
    const { duck } = source;
    const { evidence, searched, truncated } = await findEvidence(duck, catalogue, question);
    const candidates = candidatesOf(evidence, question.endpoint.port === undefined);
    const answerClass = classOf(candidates);
    const base = { question, class: answerClass, open: candidates[0]?.open ?? false, candidates, searched };
    if (answerClass === 'none') {
      const { reasons, nearest } = await explainAbsence(duck, catalogue, question);
      return { ...base, reasons, nearest, warnings: [] };
    }
    const warnings = [
      ...warningsOf(question, candidates, truncated),
      ...(await clockSkews(duck, catalogue, question, evidence)),
    ];
    return { ...base, reasons: [], nearest: NO_NEAREST, warnings };
  });
}

/** The reverse: which public addresses, ports and blocks an inside endpoint (`side` 'inside') used in a time. Throws as `traceNat` does. */
export function traceInside(source: TraceSource, question: TraceQuestion): Promise<UsesAnswer> {
  return withCatalogue(source, async (catalogue) => {
    const { uses, searched, truncated } = await findUses(source.duck, catalogue, question);
    const warnings = truncated
      ? [`only the first ${uses.length} are shown: ask for a shorter time, or with --to and --proto`]
      : [];
    const reasons = uses.length > 0 ? [] : (await explainAbsence(source.duck, catalogue, question)).reasons;
    return { question, uses, reasons, warnings, searched };
  });
}

/** How `traceNat` or `traceInside` will look for evidence: files and statements, for people. Throws as they do. */
export function explainTrace(source: TraceSource, question: TraceQuestion): Promise<string> {
  return withCatalogue(source, (catalogue) => explainSearches(source.duck, catalogue, question));
}

function warningsOf(question: TraceQuestion, candidates: readonly Candidate[], truncated: boolean): string[] {
  const warnings: string[] = [];
  const { endpoint, peer, proto } = question;
  const [first] = candidates;
  if (endpoint.port === undefined)
    warnings.push('a public address is shared by many: without its port, these are all hosts that were seen behind it');
  else if (candidates.length > 1) {
    const missing = [
      ...(peer === undefined ? ['--to (the other end)'] : []),
      ...(proto === undefined ? ['--proto'] : []),
    ];
    const narrower = missing.length > 0 ? `; ${missing.join(' and ')} may tell them apart` : '';
    warnings.push(`${candidates.length} inside endpoints come into question${narrower}`);
  }
  if (first !== undefined && !first.port_told)
    warnings.push('the records do not tell the translated port: it is taken to be the same on both sides');
  if (first?.open === true)
    warnings.push('no end (or no beginning) of this translation was seen: it counts for as long as --ttl says');
  if (first !== undefined && first.distance > 0)
    warnings.push('no translation held at that very time: these are within the tolerance');
  if (truncated)
    warnings.push('there is more evidence than was looked at: ask for a shorter time, or with --to and --proto');
  return warnings;
}

/** Reads the catalogue and answers; a file that was merged away meanwhile is in the next catalogue under another name. */
async function withCatalogue<T>({ data, duck }: TraceSource, answer: (catalogue: Catalogue) => Promise<T>): Promise<T> {
  try {
    await prepareSearch(duck);
    try {
      return await answer(await openCatalogue(data));
    } catch (error) {
      if (!/No files found|[Cc]annot open file/.test(messageOf(error))) throw error;
      return await answer(await openCatalogue(data));
    }
  } catch (error) {
    if (error instanceof WeirError || (isInterrupt(error) && duck.cancelled)) throw error;
    throw storeError(error, data, 'ask for a shorter time, or with a smaller --ttl');
  }
}
