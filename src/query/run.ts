import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Anonymity } from '../flow/anonymity.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { pruneByAddress } from './address-pruning.ts';
import { anonymousPlan, prepareAnonymity } from './anonymous-plan.ts';
import { createCell } from './cells.ts';
import { groupChunks, listingChunks } from './chunks.ts';
import { isInterrupt, QueryDuck, type SharedDuck } from './duck.ts';
import { explainText } from './explain.ts';
import { checkParts, matchedKinds, NO_KINDS, totalsOf } from './facts.ts';
import { MACROS } from './macros.ts';
import { MARGIN } from './measures.ts';
import { prepareNames } from './name-columns.ts';
import type { Output, OutputOptions } from './output/output.ts';
import { createOutput, type OutputName, PARQUET } from './output/outputs.ts';
import { parquetCopy } from './output/parquet.ts';
import { kindsText, type MatchedKinds } from './output/summary.ts';
import { type Plan, planConversations, planListing } from './plan.ts';
import { planAggregate } from './plan-aggregate.ts';
import { planStats } from './plan-stats.ts';
import { type Probe, probe } from './probe.ts';
import { Rest } from './rest.ts';
import { openSource, openTiers, type Source } from './source.ts';
import { asksForNames, countsBothEnds, groupKeys, type QuerySpec, type Stat } from './spec.ts';
import { storeError } from './store-error.ts';
import { NO_TOTALS, type Totals } from './totals.ts';

export interface QueryOptions extends OutputOptions {
  /** The data folder. */
  readonly data: string;
  readonly format: OutputName;
  /** The file that a form which is no text is written to. */
  readonly file?: string | undefined;
  /** Tells a person what programs do not read: that an answer in a machine-readable format sums flows and aggregates. */
  readonly warn?: (text: string) => void;
  /** Milliseconds, for the run time. */
  readonly clock: () => number;
  /** Says how the question will be answered instead of answering it. */
  readonly explain?: boolean;
  /** Memory for hash tables and the like, octets; default half of the machine's. */
  readonly memoryBytes?: number | undefined;
  /** Answers with this one, which is open, and not with one of its own; the two settings around it are then its. */
  readonly duck?: SharedDuck | undefined;
  /** Where a long question may put what does not fit into memory; default in the system's temporary folder. */
  readonly temporary?: string;
  /** Of a listing: with other addresses, and without names. */
  readonly anonymity?: Anonymity | undefined;
}

const FILE_HINT = 'For example --output flows.parquet';

/** Rows of one plan: how far the answer has come. */
interface Part {
  readonly plan: Plan;
  readonly totals: Totals;
  readonly rest: Rest | undefined;
}

/** One question to one data folder. Inert until `run`; used once. */
export class Query {
  readonly #options: QueryOptions;
  readonly #duck: QueryDuck;
  #started = false;
  #matched = false;
  #shown = 0;
  #bytes = 0;
  #spec: QuerySpec;

  constructor(options: QueryOptions) {
    this.#options = options;
    this.#spec = options.spec;
    const temporary = options.temporary ?? join(tmpdir(), `weir-query-${process.pid}`);
    this.#duck = new QueryDuck(options.duck ?? { temporary, memoryBytes: options.memoryBytes });
  }

  /** Whether anything matched; known at the end. */
  get matched(): boolean {
    return this.#matched;
  }

  /** Rows of the answer; known at the end. */
  get shown(): number {
    return this.#shown;
  }

  /** How far the running statement is; a question may take two or three. Undefined before the first. */
  get progress(): { readonly rows: number; readonly totalRows: number; readonly bytes: number } | undefined {
    const progress = this.#duck.progress;
    return progress && { ...progress, bytes: this.#bytes };
  }

  /** Ends the query, whose `run` then rejects, or resolves false. */
  cancel(): void {
    this.#duck.cancel();
  }

  /**
   * Answers the question. Resolves true when all of the answer was written, false when nobody read on or it was cancelled.
   * Throws WEIR_DATA_EMPTY, WEIR_CATALOGUE, WEIR_DATA_FOLDER, WEIR_STORE.
   */
  async run(): Promise<boolean> {
    const begun = this.#options.clock();
    try {
      await this.#duck.open();
      if (this.#options.anonymity !== undefined) prepareAnonymity(this.#duck, this.#options.anonymity);
      try {
        return await this.#answer(begun);
      } catch (error) {
        // A file that was merged away between reading the catalogue and opening it is in the next catalogue under another name.
        if (this.#started || !/No files found|[Cc]annot open file/.test(messageOf(error))) throw error;
        return await this.#answer(begun);
      }
    } catch (error) {
      if (isInterrupt(error) && this.#duck.cancelled) return false;
      if (error instanceof WeirError) throw error;
      throw storeError(error, this.#options.data, 'ask for a shorter time or fewer columns in --by');
    } finally {
      this.#duck.close();
    }
  }

  async #answer(begun: number): Promise<boolean> {
    const { data, spec, format, clock } = this.#options;
    const opened = spec.sums
      ? await openTiers(data, spec)
      : await openSource(data, spec.span, spec.splitBiflows === true);
    let source = await pruneByAddress(this.#duck, opened, spec.filter, { onlyMatching: true });
    this.#bytes = source.bytes;
    const output: Output | undefined = format === PARQUET ? undefined : createOutput(format, this.#options);
    const columns = [...spec.columns, ...(output?.listed ?? [])];
    if (asksForNames({ ...spec, columns })) await prepareNames(this.#duck, source.nameFiles);
    if (output === undefined) return this.#copy(source);
    const grouped = spec.sums;
    const found = grouped || spec.bidirectional || output.forPeople ? await probe(this.#duck, source, spec) : undefined;
    if (found !== undefined) await checkParts(this.#duck, this.#spec, source, found);
    if (this.#options.explain === true) return this.#explain(source, output, found);
    if (output.forPeople && found !== undefined) this.#spec = withMargin(spec, found);
    const kinds = found === undefined ? NO_KINDS : await matchedKinds(this.#duck, this.#spec, source, found);
    if (!output.forPeople) this.#note(kinds);
    if (found !== undefined && listsConversations(this.#spec, output)) {
      const made = planConversations(this.#spec, source, found);
      await this.#duck.read(made.table, () => {});
      source = made.source;
    }
    const isTold = !grouped && output.forPeople && found !== undefined;
    let totals = isTold ? await totalsOf(this.#duck, this.#spec, source, found) : NO_TOTALS;
    const all = spec.filter.kind === 'any' && source.covered;
    const plan = this.#planListing(source, output, found);
    const chunks =
      grouped && found !== undefined
        ? groupChunks(this.#duck, this.#spec, source, found, output.forPeople && !all)
        : listingChunks(this.#duck, plan);
    let shown = 0;
    let part: Part | undefined;
    for await (const { plan: planned, rows, first, totals: sums, stat } of chunks) {
      totals = sums ?? totals;
      if (part?.plan !== planned) {
        if (!(await this.#endPart(output, part))) return false;
        part = { plan: planned, totals, rest: this.#showsOther(output) ? new Rest(planned.columns) : undefined };
        if (first > 0) part.rest?.begin(rows);
        else part.rest?.beginKnown(totals);
        if (!(await this.#begin(output, planned, totals, stat))) return false;
      }
      part.rest?.take(rows, first);
      if (!(await output.rows(rows, first))) return false;
      shown += rows.count - first;
    }
    if (!(await this.#endPart(output, part))) return false;
    if (!this.#started && !(await this.#begin(output, plan, totals))) return false;
    this.#shown = shown;
    // A sum of nothing is a row, too.
    this.#matched = spec.sums && spec.by.length === 0 ? totals.flows > 0 : shown > 0;
    const { raw, limit, zone } = spec;
    const seconds = (clock() - begun) / 1000;
    const bothEnds = countsBothEnds(spec);
    const facts = {
      source,
      totals,
      bothEnds,
      probe: found,
      raw,
      kinds,
      shown,
      limit,
      grouped,
      zone,
      seconds,
      exactTimes: all,
    };
    return output.end(facts);
  }

  /** Lets DuckDB write the answer into a file. */
  async #copy(source: Source): Promise<boolean> {
    const { file, explain, write } = this.#options;
    const spec = this.#spec;
    if (file === undefined) throw new WeirError('WEIR_USAGE', 'a Parquet file needs a name', { hint: FILE_HINT });
    if (spec.stats.length > 0) {
      throw new WeirError('WEIR_USAGE', 'several statistics do not go into one Parquet file', {
        hint: 'Ask for one at a time, with --by.',
      });
    }
    const found = await probe(this.#duck, source, spec);
    await checkParts(this.#duck, this.#spec, source, found);
    const options = { times: false, arithmetic: 'integers', totals: spec.measures.length > 0 } as const;
    const plan = spec.sums
      ? planAggregate(spec, source, found, options)
      : this.#anonymous(planListing(spec, source, found));
    const sql = parquetCopy(plan, file);
    if (explain === true) return write(explainText(spec, source, sql));
    this.#note(await matchedKinds(this.#duck, this.#spec, source, found));
    for (const statement of [...MACROS, 'SET preserve_insertion_order = true'])
      await this.#duck.read(statement, () => {});
    await this.#duck.read(sql, (rows) => {
      const count = createCell('i64', 0);
      count.bind(rows);
      this.#shown = count.number(0);
      this.#matched = this.#shown > 0;
    });
    return true;
  }

  #showsOther(output: Output): boolean {
    const { other, limit, least } = this.#spec;
    return (
      (other ?? output.forPeople) &&
      groupKeys(this.#spec).length > 0 &&
      !countsBothEnds(this.#spec) &&
      (limit !== undefined || least !== undefined)
    );
  }

  /** Shows what the groups that are left out come to. */
  async #endPart(output: Output, part: Part | undefined): Promise<boolean> {
    if (part?.rest === undefined || part.rest.isEmpty || output.other === undefined) return true;
    for await (const rows of this.#duck.stream(part.rest.sql(this.#spec, part.totals)))
      if (!(await output.other(rows))) return false;
    return true;
  }

  #begin(output: Output, { columns }: Plan, totals: Totals, stat?: Stat): Promise<boolean> {
    this.#started = true;
    return output.begin(columns, totals, stat);
  }

  #planListing(source: Source, output: Output, found: Probe | undefined): Plan {
    const spec = this.#spec;
    const { listed } = output;
    const isChosen = spec.columns.length > 0 || listed === undefined;
    return this.#anonymous(planListing(isChosen ? spec : { ...spec, columns: listed }, source, found));
  }

  #anonymous(plan: Plan): Plan {
    const { anonymity } = this.#options;
    return anonymity === undefined ? plan : anonymousPlan(plan, anonymity);
  }

  #explain(source: Source, output: Output, found: Probe | undefined): Promise<boolean> {
    const { write } = this.#options;
    const spec = this.#spec;
    return write(explainText(spec, source, this.#statements(source, output, found).join(';\n')));
  }

  /** The statements that a question is answered with, after the probe. */
  #statements(source: Source, output: Output, found: Probe | undefined): string[] {
    const spec = this.#spec;
    const options = { times: true, arithmetic: 'doubles', totals: true } as const;
    if (!spec.sums || found === undefined) {
      if (found === undefined || !listsConversations(spec, output))
        return [this.#planListing(source, output, found).sql];
      const made = planConversations(spec, source, found);
      return [made.table, this.#planListing(made.source, output, found).sql];
    }
    if (spec.stats.length === 0) return [planAggregate(spec, source, found, options).sql];
    const { table, parts } = planStats(spec, source, found, options);
    return [table, ...parts.map(({ plan }) => plan.sql)];
  }

  /** Programs do not read a summary. */
  #note(kinds: MatchedKinds): void {
    const mixed = kinds.summed ? kindsText(kinds) : undefined;
    if (mixed !== undefined) this.#options.warn?.(mixed);
  }
}

/** Whether conversations are listed with what they come to. */
function listsConversations({ sums, bidirectional }: QuerySpec, { forPeople }: Output): boolean {
  return bidirectional && !sums && forPeople;
}

/** People are told how far sums of sampled packets may be off. */
function withMargin(spec: QuerySpec, { maxRate }: Probe): QuerySpec {
  const isTold = !spec.sums || spec.raw || spec.bidirectional || maxRate <= 1 || spec.measures.includes(MARGIN);
  return isTold ? spec : { ...spec, measures: [...spec.measures, MARGIN] };
}
