import { type ConfigBlock, type ConfigText, isBlock } from './config-general.ts';

/** Where nfflowd copies its lines, as our settings. */
export interface NfflowdDispatchers {
  readonly syslog: string[];
  readonly csv: string[];
}

/** What nfflowd does when nothing is said. */
const USUAL = 'local?ident=nfflowd&facility=local6';

/**
 * Reads the `ptee` section, a configuration of Log::Dispatch: dispatchers of the classes Syslog and File, and Screen, which was nfflowd's own way to its next
 * program and has no counterpart.
 */
export function readDispatchers(
  ptee: ConfigBlock | undefined,
  say: (line: number, what: string) => void,
): NfflowdDispatchers {
  const conf = ptee?.entries.get('conf')?.find(isBlock);
  if (conf === undefined) return { syslog: [USUAL], csv: [] };
  const syslog: string[] = [];
  const csv: string[] = [];
  const names = (conf.entries.get('dispatchers') ?? []).filter((one): one is ConfigText => !isBlock(one));
  for (const { text: name, line } of names.flatMap((one) =>
    one.text.split(/[\s,]+/).map((text) => ({ text, line: one.line })),
  )) {
    const section = conf.entries.get(name)?.find(isBlock);
    if (section === undefined) {
      say(line, `dispatcher ${name} has no section, and is left out`);
      continue;
    }
    const setting = (key: string): string | undefined => {
      const found = section.entries.get(key)?.at(-1);
      return found === undefined || isBlock(found) ? undefined : found.text;
    };
    const kind = (setting('class') ?? '').replace(/^Log::Dispatch::/, '');
    if (kind === 'Syslog') {
      const facility = (setting('facility') ?? 'user').replace(/^LOG_/i, '').toLowerCase();
      syslog.push(`local?${new URLSearchParams({ ident: setting('ident') ?? 'nfflowd', facility }).toString()}`);
      if (setting('socket') !== undefined)
        say(
          section.line,
          `socket of dispatcher ${name} is left out: lines go to the local socket; nat.syslog can be udp://HOST`,
        );
    } else if (kind === 'File' || kind === 'File::Locked') {
      const file = setting('filename');
      if (file === undefined) say(section.line, `dispatcher ${name} has no filename, and is left out`);
      else csv.push(file);
    } else if (kind !== 'Screen') say(section.line, `dispatcher ${name} of class ${kind || 'none'} is left out`);
  }
  const known = new Set(names.flatMap(({ text }) => text.split(/[\s,]+/)));
  for (const [key, [first]] of conf.entries)
    if (key !== 'dispatchers' && !known.has(key) && isBlock(first))
      say(first.line, `section ${key} is in no list of dispatchers, and is left out`);
  return { syslog, csv };
}
