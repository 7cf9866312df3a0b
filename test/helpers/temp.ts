import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that `remove` (or leaving a `using` block) deletes with everything in it. */
export interface TempFolder extends Disposable {
  readonly path: string;
  /** Path of `names` inside the folder. */
  join(...names: string[]): string;
  remove(): void;
}

/** Makes an empty temporary folder; the caller removes it. For `beforeAll`/`afterAll`, where no test is running. */
export function makeTempFolder(label = 'test'): TempFolder {
  const path = mkdtempSync(join(tmpdir(), `weir-${label}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  return { path, join: (...names) => join(path, ...names), remove, [Symbol.dispose]: remove };
}

/** Makes an empty temporary folder for the test that is running; it is removed when that test ends, whatever its result. */
export function tempFolder(label = 'test'): TempFolder {
  const folder = makeTempFolder(label);
  onTestFinished(() => folder.remove());
  return folder;
}
