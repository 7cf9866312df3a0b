import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WeirError } from '#weir/util/errors.js';
import { readHex } from '#weir/wire/hex.js';

async function read(text: string, size = 65_536): Promise<string[]> {
  const bytes = Buffer.from(text, 'latin1');
  async function* source() {
    for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
  }
  const found: string[] = [];
  for await (const datagram of readHex(source())) found.push(Buffer.from(datagram.bytes).toString('hex'));
  return found;
}

/** A v5 message of two records: 120 bytes, 120 = 24 + 2 × 48. */
const MESSAGE = `00050002${'1122334455667788'.repeat(14)}99aabbcc`;
const bytes = Buffer.from(MESSAGE, 'hex');
const wrap = (text: string, width: number) => text.match(new RegExp(`.{1,${width}}`, 'g'))!.join('\n');
const rows = [...Array(Math.ceil(bytes.length / 16)).keys()].map((i) => bytes.subarray(i * 16, i * 16 + 16));

describe('hex text', () => {
  it.each([
    ['one per line', `${MESSAGE}\n${MESSAGE}\n`],
    ['CR LF, comments, no end', `# first\r\n${MESSAGE}\r\n\r\n${MESSAGE} # second`],
    ['0x in front', `0x${MESSAGE}\n0x${MESSAGE.toUpperCase()}`],
    [
      'bytes apart',
      [' ', ':', ', 0x']
        .map((by) => MESSAGE.match(/../g)!.join(by))
        .slice(0, 2)
        .join('\n'),
    ],
    ['xxd -p', `${wrap(MESSAGE, 60)}\n\n${wrap(MESSAGE, 60)}\n`],
    ['fold -w 64', `${wrap(MESSAGE, 64)}\n${wrap(MESSAGE, 64)}\n`],
    [
      'xxd',
      [MESSAGE, MESSAGE]
        .map(() =>
          rows
            .map(
              (row, i) =>
                `${(i * 16).toString(16).padStart(8, '0')}: ${row
                  .toString('hex')
                  .match(/.{1,4}/g)!
                  .join(' ')}  ..3DUfw.`,
            )
            .join('\n'),
        )
        .join('\n'),
    ],
    [
      'hexdump -C',
      [MESSAGE, MESSAGE]
        .map(
          () =>
            `${rows.map((row, i) => `${(i * 16).toString(16).padStart(8, '0')}  ${row.subarray(0, 8).toString('hex').match(/../g)!.join(' ')}  ${(row.subarray(8).toString('hex').match(/../g) ?? []).join(' ')}  |..ab cd 12|`).join('\n')}\n00000078`,
        )
        .join('\n'),
    ],
    [
      'Wireshark',
      [MESSAGE, MESSAGE]
        .map(() =>
          rows
            .map(
              (row, i) =>
                `${(i * 16).toString(16).padStart(4, '0')}   ${row.subarray(0, 8).toString('hex').match(/../g)!.join(' ')}  ${(row.subarray(8).toString('hex').match(/../g) ?? []).join(' ')}`,
            )
            .join('\n'),
        )
        .join('\n'),
    ],
  ])('%s', async (_, text) => {
    expect(await read(text)).toEqual([MESSAGE, MESSAGE]);
    expect(await read(text, 11)).toEqual([MESSAGE, MESSAGE]);
  });

  it.each([
    ['00050001\nxyz\n', 'Line 2: "x" is no hexadecimal digit.'],
    ['\n\n000500010\n', 'Line 3: 9 hexadecimal digits, half a byte too many.'],
    [`${'00'.repeat(65_536)}\n`, 'Line 1: a datagram of more than 65535 bytes.'],
    ['a'.repeat(900_000), 'Line 1 is longer than 400000 characters.'],
  ])('says which line is wrong (%#)', async (text, message) => {
    await expect(read(text, 1000)).rejects.toMatchObject({ code: 'WEIR_INPUT', message });
  });

  it('reads separators of several kinds on one line', async () => {
    expect(await read('0x00 05:ff')).toEqual(['0005ff']);
  });

  it('throws nothing but WEIR_INPUT, whatever it is given', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(...'0123456789abcdefx: \n#|'.split('')), maxLength: 400 }),
    );
    await fc.assert(
      fc.asyncProperty(text, async (value) => {
        try {
          await read(value, 50);
        } catch (error) {
          expect(error).toBeInstanceOf(WeirError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
