import { property, assert as run, uint8Array } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDatagrams } from '#weir/cli/datagrams.js';
import type { NameFact } from '#weir/session/name-facts.js';
import { formatAddress } from '#weir/util/address.js';
import { corpusPath, describeCorpus } from '../helpers/corpus.ts';
import { message, optionsTemplateSet, type Specifier, set, u16, u32, VARIABLE, variable } from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

const octets = (text: string, length = Buffer.byteLength(text)): number[] => [
  ...Buffer.concat([Buffer.from(text), Buffer.alloc(length)]).subarray(0, length),
];

/** The names that one message with options data tells. */
function namesIn(version: 9 | 10, scopes: number, fields: readonly Specifier[], data: readonly number[]): NameFact[] {
  const facts: NameFact[] = [];
  const decoder = testDecoder({ observer: { name: (_, fact) => facts.push(fact) } });
  decoder.feed(message(version, [optionsTemplateSet(version, 300, scopes, fields), set(300, data)]));
  return facts;
}

describe('names in options data', () => {
  it('of interfaces: Cisco, scope System, padded text', () => {
    const fields: Specifier[] = [
      [1, 4],
      [10, 4],
      [82, 32],
      [83, 64],
    ];
    const row = (index: number, name: string, about: string) => [
      ...u32(0),
      ...u32(index),
      ...octets(name, 32),
      ...octets(about, 64),
    ];
    expect(namesIn(9, 1, fields, [...row(1, 'Gi0/0/0', 'uplink'), ...row(70_000, 'Gi0/0/1', '')])).toEqual([
      { kind: 'interface', key: '1', name: 'Gi0/0/0', description: 'uplink' },
      { kind: 'interface', key: '70000', name: 'Gi0/0/1', description: undefined },
    ]);
  });

  it('of interfaces: scope Interface of version 9, whose number is no element', () => {
    const fields: Specifier[] = [
      [2, 2],
      [83, 8],
    ];
    expect(namesIn(9, 1, fields, [...u16(7), ...octets('vlan 7', 8)])).toEqual([
      { kind: 'interface', key: '7', name: 'vlan 7', description: undefined },
    ]);
  });

  it('of interfaces: egressInterface as the scope of IPFIX, variable length', () => {
    const fields: Specifier[] = [
      [14, 4],
      [82, VARIABLE],
    ];
    expect(namesIn(10, 1, fields, [...u32(9), ...variable(octets('naïve0'))])).toEqual([
      { kind: 'interface', key: '9', name: 'naïve0', description: undefined },
    ]);
  });

  it('of applications, with the key as the column app_id has it', () => {
    const fields: Specifier[] = [
      [95, 4],
      [96, 24],
      [94, 55],
    ];
    const data = [13, 0, 1, 197, ...octets('secure-http', 24), ...octets('Secure HTTP', 55)];
    expect(namesIn(10, 1, fields, data)).toEqual([
      { kind: 'application', key: '13:453', name: 'secure-http', description: 'Secure HTTP' },
    ]);
    const withEnterprise = [20, ...u32(9), 1, 2, ...octets('x', 24), ...octets('', 55)];
    expect(namesIn(10, 1, [[95, 7], ...fields.slice(1)], withEnterprise)[0]?.key).toBe('20:9:258');
  });

  it('of VRFs, samplers and users', () => {
    const vrf: Specifier[] = [
      [234, 4],
      [236, 32],
    ];
    expect(namesIn(10, 1, vrf, [...u32(1), ...octets('red', 32)])).toMatchObject([
      { kind: 'vrf', key: '1', name: 'red' },
    ]);
    const sampler: Specifier[] = [
      [1, 4],
      [48, 1],
      [84, 16],
      [49, 1],
      [50, 4],
    ];
    expect(namesIn(9, 1, sampler, [...u32(0), 3, ...octets('one-in-100', 16), 2, ...u32(100)])).toMatchObject([
      { kind: 'sampler', key: '3', name: 'one-in-100' },
    ]);
    const selector: Specifier[] = [
      [302, 8],
      [335, 8],
    ];
    expect(namesIn(10, 1, selector, [...u32(0), ...u32(5), ...octets('psamp', 8)])).toMatchObject([
      { kind: 'sampler', key: '5', name: 'psamp' },
    ]);
    const user: Specifier[] = [
      [8, 4],
      [371, 16],
    ];
    expect(namesIn(10, 1, user, [192, 0, 2, 7, ...octets('alice', 16)])).toMatchObject([
      { kind: 'user', key: '192.0.2.7', name: 'alice' },
    ]);
  });

  it('are none where the name or what it is of is missing or empty', () => {
    expect(
      namesIn(
        10,
        1,
        [
          [10, 4],
          [82, 4],
        ],
        [...u32(1), 0, 0, 0, 0],
      ),
    ).toEqual([]);
    expect(
      namesIn(
        10,
        1,
        [
          [149, 4],
          [82, 4],
        ],
        [...u32(1), ...octets('eth0')],
      ),
    ).toEqual([]);
    expect(
      namesIn(
        10,
        1,
        [
          [10, VARIABLE],
          [82, 4],
        ],
        [...variable([]), ...octets('eth0')],
      ),
    ).toEqual([]);
    // Scope 1 of version 9 is System, and no element.
    expect(
      namesIn(
        9,
        1,
        [
          [8, 4],
          [371, 4],
        ],
        [...u32(1), ...octets('bob', 4)],
      ),
    ).toEqual([]);
  });

  it('never throw, whatever the octets', () => {
    const fields: Specifier[] = [
      [2, 1],
      [82, VARIABLE],
      [83, VARIABLE],
      [95, VARIABLE],
      [96, VARIABLE],
      [8, VARIABLE],
      [371, VARIABLE],
    ];
    run(
      property(uint8Array({ maxLength: 200 }), (data) => {
        for (const version of [9, 10] as const)
          for (const { name } of namesIn(version, 1, fields, [...data])) expect(name).not.toBe('');
      }),
    );
  });
});

describeCorpus('names in real captures', () => {
  it.each([
    ['logstash-35-Netflow-9-Cisco-ASR-9000-series-options-template-256', 19, 'interface', '74', 'TenGigE0_0_1_0'],
    ['telegraf-netflow_v9_options', 8, 'interface', '1', 'Te0/0/0'],
    ['logstash-39-Netflow-9-Cisco-NBAR-options-template-260', 15, 'application', '1:47', 'gre'],
    ['telegraf-ipfix_options', 126, 'application', '1:34', '3pc'],
    ['pmacct-500-IPFIXv10-BGP-CISCO-SRv6', 9, 'vrf', '1610612737', 'D10'],
    ['akvorado-multiplesamplingrates', 2, 'sampler', '2', 'SPM_1OUT4000'],
  ] as const)('%s', async (name, count, kind, key, text) => {
    const facts: NameFact[] = [];
    const decoder = testDecoder({ observer: { name: (_, fact) => facts.push(fact) } });
    const { batches } = await openDatagrams(corpusPath('cases', `${name}.pcap`), process.stdin);
    for await (const datagrams of batches) {
      for (const { payload, source, sourcePort, time } of datagrams)
        decoder.feed(payload, `${typeof source === 'string' ? source : formatAddress(...source)}/${sourcePort}`, time);
    }
    expect(facts).toHaveLength(count);
    expect(facts).toContainEqual(expect.objectContaining({ kind, key, name: text }));
  });
});
