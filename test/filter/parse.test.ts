import { describe, expect, it } from 'vitest';
import { parseFilter } from '#weir/filter/parser.js';
import { printFilter } from '#weir/filter/print.js';
import { WeirError } from '#weir/util/errors.js';

const canonical = (text: string) => printFilter(parseFilter(text, { zone: 'utc' }));

/** The error of a filter; fails when it is accepted. */
function faultOf(text: string): WeirError {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text}`);
}

describe('parseFilter', () => {
  it.each([
    ['', 'any'],
    ['any', 'any'],
    ['src ip 10.0.0.1', 'src_addr = 10.0.0.1'],
    ['ip 2001:DB8::1', 'ip = 2001:db8::1'],
    ['host 10.0.0.1', 'ip = 10.0.0.1'],
    ['dst net 10.1.2.3/8', 'dst_addr = 10.0.0.0/8'],
    ['net 10.0.0.0 255.0.0.0', 'ip = 10.0.0.0/8'],
    ['net 172.16/12', 'ip = 172.16.0.0/12'],
    ['ip in [10.0.0.1 10.0.1.0/24, 2001:db8::/32]', 'ip in [10.0.0.1, 10.0.1.0/24, 2001:db8::/32]'],
    ['src_addr != 10.0.0.1', 'not src_addr = 10.0.0.1'],
    ['port 53', 'port = 53'],
    ['src port > 1024', 'src_port >= 1025'],
    ['dst port<1024', 'dst_port <= 1023'],
    ['port in [ 80 443 8000-8100 443 ]', 'port in [80, 443, 8000-8100]'],
    ['port in [1, 2, 3]', 'port in [1-3]'],
    ['src and dst port 53', 'src_port = 53 and dst_port = 53'],
    ['dst or src as 3', 'dst_as = 3 or src_as = 3'],
    ['proto tcp', 'proto = tcp'],
    ['proto 6', 'proto = tcp'],
    ['udp or icmp6', 'proto = udp or proto = icmp6'],
    ['proto in [tcp, 200]', 'proto in [tcp, 200]'],
    ['flags S', 'proto = tcp and tcp_flags S'],
    ['tcp_flags S', 'tcp_flags S'],
    ['flags SA', 'proto = tcp and tcp_flags all AS'],
    ['flags S and not flags AFRPU', 'proto = tcp and tcp_flags S and not (proto = tcp and tcp_flags any UAPRF)'],
    ['not not flags SA', 'proto = tcp and tcp_flags all AS'],
    ['not (flags SA)', 'not (proto = tcp and tcp_flags any AS)'],
    ['not (flags SA or flags F)', 'not (proto = tcp and tcp_flags any AS or proto = tcp and tcp_flags F)'],
    ['not (port 1 and not (flags SA))', 'not (port = 1 and not (proto = tcp and tcp_flags all AS))'],
    ['not flags all SA', 'not (proto = tcp and tcp_flags all AS)'],
    ['flags = S', 'proto = tcp and tcp_flags = 2'],
    ['flags 0x12', 'proto = tcp and tcp_flags = 18'],
    ['icmp-type 8', 'proto in [icmp, icmp6] and icmp_type = 8'],
    ['icmp_type 8', 'icmp_type = 8'],
    ['tos 46', 'tos = 46'],
    ['bytes > 1.5M', 'bytes >= 1500001'],
    ['bytes >= 64Ki', 'bytes >= 65536'],
    ['packets < 10', 'packets <= 9'],
    ['duration > 1000', 'duration >= 1000001us'],
    ['duration >= 1.5s', 'duration >= 1500'],
    ['bps > 10k', 'bps >= 10001'],
    ['bpp == 40', 'bpp = 40'],
    ['exporter 192.0.2.1', 'exporter = 192.0.2.1'],
    ['exporter ip 192.0.2.1', 'exporter = 192.0.2.1'],
    ['domain 7', 'observation_domain = 7'],
    ['in if 3', 'in_if = 3'],
    ['if 3', 'if = 3'],
    ['vlan 12', 'vlan = 12'],
    ['next ip 10.0.0.1', 'next_hop = 10.0.0.1'],
    ['bgpnext ip 10.0.0.1', 'bgp_next_hop = 10.0.0.1'],
    ['mac 00:1b:21:3c:4d:5e', 'mac = 00:1b:21:3c:4d:5e'],
    ['in src mac 001b.213c.4d5e', 'src_mac = 00:1b:21:3c:4d:5e'],
    ['ipv4 and inet6', 'ipv4 and ipv6'],
    ['app_name = "it\'s \\"it\\""', 'app_name = "it\'s \\"it\\""'],
    ['user_name in [alice, bob]', 'user_name in ["alice", "bob"]'],
    ['flow_type = IPFIX', 'flow_type = ipfix'],
    ['nat_event create', 'nat_event = create'],
    ['time_start >= 2026-11-21T09:00:00+01:00', 'time_start >= 2026-11-21T08:00:00.000000Z'],
    ['time_start = "2026-11-21 09:00"', 'time_start = 2026-11-21T09:00:00.000000Z'],
    ['port 1 and port 2 or port 3', 'port = 1 and port = 2 or port = 3'],
    ['port 1 and (port 2 or port 3)', 'port = 1 and (port = 2 or port = 3)'],
    ['!(port 1 || port 2) && any', 'not (port = 1 or port = 2) and any'],
    ['PORT 80 AND NOT PROTO TCP', 'port = 80 and not proto = tcp'],
    ['port EQ 80 or bytes ge 5', 'port = 80 or bytes >= 5'],
    ['port https', 'port = 443'],
    ['src port in [domain ntp]', 'src_port in [53, 123]'],
    ['port 80 # web\nand tcp', 'port = 80 and proto = tcp'],
    ['src_port between 5 and 9 and tcp', 'src_port in [5-9] and proto = tcp'],
    ['bytes not between 5 and 9', 'not bytes in [5-9]'],
    ['src ip between 10.0.0.5 and 10.0.0.8', 'src_addr in [10.0.0.5, 10.0.0.6/31, 10.0.0.8]'],
    ['dst net between 10.0/16 and 10.3/16 and tcp', 'dst_addr = 10.0.0.0/14 and proto = tcp'],
    ['ip not between ::1 and ::1', 'not ip = ::1'],
    [
      'time_start between 2026-01-01 and 2026-01-02',
      'time_start between 2026-01-01T00:00:00.000000Z and 2026-01-02T00:00:00.000000Z',
    ],
    ['src_addr not in [10.0.0.0/8]', 'not src_addr = 10.0.0.0/8'],
    ['first seen > 2026-01-01T00:00:00Z', 'time_start >= 2026-01-01T00:00:00.000001Z'],
    ['app_name contains x', 'app_name contains "x"'],
    ['app_name starts with [a, b]', 'app_name starts with ["a", "b"]'],
    ['app_name not starts with a', 'not app_name starts with "a"'],
    ['app_name ~ "a\\.b"', 'app_name matches "a\\\\.b"'],
    ['app_name !~ "a"', 'not app_name matches "a"'],
    ['user = contains', 'user_name = "contains"'],
    ['src_port = dst port', 'src_port = dst_port'],
    ['bytes != reverse_bytes', 'not bytes = reverse_bytes'],
    ['src and dst port = in_if', 'src_port = in_if and dst_port = in_if'],
    ['app_name = "dns_query"', 'app_name = "dns_query"'],
    ['app_name = dns_query', 'app_name = dns_query'],
    ['src port in pblock', 'src_port >= port_range_start and src_port <= port_range_end'],
    ['mpls label2 > 5', 'mpls_label2 >= 6'],
    ['mpls any 5', 'mpls any = 5'],
    ['dscp ef', 'dscp = 46'],
    ['fwdstat forwarded', 'forwarding_status in [64-127]'],
    ['nat event add', 'nat_event = create'],
    ['event deny', 'firewall_event = denied'],
    ['asa event denied nosyn', 'firewall_extended_event = 1004'],
    ['ingress acl 0x1a', 'ingress_acl starts with "0000001a"'],
    ['egress xace 3', 'egress_acl matches "^.{16}00000003"'],
    ['src nip 10.0.0.1 and xport 5', 'post_nat_src_addr = 10.0.0.1 and nport = 5'],
    ['vrf 5', 'vrf = 5'],
  ])('reads %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
    expect(canonical(expected)).toBe(expected);
  });

  it('takes times without a zone as local unless told otherwise', () => {
    const local = parseFilter('time_start >= "2026-11-21 09:00"');
    const expected = BigInt(new Date(2026, 10, 21, 9).getTime()) * 1000n;
    expect(local).toMatchObject({ ranges: [{ from: expected, to: undefined }] });
  });

  it('freezes the tree', () => {
    const node = parseFilter('port 1 and not (ip 10.0.0.1 or flags SA)');
    expect(Object.isFrozen(node)).toBe(true);
    expect(node.kind === 'and' && node.items.every((item) => Object.isFrozen(item))).toBe(true);
  });
});

describe('errors of parseFilter', () => {
  it.each([
    ['prot tcp', 0, /'prot' is no field/, "Did you mean 'proto'?"],
    ['src prt 3', 4, /'prt' is here where .*port.* was expected/, "Did you mean 'port'?"],
    ['port', 4, /the filter ends where a number was expected/, undefined],
    ['port 70000', 5, /too large for port, which is at most 65535/, undefined],
    ['ip 10.0.0', 3, /'10.0.0' is no address and no network/, /192.0.2.0\/24/],
    ['net 10.0.0.0 255.0.255.0', 13, /no network mask/, /255.255.255.0/],
    ['ip 10.0.0.1 port 3', 12, /'and' or 'or' is missing/, undefined],
    ['(port 3', 7, /the filter ends where and, or or \) was expected/, undefined],
    ['port 3 )', 7, /this \) closes nothing/, undefined],
    ['port in [1 2', 12, /a value or \]/, undefined],
    ['port in []', 9, /the list is empty/, undefined],
    ['port 9-3', 5, /ends before it begins/, undefined],
    ['flags Q', 6, /no TCP flags/, /U A P R S F/],
    ['bytes > many', 8, /'many' is not a number/, /k, M, G, T/],
    ['bytes < 0', 8, /no bytes is < 0/, undefined],
    ['1.2.3.4', 0, /is no field/, /ip 1.2.3.4/],
    ['flow_type = ipfx', 12, /not a number or name of flow_type/, "Did you mean 'ipfix'?"],
    ['ip < 10.0.0.1', 3, /has no order/, undefined],
    ['app_name > "x"', 9, /has no order/, undefined],
    ['app_name = "x', 11, /the quote " is not closed/, undefined],
    ['port 80 $', 8, /'\$' means nothing here/, undefined],
    ['and', 0, /a field .* was expected/, undefined],
    ['mac 12:34', 4, /not a MAC address/, /00:1b/],
    ['duration > 3x', 11, /not a duration/, /1\.5s/],
    ['geo CH', 0, /flows have no country yet: enrichment will supply it/, undefined],
    ['proto tcp and src tun ip 10.0.0.1', 14, /inner_src_addr/, undefined],
    ['sysid 3', 0, /use exporter/, undefined],
    ['mpls exp1 3', 0, /without their traffic class bits/, undefined],
    ['app_name ~ "(a)\\1"', 11, /refers back/, undefined],
    ['port contains 8', 5, /port is no text/, undefined],
    ['port between 9 and 3', 13, /ends before it begins/, undefined],
    ['ip between 10.0.0.9 and 10.0.0.3', 11, /ends before it begins/, undefined],
    ['ip between 10.0.0.9 and ::1', 11, /IPv4, the other is IPv6/, undefined],
    ['port between 9 or 3', 15, /where and was expected/, undefined],
    ['src_port = app_name', 11, /values of different kinds/, undefined],
    ['src_port = port', 11, /stands for several columns/, /src_port, dst_port/],
    ['proto in pblock', 9, /no port/, undefined],
    ['fwdstat > dropped', 10, /is a range/, undefined],
    ['port htps', 5, /not a number or name/, /Did you mean '(?:http|https|ftps)'/],
    ['time_start > yesterdy', 13, /not a time/, /2026-11-21/],
  ])('%s', (text, position, message, hint) => {
    const fault = faultOf(text);
    expect(fault.code).toBe('WEIR_FILTER');
    expect(fault.message).toMatch(message);
    expect(fault.details).toMatchObject({ position });
    if (hint !== undefined) expect(fault.hint).toMatch(hint);
  });

  it('point at the place', () => {
    expect(faultOf('port 80 and prot tcp').message.split('\n').slice(1)).toEqual([
      '  port 80 and prot tcp',
      '              ^^^^',
    ]);
    const long = faultOf(`${'port 80 and '.repeat(100)}prot tcp`).message.split('\n');
    expect(long[1]?.length).toBeLessThan(140);
    expect(long[1]?.slice(long[2]?.indexOf('^'))).toMatch(/^prot/);
  });

  it('say what was expected', () => {
    expect(faultOf('port 3 port 4').details['expected']).toEqual(['and', 'or']);
    expect(faultOf('sport 3').details['expected']).toContain('port');
  });

  it('bound depth and length', () => {
    expect(faultOf(`${'('.repeat(10_000)}port 1${')'.repeat(10_000)}`).message).toMatch(/nested deeper than 200/);
    expect(faultOf(`port 1${' or port 1'.repeat(100_000)}`).message).toMatch(/more than 5000 conditions/);
    expect(canonical(`${'not '.repeat(10_001)}port 1`)).toBe('not port = 1');
    expect(canonical(`${'('.repeat(200)}port 1${')'.repeat(200)}`)).toBe('port = 1');
    expect(canonical(`port in [${Array.from({ length: 9000 }, (_, i) => i * 2).join(' ')}]`)).toMatch(
      /^port in \[0, 2, /,
    );
  });
});
