import { describe, expect, it } from 'vitest';
import { createElementRegistry } from '#weir/elements/registry.js';
import { FlowBatch } from '#weir/flow/batch.js';
import { records } from '#weir/flow/record.js';
import type { Domain } from '#weir/session/domain.js';
import { type DatagramSource, MessageDecoder } from '#weir/session/message-decoder.js';
import { loadState, saveState } from '#weir/session/saved-state.js';
import { ip4, message, NOON, optionsTemplateSet, set, templateSet, u16, u32 } from '../wire/build.ts';

const ADDRESS = [0, 0, 0xffff, 0xc0000201] as const;
const NOW = NOON * 1e6;

function decoder() {
  const batch = new FlowBatch(2048);
  const forgotten: Domain[] = [];
  const messages = new MessageDecoder({
    registry: createElementRegistry(),
    sink: { batch: () => batch },
    onForget: (domain) => forgotten.push(domain),
  });
  const feed = (bytes: Uint8Array, source: DatagramSource) => {
    batch.clear();
    messages.decode(bytes, source, NOW);
    return [...records(batch)];
  };
  return { messages, feed, forgotten };
}

const template = templateSet(10, 256, [
  [8, 4],
  [1, 4],
]);
const other = templateSet(10, 256, [
  [1, 4],
  [8, 4],
]);
const data = (bytes: number) => set(256, ip4('192.0.2.9'), u32(bytes));

describe('transport sessions of streams', () => {
  it('have templates of their own, although the exporter and the domain are the same', () => {
    const { messages, feed } = decoder();
    const datagrams = { address: ADDRESS, port: 4739 };
    const one = messages.beginSession(ADDRESS, 4739);
    const two = messages.beginSession(ADDRESS, 50_001);
    feed(message(10, [template]), one);
    feed(message(10, [other]), two);
    expect(feed(message(10, [data(7)]), one)).toMatchObject([{ src_addr: '192.0.2.9', bytes: 7 }]);
    expect(feed(message(10, [set(256, u32(8), ip4('192.0.2.8'))]), two)).toMatchObject([
      { src_addr: '192.0.2.8', bytes: 8 },
    ]);
    // Neither stream taught the datagrams of the same address anything.
    expect(feed(message(10, [data(9)]), datagrams)).toEqual([]);
    expect([...messages.awaited()].map(([domain]) => domain.session)).toEqual([0]);
  });

  it('take their templates, held sets and sampling rates with them when they end', () => {
    const { messages, feed, forgotten } = decoder();
    const sampled = [
      optionsTemplateSet(10, 300, 1, [
        [149, 4],
        [305, 4],
      ]),
      set(300, u32(0), u32(100)),
    ];
    const one = messages.beginSession(ADDRESS, 4739);
    const two = messages.beginSession(ADDRESS, 4739);
    feed(message(10, [template, ...sampled], { domain: 0 }), one);
    feed(message(10, [template]), one);
    feed(message(10, [template]), two);
    feed(message(10, [set(400, u32(1))]), one);
    expect(messages.domains.size).toBe(3);
    const templates = messages.domains.templates;
    messages.endSession(one);
    expect(messages.domains.size).toBe(1);
    expect(messages.domains.templates).toBe(templates - 3);
    expect(messages.held.bytes).toBe(0);
    expect(forgotten.map(({ id, counters }) => [id, counters.setsHeld, counters.setsDropped])).toEqual([
      [0, 0, 0],
      [1, 1, 1],
    ]);
    // The other session goes on; one that begins anew has to be told everything again.
    expect(feed(message(10, [data(5)]), two)).toMatchObject([{ bytes: 5 }]);
    expect(feed(message(10, [data(5)]), messages.beginSession(ADDRESS, 4739))).toEqual([]);
    messages.endSession(one);
    expect(forgotten).toHaveLength(2);
  });

  it('take the rate of domain 0 from their own session only', () => {
    const { messages, feed } = decoder();
    const sampled = [
      optionsTemplateSet(10, 300, 1, [
        [149, 4],
        [305, 4],
      ]),
      set(300, u32(0), u32(100)),
    ];
    const [one, two] = [messages.beginSession(ADDRESS, 1), messages.beginSession(ADDRESS, 1)];
    for (const source of [one, two]) feed(message(10, [template]), source);
    feed(message(10, sampled, { domain: 0 }), one);
    expect(feed(message(10, [data(5)]), one)).toMatchObject([{ sampling_rate: 100 }]);
    expect(feed(message(10, [data(5)]), two)[0]?.['sampling_rate']).not.toBe(100);
  });

  it('honour withdrawal', () => {
    const { messages, feed } = decoder();
    const one = messages.beginSession(ADDRESS, 4739);
    feed(message(10, [template]), one);
    feed(message(10, [set(2, u16(256), u16(0))]), one);
    expect(feed(message(10, [data(5)]), one)).toEqual([]);
    feed(message(10, [template]), one);
    // All data templates at once (RFC 7011 section 8.1).
    feed(message(10, [set(2, u16(2), u16(0))]), one);
    expect(messages.domains.templates).toBe(0);
  });

  it('are not kept over a restart', () => {
    const { messages, feed } = decoder();
    feed(message(10, [template]), messages.beginSession(ADDRESS, 4739));
    feed(message(10, [template]), { address: ADDRESS, port: 4739 });
    expect(loadState(decoder().messages, saveState(messages, NOON * 1000))).toBe(1);
  });

  it('leave nothing behind, however many there were', () => {
    const { messages, feed, forgotten } = decoder();
    for (let i = 0; i < 5_000; i++) {
      const source = messages.beginSession(ADDRESS, i);
      feed(message(10, [template, data(i)]), source);
      messages.endSession(source);
    }
    expect([messages.domains.size, messages.domains.templates, messages.specifications.fields]).toEqual([0, 0, 0]);
    expect(forgotten).toHaveLength(5_000);
  });
});
