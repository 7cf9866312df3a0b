import { fileURLToPath } from 'node:url';

/** Path of something in this checkout, given relative to its root: `repositoryPath('docs/errors.md')`. */
export function repositoryPath(relative = '.'): string {
  return fileURLToPath(new URL(`../../${relative}`, import.meta.url));
}
