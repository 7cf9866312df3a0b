import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { InformationElement } from '#weir/elements/element.js';
import { ABSTRACT_TYPES, SEMANTICS } from '#weir/elements/element.js';
import { enterpriseName, enterpriseNumber } from '#weir/elements/enterprises.js';
import { netflow9Scope } from '#weir/elements/netflow9-scopes.js';
import { createElementRegistry } from '#weir/elements/registry.js';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';

const registry = createElementRegistry();
const all = [...registry.list()];
const inEnterprise = (pen: number) => all.filter((element) => element.enterprise === pen);

describe('built-in elements', () => {
  it('know IANA elements with type, semantics and units', () => {
    expect(registry.lookup(0, 1)).toEqual({
      enterprise: 0,
      id: 1,
      name: 'octetDeltaCount',
      type: 'unsigned64',
      semantics: 'deltaCounter',
      units: 'octets',
    });
    expect(registry.lookup(0, 8)).toMatchObject({ name: 'sourceIPv4Address', type: 'ipv4Address', units: undefined });
    expect(registry.lookup(0, 152)).toMatchObject({ name: 'flowStartMilliseconds', type: 'dateTimeMilliseconds' });
    expect(registry.lookup(0, 210)).toMatchObject({ name: 'paddingOctets', type: 'octetArray' });
    expect(registry.lookup(0, 291)).toMatchObject({ name: 'basicList', type: 'basicList', semantics: 'list' });
    expect(registry.lookup(0, 502)).toMatchObject({ name: 'srhSegmentIPv6EndpointBehavior' });
  });

  it.each([
    [9, 12235, 'ciscoAppHTTPHost', 'string'],
    [637, 93, 'natSubString', 'string'],
    [2636, 137, 'commonPropertiesId', 'unsigned32'],
    [3054, 126, 'ixiaSrcLatitude', 'float32'],
    [3054, 194, 'ixiaThreatIPv6', 'ipv6Address'],
    [5951, 203, 'netscalerIcaClientIP', 'ipv4Address'],
    [5951, 192, 'netscalerConnectionChainID', 'octetArray'],
    [6871, 33, 'silkAppLabel', 'unsigned16'],
    [6871, 16398, 'reverseInitialTCPFlags', 'unsigned16'],
    [6876, 882, 'vmwareTenantDestIPv4', 'ipv4Address'],
    [9789, 2, 'afcProtocolName', 'string'],
    [10704, 10, 'ConnIPv4Address', 'ipv4Address'],
    [12326, 10, 'ConnIPv4Address', 'ipv4Address'],
    [15397, 12, 'proceraExternalRtt', 'signed32'],
    [21373, 4, 'mark', 'unsigned32'],
    [26866, 2539, 'ssl_server_name_raw', 'string'],
    [26866, 2548, 'ssl_server_name_raw_2548', 'string'],
    [35632, 118, 'l7_proto', 'unsigned64'],
    [35632, 396, 'untunneled_ipv6_src_addr', 'ipv6Address'],
    [41916, 4321, 'viptelaVPNId', 'unsigned64'],
  ])('know element %i/%i', (enterprise, id, name, type) => {
    expect(registry.lookup(enterprise, id)).toMatchObject({ enterprise, id, name, type });
  });

  it('know nothing of reserved and unassigned numbers and of foreign enterprises', () => {
    for (const [pen, id] of [
      [0, 0],
      [0, 65],
      [0, 105],
      [0, 416],
      [0, 503],
      [6871, 1],
      [99_999, 1],
      [-1, 1],
    ] as const) {
      expect(registry.lookup(pen, id)).toBeUndefined();
    }
  });

  it('give the same object each time', () => {
    for (const element of all.filter(({ id }) => id < 32_768).slice(0, 400)) {
      expect(registry.lookup(element.enterprise, element.id)).toBe(registry.lookup(element.enterprise, element.id));
    }
  });

  it('have one name and one number each in their enterprise', () => {
    const names = new Set(all.map(({ enterprise, name }) => `${enterprise}/${name}`));
    const numbers = new Set(all.map(({ enterprise, id }) => `${enterprise}/${id}`));
    expect(names.size).toBe(all.length);
    expect(numbers.size).toBe(all.length);
  });

  it('have only names, types and semantics that are known', () => {
    for (const element of all) {
      expect(element.name).toMatch(/^[A-Za-z][\w]*$/);
      expect(ABSTRACT_TYPES).toContain(element.type);
      expect(SEMANTICS).toContain(element.semantics);
      expect(element.units).not.toBe('');
    }
  });
});

describe('NetFlow v9 field types', () => {
  it('equal IANA elements below 128 and wherever IANA has the number', () => {
    for (const element of inEnterprise(0).filter(({ id }) => registry.lookup(0, id) !== undefined)) {
      expect(registry.lookup(0, element.id, 9)).toBe(element);
    }
    expect(registry.lookup(0, 233, 9)?.name).toBe('firewallEvent');
  });

  it.each([
    [65, 'flow_flags', 'unsigned16'],
    [8256, 'streamcore_hostname', 'string'],
    [20000, 'wlan_id', 'unsigned16'],
    [33000, 'ingress_acl_id', 'octetArray'],
    [33002, 'fw_ext_event', 'unsigned16'],
    [40000, 'username', 'string'],
    [40001, 'xlate_src_addr_ipv4', 'ipv4Address'],
    [40005, 'fw_event', 'unsigned8'],
    [56701, 'app_id', 'string'],
  ])('know vendor field type %i only in version 9', (id, name, type) => {
    expect(registry.lookup(0, id, 9)).toMatchObject({ enterprise: 0, id, name, type });
    expect(registry.lookup(0, id, 10)).toBeUndefined();
    expect(registry.lookup(0, id)).toBeUndefined();
  });

  it('derive those of nProbe from its enterprise elements', () => {
    expect(registry.lookup(0, 57590, 9)).toEqual({ ...registry.lookup(35632, 118), enterprise: 0, id: 57590 });
    expect(registry.lookup(0, 57591, 9)?.name).toBe('l7_proto_name');
  });

  it('leave enterprises as they are', () => {
    expect(registry.lookup(6871, 33, 9)).toBe(registry.lookup(6871, 33));
  });

  it('have the scopes of RFC 3954', () => {
    expect([0, 1, 2, 3, 4, 5, 6].map(netflow9Scope)).toEqual([
      undefined,
      'System',
      'Interface',
      'LineCard',
      'Cache',
      'Template',
      undefined,
    ]);
  });
});

describe('reverse elements', () => {
  it('are IANA elements under enterprise 29305', () => {
    expect(registry.lookup(29305, 1)).toEqual({
      ...registry.lookup(0, 1),
      enterprise: 29305,
      name: 'reverseOctetDeltaCount',
    });
    expect(registry.lookup(29305, 6)?.name).toBe('reverseTcpControlBits');
  });

  it('leave out what has no direction', () => {
    for (const id of [40, 41, 42, 130, 131, 137, 145, 148, 149, 163, 168, 173, 210, 211, 217, 239, 0, 503]) {
      expect(registry.lookup(29305, id)).toBeUndefined();
    }
    expect(inEnterprise(29305)).toHaveLength(inEnterprise(0).filter(({ id }) => registry.lookup(0, id)).length - 25);
  });

  it('leave out the field types of NetFlow v9', () => {
    expect(registry.lookup(29305, 65)).toBeUndefined();
    expect(registry.lookup(29305, 20000)).toBeUndefined();
  });
});

describe('names', () => {
  it.each([
    ['octetDeltaCount', 0, 1],
    ['reverseOctetDeltaCount', 29305, 1],
    ['0/octetDeltaCount', 0, 1],
    ['iana/octetDeltaCount', 0, 1],
    ['reverse/reverseOctetDeltaCount', 29305, 1],
    ['29305/reverseOctetDeltaCount', 29305, 1],
    ['6871/silkAppLabel', 6871, 33],
    ['cert/silkAppLabel', 6871, 33],
    ['CERT/silkAppLabel', 6871, 33],
    ['silkAppLabel', 6871, 33],
    ['6871/33', 6871, 33],
    ['ntop/l7_proto', 35632, 118],
    ['netflow9/fw_event', 0, 40005],
    ['netflow9/40005', 0, 40005],
    ['netflow9/octetDeltaCount', 0, 1],
    ['fw_event', 0, 40005],
  ])('find %s', (name, enterprise, id) => {
    expect(registry.byName(name)).toMatchObject({ enterprise, id });
  });

  it.each(['', '/', 'OctetDeltaCount', 'nobody/x', '6871/', '6871/octetDeltaCount', 'reverseFlowId', 'constructor'])(
    'do not find %j',
    (name) => {
      expect(registry.byName(name)).toBeUndefined();
    },
  );

  it('do not guess between two enterprises', () => {
    expect(registry.byName('ReasonText')).toBeUndefined();
    expect(registry.byName('barracuda/ReasonText')).toMatchObject({ enterprise: 10704 });
    expect(registry.byName('phion/ReasonText')).toMatchObject({ enterprise: 12326 });
  });

  it('lead back to every element', () => {
    for (const element of all) {
      const prefix = registry.lookup(element.enterprise, element.id) === undefined ? 'netflow9' : element.enterprise;
      expect(registry.byName(`${prefix}/${element.name}`)).toBe(element);
    }
  });

  it('of enterprises stand for their numbers', () => {
    expect(enterpriseName(6876)).toBe('VMware');
    expect(enterpriseName(4_000_000_000)).toBeUndefined();
    expect(enterpriseNumber('Viptela')).toBe(41916);
    expect(enterpriseNumber('paloalto')).toBe(25461);
    expect(enterpriseNumber('4294967295')).toBe(4294967295);
    expect(enterpriseNumber('nobody')).toBeUndefined();
    const unnamed = new Set(all.map(({ enterprise }) => enterprise).filter((pen) => enterpriseName(pen) === undefined));
    expect([...unnamed]).toEqual([]);
  });
});

describe("a user's elements", () => {
  const element = (enterprise: number, id: number, name: string): InformationElement => ({
    enterprise,
    id,
    name,
    type: 'unsigned32',
    semantics: 'default',
    units: undefined,
  });

  it('are found beside the built-in ones', () => {
    const mine = element(12345, 1, 'fooBar');
    const own = createElementRegistry([mine]);
    expect(own.lookup(12345, 1)).toBe(mine);
    expect(own.byName('12345/fooBar')).toBe(mine);
    expect(own.byName('fooBar')).toBe(mine);
    expect([...own.list()]).toContain(mine);
    expect([...own.list()]).toHaveLength(all.length + 1);
    expect(registry.lookup(12345, 1)).toBeUndefined();
  });

  it('replace built-in ones, reverse ones and NetFlow v9 field types with them', () => {
    const mine = [element(0, 1, 'octets'), element(0, 40005, 'event'), element(6871, 33, 'app')];
    const own = createElementRegistry(mine);
    expect(own.lookup(0, 1, 9)).toBe(mine[0]);
    expect(own.lookup(29305, 1)?.name).toBe('reverseOctets');
    expect(own.byName('octetDeltaCount')).toBeUndefined();
    expect(own.lookup(0, 40005, 9)).toBe(mine[1]);
    expect(own.lookup(29305, 40005)).toBeUndefined();
    expect(own.byName('cert/app')).toBe(mine[2]);
    expect(own.byName('silkAppLabel')).toBeUndefined();
    const listed = [...own.list()];
    expect(listed).toHaveLength(all.length);
    expect(new Set(listed).size).toBe(listed.length);
  });

  it('may be field types of NetFlow v9 above 32767', () => {
    const mine = element(0, 60001, 'vendor_thing');
    expect(createElementRegistry([mine]).lookup(0, 60001, 9)).toBe(mine);
    expect(createElementRegistry([mine]).byName('netflow9/vendor_thing')).toBe(mine);
  });

  it('take precedence in the order given', () => {
    const own = createElementRegistry([element(7, 1, 'first'), element(7, 1, 'second')]);
    expect(own.lookup(7, 1)?.name).toBe('second');
    expect(own.byName('7/first')).toBeUndefined();
  });

  it('may name a reverse element themselves', () => {
    const mine = element(29305, 148, 'reverseFlowId');
    expect(createElementRegistry([mine]).lookup(29305, 148)).toBe(mine);
  });
});

const sources = repositoryPath('../shared/data/enterprise-elements-ipfix.yaml');
const absent = existsSync(sources) ? undefined : 'no ../shared/data beside this checkout';

describeUnless(absent, 'the generated tables', () => {
  const read = (path: string) => readFileSync(repositoryPath(`../shared/${path}`), 'utf8');

  it('are what the sources give', () => {
    execFileSync(process.execPath, [repositoryPath('scripts/generate-elements.mjs'), '--check'], { stdio: 'pipe' });
  });

  it('hold every IANA element', () => {
    const csv = read('corpus/iana-ipfix/ipfix-information-elements.fastnetmon.csv');
    const lines = [...csv.matchAll(/^(\d+),([A-Za-z]\w*),([a-z]\w*),/gm)];
    expect(lines.length).toBeGreaterThan(450);
    for (const [, id, name, type] of lines) expect(registry.lookup(0, Number(id))).toMatchObject({ name, type });
    expect(inEnterprise(0).filter(({ id }) => registry.lookup(0, id) !== undefined)).toHaveLength(lines.length);
  });

  it('hold every CERT element and the reverse ones', () => {
    const xml = read('data/cert-ipfix-pen6871.xml');
    const count = xml.split('<dataType>').length + xml.split('<cert:reversible>true<').length - 2;
    expect(inEnterprise(6871)).toHaveLength(count);
  });

  it('hold every ntop element, twice', () => {
    const count = read('data/ntop-pen35632.csv').match(/^35632\./gm)?.length;
    expect(inEnterprise(35632)).toHaveLength(count ?? 0);
    expect(inEnterprise(0).filter(({ id }) => id >= 57472)).toHaveLength(count ?? 0);
  });

  it('hold every number of the enterprises, and a name for every NetFlow v9 field type', () => {
    let enterprise = 0;
    for (const line of read('data/enterprise-elements-ipfix.yaml').split('\n')) {
      const [, pen, id] = /^(?:(\d+)| {2}(\d+)):/.exec(line) ?? [];
      if (pen !== undefined) enterprise = Number(pen);
      if (id === undefined || enterprise === 29305 || id === '0') continue;
      expect(registry.lookup(enterprise, Number(id)), `${enterprise}/${id}`).toBeDefined();
    }
    for (const [, id] of read('data/enterprise-elements-netflow9.yaml').matchAll(/^(\d+):\n- \S+\n- /gm)) {
      expect(registry.lookup(0, Number(id), 9), `netflow9/${id}`).toBeDefined();
    }
  });

  it('derive the same reverse names as the list of reverse elements does', () => {
    const text =
      read('data/enterprise-elements-ipfix.yaml')
        .split('\n29305:\n')[1]
        ?.split(/\n\d+:\n/)[0] ?? '';
    const listed = [...text.matchAll(/^ {2}(\d+):\n {2}- \S+\n {2}- :(\w+)/gm)];
    expect(listed.length).toBeGreaterThan(300);
    for (const [, id, name] of listed) {
      const reverse = registry.lookup(29305, Number(id));
      if (reverse !== undefined) expect(reverse.name).toBe(name);
    }
  });
});
