import type { CharacterClass } from './regex-class.ts';
import type { Regex } from './regex-parse.ts';

/**
 * The expression for RE2, which DuckDB and ClickHouse use. It is written anew from what was read, with every class spelled out, so that it means the
 * same whatever flags they set.
 */
export function printRe2(regex: Regex): string {
  switch (regex.kind) {
    case 'class':
      return printClass(regex.pairs);
    case 'sequence':
      return regex.items.map(printRe2).join('');
    case 'choice':
      return `(?:${regex.items.map(printRe2).join('|')})`;
    case 'repeat': {
      const inner = `(?:${printRe2(regex.item)})`;
      const { min, max } = regex;
      if (max === undefined) return `${inner}${min === 0 ? '*' : min === 1 ? '+' : `{${min},}`}`;
      return `${inner}{${min},${max}}`;
    }
    case 'start':
      return '\\A';
    case 'end':
      return '\\z';
    default:
      return '\\b';
  }
}

function printClass(pairs: CharacterClass): string {
  // A class of nothing: no character is matched.
  if (pairs.length === 0) return '[^\\x{0}-\\x{10ffff}]';
  if (pairs.length === 2 && pairs[0] === pairs[1]) return character(pairs[0] as number);
  let inner = '';
  for (let i = 0; i < pairs.length; i += 2) inner += `${escape(pairs[i] as number)}-${escape(pairs[i + 1] as number)}`;
  return `[${inner}]`;
}

function character(code: number): string {
  const text = String.fromCodePoint(code);
  return /^[A-Za-z0-9_ ]$/.test(text) ? text : escape(code);
}

function escape(code: number): string {
  return `\\x{${code.toString(16)}}`;
}
