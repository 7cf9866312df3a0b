// Writes src/elements/*.generated.ts: facts about information elements (number, name, abstract data type, semantics, units) from the
// registries in the folder `shared` beside the checkout. No description is ever taken over.
//
//   node scripts/generate-elements.mjs           write the tables
//   node scripts/generate-elements.mjs --check   exit 1 when a committed table is not what the sources give
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const repository = new URL('../', import.meta.url);
const shared = new URL('../shared/', repository);
const source = (path) => readFileSync(new URL(path, shared), 'utf8');

/** What the YAML and ntop sources call a type, and what RFC 7012 section 3.1 calls it. */
const ABSTRACT_TYPES = {
  uint8: 'unsigned8',
  uint15: 'unsigned16', // a slip in the source: the field is two octets
  uint16: 'unsigned16',
  uint24: 'unsigned32',
  uint32: 'unsigned32',
  uint64: 'unsigned64',
  int8: 'signed8',
  int16: 'signed16',
  int32: 'signed32',
  int64: 'signed64',
  float: 'float32',
  double: 'float64',
  string: 'string',
  octetarray: 'octetArray',
  skip: 'octetArray',
  acl_id_asa: 'octetArray', // three 32-bit hashes: access list, entry, extended entry
  ip4_addr: 'ipv4Address',
  ip6_addr: 'ipv6Address',
  mac_addr: 'macAddress',
  // ntop gives no sizes; reduced-size encoding (RFC 7011 section 6.2) makes unsigned64 right for every length.
  uint: 'unsigned64',
  proto: 'unsigned8',
  hex: 'octetArray',
};

/** Where a source is plainly wrong: `enterprise/id` and the type that the name tells. */
const TYPE_CORRECTIONS = { '3054/194': 'ipv6Address' };

/** Elements that no source file holds but the captures do: Juniper's, whose name has not been checked. */
const MORE_ENTERPRISE_ELEMENTS = [[2636, [137, 'commonPropertiesId', 'unsigned32', 'identifier']]];

/** The same for NetFlow v9: FortiGate sends two octets as 65, which IANA leaves to NetFlow v9. The name has not been checked. */
const MORE_NETFLOW9_FIELDS = [[65, 'flow_flags', 'unsigned16']];

/** IANA and the enterprises that a source of their own knows better, and the reverse elements, which are derived. */
const NOT_FROM_YAML = new Set([0, 6871, 29305, 35632]);

/** nProbe numbers its own elements from here in NetFlow v9; the registry derives them from the ntop table. */
const NTOP_NETFLOW9_BASE = 57472;

/** The reverse of a CERT element has this bit set. */
const CERT_REVERSE_BIT = 0x4000;

const capitalise = (name) => name[0].toUpperCase() + name.slice(1);
const byId = (a, b) => a[0] - b[0];

function row(id, name, type, semantics = 'default', units = '') {
  if (!Number.isInteger(id) || !name || !type) throw new Error(`incomplete element: ${id} ${name} ${type}`);
  if (units) return [id, name, type, semantics || 'default', units];
  return semantics && semantics !== 'default' ? [id, name, type, semantics] : [id, name, type];
}

/** RFC 4180: quoted fields hold commas, quotes and line breaks. */
function parseCsv(text) {
  const rows = [];
  let cells = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (cells.length > 1) rows.push(cells);
    cells = [];
  }
  return rows;
}

function ianaRows() {
  const [head, ...lines] = parseCsv(source('corpus/iana-ipfix/ipfix-information-elements.fastnetmon.csv'));
  const [id, name, type, semantics, units] = [
    'ElementID',
    'Name',
    'Abstract Data Type',
    'Data Type Semantics',
    'Units',
  ].map((title) => head.indexOf(title));
  return lines
    .filter((line) => /^\d+$/.test(line[id]) && line[type])
    .map((line) => row(Number(line[id]), line[name], line[type], line[semantics], line[units]))
    .sort(byId);
}

function certRows() {
  const rows = [];
  for (const [, record] of source('data/cert-ipfix-pen6871.xml').matchAll(/<record\b[^>]*>([\s\S]*?)<\/record>/g)) {
    const value = (tag) => new RegExp(`<${tag}>([^<]*)</${tag}>`).exec(record)?.[1].trim();
    const type = value('dataType');
    if (!type) continue; // reserved and unassigned ranges
    const [id, name, rest] = [Number(value('elementId')), value('name'), [value('dataTypeSemantics'), value('units')]];
    rows.push(row(id, name, type, ...rest));
    if (value('cert:reversible') === 'true')
      rows.push(row(id + CERT_REVERSE_BIT, `reverse${capitalise(name)}`, type, ...rest));
  }
  return rows.sort(byId);
}

function ntopRows() {
  return source('data/ntop-pen35632.csv')
    .split('\n')
    .filter((line) => line.startsWith('35632.'))
    .map((line) => {
      const [number, name, kind] = line.trim().split(',');
      const type = kind === 'ip' ? (name.includes('ipv6') ? 'ipv6Address' : 'ipv4Address') : ABSTRACT_TYPES[kind];
      return row(Number(number.split('.')[1]), name, type);
    })
    .sort(byId);
}

const symbol = (value) => String(value).replace(/^:/, '');
const yamlTable = (text) => parse(text, { uniqueKeys: false, logLevel: 'error' });

/** One `[type, name]` of the YAML sources; undefined for a number that they skip without naming it. */
function yamlRow(enterprise, id, [kind, name]) {
  if (name === undefined) return undefined;
  const type =
    TYPE_CORRECTIONS[`${enterprise}/${id}`] ??
    (typeof kind === 'number' ? `unsigned${kind * 8}` : ABSTRACT_TYPES[symbol(kind)]);
  return row(Number(id), symbol(name), type);
}

/** A name is unique in its enterprise: where the source repeats one, the lowest number keeps it and the others get theirs appended. */
function uniqueNames(rows) {
  const seen = new Set();
  return rows.sort(byId).map(([id, name, ...rest]) => {
    const unique = seen.has(name) ? `${name}_${id}` : name;
    seen.add(unique);
    return [id, unique, ...rest];
  });
}

function enterpriseTables() {
  const tables = new Map();
  for (const [pen, elements] of Object.entries(yamlTable(source('data/enterprise-elements-ipfix.yaml')))) {
    if (NOT_FROM_YAML.has(Number(pen))) continue;
    const rows = Object.entries(elements).map(([id, value]) => yamlRow(pen, id, value));
    tables.set(
      Number(pen),
      rows.filter((entry) => entry !== undefined),
    );
  }
  tables.set(6871, certRows());
  tables.set(35632, ntop);
  for (const [pen, entry] of MORE_ENTERPRISE_ELEMENTS) tables.set(pen, [...(tables.get(pen) ?? []), entry]);
  return [...tables].sort(byId).map(([pen, rows]) => [pen, uniqueNames(rows)]);
}

/** Numbers that IANA's registry names mean the same in NetFlow v9; what remains is the vendors'. */
function netflow9Rows(iana, ntop) {
  const known = new Set([...iana.map(([id]) => id), ...ntop.map(([id]) => id + NTOP_NETFLOW9_BASE)]);
  const rows = Object.entries(yamlTable(source('data/enterprise-elements-netflow9.yaml')))
    .filter(([id]) => /^\d+$/.test(id) && !known.has(Number(id)))
    .map(([id, value]) => yamlRow('netflow9', id, value))
    .filter((entry) => entry !== undefined);
  return uniqueNames([...rows, ...MORE_NETFLOW9_FIELDS]);
}

const quote = (value) =>
  typeof value === 'number' ? String(value) : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
const lines = (rows, indent = '  ') => rows.map((entry) => `${indent}[${entry.map(quote).join(', ')}],\n`).join('');
const header = (title, provenance) =>
  `// Generated by scripts/generate-elements.mjs; do not edit.\n// ${title}\n// Facts from: ${provenance}\n` +
  `import type { ElementRow } from './element.ts';\n\n`;
const table = (title, provenance, name, rows) =>
  `${header(title, provenance)}export const ${name}: readonly ElementRow[] = [\n${lines(rows)}];\n`;

const iana = ianaRows();
const ntop = ntopRows();
const LOGSTASH = 'logstash-codec-netflow';
const files = {
  'iana.generated.ts': table(
    'IANA IPFIX information elements (enterprise 0).',
    'the IANA registry "IP Flow Information Export (IPFIX) Entities", as CSV, state of 2023.',
    'IANA_ROWS',
    iana,
  ),
  'enterprise.generated.ts':
    header(
      'Information elements of the enterprises.',
      'for 6871 the CERT IPFIX registry of CERT NetSA, as XML, updated 2022-11-01, with the reverse elements (number + 16384);\n' +
        '// for 35632 the list of ntop elements in Telegraf (MIT), after the nProbe documentation; for 2636 captures (number and length; name unchecked);\n' +
        `// for the others the element table ipfix.yaml of ${LOGSTASH} (Apache-2.0).`,
    ) +
    'export const ENTERPRISE_ROWS: readonly (readonly [number, readonly ElementRow[]])[] = [\n' +
    enterpriseTables()
      .map(([pen, rows]) => `  [\n    ${pen},\n    [\n${lines(rows, '      ')}    ],\n  ],\n`)
      .join('') +
    '];\n',
  'netflow9.generated.ts': table(
    'Field types that vendors use in NetFlow v9 beside the numbers that IANA knows.',
    `the field table netflow.yaml of ${LOGSTASH} (Apache-2.0); 65: number and length from FortiGate captures, name unchecked.`,
    'NETFLOW9_ROWS',
    netflow9Rows(iana, ntop),
  ),
};

let different = 0;
for (const [file, text] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`src/elements/${file}`, repository));
  if (!process.argv.includes('--check')) {
    writeFileSync(path, text);
  } else if (readFileSync(path, 'utf8') !== text) {
    console.error(`src/elements/${file} is not what the sources give: run node scripts/generate-elements.mjs`);
    different++;
  }
}
process.exitCode = different === 0 ? 0 : 1;
