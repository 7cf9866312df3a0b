import { describe, expect, it } from 'vitest';
import { type Check, firstState, type Key, press, type TopState } from '#weir/live/top-state.js';

const first = firstState({ by: 'proto', order: 'bytes', filter: '', interval: 2000 });
const check: Check = (_, text) => (text.includes('wrong') ? 'it is wrong' : undefined);

const NAMED: Readonly<Record<string, Partial<Key>>> = {
  '\r': { name: 'return' },
  '\b': { name: 'backspace', text: undefined },
  '\u001B': { name: 'escape' },
  '\u0003': { name: 'c', ctrl: true },
  '\u0015': { name: 'u', ctrl: true },
  '\u0017': { name: 'w', ctrl: true },
};

/** The state after these keys. */
function typed(keys: string, from: TopState = first): TopState {
  return Array.from(keys).reduce(
    (state, text) => press(state, { text, name: text, ctrl: false, ...NAMED[text] }, check),
    from,
  );
}

describe('keys of weir top', () => {
  it('change grouping, order and interval, round and round or to the end', () => {
    expect(typed('b').by).toBe('src_addr');
    expect(typed('b'.repeat(first.groupings.length)).by).toBe('proto');
    expect(['s', 'ss', 'sss'].map((keys) => typed(keys).order)).toEqual(['packets', 'flows', 'bytes']);
    expect(['+', '++', '-', '--', '---', '----'].map((keys) => typed(keys).interval)).toEqual([
      5000, 10_000, 1000, 500, 500, 500,
    ]);
    expect(typed('+'.repeat(20)).interval).toBe(60_000);
  });

  it('pause, help and quit', () => {
    expect(typed(' ').paused).toBe(true);
    expect(typed('  ').paused).toBe(false);
    expect(typed('?').help).toBe(true);
    expect(typed('hs')).toEqual(first);
    expect(['q', 'hq', '\u0003', '/abc\u0003'].map((keys) => typed(keys).ended)).toEqual([true, true, true, true]);
  });

  it('type a filter, which is taken when it is right', () => {
    expect(typed('/port 44\b43\r')).toEqual({ ...first, filter: 'port 443' });
    expect(typed('/q').typing).toEqual({ what: 'filter', text: 'q', fault: undefined });
    const wrong = typed('fwrong\r');
    expect(wrong.typing).toEqual({ what: 'filter', text: 'wrong', fault: 'it is wrong' });
    expect(wrong.filter).toBe('');
    expect(typed('\u0015proto tcp\u0017udp\r', wrong).filter).toBe('proto udp');
    expect(typed('/abc\u001B')).toEqual(first);
  });

  it('type a grouping, which b comes back to', () => {
    const own = typed('B,tos\r');
    expect(own.by).toBe('proto,tos');
    expect(typed('b'.repeat(own.groupings.length), own).by).toBe('proto,tos');
  });

  it('do nothing that is not known, and type no control characters', () => {
    expect(typed('xyz\u0001')).toEqual(first);
    expect(press(first, { text: undefined, name: undefined, ctrl: false }, check)).toEqual(first);
    expect(typed('/a\u0001b').typing?.text).toBe('ab');
    expect(typed(`/${'x'.repeat(10_100)}`).typing?.text.length).toBe(10_000);
  });
});
