import { PROTOCOLS } from '../filter/protocols.ts';
import { SERVICES } from '../filter/services.ts';
import { sqlText } from '../util/sql-text.ts';

/** A value of ours as its word. */
export function wordsCase(value: string, words: Readonly<Record<number, string>>): string {
  const cases = Object.entries(words).map(([number, word]) => `WHEN ${number} THEN ${sqlText(word)}`);
  return `CASE ${value} ${cases.join(' ')} ELSE ${value}::VARCHAR END`;
}

const V4 = 281_470_681_743_360n;
const ALL_ONES = 18_446_744_073_709_551_615n;

/** An IPv6 address in groups between colons, `:2001:db8:0:0:0:0:0:1:`. */
const GROUPS = ['hi', 'lo']
  .flatMap((half) => [48, 32, 16, 0].map((shift) => `printf('%x', (${half} >> ${shift}) & 65535)`))
  .join(` || ':' || `);

/** RFC 5952: the longest run of two or more zero groups, the first of equals, becomes `::`. */
const COMPRESSED = [8, 7, 6, 5, 4, 3, 2]
  .map((length) => `:${'0:'.repeat(length)}`)
  .map((run) => `WHEN contains(g, '${run}') THEN regexp_replace(g, '${run}', '::')`)
  .join(' ');

/** Colons at the ends go, except where they belong to `::`. */
const TRIMMED = `regexp_replace(regexp_replace(c, '^:([^:])', '\\1'), '([^:]):$', '\\1')`;

/** The 16-bit groups of an IPv6 text, with those that `::` stands for. */
const PARTS = `list_filter(string_split(split_part(a, '::', 1), ':'), lambda x: x <> '')`;
const REST = `list_filter(string_split(split_part(a, '::', 2), ':'), lambda x: x <> '')`;
const FILLED = `list_concat(list_concat(${PARTS}, list_transform(range(8 - len(${PARTS}) - len(${REST})), lambda x: '0')), ${REST})`;

/** Four groups from `first` on as one number. */
function half(first: number): string {
  const numbers = `list_transform((${FILLED})[${first}:${first + 3}], lambda x: ('0x' || x)::UBIGINT)`;
  return `list_reduce(${numbers}, lambda sum, x: sum * 65536 + x)`;
}

const QUAD = [1, 2, 3, 4]
  .map((part) => `split_part(a, '.', ${part})::UBIGINT * ${256n ** BigInt(4 - part)}::UBIGINT`)
  .join(' + ');

/** `addr`, `addr_hi`, `addr_lo`: addresses as text and as two numbers. */
export const ADDRESS_MACROS: readonly string[] = [
  // A list of one lets a value be computed once and named; macros repeat their arguments.
  `CREATE OR REPLACE TEMP MACRO v6_text(hi, lo) AS (list_transform(list_transform([':' || ${GROUPS} || ':'], lambda g: CASE ${COMPRESSED} ELSE g END), lambda c: ${TRIMMED})[1])`,
  `CREATE OR REPLACE TEMP MACRO addr(hi, lo) AS (CASE
     WHEN hi = 0 AND lo >= ${V4} AND lo < ${V4 + (1n << 32n)} THEN ((lo >> 24) & 255) || '.' || ((lo >> 16) & 255) || '.' || ((lo >> 8) & 255) || '.' || (lo & 255)
     ELSE v6_text(hi, lo) END)`,
  // Upper and lower half of an address given as text.
  `CREATE OR REPLACE TEMP MACRO addr_hi(a) AS (CASE WHEN contains(a, ':') THEN ${half(1)} ELSE 0::UBIGINT END)`,
  `CREATE OR REPLACE TEMP MACRO addr_lo(a) AS (CASE WHEN contains(a, ':') THEN ${half(5)} ELSE ${V4}::UBIGINT + ${QUAD} END)`,
];

/** The registry's name of each port comes first in the list. */
const SERVICE_NAMES = Object.fromEntries(
  Object.entries(SERVICES)
    .reverse()
    .map(([name, port]) => [port, name]),
);

const FLAGS = Array.from('UAPRSF', (letter, index) => `CASE WHEN f & ${32 >> index} > 0 THEN '${letter}' ELSE '.' END`);

/** The name that something had at a time; see the table `names`. It needs the views. */
export const NAME_MACRO = `CREATE OR REPLACE TEMP MACRO name_at(exporter_text, kind_text, key_text, at_time, domain := NULL) AS (
  SELECT max_by(n.name, n.valid_from) FROM names n WHERE n.exporter = exporter_text AND n.kind = kind_text AND n.key = key_text::VARCHAR
     AND (domain IS NULL OR n.observation_domain = domain)
     AND n.valid_from <= at_time AND (n.valid_until IS NULL OR n.valid_until > at_time))`;

/** All functions that people have in SQL. */
export const MACROS: readonly string[] = [
  ...ADDRESS_MACROS,
  `CREATE OR REPLACE TEMP MACRO mac(m) AS (regexp_replace(printf('%012x', m), '(..)(..)(..)(..)(..)(..)', '\\1:\\2:\\3:\\4:\\5:\\6'))`,
  `CREATE OR REPLACE TEMP MACRO net_bits(n) AS (CASE
     WHEN NOT contains(n, '/') THEN 128
     WHEN contains(n, ':') THEN split_part(n, '/', 2)::INTEGER
     ELSE split_part(n, '/', 2)::INTEGER + 96 END)`,
  // The bits that the mask leaves open in a half, as a number.
  `CREATE OR REPLACE TEMP MACRO open_bits(b) AS (CASE WHEN b >= 64 THEN ${ALL_ONES}::UBIGINT WHEN b <= 0 THEN 0::UBIGINT ELSE (1::UBIGINT << b::INTEGER) - 1 END)`,
  `CREATE OR REPLACE TEMP MACRO first_of(half, open) AS (half - (half & open))`,
  `CREATE OR REPLACE TEMP MACRO in_net(hi, lo, net) AS (
     hi BETWEEN first_of(addr_hi(split_part(net, '/', 1)), open_bits(64 - net_bits(net)))
            AND first_of(addr_hi(split_part(net, '/', 1)), open_bits(64 - net_bits(net))) + open_bits(64 - net_bits(net))
     AND (net_bits(net) <= 64 OR lo BETWEEN first_of(addr_lo(split_part(net, '/', 1)), open_bits(128 - net_bits(net)))
            AND first_of(addr_lo(split_part(net, '/', 1)), open_bits(128 - net_bits(net))) + open_bits(128 - net_bits(net))))`,
  `CREATE OR REPLACE TEMP MACRO proto_name(p) AS (${wordsCase('p', Object.fromEntries(Object.entries(PROTOCOLS).map(([word, number]) => [number, word])))})`,
  `CREATE OR REPLACE TEMP MACRO service(p) AS (${wordsCase('p', SERVICE_NAMES)})`,
  `CREATE OR REPLACE TEMP MACRO flags(f) AS (${FLAGS.join(' || ')})`,
  `CREATE OR REPLACE TEMP MACRO net(hi, lo, v4, v6 := 64) AS (CASE
     WHEN hi = 0 AND lo >> 32 = 65535 THEN addr(hi, first_of(lo, open_bits(32 - v4))) || '/' || v4
     ELSE addr(first_of(hi, open_bits(64 - v6)), first_of(lo, open_bits(128 - v6))) || '/' || v6 END)`,
];

/** The functions of ours that people call. */
export const FUNCTIONS: readonly string[] = [
  'addr',
  'addr_hi',
  'addr_lo',
  'flags',
  'in_net',
  'mac',
  'name_at',
  'net',
  'proto_name',
  'service',
];
