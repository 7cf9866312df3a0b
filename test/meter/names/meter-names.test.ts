import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FlowBatch } from '#weir/flow/batch.js';
import { type FlowRecord, records } from '#weir/flow/record.js';
import { Meter } from '#weir/meter/meter.js';
import { NameReader } from '#weir/meter/names/name-reader.js';
import type { MeterOptions } from '#weir/meter/options.js';
import { DEFAULT_TIMEOUTS } from '#weir/meter/timeouts.js';
import { LINK_TYPE } from '#weir/wire/packet/link-types.js';
import { describeCorpus } from '../../helpers/corpus.ts';
import { capturedPackets } from '../../wire/packet/captures.ts';
import { ethernet, ip4, tcp, toBytes, udp } from '../../wire/packet/packets.ts';
import { dnsMessage, handshakeMessage, RESPONSE, TO_QUESTION, TYPE, tlsRecords, wireName } from './messages.ts';
import { cryptoFrame, initialPacket } from './quic-packets.ts';
import { ALL_KINDS, conversationOf, NamedFlows, type Names } from './read-names.ts';

const NAME_COLUMNS = /^(?:dns_query|tls_|http_|(?:src|dst)_dns_name)/;

function createMeter(options: Partial<MeterOptions> = {}) {
  const batches: FlowBatch[] = [];
  const sink = {
    batch() {
      const last = batches.at(-1);
      if (last?.hasRoom(8) === true) return last;
      const next = new FlowBatch(2048);
      batches.push(next);
      return next;
    },
  };
  const maxFlows = options.maxFlows ?? 4096;
  const meter = new Meter(
    {
      keys: 'port',
      isBiflow: false,
      timeouts: DEFAULT_TIMEOUTS,
      expiry: 'when-full',
      maxFlows,
      maxBytes: 1 << 24,
      tunnels: 'inner',
      sampling: undefined,
      names: new NameReader({ kinds: ALL_KINDS, maxFlows, seed: 1 }),
      exporter: [0, 0, 0xffff, 1],
      observationDomain: 0,
      seed: [1, 2],
      random: () => 0.5,
      ...options,
    },
    sink,
  );
  const finish = (): FlowRecord[] => {
    meter.expireAll();
    return batches.flatMap((batch) => [...records(batch)]);
  };
  return { meter, finish };
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const namesIn = (record: FlowRecord): Names =>
  Object.fromEntries(
    Object.entries(record)
      .filter(([name]) => NAME_COLUMNS.test(name))
      .map(([name, value]) => [name, text(value)]),
  );

const PROTOCOLS: readonly number[] = [6, 17];

describeCorpus('the meter, on every trace of the corpus', (corpus) => {
  it.each(['tcpdump/traffic', 'ndpi/traffic', 'zeek/traces'])(
    'of %s writes the names that its packets tell',
    async (folder) => {
      let named = 0;
      for (const name of readdirSync(join(corpus, folder), { recursive: true, encoding: 'utf8' })) {
        if (!/\.(?:pcap|pcapng|cap)$/.test(name)) continue;
        const packets = await capturedPackets(readFileSync(join(corpus, folder, name)));
        const { meter, finish } = createMeter();
        const flows = new NamedFlows();
        for (const packet of packets) {
          flows.packet(packet);
          meter.packet(packet.data, 0, packet.data.length, packet.originalLength, packet.time, packet.linkType, 0);
        }
        const written = new Map<string, Names>();
        for (const record of finish()) {
          const names = namesIn(record);
          if (Object.keys(names).length === 0 || !PROTOCOLS.includes(Number(record['proto']))) continue;
          const end = (side: string): string => `${text(record[`${side}_addr`])} ${Number(record[`${side}_port`])}`;
          written.set(conversationOf(Number(record['proto']), end('src'), end('dst')), names);
        }
        const withoutAddresses = (all: ReadonlyMap<string, Names>): unknown =>
          Object.fromEntries(
            [...all]
              .map(
                ([key, names]) =>
                  [key, Object.entries(names).filter(([column]) => !column.endsWith('_dns_name'))] as const,
              )
              .filter(([, names]) => names.length > 0)
              .map(([key, names]) => [key, Object.fromEntries(names)]),
          );
        expect([name, withoutAddresses(written)]).toEqual([name, withoutAddresses(flows.names())]);
        named += written.size;
      }
      expect(named).toBeGreaterThan(5);
    },
  );
});

const CLIENT = '0a000001';
const SERVER = 'c0000201';
const RESOLVER = '0a000035';
const SECOND = 1e6;

/** A client that asks for a name, and then connects to the address it was told; packets at these seconds. */
function conversation(meter: Meter, seconds: readonly number[]): void {
  const send = (packet: string, second: number): void => {
    const bytes = toBytes(ethernet('0800', packet));
    meter.packet(bytes, 0, bytes.length, bytes.length, (1000 + second) * SECOND, LINK_TYPE.ethernet, 0);
  };
  const answer = dnsMessage(
    RESPONSE,
    [wireName('shop.example')],
    [{ owner: TO_QUESTION, type: TYPE.a, data: Buffer.from(SERVER, 'hex') }],
  );
  send(ip4(17, udp(53, 40_000, answer.toString('hex')), { from: RESOLVER, to: CLIENT }), 0);
  const hello = tlsRecords(handshakeMessage('tls.example', ['h2']), 16_384).toString('hex');
  for (const [i, second] of seconds.entries()) {
    const payload = i === 0 ? '' : i === 1 ? hello : '170303';
    send(ip4(6, tcp(50_000, 443, i === 0 ? '5002' : '5018') + payload, { from: CLIENT, to: SERVER }), second);
    send(ip4(6, tcp(443, 50_000, i === 0 ? '5012' : '5018'), { from: SERVER, to: CLIENT }), second);
  }
}

const HELLO = { tls_server_name: 'tls.example', tls_alpn: 'h2' };
const ofTcp = (all: readonly FlowRecord[]): Names[] => all.filter(({ proto }) => proto === 6).map(namesIn);

describe('records of a conversation', () => {
  it('have its names in both directions, the address named on its own side', () => {
    const { meter, finish } = createMeter();
    conversation(meter, [1, 2]);
    const all = finish();
    expect(all.map((record) => [record['src_addr'], namesIn(record)])).toEqual(
      expect.arrayContaining([
        ['10.0.0.53', { dns_query: 'shop.example' }],
        ['10.0.0.1', { ...HELLO, dst_dns_name: 'shop.example' }],
        ['192.0.2.1', { ...HELLO, src_dns_name: 'shop.example' }],
      ]),
    );
    expect(all).toHaveLength(3);
  });

  it('have them in the record of a biflow', () => {
    const { meter, finish } = createMeter({ isBiflow: true });
    conversation(meter, [1, 2]);
    expect(ofTcp(finish())).toEqual([{ ...HELLO, dst_dns_name: 'shop.example' }]);
  });

  it('go on to have them after the active timeout, whose records are cut while it lasts', () => {
    const timeouts = { ...DEFAULT_TIMEOUTS, maxlife: 60 };
    const { meter, finish } = createMeter({ isBiflow: true, expiry: 'by-time', timeouts });
    conversation(meter, [1, 2, 50, 100, 150, 200, 250, 300]);
    const names = ofTcp(finish());
    expect(names.length).toBeGreaterThan(3);
    for (const one of names) expect(one).toEqual({ ...HELLO, dst_dns_name: 'shop.example' });
  });

  it('lose them when the conversation has ended by itself: another one may come', () => {
    const timeouts = { ...DEFAULT_TIMEOUTS, tcp: 30 };
    const { meter, finish } = createMeter({ isBiflow: true, expiry: 'by-time', timeouts });
    conversation(meter, [1, 2, 500]);
    expect(ofTcp(finish())).toEqual([{ ...HELLO, dst_dns_name: 'shop.example' }, {}]);
  });

  it('have no names of what a tunnel carries, where the packet around it is metered', () => {
    const { meter, finish } = createMeter({ tunnels: 'outer' });
    const hello = handshakeMessage('inside.example', []);
    const initial = initialPacket(cryptoFrame(hello, 0, hello.length), { id: Buffer.alloc(8, 1) }).toString('hex');
    const inner = ip4(17, udp(50_000, 443, initial), { from: CLIENT, to: SERVER });
    const vxlan = udp(40_000, 4789, `0800000000000100${ethernet('0800', inner)}`);
    // The second is no usual packet: its header has options.
    for (const options of ['', '01010101']) {
      const bytes = toBytes(ethernet('0800', ip4(17, vxlan, { options })));
      meter.packet(bytes, 0, bytes.length, bytes.length, SECOND, LINK_TYPE.ethernet, 0);
    }
    expect(finish().map(namesIn)).toEqual([{}]);
    const inside = createMeter();
    const bytes = toBytes(ethernet('0800', ip4(17, vxlan)));
    inside.meter.packet(bytes, 0, bytes.length, bytes.length, SECOND, LINK_TYPE.ethernet, 0);
    expect(inside.finish().map(namesIn)).toEqual([{ tls_server_name: 'inside.example' }]);
  });
});
