import type { z } from 'zod';
import { nearest } from '../elements/nearest.ts';
import { expectedAt, keysAt, pathText, SETTINGS } from './settings.ts';

/** Something wrong in one source, in words. */
export interface Problem {
  readonly path: readonly PropertyKey[];
  /** Whether the key itself is wrong, or its value. */
  readonly isKey: boolean;
  /** `found "5", expected a length of time …`. */
  readonly text: string;
  readonly found: string;
  readonly expected: string;
  /** The name that was most likely meant. */
  readonly suggestion: string | undefined;
  readonly hint: string | undefined;
}

/** The problems that zod found in `raw`, each with what was found and what was expected there. */
export function problemsOf(issues: readonly z.core.$ZodIssue[], raw: unknown): Problem[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [valueProblem(issue, raw)];
    return issue.keys.map((key) => keyProblem([...issue.path, key], issue.path, key));
  });
}

function keyProblem(path: readonly PropertyKey[], mapping: readonly PropertyKey[], key: string): Problem {
  const keys = keysAt(mapping);
  // A key may be right and only stand in the wrong place.
  const elsewhere = SETTINGS.find((one) => !one.path.includes('[]') && one.path.endsWith(`.${key}`))?.path;
  const suggestion = nearest(key, keys) ?? elsewhere ?? groupNamed(key);
  const found = `the unknown key ${JSON.stringify(key)}`;
  const expected = `one of ${keys.join(', ')}`;
  return {
    path,
    isKey: true,
    text: `found ${found}, expected ${expected}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`,
    found,
    expected,
    suggestion,
    hint:
      suggestion === undefined
        ? 'docs/configuration.md lists every key; remove this one.'
        : `Write ${suggestion} in its place${suggestion.includes('.') ? ', each key indented below the one before it' : ''}; docs/configuration.md lists every key.`,
  };
}

function groupNamed(key: string): string | undefined {
  const path = SETTINGS.find((one) => one.path.includes(`.${key}.`))?.path;
  return path?.slice(0, path.indexOf(`.${key}.`) + key.length + 1);
}

function valueProblem(issue: z.core.$ZodIssue, raw: unknown): Problem {
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], raw);
  const { problem, hint } = detailOf(issue);
  const found = value === undefined ? `no ${String(issue.path.at(-1))}` : describe(value);
  const expected = expectedAt(issue.path);
  const suggestion = typeof value === 'string' ? meant(value, issue) : undefined;
  const told =
    problem ?? `found ${found}, expected ${expected}${suggestion === undefined ? '' : `; did you mean ${suggestion}?`}`;
  return {
    path: issue.path,
    isKey: false,
    text: told,
    found,
    expected,
    suggestion,
    hint: hint ?? hintFor(issue.path, value, expected),
  };
}

/** What a reader of texts said itself, also inside a union. */
function detailOf(issue: z.core.$ZodIssue): { problem?: string; hint?: string } {
  return issue.code === 'custom' ? ((issue.params ?? {}) as { problem?: string; hint?: string }) : {};
}

/** The word of a list that was meant; other YAML versions' words for true and false. */
function meant(value: string, issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_value') return nearest(value, issue.values.map(String));
  if (issue.code !== 'invalid_type' || issue.expected !== 'boolean') return undefined;
  const word = value.toLowerCase();
  return ['yes', 'on', 'y'].includes(word) ? 'true' : ['no', 'off', 'n'].includes(word) ? 'false' : undefined;
}

function hintFor(path: readonly PropertyKey[], value: unknown, expected: string): string {
  const word = typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  if (expected.startsWith('a list') && word !== undefined)
    return `Write each entry on a line of its own: "  - ${word}".`;
  if (expected.startsWith('a length of time') && word !== undefined && /^\d+$/.test(word)) {
    return `A number alone could mean seconds or milliseconds: write ${word}s or ${word}ms.`;
  }
  if (value !== null && typeof value === 'object' && typeof path.at(-1) === 'number') {
    return 'A text with ": " in it or a colon at its end stands in quotes.';
  }
  return `docs/configuration.md explains ${pathText(path) || 'every setting'}.`;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  return typeof value === 'object' && value !== null ? 'a mapping' : JSON.stringify(value);
}
