import { describe, expect, it } from 'vitest';
import { loadState, saveState } from '#weir/session/saved-state.js';
import {
  ascii,
  message,
  optionsTemplateSet,
  type Specifier,
  set,
  templateSet,
  u16,
  u32,
  VARIABLE,
  variable,
} from '../wire/build.ts';
import { testDecoder } from './decoder.ts';

/* RFC 5610: options records that say what an enterprise's elements are called and of which type they are. */

const PEN = 4_242_424;
const UNSIGNED = 3;
const STRING = 13;
/** As YAF sends it: scope enterprise and element, then type, semantics, units, range, name, description. */
const FIELDS: Specifier[] = [
  [346, 4],
  [303, 2],
  [339, 1],
  [344, 1],
  [345, 2],
  [342, 8],
  [343, 8],
  [341, VARIABLE],
  [340, VARIABLE],
];
const template = optionsTemplateSet(10, 400, 2, FIELDS);
const about = (id: number, type: number, name: string, enterprise = PEN): number[] =>
  [
    u32(enterprise),
    u16(id),
    [type, 1],
    u16(2),
    Array<number>(16).fill(0),
    variable(ascii(name)),
    variable(ascii('what')),
  ].flat();
const taught = (...records: readonly number[][]): Uint8Array => message(10, [template, set(400, ...records)]);
const data = (id = 7): Uint8Array =>
  message(10, [
    templateSet(10, 256, [
      [4, 1],
      [id, 4, PEN],
    ]),
    set(256, [6, ...ascii('abcd')]),
  ]);

describe('elements taught by an exporter', () => {
  it('have their name and type, also in templates that were in use before', () => {
    const decoder = testDecoder();
    expect(decoder.feed(data())).toMatchObject([{ extra: { [`${PEN}/7`]: '61626364' } }]);
    decoder.feed(taught(about(7, STRING, 'colourOfThePacket'), about(8, UNSIGNED, 'weight')));
    expect(decoder.feed(data())).toMatchObject([{ proto: 6, extra: { colourOfThePacket: 'abcd' } }]);
    expect(decoder.feed(data(8))).toMatchObject([{ extra: { weight: 0x61626364 } }]);
    expect(decoder.faults()).toEqual({});
  });

  it('in templates that were compiled, too', () => {
    const decoder = testDecoder();
    const many = message(10, [
      templateSet(10, 256, [[7, 4, PEN]]),
      set(256, Array.from({ length: 300 }, () => ascii('abcd')).flat()),
    ]);
    decoder.feed(many);
    decoder.feed(taught(about(7, STRING, 'colour')));
    expect(decoder.feed(many).at(-1)).toMatchObject({ extra: { colour: 'abcd' } });
  });

  it('never replace what is known, nor what an exporter said before', () => {
    const decoder = testDecoder();
    decoder.feed(taught(about(33, STRING, 'mine', 6871), about(5, STRING, 'mine', 0), about(7, STRING, 'first')));
    decoder.feed(taught(about(7, UNSIGNED, 'second')), '192.0.2.99');
    expect(decoder.feed(data(), '192.0.2.99')).toMatchObject([{ extra: { first: 'abcd' } }]);
    const known = message(10, [templateSet(10, 257, [[33, 2, 6871]]), set(257, u16(53))]);
    expect(decoder.feed(known)).toMatchObject([{ extra: { silkAppLabel: 53 } }]);
  });

  it('that cannot be are left out', () => {
    const decoder = testDecoder();
    decoder.feed(
      taught(about(7, 99, 'noType'), about(7, STRING, ''), about(7, STRING, 'no name'), about(0, STRING, 'zero')),
    );
    expect(decoder.feed(data())).toMatchObject([{ extra: { [`${PEN}/7`]: '61626364' } }]);
  });

  it('are kept over a restart, with the bounds of each exporter, as far as the file is sound', () => {
    const before = testDecoder();
    before.feed(taught(...Array.from({ length: 1024 }, (_, i) => about(i + 1, STRING, `name${i + 1}`)).slice(0, 600)));
    before.feed(taught(...Array.from({ length: 1024 }, (_, i) => about(i + 1, STRING, `name${i + 1}`)).slice(600)));
    before.feed(data());
    const saved = JSON.parse(JSON.stringify(saveState(before.decoder, 0))) as { elements: unknown[] };
    const bad = [
      1,
      [],
      ['x', 'y', 1, 'n', 1, 1, 1],
      ['x', PEN, 5000, 'n', 99, 0, 0],
      ['x', PEN, 5000, 'no name', 1, 0, 0],
    ];
    const after = testDecoder();
    expect(loadState(after.decoder, { ...saved, elements: [...bad, ...saved.elements] })).toBe(1 + 1);
    expect(saveState(after.decoder, 0).elements).toEqual(saved.elements);
    expect(saved.elements).toHaveLength(1024);
    expect(after.feed(message(10, [set(256, [6, ...ascii('abcd')])]))).toMatchObject([{ extra: { name7: 'abcd' } }]);
    after.feed(taught(about(1025, STRING, 'more')));
    expect(after.feed(data(1025))).toMatchObject([{ extra: { [`${PEN}/1025`]: '61626364' } }]);
  });

  it('are bounded for each exporter', () => {
    const decoder = testDecoder();
    for (let id = 1; id <= 1100; id += 50)
      decoder.feed(taught(...Array.from({ length: 50 }, (_, i) => about(id + i, STRING, `name${id + i}`))));
    expect(decoder.feed(data(1024))).toMatchObject([{ extra: { name1024: 'abcd' } }]);
    expect(decoder.feed(data(1025))).toMatchObject([{ extra: { [`${PEN}/1025`]: '61626364' } }]);
    decoder.feed(taught(about(1025, STRING, 'another')), '192.0.2.99');
    expect(decoder.feed(data(1025))).toMatchObject([{ extra: { another: 'abcd' } }]);
  });
});
