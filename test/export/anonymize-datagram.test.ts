import { readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openDatagrams } from '#weir/cli/datagrams.js';
import { DatagramAnonymizer } from '#weir/export/anonymize-datagram.js';
import { COLUMNS } from '#weir/flow/schema.js';
import { createDecoder } from '#weir/index.js';
import { formatAddress, parseAddress } from '#weir/util/address.js';
import { CryptoPan } from '#weir/util/crypto-pan.js';
import { repositoryPath } from '../helpers/repository.ts';
import { weir } from '../helpers/weir.ts';
import {
  message,
  message5,
  optionsTemplateSet,
  record5,
  set,
  templateSet,
  u16,
  u32,
  VARIABLE,
  variable,
} from '../wire/build.ts';

const PAN = new CryptoPan(Buffer.from('abcdefghijklmnopqrstuvwxyz012345'));
const FOLDER = repositoryPath('test/captures');
const CAPTURES = readdirSync(FOLDER).filter((name) => name.endsWith('.pcap') && name !== 'traffic.pcap');
const TYPES = new Map(COLUMNS.map(({ name, type }) => [name, type]));
/** Of the datagram, not of what is in it. */
const OUTSIDE = ['exporter', 'sender', 'time_received'];

const create = (...keep: string[]) => new DatagramAnonymizer({ pan: PAN, keep: new Set(keep) });

function replaced(address: string): string {
  const words = Uint32Array.from(parseAddress(address) ?? []);
  PAN.replace(words);
  const [a, b, c, d] = words as unknown as [number, number, number, number];
  return formatAddress(a, b, c, d);
}

/** A record as it has to be when it is anonymized: zeros of a MAC address are a MAC address, of a text none. */
function expected(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(record).flatMap(([name, value]): [string, unknown][] => {
    const type = TYPES.get(name);
    if (OUTSIDE.includes(name) || type === 'text' || type === 'extra') return [];
    if (type === 'address') return [[name, replaced(String(value))]];
    return [[name, type === 'mac' ? '00:00:00:00:00:00' : value]];
  });
  return Object.fromEntries(entries);
}

const shown = (record: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !OUTSIDE.includes(name) && !isFree(name)));
const isFree = (name: string) => ['text', 'extra'].includes(TYPES.get(name) ?? '');

describe('datagrams of real exporters', () => {
  it.each(CAPTURES.filter((name) => !name.includes('sflow')))(
    '%s: the same flows between other addresses',
    async (name) => {
      const { batches } = await openDatagrams(`${FOLDER}/${name}`, process.stdin);
      const [plain, anonymous, anonymizer] = [createDecoder(), createDecoder(), create()];
      let count = 0;
      for await (const batch of batches) {
        for (const { payload, source, sourcePort, time } of batch) {
          const from = { address: formatAddress(...source), port: sourcePort, receivedAt: time / 1000 };
          const before = Uint8Array.from(payload);
          const rewritten = anonymizer.rewrite(payload, from.address) as Uint8Array;
          expect(Buffer.compare(payload, before)).toBe(0);
          const records = plain.decode(payload, from);
          expect(anonymous.decode(rewritten, from).map(shown)).toEqual(records.map(expected));
          count += records.length;
        }
      }
      expect(count).toBeGreaterThan(10);
      expect(Object.values(anonymizer.withheld)).toEqual([0, 0, 0, 0, 0, 0]);
      expect(anonymous.faults()).toEqual({});
    },
  );
});

describe('what else is in a datagram', () => {
  const SECRET = Buffer.from('alice');

  it('texts, sections of packets, unknown fields, padding and systems are zeros', () => {
    const template = templateSet(10, 256, [
      [8, 4],
      [371, VARIABLE],
      [313, 8],
      [7, 5, 4_000_000],
    ]);
    const data = set(
      256,
      [10, 9, 8, 7],
      variable([...SECRET]),
      [...SECRET, 1, 2, 3],
      [...SECRET],
      [...SECRET.subarray(0, 3)],
    );
    const rewritten = create().rewrite(message(10, [template, data]), 'x') as Uint8Array;
    expect(Buffer.from(rewritten).includes(SECRET.subarray(0, 3))).toBe(false);
    expect(Buffer.from(rewritten).includes(Buffer.from([10, 9, 8, 7]))).toBe(false);
    const kept = create('user_name').rewrite(message(10, [template, data]), 'x') as Uint8Array;
    expect(Buffer.from(kept).includes(SECRET)).toBe(true);
  });

  it('the system that options of NetFlow v9 are for is zeros', () => {
    const options = optionsTemplateSet(9, 300, 1, [
      [1, 4],
      [34, 4],
    ]);
    const rewritten = create().rewrite(message(9, [options, set(300, [10, 9, 8, 7], u32(100))]), 'x') as Uint8Array;
    expect(Buffer.from(rewritten).includes(Buffer.from([10, 9, 8, 7]))).toBe(false);
    expect(Buffer.from(rewritten).includes(Buffer.from(u32(100)))).toBe(true);
  });

  it.each([
    ['no_template', message(10, [set(256, [1, 2, 3, 4])])],
    ['structured', message(10, [templateSet(10, 256, [[291, 8]]), set(256, [1, 2, 3, 4, 5, 6, 7, 8])])],
    ['malformed', message5([record5()]).subarray(0, 60)],
    ['sflow', Uint8Array.from([0, 0, 0, 5, ...new Uint8Array(40)])],
    ['netflow8', Uint8Array.from([0, 8, ...new Uint8Array(40)])],
    ['unknown', Uint8Array.from([0, 77, ...new Uint8Array(40)])],
    ['unknown', message(10, [set(17, [1, 2, 3, 4])])],
  ] as const)('%s is withheld and counted', (cause, datagram) => {
    const anonymizer = create();
    expect(anonymizer.rewrite(datagram, 'x')).toBeUndefined();
    expect(anonymizer.withheld[cause]).toBe(1);
  });

  it('templates of one exporter are not used for another', () => {
    const anonymizer = create();
    expect(anonymizer.rewrite(message(10, [templateSet(10, 256, [[8, 4]])]), 'one')).toBeDefined();
    const data = message(10, [set(256, [10, 9, 8, 7])]);
    expect(anonymizer.rewrite(data, 'two')).toBeUndefined();
    expect(anonymizer.rewrite(data, 'one')).toBeDefined();
  });

  it('any octets at all are rewritten or withheld', () => {
    const version = fc.constantFrom(0, 1, 5, 6, 7, 8, 9, 10);
    const anonymizer = create();
    fc.assert(
      fc.property(version, fc.uint8Array({ maxLength: 300 }), (number, rest) => {
        const datagram = Uint8Array.from([...u16(number), ...rest]);
        const rewritten = anonymizer.rewrite(datagram, 'x');
        expect(rewritten === undefined || rewritten.length <= datagram.length).toBe(true);
      }),
    );
  });
});

describe('weir replay --anonymize', () => {
  it('needs a key', async () => {
    const { code, stderr } = await weir(['replay', `${FOLDER}/softflowd-v5.pcap`, '--anonymize']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('--anonymize needs a key')]);
  });
});
