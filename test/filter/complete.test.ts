import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completeFilter } from '#weir/filter/complete.js';
import { parseFilter } from '#weir/filter/parser.js';
import { COLUMNS } from '#weir/flow/schema.js';
import { WeirError } from '#weir/util/errors.js';
import { filterText } from './arbitrary.ts';

const names = { names: ['offices', 'web'], lookup: (name: string) => (name === 'web' ? ['80'] : ['10.0.0.0/8']) };
const texts = (text: string, cursor = text.length) =>
  completeFilter(text, cursor, { names }).items.map((item) => item.text);

describe('completeFilter', () => {
  it.each([
    ['', ['ip', 'port', 'proto', 'bytes', 'src', 'src_addr', 'tcp', 'not', '(']],
    ['pro', ['proto']],
    ['src ', ['ip', 'port', 'net', 'as', 'mac']],
    ['src and dst p', ['port']],
    ['src and dst ', ['ip', 'port']],
    ['port ', ['=', '>', 'in', 'between', 'https']],
    ['port > h', ['http', 'https']],
    ['proto in [tcp ', ['udp', 'icmp', ']']],
    ['nat_event = cr', ['create']],
    ['fwdstat ', ['forwarded', 'dropped']],
    ['app_name ', ['contains', 'matches', 'starts with']],
    ['app_name sta', ['starts with']],
    ['flags ', ['S', 'any', 'all']],
    ['ip 10.0.0.1 ', ['and', 'or']],
    ['(ip 10.0.0.1 ', ['and', 'or', ')']],
    ['ip 10.0.0.1 a', ['and']],
    ['not (port 80 and sr', ['src', 'src_port']],
    ['src ip in o', ['offices']],
    ['dst port w', ['web']],
    ['mpls ', ['any', 'label1', 'eos']],
    ['bytes between 1 ', []],
  ])('after %j', (text, expected) => {
    expect(texts(text)).toEqual(expect.arrayContaining(expected));
  });

  it('has no others than those that fit', () => {
    expect(texts('ip 10.0.0.1 a')).toEqual(['and']);
    expect(texts('ip 10.0.0.1 ')).toEqual(['and', 'or']);
    expect(texts('src and dst p')).toEqual(['port']);
    expect(texts('app_name = "abc')).toEqual([]);
    expect(texts('no such field and ')).toEqual([]);
  });

  it('says what is replaced, and looks at what stands before the cursor only', () => {
    const text = 'port 80 and prot xyz';
    const { span, items } = completeFilter(text, 16);
    expect(text.slice(span.start, span.end)).toBe('prot');
    expect(items).toEqual([{ text: 'proto', kind: 'name', about: 'IP protocol number.' }]);
  });

  it('knows the columns that only the caller knows', () => {
    const column = {
      ...(COLUMNS.find(({ name }) => name === 'app_name') as (typeof COLUMNS)[number]),
      name: 'in_if_name',
    };
    expect(completeFilter('in_if_n', 7, { columns: [column] }).items).toMatchObject([
      { text: 'in_if_name', kind: 'name' },
    ]);
  });

  it('reads no file', () => {
    const readFile = () => {
      throw new Error('read');
    };
    expect(completeFilter('@include x and por', 18, { readFile }).items[0]).toMatchObject({ text: 'port' });
  });

  it('gives nothing that is wrong where it is put', () => {
    fc.assert(
      fc.property(filterText, fc.nat(), fc.nat(), (text, cut, choice) => {
        const before = text.slice(0, cut % (text.length + 1));
        const { span, items } = completeFilter(before, before.length, { names, zone: 'utc' });
        const item = items[choice % items.length];
        if (item === undefined) return;
        const completed = before.slice(0, span.start) + item.text;
        try {
          parseFilter(completed, { names, zone: 'utc' });
        } catch (error) {
          if (!(error instanceof WeirError)) throw error;
          // What no number can be is still in the right place.
          if (/: no \w+ is [<>]|ends before it begins/.test(error.message)) return;
          // Unfinished, but not wrong.
          expect(error.details['position'], `${completed}: ${error.message}`).toBe(completed.length);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
