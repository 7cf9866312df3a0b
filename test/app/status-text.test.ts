import { describe, expect, it } from 'vitest';
import type { CollectorStatus } from '#weir/app/status.js';
import { duration, lossText, scaled, statusLines } from '#weir/app/status-text.js';
import { grouped } from '#weir/query/output/humanize.js';

type Changes = Partial<Omit<CollectorStatus, 'store'>> & { readonly store?: Partial<CollectorStatus['store']> };

function status({ store, ...changes }: Changes = {}): CollectorStatus {
  const counts = {
    rowsStored: 0,
    rollupsBehindMs: 0,
    failing: undefined,
    failed: undefined,
  } as CollectorStatus['store'];
  return {
    at: 1_000_000,
    datagrams: 0,
    octets: 0,
    records: 0,
    exporters: 0,
    templates: 0,
    awaited: [],
    setsHeld: 0,
    loss: { sequence: 0, kernel: 0, store: 0, setsDropped: 0 },
    faults: {},
    quirks: {},
    sharedTemplates: undefined,
    refused: { datagrams: 0, connections: 0, senders: [] },
    sessions: undefined,
    ...changes,
    store: { ...counts, ...store },
  };
}

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [1234, '1.23 k'],
    [60_000, '60.0 k'],
    [12_345_678, '12.3 M'],
    [2e9, '2.00 G'],
  ])('a rate of %d is %s', (value, text) => expect(scaled(value)).toBe(text));

  it.each([
    [0, '0 s'],
    [119, '119 s'],
    [120, '2 min'],
    [7199, '120 min'],
    [7200, '2 h'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));

  it('have their thousands apart, whatever the locale of the machine', () => {
    expect(grouped(1_234_567)).toBe('1,234,567');
  });
});

describe('the status', () => {
  it('is one line when all is well, with rates since the one before', () => {
    const before = status({ at: 1_000_000, records: 1000, datagrams: 100 });
    const now = status({ at: 1_002_000, records: 5000, datagrams: 300, exporters: 1, store: { rowsStored: 4000 } });
    expect(statusLines(now, before)).toEqual([
      '2.00 k flows/s · 100 datagrams/s · 1 exporter · no loss · 5,000 flows received, 4,000 stored',
    ]);
    expect(statusLines(now, undefined)[0]).toMatch(/^0 flows\/s · 0 datagrams\/s/);
  });

  it('tells quirks that were met, most often met first, and what the shared templates did', () => {
    const counts = { published: 3, taken: 1, served: 4, unserved: 0, conflicts: 0, fallbacks: 0 };
    const lines = (sharedTemplates: CollectorStatus['sharedTemplates'], quirks = {}) =>
      statusLines(status({ quirks, sharedTemplates }), undefined).slice(1);
    expect(lines(counts, { 'events-as-flows': 2, 'sampling-byte-order': 1200 })).toEqual([
      'quirks dealt with: sampling-byte-order 1,200, events-as-flows 2',
      'shared templates: 3 given, 5 had',
    ]);
    expect(lines({ ...counts, unserved: 6, conflicts: 7, fallbacks: 1 })).toEqual([
      'shared templates: 3 given, 5 had, 6 asked for in vain, 7 conflicts, 1 times it could not be asked',
    ]);
    expect(lines(undefined)).toEqual([]);
  });

  it('tells a template that is awaited as a state', () => {
    const awaited = [{ exporter: '192.0.2.1', observationDomain: 0, templateId: 256, seconds: 40, sets: 1203 }];
    expect(statusLines(status({ awaited, setsHeld: 1203 }), undefined).slice(1)).toEqual([
      'waiting for template 256 of 192.0.2.1, 40 s, 1,203 sets held',
    ]);
  });

  it('tells faults, the most frequent first and at most four', () => {
    const faults = { short_message: 1, unknown_version: 5, message_length: 3, record_count: 4, set_length: 2 };
    expect(statusLines(status({ faults }), undefined).slice(1)).toEqual([
      '5 × first two octets are no version that weir knows',
      '4 × count of records in a NetFlow v1 or v5 to v8 header does not fit the datagram',
      '3 × IPFIX message length differs from the datagram (RFC 7011 section 9.1: discarded)',
      '2 × set length below 4',
    ]);
  });

  it('tells the sessions over TCP and TLS, and why those ended that should not have', () => {
    const largest = ['192.0.2.1:4000', '192.0.2.2:4000', '[2001:db8::1]:9', '192.0.2.4:1'].map((exporter, index) => ({
      exporter,
      seconds: 9,
      messages: 1_000 - index,
      bytes: 99,
      ...(index === 1 ? { protocol: 'TLSv1.3', subject: 'CN=router' } : { protocol: '', subject: '' }),
    }));
    const sessions = {
      open: 4,
      accepted: 90,
      messages: 12_345,
      octets: 1,
      unfinishedOctets: 17,
      refused: { allow_list: 5, connections: 1 },
      ended: { ended: 70, stopped: 1, idle: 2, stalled: 12 },
      largest,
    };
    expect(statusLines(status({ sessions }), undefined).slice(1)).toEqual([
      '4 connections, 12,345 messages received: 192.0.2.1:4000 (1,000), 192.0.2.2:4000 TLSv1.3 CN=router (999), [2001:db8::1]:9 (998), …',
      '12 connections closed: a message was not complete in time',
      '1 connection refused: as many connections as are allowed',
      '17 octets of messages that were never complete',
    ]);
    const none = { ...sessions, open: 0, messages: 0, unfinishedOctets: 0, refused: {}, ended: {}, largest: [] };
    expect(statusLines(status({ sessions: none }), undefined).slice(1)).toEqual(['0 connections, 0 messages received']);
  });

  it('tells who was refused, and that the disk cannot be written', () => {
    const refused = {
      datagrams: 1200,
      connections: 3,
      senders: [{ address: '192.0.2.9', datagrams: 1200, connections: 3 }],
    };
    expect(statusLines(status({ refused, store: { failing: 'no space left' } }), undefined).slice(1)).toEqual([
      'refused 1,200 datagrams and 3 connections, not on the allow-list: 192.0.2.9 (1,203)',
      'the store cannot write: no space left',
    ]);
  });

  it('tells that roll-ups are behind once that is unusual', () => {
    const lines = (rollupsBehindMs: number) => statusLines(status({ store: { rollupsBehindMs } }), undefined).slice(1);
    expect(lines(900_000)).toEqual([]);
    expect(lines(3_000_000)).toEqual([expect.stringMatching(/^roll-ups are 50 min behind: merging does not follow/)]);
  });

  it('tells loss by cause', () => {
    expect(lossText(status())).toBe('no loss');
    expect(lossText(status({ loss: { sequence: 30, kernel: 1, store: 2000, setsDropped: 4 } }))).toBe(
      'LOSS: 30 missing by sequence numbers, 1 datagrams dropped by the kernel, 2,000 flows not stored, 4 sets given up without template',
    );
  });
});
