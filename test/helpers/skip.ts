import { describe } from 'vitest';

/**
 * A suite that runs when `reason` is undefined and is skipped for that reason otherwise. The reason goes into the suite's name, in the
 * form that `scripts/summary.mjs` lists at the end of `npm test`. `body` is called in both cases, so that every skipped test is counted:
 * it must not read at collection time what may be missing.
 */
export function describeUnless(reason: string | undefined, name: string, body: () => void): void {
  if (reason === undefined) describe(name, body);
  else describe.skip(`${name} [skipped: ${reason}]`, body);
}
