import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { repositoryPath } from './repository.ts';

/** The corpus of real captures beside this checkout (`../shared/corpus`), or undefined where it is absent. Read in place, never copied. */
export const corpusFolder: string | undefined = existsSync(repositoryPath('../shared/corpus/MANIFEST.tsv'))
  ? repositoryPath('../shared/corpus')
  : undefined;

/** Path of a file of the corpus. Only for use inside `describeCorpus`. */
export function corpusPath(...names: string[]): string {
  if (corpusFolder === undefined) throw new Error('the corpus is absent: put this test inside describeCorpus');
  return join(corpusFolder, ...names);
}

/**
 * A suite that needs the corpus; `body` gets its path. Unlike `describeUnless`, `body` may read the corpus while tests are collected (a
 * test per case), so without a corpus it is not called and the suite counts as one skipped test.
 */
export function describeCorpus(name: string, body: (corpus: string) => void): void {
  const corpus = corpusFolder;
  if (corpus !== undefined) describe(name, () => body(corpus));
  else {
    describe.skip(`${name} [skipped: no ../shared/corpus beside this checkout]`, () => {
      it('needs the corpus', () => {});
    });
  }
}
