/**
 * A user's registry of information elements, in YAML: a list of enterprises with their elements. The format stands in
 * `docs/elements.md`. Every error names the file, the line, what was found and what was expected.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, parseDocument, type YAMLMap } from 'yaml';
import { WeirError } from '../util/errors.ts';
import { ABSTRACT_TYPES, type AbstractType, type InformationElement, SEMANTICS, type Semantics } from './element.ts';
import { nearest } from './nearest.ts';
import { createElementRegistry } from './registry.ts';

const MAX_ENTERPRISE = 0xffff_ffff;
/** Sixteen bits less the enterprise bit (RFC 7011 section 3.2); enterprise 0 is also NetFlow v9, whose field types have all sixteen. */
const MAX_ID = 0x7fff;
const MAX_NETFLOW9_ID = 0xffff;

const GROUP_KEYS = ['enterprise', 'elements'];
const ELEMENT_KEYS = ['id', 'name', 'type', 'semantics', 'units'];

/** What other registries call a type. */
const OTHER_SPELLINGS: Readonly<Record<string, AbstractType>> = {
  uint8: 'unsigned8',
  uint16: 'unsigned16',
  uint32: 'unsigned32',
  uint64: 'unsigned64',
  int8: 'signed8',
  int16: 'signed16',
  int32: 'signed32',
  int64: 'signed64',
  float: 'float32',
  double: 'float64',
  bool: 'boolean',
  bytes: 'octetArray',
  mac: 'macAddress',
  mac_addr: 'macAddress',
  ip4_addr: 'ipv4Address',
  ip6_addr: 'ipv6Address',
  ipv4: 'ipv4Address',
  ipv6: 'ipv6Address',
};

/**
 * The elements of a user's registry file, for `createElementRegistry`. `file` is its name in messages. Throws `WEIR_ELEMENTS` for
 * the first thing that is not as it should be, with `file`, `line`, `column`, `found`, `expected` and `suggestion` in the details.
 */
export function parseUserElements(yamlText: string, file: string): InformationElement[] {
  const lines = new LineCounter();
  const document = parseDocument(yamlText, { lineCounter: lines, prettyErrors: false, logLevel: 'silent' });

  function fail(at: number | undefined, found: string, expected: string, suggestion?: string): never {
    const { line, col } = lines.linePos(at ?? 0);
    const [row, column] = [Math.max(line, 1), Math.max(col, 1)];
    const meant = suggestion === undefined ? '' : `; did you mean ${suggestion}?`;
    throw new WeirError('WEIR_ELEMENTS', `${file}:${row}:${column}: found ${found}, expected ${expected}${meant}`, {
      hint: 'docs/elements.md shows the format with an example.',
      details: { file, line: row, column, found, expected, suggestion },
    });
  }

  const [problem] = document.errors;
  if (problem !== undefined) {
    fail(problem.pos[0], `what is not YAML (${problem.message.replace(/\.$/, '')})`, 'a YAML list of enterprises');
  }

  /** The node itself, an alias followed; undefined for nothing. */
  const resolved = (value: unknown): Node | undefined => {
    if (isAlias(value)) return value.resolve(document) ?? undefined;
    return isNode(value) ? value : undefined;
  };

  function fields(value: unknown, after: Node | undefined, keys: readonly string[], what: string): Fields {
    const map = resolved(value);
    if (!isMap(map)) fail(map?.range?.[0] ?? after?.range?.[0], describe(map), what);
    const found = new Map<string, Node>();
    for (const { key, value: entry } of map.items) {
      const name = isScalar(key) ? String(key.value) : describe(resolved(key));
      if (!keys.includes(name)) {
        const at = isNode(key) ? key.range?.[0] : map.range?.[0];
        fail(at, `the key ${JSON.stringify(name)}`, `one of ${keys.join(', ')}`, nearest(name, keys));
      }
      const node = resolved(entry);
      if (node !== undefined) found.set(name, node);
    }
    return { map, found };
  }

  function integer({ map, found }: Fields, key: string, minimum: number, maximum: number): number {
    const node = found.get(key);
    const value = isScalar(node) ? node.value : undefined;
    const fits = typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum;
    if (!fits) {
      fail((node ?? map).range?.[0], missingOr(node, key), `${key}: a whole number from ${minimum} to ${maximum}`);
    }
    return value;
  }

  function text({ map, found }: Fields, key: string): string {
    const node = found.get(key);
    if (!isScalar(node) || typeof node.value !== 'string' || node.value === '') {
      fail((node ?? map).range?.[0], missingOr(node, key), `${key}: a text`);
    }
    return node.value;
  }

  function oneOf<T extends string>(element: Fields, key: string, words: readonly T[], meant?: string): T {
    const value = text(element, key);
    const known = words.find((word) => word === value);
    if (known === undefined) {
      const expected = `${key}: one of ${words.join(', ')}`;
      fail(element.found.get(key)?.range?.[0], JSON.stringify(value), expected, meant ?? nearest(value, words));
    }
    return known;
  }

  function name(element: Fields): string {
    const value = text(element, 'name');
    if (!/^[A-Za-z_][\w.-]*$/.test(value)) {
      const expected = 'name: a letter, then letters, digits, "_", "." or "-"';
      fail(element.found.get('name')?.range?.[0], JSON.stringify(value), expected);
    }
    return value;
  }

  const root = resolved(document.contents);
  if (root === undefined || (isScalar(root) && root.value === null)) return [];
  if (!isSeq(root))
    fail(root.range?.[0], describe(root), 'a list of enterprises, each with "enterprise" and "elements"');

  const read: Placed[] = [];
  for (const item of root.items) {
    const group = fields(item, root, GROUP_KEYS, 'an entry with "enterprise" and "elements"');
    const enterprise = integer(group, 'enterprise', 0, MAX_ENTERPRISE);
    const list = group.found.get('elements');
    if (!isSeq(list)) fail((list ?? group.map).range?.[0], missingOr(list, 'elements'), 'elements: a list of elements');
    for (const entry of list.items) {
      const element = fields(entry, list, ELEMENT_KEYS, 'an element with "id", "name" and "type"');
      const type = element.found.get('type');
      const spelling = isScalar(type) ? OTHER_SPELLINGS[String(type.value).toLowerCase()] : undefined;
      read.push({
        at: element.map.range?.[0] ?? 0,
        element: {
          enterprise,
          id: integer(element, 'id', 1, enterprise === 0 ? MAX_NETFLOW9_ID : MAX_ID),
          name: name(element),
          type: oneOf<AbstractType>(element, 'type', ABSTRACT_TYPES, spelling),
          semantics: element.found.has('semantics') ? oneOf<Semantics>(element, 'semantics', SEMANTICS) : 'default',
          units: element.found.has('units') ? text(element, 'units') : undefined,
        },
      });
    }
  }

  const clash = firstClash(read);
  if (clash !== undefined) fail(clash.at, clash.found, clash.expected);
  return read.map(({ element }) => element);
}

interface Fields {
  readonly map: YAMLMap;
  readonly found: ReadonlyMap<string, Node>;
}

interface Placed {
  readonly at: number;
  readonly element: InformationElement;
}

/** A number given twice, or a name that another number of the enterprise has, in the file or built in and not replaced by it. */
function firstClash(read: readonly Placed[]): { at: number; found: string; expected: string } | undefined {
  const builtIn = createElementRegistry();
  const numbers = new Set<string>();
  const names = new Map<string, number>();
  const replaced = new Set(read.map(({ element }) => `${element.enterprise}/${element.id}`));
  for (const { at, element } of read) {
    const number = `${element.enterprise}/${element.id}`;
    if (numbers.has(number)) return { at, found: `element ${number} again`, expected: 'each number once' };
    numbers.add(number);

    const name = `${element.enterprise}/${element.name}`;
    const existing = builtIn.byName(name)?.id;
    const kept = existing !== undefined && !replaced.has(`${element.enterprise}/${existing}`) ? existing : undefined;
    const other = names.get(name) ?? kept;
    if (other !== undefined && other !== element.id) {
      const found = `the name ${element.name}, which element ${element.enterprise}/${other} has`;
      return { at, found, expected: 'a name that is unique in its enterprise' };
    }
    names.set(name, element.id);
  }
  return undefined;
}

function missingOr(node: Node | undefined, key: string): string {
  return node === undefined ? `no ${key}` : describe(node);
}

function describe(node: Node | undefined): string {
  if (isMap(node)) return 'a mapping';
  if (isSeq(node)) return 'a list';
  if (isScalar(node) && node.value !== null) return JSON.stringify(node.value);
  return 'nothing';
}
