/** Lengths of time and sizes as people write them. */

const SPANS: readonly (readonly [unit: string, ms: number])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];

const POWERS = ['', 'k', 'm', 'g', 't'];
const BINARY: readonly (readonly [unit: string, bytes: number])[] = [
  ['TiB', 1024 ** 4],
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
];
const DECIMAL: readonly (readonly [unit: string, bytes: number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
];

/**
 * Milliseconds in `700ms`, `2s`, `1.5h`, `30d`, `1h30m`; units are ms, s, m, h, d and w. Undefined for anything else: a number without a unit
 * could be seconds or milliseconds, so it is none.
 */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, value, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(value) * (SPANS.find(([name]) => name === unit)?.[1] ?? Number.NaN);
  }
  return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined;
}

/** A length of time in the largest unit that gives a whole number: `90s`, `5m`, `30d`. */
export function formatDuration(ms: number): string {
  const [unit, size] = SPANS.find(([unit, size]) => unit !== 'w' && ms % size === 0) ?? ['ms', 1];
  return ms === 0 ? '0s' : `${ms / size}${unit}`;
}

/**
 * Bytes in `64MiB`, `100GB`, `1.5G`, `65536`: k, M, G and T count by 1000, Ki, Mi, Gi and Ti by 1024, in either case, with or without B.
 * Undefined for anything else.
 */
export function parseSize(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?) ?(?:([kmgt])(i?))?b?$/i.exec(text);
  if (found === null) return undefined;
  const [, value, power = '', binary = ''] = found;
  const bytes = Math.round(Number(value) * (binary === '' ? 1000 : 1024) ** POWERS.indexOf(power.toLowerCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A size in the unit that makes it shortest and whole: `64MiB`, `100GB`, `1500`. */
export function formatSize(bytes: number): string {
  const whole = [...BINARY, ...DECIMAL].filter(([, size]) => bytes >= size && bytes % size === 0);
  const texts = whole.map(([unit, size]) => `${bytes / size}${unit}`);
  return texts.reduce(
    (best, text) => (Number.parseInt(text, 10) < Number.parseInt(best, 10) ? text : best),
    String(bytes),
  );
}
