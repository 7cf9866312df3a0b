import * as fc from 'fast-check';
import {
  createDecoder,
  createElementRegistry,
  createTemplateState,
  decode,
  parseUserElements,
  WeirError,
} from 'netweir';
import { describe, expect, it } from 'vitest';
import {
  ascii,
  ip4,
  message,
  message5,
  NOON,
  octets,
  optionsTemplateSet,
  record5,
  type Specifier,
  set,
  templateSet,
  u8,
  u16,
  u32,
  VARIABLE,
  variable,
} from './wire/build.ts';
import { AGGREGATES, FLOWS } from './wire/fixed-datagrams.ts';

/* `decode`: one datagram, and all that it says. */

const FIELDS: Specifier[] = [
  [8, 4],
  [7, 2],
];
const data = set(256, [192, 0, 2, 7], u16(443));
const RECORD = { sourceIPv4Address: '192.0.2.7', sourceTransportPort: 443 };

describe('decode', () => {
  it('gives the header and records of NetFlow v5 under the names of Cisco and IANA', () => {
    const datagram = message5([record5({ bytes: 4321, packets: 5 })], {
      domain: 0x0102,
      sequence: 77,
      sampling: 0x4064,
    });
    expect(decode(datagram)).toEqual({
      format: 'netflow',
      header: {
        version: 5,
        count: 1,
        sysUptime: 10_000_000,
        unixSecs: NOON,
        unixNsecs: 0,
        flowSequence: 77,
        engineType: 1,
        engineId: 2,
        samplingMode: 1,
        samplingInterval: 100,
      },
      records: [
        {
          sourceIPv4Address: '192.0.2.1',
          destinationIPv4Address: '198.51.100.2',
          ipNextHopIPv4Address: '203.0.113.3',
          ingressInterface: 1,
          egressInterface: 2,
          packetDeltaCount: 5,
          octetDeltaCount: 4321,
          flowStartSysUpTime: 9_998_000,
          flowEndSysUpTime: 9_999_000,
          sourceTransportPort: 40_000,
          destinationTransportPort: 443,
          tcpControlBits: 0x1b,
          protocolIdentifier: 6,
          ipClassOfService: 0x20,
          bgpSourceAsNumber: 64_500,
          bgpDestinationAsNumber: 64_501,
          sourceIPv4PrefixLength: 24,
          destinationIPv4PrefixLength: 16,
        },
      ],
      templates: [],
      options: [],
      missing: [],
      faults: {},
    });
  });

  it('gives fields of v6 to v8 that NetFlow v9 has no number for under the names of Cisco', () => {
    for (const { hex, columns } of [...FLOWS, ...AGGREGATES]) {
      const [record = {}] = decode(hex).records;
      expect(Object.keys(record).filter((name) => name.includes('/'))).toEqual([]);
      expect(record).toMatchObject((columns['extra'] ?? {}) as Record<string, unknown>);
    }
  });

  it('takes hexadecimal text', () => {
    const datagram = message5([record5()]);
    expect(decode(Buffer.from(datagram).toString('hex'))).toEqual(decode(datagram));
  });

  it('gives the same records as createDecoder under the names of the schema', () => {
    const datagram = message5([record5(), record5({ bytes: 7 })], { sampling: 100 });
    const exporter = { address: '2001:db8::9', port: 99, receivedAt: NOON * 1000 };
    const { records } = decode(datagram, { names: 'schema', ...exporter });
    expect(records).toEqual(createDecoder().decode(datagram, exporter));
    expect(records[0]).toMatchObject({ exporter: '2001:db8::9', sampling_rate: 100, src_addr: '192.0.2.1' });
  });

  it.each([9, 10] as const)('remembers the templates of version %d in the state it is given', (version) => {
    const state = createTemplateState();
    const first = decode(message(version, [templateSet(version, 256, FIELDS)], { domain: 7 }), { state });
    expect(first.templates).toEqual([
      {
        observationDomain: 7,
        templateId: 256,
        kind: 'data',
        withdrawn: false,
        fields: [
          { name: 'sourceIPv4Address', enterprise: 0, id: 8, length: 4, isScope: false },
          { name: 'sourceTransportPort', enterprise: 0, id: 7, length: 2, isScope: false },
        ],
      },
    ]);
    expect(state.size).toBe(1);
    const second = decode(message(version, [data], { domain: 7, sequence: 1 }), { state });
    expect(second).toMatchObject({ records: [RECORD], templates: [], missing: [], faults: {} });
    expect(second.header).toMatchObject(
      version === 9
        ? { version: 9, count: 1, unixSecs: NOON, sequenceNumber: 1, sourceId: 7 }
        : { version: 10, length: 26, exportTime: NOON, sequenceNumber: 1, observationDomainId: 7 },
    );
  });

  it('says which template data waits for, and reads the datagram when it is given again', () => {
    const state = createTemplateState();
    const datagram = message(10, [data, data, set(300, u32(1))], { domain: 3 });
    const early = decode(datagram, { state });
    expect(early.records).toEqual([]);
    expect(early.missing).toEqual([
      { observationDomain: 3, templateId: 256, sets: 2 },
      { observationDomain: 3, templateId: 300, sets: 1 },
    ]);
    // What waited was given up: the template's datagram has no records of another one.
    const template = message(10, [templateSet(10, 256, FIELDS)], { domain: 3 });
    expect(decode(template, { state })).toMatchObject({ records: [], missing: [] });
    const again = decode(datagram, { state });
    expect(again.records).toEqual([RECORD, RECORD]);
    expect(again.missing).toEqual([{ observationDomain: 3, templateId: 300, sets: 1 }]);
  });

  it('without a state knows only the templates of the datagram itself, before or behind the data', () => {
    expect(decode(message(9, [data, templateSet(9, 256, FIELDS)])).records).toEqual([RECORD]);
    expect(decode(message(9, [data])).missing).toHaveLength(1);
  });

  it('keeps exporters and domains apart in one state', () => {
    const state = createTemplateState();
    decode(message(9, [templateSet(9, 256, FIELDS)], { domain: 1 }), { state, address: '192.0.2.1' });
    expect(decode(message(9, [data], { domain: 1 }), { state, address: '192.0.2.1' }).records).toEqual([RECORD]);
    expect(decode(message(9, [data], { domain: 2 }), { state, address: '192.0.2.1' }).records).toEqual([]);
    expect(decode(message(9, [data], { domain: 1 }), { state, address: '192.0.2.2' }).records).toEqual([]);
  });

  it('gives options data with their scope, and sampling rates to the records of the schema', () => {
    const state = createTemplateState();
    const options = optionsTemplateSet(9, 300, 1, [
      [2, 4],
      [34, 4],
      [35, 1],
    ]);
    const datagram = message(9, [templateSet(9, 256, [...FIELDS, [10, 4]]), options, set(300, u32(9), u32(64), u8(2))]);
    const { templates, options: read } = decode(datagram, { state });
    expect(read).toEqual([
      {
        observationDomain: 1,
        templateId: 300,
        scope: { Interface: 9 },
        fields: { samplingInterval: 64, samplingAlgorithm: 2 },
      },
    ]);
    expect(templates[1]?.fields.map(({ name, isScope }) => [name, isScope])).toEqual([
      ['Interface', true],
      ['samplingInterval', false],
      ['samplingAlgorithm', false],
    ]);
    const flow = message(9, [set(256, [192, 0, 2, 7], u16(443), u32(9))]);
    expect(decode(flow, { state, names: 'schema' }).records).toMatchObject([{ sampling_rate: 64, in_if: 9 }]);
  });

  it('gives unknown elements by number, own ones by name, texts, and a list for a name that comes twice', () => {
    const fields: Specifier[] = [
      [7, 2, 4242],
      [96, VARIABLE],
      [12, 4],
      [12, 4],
      [210, 2],
    ];
    const body = octets(u16(513), variable(ascii('web')), ip4('192.0.2.1'), ip4('192.0.2.2'), [0, 0]);
    const datagram = message(10, [templateSet(10, 256, fields), set(256, body)]);
    const rest = { applicationName: 'web', destinationIPv4Address: ['192.0.2.1', '192.0.2.2'] };
    expect(decode(datagram).records).toEqual([{ '4242/7': '0201', ...rest }]);
    const registry = createElementRegistry(
      parseUserElements('- enterprise: 4242\n  elements:\n    - { id: 7, name: acmeQueue, type: unsigned16 }\n', 'a'),
    );
    const state = createTemplateState({ registry });
    expect(decode(datagram, { state }).records).toEqual([{ acmeQueue: 513, ...rest }]);
  });

  it('takes lists apart (RFC 6313)', () => {
    const list = [255, ...u16(8), ...u16(4), ...ip4('192.0.2.1'), ...ip4('192.0.2.2')];
    const datagram = message(10, [templateSet(10, 256, [[291, VARIABLE]]), set(256, variable(list))]);
    expect(decode(datagram).records).toEqual([
      { basicList: { semantic: 'undefined', sourceIPv4Address: ['192.0.2.1', '192.0.2.2'] } },
    ]);
  });

  it('reads data with the template that was valid where it stands, and shows withdrawals', () => {
    const other: Specifier[] = [
      [12, 4],
      [11, 2],
    ];
    const sets = [templateSet(10, 256, FIELDS), data, set(2, u16(256), u16(0)), templateSet(10, 256, other), data];
    const { records, templates } = decode(message(10, sets));
    expect(records[0]).toEqual(RECORD);
    expect(templates.map(({ templateId, withdrawn }) => [templateId, withdrawn])).toEqual([
      [256, false],
      [256, true],
      [256, false],
    ]);
  });

  it('is saved and restored', () => {
    const state = createTemplateState();
    decode(message(10, [templateSet(10, 256, FIELDS)]), { state });
    const saved: unknown = JSON.parse(JSON.stringify(state));
    const restored = createTemplateState({ saved });
    expect(restored.size).toBe(1);
    expect(decode(message(10, [data]), { state: restored }).records).toEqual([RECORD]);
    expect(createTemplateState({ saved: { format: 99 } }).size).toBe(0);
  });

  it('says what it cannot use as values of that datagram', () => {
    const state = createTemplateState();
    expect(decode(new Uint8Array(), { state })).toMatchObject({
      format: 'unknown',
      header: { version: 0 },
      faults: { short_message: 1 },
    });
    expect(decode('0063 0001', { state })).toMatchObject({
      format: 'unknown',
      header: { version: 99 },
      faults: { unknown_version: 1 },
    });
    expect(decode('0009 0001 00000001', { state }).header).toEqual({ version: 9, count: 1, sysUpTime: 1 });
    expect(decode(message5([record5()], { count: 3 }), { state })).toMatchObject({
      records: [{ protocolIdentifier: 6 }],
      faults: { record_count: 1 },
    });
    expect(decode(message5([record5()]), { state }).faults).toEqual({});
  });

  it('throws for what the caller got wrong, and for nothing else', () => {
    const code = (call: () => unknown): unknown => {
      try {
        return call();
      } catch (error) {
        return error instanceof WeirError ? error.code : error;
      }
    };
    expect(code(() => decode('000'))).toBe('WEIR_INPUT');
    expect(code(() => decode('zz'))).toBe('WEIR_INPUT');
    expect(code(() => decode(message5([]), { address: 'router' }))).toBe('WEIR_INPUT');
  });

  it('never throws for octets, and gives as many records under either kind of name', () => {
    const seeds = [
      message5([record5(), record5()]),
      message(9, [templateSet(9, 256, FIELDS), data, optionsTemplateSet(9, 300, 1, FIELDS), set(300, u32(1), u16(2))]),
      message(10, [templateSet(10, 256, [[96, VARIABLE], ...FIELDS]), set(256, variable(ascii('x')), u32(1), u16(2))]),
      Uint8Array.from([...u32(5), ...u32(1), ...ip4('192.0.2.1'), ...u32(0), ...u32(1), ...u32(2), ...u32(0)]),
    ];
    const mutated = fc
      .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(120), fc.nat(255))), fc.nat(120))
      .map(([seed, changes, end]) => {
        const bytes = seed.slice(0, end < 60 ? seed.length : end);
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        return bytes;
      });
    const state = { iana: createTemplateState(), schema: createTemplateState() };
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        const iana = decode(bytes, { state: state.iana });
        const schema = decode(bytes, { state: state.schema, names: 'schema' });
        expect(iana.records).toHaveLength(schema.records.length);
        expect({ ...iana, records: [] }).toEqual({ ...schema, records: [] });
      }),
      { numRuns: 2000 },
    );
  });
});
