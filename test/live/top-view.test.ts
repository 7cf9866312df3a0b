import { describe, expect, it } from 'vitest';
import type { TopAnswer } from '#weir/live/protocol.js';
import { firstState } from '#weir/live/top-state.js';
import { topSummary, topTable, topView } from '#weir/live/top-view.js';
import { parseKeys } from '#weir/query/key.js';

const keys = parseKeys('src_addr/24/48,proto,app_name');
const answer: TopAnswer = {
  type: 'top',
  at: Date.UTC(2026, 10, 21, 12),
  seconds: 2,
  by: keys.map(({ name }) => name),
  rows: [
    { key: ['10.0.0.0/24', 6, 'web'], bytes: 3_000_000, packets: 4000, flows: 10 },
    { key: ['2001:db8::/48', 17, null], bytes: 1000, packets: 10, flows: 1 },
    { key: [null, 250, 'bad\u001B[2J'], bytes: 0, packets: 0, flows: 1 },
  ],
  total: { bytes: 4_000_000, packets: 8020, flows: 13 },
  groups: 5,
  pruned: 0,
  unseen: 0,
};
const options = { zone: 'utc', plain: false, width: 80 } as const;
const state = firstState({ by: 'src_addr', order: 'bytes', filter: 'proto tcp', interval: 500 });

describe('the table of weir top', () => {
  it('has rates, and values as tables of queries show them', () => {
    expect(topTable(answer, keys, 'bytes', options)).toEqual(
      [
        'source         proto  app           bit/s  packet/s  flow/s  byte/packet  % bytes',
        '10.0.0.0/24    tcp    web          12.0 M     2.0 k       5          750     75.0',
        '2001:db8::/48  udp    -             4.0 k         5     0.5          100      0.0',
        '-              250    bad·[2J           0         0     0.5            -      0.0',
      ].map((line) =>
        expect.stringMatching(
          new RegExp(
            `^${line
              .split(/ +/)
              .map((word) => word.replaceAll(/[[\]./%]/g, '.'))
              .join(' +')}$`,
          ),
        ),
      ),
    );
  });

  it('leaves columns out where the terminal is narrow', () => {
    const [header] = topTable(answer, keys, 'flows', { ...options, width: 62 });
    expect(header).not.toContain('byte/packet');
    expect(header).toContain('flow/s');
  });
});

describe('the summary', () => {
  it('tells what may be missing', () => {
    expect(topSummary(answer, options)).toEqual([
      '2026-11-21 12:00:00 UTC  16.0 M bit/s  4.0 k packet/s  6.5 flow/s  5 groups  in 2.0 s',
    ]);
    expect(topSummary({ ...answer, pruned: 1200, unseen: 5 }, options).slice(1)).toEqual([
      'too many groups to hold: a row may lack up to 1.2 k',
      '5 flows were not looked at: the collector is busy',
    ]);
  });
});

describe('the screen', () => {
  const shown = { answer, keys, order: 'bytes' } as const;
  const sizes = [
    [80, 24],
    [20, 5],
    [1, 1],
    [200, 60],
    [80, 2],
  ] as const;

  it.each(sizes)('of %i by %i is filled and never overrun', (width, height) => {
    for (const each of [
      state,
      { ...state, help: true },
      { ...state, typing: { what: 'filter', text: 'x'.repeat(300), fault: undefined } as const },
    ]) {
      const { lines, header } = topView(each, shown, { ...options, width, height, note: 'note' });
      expect(lines).toHaveLength(height);
      expect(Math.max(...lines.map((line) => Array.from(line).length))).toBeLessThanOrEqual(width);
      expect(header).toBeLessThan(height - 1);
    }
  });

  it('shows what is asked for, what is typed, and what is wrong with it', () => {
    const view = (more: Partial<typeof state>) =>
      topView({ ...state, ...more }, shown, { ...options, height: 12, note: undefined });
    expect(view({ paused: true }).lines.slice(0, 2)).toEqual([
      'weir top  by src_addr  order bytes  every 500 ms  PAUSED',
      'filter: proto tcp',
    ]);
    expect(view({}).lines[view({}).header]).toMatch(/^source /);
    expect(view({ typing: { what: 'filter', text: 'port', fault: undefined } }).lines.at(-1)).toBe('filter: port_');
    expect(view({ typing: { what: 'by', text: 'x', fault: 'no column x' } }).lines.at(-1)).toBe('no column x');
    expect(topView(state, undefined, { ...options, height: 6, note: undefined })).toMatchObject({ header: -1 });
  });
});
