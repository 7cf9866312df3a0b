import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type CorpusCase, corpusCases } from '../session/corpus-cases.ts';
import { disagreements } from './compare-case.ts';
import type { SourceValues } from './compare-values.ts';
import { type CaseDatagram, caseDatagrams } from './datagrams.ts';
import { installedPrograms, type Program } from './programs.ts';
import { SOURCES } from './sources.ts';
import { table } from './table.ts';

/* `npm run conformance`: see docs/conformance.md, whose tables it prints. Ends with 1 when Netweir disagrees with a case or a value. */

/** A case as a program decoded it. */
interface Outcome {
  readonly records: number;
  readonly disagreements: readonly string[];
}

/** What a program makes of a case; one that fails has no records. Undefined where it does not know the format. */
async function outcomeOf(
  program: Program,
  one: CorpusCase,
  datagrams: readonly CaseDatagram[],
): Promise<Outcome | undefined> {
  try {
    const records = await program.decode(one, datagrams);
    return records && { records: records.length, disagreements: disagreements(one, records) };
  } catch (error) {
    return { records: 0, disagreements: [`failed: ${String(error).split('\n')[0] ?? ''}`] };
  }
}

function sourceOf({ case: name }: CorpusCase): string {
  return name.split('/')[0] ?? name;
}

function report(
  programs: readonly Program[],
  outcomes: ReadonlyMap<CorpusCase, readonly (Outcome | undefined)[]>,
): void {
  const sources = [...new Set([...outcomes.keys()].map(sourceOf))];
  const row = (name: string, cases: readonly CorpusCase[]): (string | number)[] => {
    const right = (index: number): number | string => {
      const known = cases.flatMap((one) => outcomes.get(one)?.[index] ?? []);
      const agreeing = known.filter((outcome) => outcome.disagreements.length === 0).length;
      return known.length === cases.length ? agreeing : known.length === 0 ? '–' : `${agreeing} of ${known.length}`;
    };
    const toDecode = cases.filter(({ decode }) => decode);
    const decoded = cases.reduce((sum, one) => sum + (outcomes.get(one)?.[0]?.records ?? 0), 0);
    const expected = cases.reduce((sum, { records }) => sum + records, 0);
    return [name, cases.length, toDecode.length, expected, decoded, ...programs.map((_, index) => right(index))];
  };
  const all = [...outcomes.keys()];
  console.log(
    table(
      ['source', 'cases', 'to decode', 'records expected', 'decoded', ...programs.map(({ name }) => name)],
      [
        ...sources.map((name) =>
          row(
            name,
            all.filter((one) => sourceOf(one) === name),
          ),
        ),
        row('**all**', all),
      ],
    ),
  );
}

/** Prints what came of the sources' own values; returns how many differ without a reason. */
async function reportValues(corpus: string): Promise<number> {
  const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, n) => sum + n, 0);
  const all: [string, SourceValues][] = [];
  for (const [name, compare] of SOURCES) all.push([name, await compare(corpus)]);
  const row = ([name, { agreeing, explained, outside, unexplained }]: [string, SourceValues]): (string | number)[] => {
    const known = total(explained);
    const aside = total(outside);
    const all = agreeing + known + unexplained.length + aside;
    return [name, all, agreeing, known, unexplained.length, aside];
  };
  const head = ['source', 'values', 'equal', 'differing with a reason', 'without', 'set aside'];
  console.log(`\n${table(head, all.map(row))}`);
  for (const [name, { explained, outside, unexplained }] of all) {
    for (const [why, count] of explained) console.log(`${name}, differing: ${count} × ${why}`);
    for (const [what, count] of outside) console.log(`${name}, set aside: ${count} × ${what}`);
    for (const line of unexplained) console.log(`${name}, without a reason: ${line}`);
  }
  return all.reduce((sum, [, { unexplained }]) => sum + unexplained.length, 0);
}

async function main(): Promise<number> {
  const root = process.cwd();
  const corpus = join(root, '../shared/corpus');
  if (!existsSync(join(corpus, 'MANIFEST.tsv'))) {
    console.log('conformance: skipped, there is no ../shared/corpus beside this checkout');
    return 0;
  }
  const isVerbose = process.argv.includes('--verbose');
  const programs = installedPrograms(root, corpus);
  const outcomes = new Map<CorpusCase, (Outcome | undefined)[]>();
  for (const one of corpusCases(corpus)) {
    const datagrams = await caseDatagrams(corpus, one);
    const row: (Outcome | undefined)[] = [];
    for (const program of programs) row.push(await outcomeOf(program, one, datagrams));
    outcomes.set(one, row);
  }
  report(programs, outcomes);
  let differing = 0;
  for (const [one, row] of outcomes) {
    row.forEach((outcome, index) => {
      if (outcome === undefined || outcome.disagreements.length === 0) return;
      if (index === 0) differing++;
      if (index === 0 || isVerbose)
        console.log(`${programs[index]?.name ?? ''}: ${one.case}: ${outcome.disagreements.slice(0, 3).join('; ')}`);
    });
  }
  differing += await reportValues(corpus);
  return differing === 0 ? 0 : 1;
}

process.exitCode = await main();
