import { isIP } from 'node:net';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, stringify } from 'yaml';
import { messageOf, WeirError } from '../util/errors.ts';
import { type ConfigBlock, type ConfigText, isBlock, parseConfigGeneral } from './config-general.ts';
import { type NfflowdDispatchers, readDispatchers } from './nfflowd-dispatchers.ts';

/** An nfflowd.conf as our configuration file. */
export interface ConvertedConfig {
  readonly yaml: string;
  /** What is not carried over, or differs, with its line. */
  readonly notes: readonly string[];
}

const SECTIONS = ['flow_send', 'flow_import', 'ptee', 'ct2ft', 'conntrack'];
/** Defaults of nfflowd 1.0: what has these says nothing. */
const USUAL: Readonly<Record<string, string>> = {
  'conntrack.progname': 'conntrack',
  'conntrack.init_format': '-L',
  'conntrack.format': '-E -e NEW,DESTROY -o timestamp -n',
  'flow_import.progname': 'flow-import',
  'flow_import.format': '-z0 -f2 -V5 -m0xFF31EF',
  'flow_send.progname': 'flow-send',
  'flow_send.format': '-V5 -s %s/%s/%s',
};
const PROTOCOLS: Readonly<Record<string, string>> = { 1: 'netflow1', 5: 'netflow5', 6: 'netflow6', 7: 'netflow7' };

/** Whether a text is a configuration of nfflowd, in any form that is read. */
export function isNfflowdConfig(text: string): boolean {
  if (isConfigGeneral(text)) return true;
  try {
    const root: unknown = parseDocument(text, { logLevel: 'silent' }).toJS();
    return typeof root === 'object' && root !== null && SECTIONS.some((key) => key in root);
  } catch {
    return false;
  }
}

/**
 * Reads a configuration of nfflowd (Config::General, or YAML or JSON with the same keys) and says the same in ours. Throws WEIR_CONFIG with file and line.
 */
export function convertNfflowd(text: string, name: string): ConvertedConfig {
  const root = isConfigGeneral(text) ? parseConfigGeneral(text, name) : blockOfYaml(text, name);
  const notes: { readonly line: number; readonly text: string }[] = [];
  const say = (line: number, what: string): void => void notes.push({ line, text: `${name}:${line}: ${what}` });
  for (const [key, [first]] of root.entries)
    if (!SECTIONS.includes(key)) say(first?.line ?? 1, `${key} is no section of nfflowd, and is left out`);
  const send = readFlowSend(root, name, say);
  const { syslog, csv }: NfflowdDispatchers = readDispatchers(sectionOf(root, 'ptee'), say);
  const ttl = textOf(root, 'ct2ft', 'ttl');
  if (ttl !== undefined && !/^\d+$/.test(ttl.text))
    throw wrong(name, ttl.line, `found ttl ${ttl.text}, expected a number of seconds`);
  const conntrack = textOf(root, 'conntrack', 'progname');
  tellUnusual(root, say);
  const nat = {
    to: [send.target],
    source: send.source,
    exporter: send.source,
    // nfflowd tells of every connection.
    select: 'all',
    ...(ttl === undefined ? {} : { ttl: `${Math.max(60, Number(ttl.text))}s` }),
    ...(conntrack === undefined || conntrack.text === 'conntrack' ? {} : { conntrack: conntrack.text }),
    ...(syslog.length === 0 ? {} : { syslog }),
    ...(csv.length === 0 ? {} : { csv }),
  };
  const sorted = notes.toSorted((a, b) => a.line - b.line).map(({ text: note }) => note);
  const head = ` From ${name}. Connections that stay open are told of every 30 minutes too, which nfflowd does not: "active: 0s" ends that.`;
  return { yaml: `#${head}\n${stringify({ nat }, { lineWidth: 0 })}`, notes: sorted };
}

/** `args` are the source address, the collector's and its port, in this order. */
function readFlowSend(root: ConfigBlock, name: string, say: (line: number, what: string) => void) {
  const section = sectionOf(root, 'flow_send');
  const args = (section?.entries.get('args') ?? []).filter((one): one is ConfigText => !isBlock(one));
  const line = args[0]?.line ?? section?.line ?? 1;
  const [source, collector, port] = args.map(({ text }) => text);
  if (source === undefined || collector === undefined || port === undefined || args.length > 3)
    throw wrong(
      name,
      line,
      `found ${args.length} args in flow_send, expected three: source address, collector address, collector port`,
    );
  if (isIP(source) === 0) throw wrong(name, line, `found ${source}, expected the source's IP address`);
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw wrong(name, args[2]?.line ?? line, `found ${port}, expected the collector's port`);
  const format = textOf(root, 'flow_send', 'format');
  const version = /-V\s*(\d+)/.exec(format?.text ?? '-V5')?.[1] ?? '5';
  const protocol = PROTOCOLS[version];
  if (protocol === undefined)
    say(format?.line ?? line, `version ${version} of flow-send is not written; it is NetFlow v5 now`);
  const host = collector.includes(':') ? `[${collector}]` : collector;
  return {
    // 0.0.0.0 leaves the choice to the system.
    source: source === '0.0.0.0' ? undefined : source,
    target: `${protocol ?? 'netflow5'}://${host}:${port}?records=v5-triplet`,
  };
}

/** Says what programs and their arguments were set to something else than usual. */
function tellUnusual(root: ConfigBlock, say: (line: number, what: string) => void): void {
  for (const name of SECTIONS) {
    for (const [key, [first]] of sectionOf(root, name)?.entries ?? []) {
      if (first === undefined || ['flow_send.args', 'ptee.conf', 'ct2ft.ttl'].includes(`${name}.${key}`)) continue;
      const path = `${name}.${key}`;
      const usual = USUAL[path];
      const text = isBlock(first) ? '' : first.text.replaceAll(/\s+/g, ' ');
      if (text === usual || path === 'conntrack.progname') continue;
      if (usual === undefined) say(first.line, `${path} is left out: it has no counterpart`);
      else if (path === 'flow_send.format' && /^-V\d+ -s %s\/%s\/%s$/.test(text)) continue;
      else if (path === 'conntrack.format' || path === 'conntrack.init_format')
        say(
          first.line,
          `${path} is left out: conntrack gets the arguments that weir needs; see select, zones and mark`,
        );
      else say(first.line, `${path} is left out: flow-tools is not used`);
    }
  }
}

function sectionOf(root: ConfigBlock, name: string): ConfigBlock | undefined {
  return root.entries.get(name)?.find(isBlock);
}

function textOf(root: ConfigBlock, section: string, key: string): ConfigText | undefined {
  const found = sectionOf(root, section)?.entries.get(key)?.at(-1);
  return found === undefined || isBlock(found) ? undefined : found;
}

function isConfigGeneral(text: string): boolean {
  return /^\s*<\s*(?:flow_send|flow_import|ptee|ct2ft|conntrack)\s*>/m.test(text);
}

/** YAML, and JSON, as the same tree: entries of a list are a key that is repeated. */
function blockOfYaml(text: string, name: string): ConfigBlock {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const lineOf = (node: Node | null | undefined): number => Math.max(1, lines.linePos(node?.range?.[0] ?? 0).line);
  const [broken] = document.errors;
  if (broken !== undefined) throw wrong(name, Math.max(1, lines.linePos(broken.pos[0]).line), messageOf(broken));
  const entryOf = (node: unknown): (ConfigText | ConfigBlock)[] => {
    const one = isAlias(node) ? node.resolve(document) : node;
    if (isSeq(one)) return one.items.flatMap(entryOf);
    if (!isMap(one)) return isScalar(one) ? [{ line: lineOf(one), text: scalarText(one.value) }] : [];
    const entries = new Map(
      one.items.map(({ key, value }) => [isScalar(key) ? String(key.value) : '', entryOf(value)] as const),
    );
    return [{ line: lineOf(one), entries }];
  };
  return entryOf(document.contents).find(isBlock) ?? { line: 1, entries: new Map() };
}

function scalarText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : '';
}

function wrong(name: string, line: number, problem: string): WeirError {
  return new WeirError('WEIR_CONFIG', `${name}:${line}: ${problem}`, {
    hint: 'docs/moving-from-nfflowd.md tells what of an nfflowd.conf is understood.',
    details: { file: name, line },
  });
}
