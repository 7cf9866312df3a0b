import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseLineFormat } from '#weir/query/output/line-format.js';
import { LINE_TOKENS, UNANSWERED_TOKENS } from '#weir/query/output/line-tokens.js';
import { OUTPUTS, parseFormat } from '#weir/query/output/outputs.js';
import { WeirError } from '#weir/util/errors.js';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { askText } from './ask.ts';
import { type PlainRow, writeStore } from './fixture.ts';

const FLOWS: PlainRow[] = [
  {
    time_start: '2026-03-01T12:00:00.120Z',
    duration: 1_500_000,
    src_addr: '10.1.2.3',
    dst_addr: '192.0.2.1',
    src_port: 40_001,
    dst_port: 443,
    proto: 6,
    tcp_flags: 0x1b,
    tos: 0,
    packets: 12,
    bytes: 1_234_567,
    reverse_packets: 20,
    reverse_bytes: 3000,
    user_name: 'a\u001b[31mb',
    mpls_labels: '16,17',
  },
  {
    time_start: '2026-03-01T12:00:01Z',
    duration: 0,
    src_addr: '2001:db8::1',
    dst_addr: '2001:db8:ffff:ffff:ffff:ffff:ffff:fffe',
    src_port: 0,
    dst_port: 0x8000,
    icmp_type: 128,
    icmp_code: 0,
    proto: 58,
    packets: 1,
    bytes: 104,
  },
];

describe('lines', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder('lines');
    await writeStore(folder.path, [FLOWS]);
  });
  afterAll(() => folder.remove());

  it('are aligned, also where addresses are long', async () => {
    const text = await askText(folder.path, {}, 'line', { plain: false });
    expect(text.split('\n').slice(0, 3)).toEqual([
      'start                     duration proto           source:port                                destination:port   packets    bytes flows',
      '2026-03-01 12:00:00.120    1.500 s tcp           10.1.2.3:40001 ->                              192.0.2.1:443         12    1.2 M     1',
      '2026-03-01 12:00:01.000    0.000 s icmp6      2001:db8::1.0     -> 2001:db8:ffff:ffff:ffff:ffff:ffff:fffe.128.0        1      104     1',
    ]);
  });

  it('have both directions in biline', async () => {
    const text = await askText(folder.path, {}, 'biline', { quiet: true });
    expect(text.split('\n')[0]).toMatch(/ <-> .* 20 +12 +3000 +1234567 +1$/);
    expect(text.split('\n')[1]).toMatch(/ - +1 +- +104 +1$/);
  });

  it('show any column, and what came from the network without its escapes', async () => {
    const text = await askText(folder.path, {}, 'fmt:%{user_name}|%{DURATION}|%mpls2|%cnt%%%n.', { quiet: true });
    expect(text.split('\n').map((line) => line.replaceAll(' ', ''))).toEqual([
      'a·[31mb|1.500|17|1%',
      '.',
      '-|0.000|-|2%',
      '.',
      '',
    ]);
  });

  it('show sums, too', async () => {
    const question = { by: 'src_addr/24,proto', measures: 'bps', order: 'bytes' };
    const text = await askText(folder.path, question, 'fmt:%sa %pr %byt %pkt %fl %{bps}', { quiet: true });
    expect(text.split('\n').map((line) => line.trim().replaceAll(/ +/g, ' '))).toEqual([
      '10.1.2.0/24 tcp 1234567 12 1 6584357',
      '2001:db8::1 icmp6 104 1 1 555',
      '',
    ]);
    await expect(askText(folder.path, { by: 'src_addr' }, 'line')).rejects.toMatchObject({ code: 'WEIR_USAGE' });
    await expect(askText(folder.path, { by: 'src_addr' }, 'fmt:%bps')).rejects.toMatchObject({ code: 'WEIR_USAGE' });
  });

  it('choose their columns themselves', async () => {
    await expect(askText(folder.path, { columns: 'bytes' }, 'line')).rejects.toMatchObject({ code: 'WEIR_USAGE' });
  });
});

describe('a form of a line', () => {
  it.each([
    ['fmt:%byts', 'there is no token %byts', 'Did you mean %byt?'],
    ['fmt:%sc', '%sc is a place on earth', 'docs/query.md'],
    ['fmt:nothing', 'names nothing', 'fmt:%ts'],
    ['fmt:', 'names nothing', 'fmt:%ts'],
    ['lines', 'there is no --format lines', "Did you mean 'line'?"],
    ['toString', 'there is no --format', 'There are table'],
    ['fmt:%toString', 'there is no token', 'docs/query.md'],
  ])('%s is refused', (text, message, hint) => {
    const fault = catchFault(() => parseFormat(text));
    expect(fault.message).toContain(message);
    expect(fault.hint).toContain(hint);
  });

  it('is read whatever it is, or refused', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom('%', '%{', '}', '%ts', '%line', '%%', '%n', '%mpls10'));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        try {
          expect(parseLineFormat(parts.join('')).length).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toMatchObject({ code: 'WEIR_USAGE' });
        }
      }),
    );
    expect(() => parseLineFormat('%ts '.repeat(100_000))).toThrow(expect.objectContaining({ code: 'WEIR_USAGE' }));
  });

  it('is documented, with every token', () => {
    const text = readFileSync(repositoryPath('docs/query.md'), 'utf8');
    for (const name of [...Object.keys(LINE_TOKENS), ...Object.keys(UNANSWERED_TOKENS)]) {
      if (/^mpls\d/.test(name)) continue;
      expect(text, name).toContain(`\`%${name}\``);
    }
    for (const name of Object.keys(OUTPUTS)) expect(text, name).toContain(`\`${name}\``);
  });
});

function catchFault(run: () => unknown): WeirError {
  try {
    run();
  } catch (error) {
    if (error instanceof WeirError) return error;
  }
  throw new Error('it did not fail as it should');
}
