import { describe, expect, it } from 'vitest';
import { createElementRegistry } from '#weir/elements/registry.js';
import { FlowBatch } from '#weir/flow/batch.js';
import { type FlowRecord, records } from '#weir/flow/record.js';
import { DEFAULT_IDENTITY, type IdentityRules } from '#weir/session/exporter-identity.js';
import { MessageDecoder } from '#weir/session/message-decoder.js';
import { loadState, saveState } from '#weir/session/saved-state.js';
import { type Address, parseAddress } from '#weir/util/address.js';
import {
  fromHex,
  ip4,
  message,
  message5,
  optionsTemplateSet,
  record5,
  set,
  templateSet,
  u16,
  u32,
} from '../wire/build.ts';
import { datagram, flowSample, header, tcpFrame } from '../wire/sflow/build.ts';
import { testDecoder } from './decoder.ts';

const SENDER = '192.0.2.1';
const FRAME = header(tcpFrame(), { length: 1018 });

const rules = (more: Partial<IdentityRules>): { identity: IdentityRules } => ({
  identity: { ...DEFAULT_IDENTITY, ...more },
});
const who = (records: readonly FlowRecord[]) => records.map(({ exporter, sender }) => [exporter, sender]);
const sflow = (agent: string): Uint8Array => datagram([flowSample([FRAME])], { agent });

/** A message of IPFIX whose records have a port and this address element. */
function naming(element: number, ...addresses: readonly (readonly number[])[]): Uint8Array {
  const length = addresses[0]?.length ?? 4;
  return message(10, [
    templateSet(10, 256 + element, [
      [7, 2],
      [element, length],
    ]),
    set(
      256 + element,
      addresses.flatMap((address) => [...u16(1), ...address]),
    ),
  ]);
}

/** Options data of IPFIX that name exporters, and one plain record after them. */
function telling(...addresses: readonly (readonly number[])[]): Uint8Array {
  return message(10, [
    optionsTemplateSet(10, 300, 1, [
      [130, 4],
      [42, 4],
    ]),
    set(
      300,
      addresses.flatMap((address) => [...address, ...u32(5)]),
    ),
    templateSet(10, 257, [[7, 2]]),
    set(257, u16(80)),
  ]);
}

describe('the exporter of a record', () => {
  it('is the sender, which then has no column of its own', () => {
    expect(who(testDecoder().feed(message5([record5()])))).toEqual([[SENDER, undefined]]);
  });

  it('is sFlow’s agent; the sender stays visible where it is another', () => {
    const decoder = testDecoder();
    expect(who(decoder.feed(sflow('198.51.100.9')))).toEqual([['198.51.100.9', SENDER]]);
    expect(who(decoder.feed(sflow(SENDER)))).toEqual([[SENDER, undefined]]);
  });

  it.each(['0.0.0.0', '127.0.0.1', '127.200.0.1', '::', '::1'])('is not an agent that calls itself %s', (agent) => {
    expect(who(testDecoder().feed(sflow(agent)))).toEqual([[SENDER, undefined]]);
  });

  it('is not the agent when that is switched off, unless there is no sender', () => {
    const decoder = testDecoder(rules({ sflowAgent: false }));
    expect(who(decoder.feed(sflow('198.51.100.9')))).toEqual([[SENDER, undefined]]);
    expect(who(decoder.feed(sflow('198.51.100.9'), '0.0.0.0'))).toEqual([['198.51.100.9', undefined]]);
  });

  it.each([
    ['exporterIPv4Address', 130],
    ['originalExporterIPv4Address', 403],
  ])('is whom %s of the record names, record by record', (_, element) => {
    const decoder = testDecoder();
    const records = decoder.feed(
      naming(element, ip4('198.51.100.7'), ip4('198.51.100.8'), ip4('0.0.0.0'), ip4('198.51.100.8')),
    );
    expect(who(records)).toEqual([
      ['198.51.100.7', SENDER],
      ['198.51.100.8', SENDER],
      [SENDER, SENDER],
      ['198.51.100.8', SENDER],
    ]);
    // What comes next is its sender's again.
    expect(who(decoder.feed(message5([record5()]), '192.0.2.2'))).toEqual([['192.0.2.2', undefined]]);
  });

  it('is whom exporterIPv6Address names', () => {
    const records = testDecoder().feed(naming(131, fromHex('20010db8000000000000000000000007')));
    expect(who(records)).toEqual([['2001:db8::7', SENDER]]);
  });

  it('is the same after the plan was compiled, and in a batch that held other addresses before', () => {
    const batch = new FlowBatch(1000);
    const decoder = new MessageDecoder({ registry: createElementRegistry(), sink: { batch: () => batch } });
    const source = { address: parseAddress(SENDER) as Address, port: 1 };
    const seen = (bytes: Uint8Array): unknown[] => {
      batch.clear();
      decoder.decode(bytes, source, 0);
      return [...records(batch)].map(({ exporter }) => exporter);
    };
    const v6 = Array.from({ length: 700 }, () => fromHex('20010db8000000000000000000000007'));
    const v4 = Array.from({ length: 700 }, (_, i) => ip4(`198.51.100.${i % 250}`));
    for (let again = 0; again < 2; again++) {
      expect(new Set(seen(naming(131, ...v6)))).toEqual(new Set(['2001:db8::7']));
      expect(seen(naming(130, ...v4))).toEqual(v4.map((address) => address.join('.')));
    }
  });

  it('is whom options data of the domain name, that message’s own records included, over a restart, too', () => {
    const decoder = testDecoder();
    expect(who(decoder.feed(telling(ip4('198.51.100.7'))))).toEqual([['198.51.100.7', SENDER]]);
    const plain = message(10, [set(257, u16(80))]);
    expect(who(decoder.feed(plain))).toEqual([['198.51.100.7', SENDER]]);
    const restarted = testDecoder();
    loadState(restarted.decoder, JSON.parse(JSON.stringify(saveState(decoder.decoder, 0))));
    expect(who(restarted.feed(plain))).toEqual([['198.51.100.7', SENDER]]);
  });

  it('is whom options data of domain 0 name for all domains of the sender', () => {
    const decoder = testDecoder();
    const plain = message(10, [templateSet(10, 257, [[7, 2]]), set(257, u16(80))], { domain: 4 });
    expect(who(decoder.feed(plain))).toEqual([[SENDER, undefined]]);
    decoder.feed(
      message(10, [optionsTemplateSet(10, 300, 1, [[130, 4]]), set(300, ip4('198.51.100.7'))], { domain: 0 }),
    );
    expect(who(decoder.feed(plain))).toEqual([['198.51.100.7', SENDER]]);
    expect(who(decoder.feed(plain, '192.0.2.2'))).toEqual([['192.0.2.2', undefined]]);
  });

  it('is nobody of a list of several in options data', () => {
    expect(who(testDecoder().feed(telling(ip4('198.51.100.7'), ip4('198.51.100.8'))))).toEqual([[SENDER, undefined]]);
  });

  it('is not named by elements when that is switched off', () => {
    const decoder = testDecoder(rules({ exporterElements: false }));
    const [record] = decoder.feed(naming(130, ip4('198.51.100.7')));
    expect(record).toMatchObject({ exporter: SENDER, original_exporter: '198.51.100.7' });
    expect(who(decoder.feed(telling(ip4('198.51.100.7'))))).toEqual([[SENDER, undefined]]);
  });

  it('is the configured one before all others', () => {
    const decoder = testDecoder(
      rules({ configured: () => ({ address: parseAddress('203.0.113.5'), name: undefined }) }),
    );
    for (const bytes of [message5([record5()]), sflow('198.51.100.9'), naming(130, ip4('198.51.100.7'))])
      expect(who(decoder.feed(bytes))).toEqual([['203.0.113.5', SENDER]]);
  });

  it('that has only a name configured is found as ever', () => {
    const decoder = testDecoder(rules({ configured: () => ({ address: undefined, name: 'core' }) }));
    expect(who(decoder.feed(sflow('198.51.100.9')))).toEqual([['198.51.100.9', SENDER]]);
    expect(who(decoder.feed(naming(130, ip4('198.51.100.7'))))).toEqual([['198.51.100.7', SENDER]]);
  });

  it('is the one that sampling is configured for', () => {
    const decoder = testDecoder({ sampling: ([, , , w3]) => ({ default: 0, override: w3 & 255 }) });
    expect(decoder.feed(sflow('198.51.100.9'))).toMatchObject([{ sampling_rate: 9 }]);
    expect(decoder.feed(telling(ip4('198.51.100.7')))).toMatchObject([{ sampling_rate: 7 }]);
  });
});

describe('state', () => {
  it('of templates and sequence numbers stays the sender’s', () => {
    const one = parseAddress('203.0.113.5');
    const decoder = testDecoder(rules({ configured: () => ({ address: one, name: undefined }) }));
    decoder.feed(message(10, [templateSet(10, 257, [[7, 2]])]), '192.0.2.1');
    expect(decoder.feed(message(10, [set(257, u16(80))]), '192.0.2.2')).toEqual([]);
    expect([...decoder.decoder.domains].map(({ sender, exporter }) => [sender, exporter])).toEqual([
      ['192.0.2.1', '203.0.113.5'],
      ['192.0.2.2', '203.0.113.5'],
    ]);
    expect([...decoder.decoder.awaited()]).toHaveLength(1);
  });
});
