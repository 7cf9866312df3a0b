import type { Names } from '../filter/cursor.ts';
import { formatPrefix } from '../util/prefix.ts';
import type { Settings } from './schema.ts';

/** The lists and networks of a configuration file, for filters that name them. A list goes before networks of the same name. */
export function filterNames({ lists = {}, networks = {} }: Pick<Settings, 'lists' | 'networks'>): Names {
  const all = new Map<string, readonly string[]>();
  for (const [name, prefixes] of Object.entries(networks)) all.set(name, prefixes.map(formatPrefix));
  for (const [name, values] of Object.entries(lists)) all.set(name, values);
  return { lookup: (name) => all.get(name), names: [...all.keys()] };
}
