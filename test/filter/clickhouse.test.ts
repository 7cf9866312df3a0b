import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileFilterClickHouse } from '#weir/filter/clickhouse.js';
import { parseFilter } from '#weir/filter/parser.js';
import { filterText } from './arbitrary.ts';

const sql = (text: string) => compileFilterClickHouse(parseFilter(text, { zone: 'utc' }));

describe('the ClickHouse SQL of a filter', () => {
  it.each([
    ['any', 'TRUE'],
    ['src ip 10.0.0.1', `"src_addr" = toIPv6('::ffff:10.0.0.1')`],
    ['dst ip 2001:db8::1', `"dst_addr" = toIPv6('2001:db8::1')`],
    ['src net 10.0.0.0/8', `("src_addr" BETWEEN toIPv6('::ffff:10.0.0.0') AND toIPv6('::ffff:10.255.255.255'))`],
    [
      'src ip in [10.0.0.1 10.0.0.2 2001:db8::/32]',
      `("src_addr" IN (toIPv6('::ffff:10.0.0.1'), toIPv6('::ffff:10.0.0.2')) OR ("src_addr" BETWEEN toIPv6('2001:db8::') AND toIPv6('2001:db8:ffff:ffff:ffff:ffff:ffff:ffff')))`,
    ],
    ['port 53', '("src_port" = 53 OR "dst_port" = 53)'],
    ['not (src port 53 or proto tcp)', '(NOT ifNull("src_port" = 53, 0) AND NOT ifNull("proto" = 6, 0))'],
    ['bytes between 5 and 10', '"bytes" BETWEEN 5 AND 10'],
    ['time_start >= 2026-01-01T00:00:00Z', '"time_start" >= fromUnixTimestamp64Micro(toInt64(1767225600000000))'],
    ['tcp_flags S', 'bitAnd("tcp_flags", 2) = 2'],
    ['tcp_flags any SA', 'bitAnd("tcp_flags", 18) != 0'],
    ['app_name = "it\'s \\\\"', `"app_name" = 'it\\'s \\\\'`],
    ['app_name = ""', 'FALSE'],
    ['app_name contains x', `("app_name" != '' AND position("app_name", 'x') > 0)`],
    [
      'app_name starts with [a b]',
      `("app_name" != '' AND (startsWith("app_name", 'a') OR startsWith("app_name", 'b')))`,
    ],
    [
      'app_name ~ "^a.b$"',
      `("app_name" != '' AND match("app_name", '\\\\Aa[\\\\x{0}-\\\\x{9}\\\\x{b}-\\\\x{10ffff}]b\\\\z'))`,
    ],
    ['src_port = dst_port', '"src_port" = "dst_port"'],
    ['src ip = dst ip', '"src_addr" = "dst_addr"'],
    ['app_name = dns_query', `("app_name" != '' AND "app_name" = "dns_query")`],
    ['mpls label2 300', `toUInt32OrNull(splitByChar(',', ifNull("mpls_labels", ''))[2]) = 300`],
    ['dscp ef', 'bitShiftRight("tos", 2) = 46'],
  ])('%s', (text, expected) => {
    expect(sql(text)).toBe(expected);
  });

  it('is made for every filter, with balanced quotes and parentheses', () => {
    fc.assert(
      fc.property(filterText, (text) => {
        const bare = sql(text)
          .replaceAll(/'(?:[^'\\]|\\.)*'/g, '')
          .replaceAll(/"[a-z0-9_]+"/g, '');
        expect(bare).not.toMatch(/['"\\]/);
        let depth = 0;
        for (const character of bare) {
          if (character === '(') depth++;
          if (character === ')') depth--;
          expect(depth).toBeGreaterThanOrEqual(0);
        }
        expect(depth).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
