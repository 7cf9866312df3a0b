import { describe, expect, it } from 'vitest';
import { type ParseOptions, parseFilter } from '#weir/filter/parser.js';
import { printFilter } from '#weir/filter/print.js';
import { WeirError } from '#weir/util/errors.js';

const FILES: Readonly<Record<string, string>> = {
  addresses: '# ours\n10.0.0.1, 10.0.1.0/24\n2001:db8::/32\n',
  'with space.txt': '192.0.2.1',
  ports: '80 443\n8000-8100',
  apps: '"MS Teams"\ndns',
  empty: '# nothing\n',
  filter: 'port 80 # web\nor port 443',
  flags: 'flags SA',
  bad: '10.0.0.1\nten',
  loop: 'not @include loop',
  list: '@addresses',
};
const LISTS: Readonly<Record<string, readonly string[]>> = {
  offices: ['10.0.0.0/8', '192.0.2.1'],
  web: ['80', '443', '8000-8100'],
  chat: ['MS Teams', 'Slack "new"'],
  self: ['self'],
  none: [],
};
const options: ParseOptions = {
  zone: 'utc',
  readFile: (path) => {
    const text = FILES[path];
    if (text === undefined) throw new Error('no such file');
    return text;
  },
  names: { lookup: (name) => LISTS[name], names: Object.keys(LISTS) },
};

const canonical = (text: string) => printFilter(parseFilter(text, options));

function faultOf(text: string, given: ParseOptions = options): WeirError {
  try {
    parseFilter(text, given);
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('files and named lists in a filter', () => {
  it.each([
    ['ip in @addresses', 'ip in [10.0.0.1, 10.0.1.0/24, 2001:db8::/32]'],
    ['src ip @addresses', 'src_addr in [10.0.0.1, 10.0.1.0/24, 2001:db8::/32]'],
    [
      'ip in [@addresses 192.0.2.7, @"with space.txt"]',
      'ip in [10.0.0.1, 10.0.1.0/24, 2001:db8::/32, 192.0.2.7, 192.0.2.1]',
    ],
    ['dst port in @ports', 'dst_port in [80, 443, 8000-8100]'],
    ['app_name in @apps', 'app_name in ["MS Teams", "dns"]'],
    ['@include filter and proto tcp', '(port = 80 or port = 443) and proto = tcp'],
    ['not @include flags', 'not (proto = tcp and tcp_flags any AS)'],
    ['src net offices', 'src_addr in [10.0.0.0/8, 192.0.2.1]'],
    ['ip not in [offices, 198.51.100.1]', 'not ip in [10.0.0.0/8, 192.0.2.1, 198.51.100.1]'],
    ['port in web', 'port in [80, 443, 8000-8100]'],
    ['port != web', 'not port in [80, 443, 8000-8100]'],
    ['app_name in chat', 'app_name in ["MS Teams", "Slack \\"new\\""]'],
    ['app_name = chat', 'app_name = "chat"'],
  ])('%s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each([
    ['ip in @missing', 6, /the file 'missing' could not be read: no such file/],
    ['ip in @empty', 6, /the list 'empty' is empty/],
    ['ip in none', 6, /the list 'none' is empty/],
    ['ip in @bad', 9, /in the file 'bad': filter, position 10: 'ten' is no address/],
    ['ip in @list', 0, /in the file 'list'.*an address or a network was expected/],
    ['@include loop', 4, /files are included deeper than/],
    ['ip in offces', 6, /'offces' is no address and no network, and no list has this name/],
    ['port in offices', 0, /'10.0.0.0\/8' is not a number/],
    ['ip in self', 0, /'self' is no address/],
    ['ip in www.example.com', 6, /no list has this name/],
  ])('%s', (text, position, message) => {
    const fault = faultOf(text);
    expect(fault.code).toBe('WEIR_FILTER');
    expect(fault.message).toMatch(message);
    expect(fault.details).toMatchObject({ position });
  });

  it('suggests the list that was meant, and tells the file of a mistake', () => {
    expect(faultOf('ip in offces')).toMatchObject({ hint: "Did you mean 'offices'?" });
    expect(faultOf('port in webb')).toMatchObject({ hint: "Did you mean 'web'?" });
    expect(faultOf('ip in @bad').details).toMatchObject({ file: 'bad' });
    expect(faultOf('ip in www.example.com').hint).toMatch(/Host names are not looked up/);
  });

  it('are refused where there are none', () => {
    expect(faultOf('ip in @/etc/passwd', {}).message).toMatch(/is not read here/);
    expect(faultOf('@include /etc/passwd', {}).message).toMatch(/is not read here/);
    expect(faultOf('ip in offices', {}).message).toMatch(/no list has this name/);
  });
});
