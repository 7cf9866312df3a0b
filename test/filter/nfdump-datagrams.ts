import { seeded } from './batch-of-rows.ts';

/** Elements of the template, with their lengths: what nfdump's filters ask for and both collectors store. RFC 3954 section 8. */
// biome-ignore format: a list
const FIELDS: readonly (readonly [element: number, length: number])[] = [
  [32, 2], [22, 4], [21, 4], [7, 2], [11, 2], [4, 1], [6, 1], [5, 1], [55, 1], [2, 4], [1, 4], [10, 4], [14, 4], [9, 1], [13, 1],
  [58, 2], [59, 2], [56, 6], [80, 6], [81, 6], [57, 6], [70, 3], [71, 3], [89, 1], [61, 1], [23, 4], [24, 4], [234, 4], [235, 4],
];
const V4_FIELDS: typeof FIELDS = [[8, 4], [12, 4], [15, 4], [18, 4], ...FIELDS];
const V6_FIELDS: typeof FIELDS = [[27, 16], [28, 16], [62, 16], [63, 16], ...FIELDS];

const PER_DATAGRAM = 12;
const UPTIME = 3_600_000;

/** Values that flows have, few enough that filters meet them. */
// biome-ignore format: one element, one row
const VALUES: Readonly<Record<number, readonly (string | number)[]>> = {
  8: ['0a000001', '0a000102', '0a010003', 'c0000201', 'ffffffff'],
  12: ['0a000001', '0a010203', 'c6336401'],
  15: ['00000000', '0a010101'],
  18: ['00000000', '0a010102'],
  27: ['20010db8000000000000000000000001', '20010db8000100000000000000000002', 'fe800000000000000000000000000001'],
  28: ['20010db8000000000000000000000001', '20010db8000000000000000000000009'],
  62: ['20010db80000000000000000000000fe'],
  63: ['20010db80000000000000000000000ff'],
  7: [0, 53, 80, 443, 1024, 65_535],
  11: [0, 53, 80, 443, 771],
  4: [1, 6, 6, 17, 58],
  6: [0, 2, 16, 18, 27, 63],
  5: [0, 1, 40, 184],
  55: [0, 40],
  2: [0, 1, 10, 1000],
  1: [0, 1, 40, 100, 4000, 2_000_000],
  10: [0, 1, 2, 70_000],
  14: [0, 3],
  9: [0, 24],
  13: [0, 16],
  58: [0, 1, 2],
  59: [0, 3],
  56: ['000000000001', '000000000002'],
  80: ['000000000002', '000000000003'],
  81: ['000000000002'],
  57: ['000000000004'],
  70: ['000100', '0012c0'],
  71: ['0012c1', '000031'],
  89: [0, 64, 66, 130],
  61: [0, 1],
  23: [0, 50],
  24: [0, 2],
  234: [0, 1],
  235: [0, 2],
  32: [0, 0x0800, 0x0301],
};

/** NetFlow v9 datagrams, templates first. Every flow begins in a millisecond of its own, which tells it from the others. */
export function datagrams(flows: number, nowSeconds: number): Buffer[] {
  const random = seeded(3);
  const result = [datagram(0, nowSeconds, 0, Buffer.concat([template(256, V4_FIELDS), template(257, V6_FIELDS)]))];
  for (let first = 0; first < flows; first += PER_DATAGRAM) {
    const isV6 = result.length % 3 === 0;
    const fields = isV6 ? V6_FIELDS : V4_FIELDS;
    const records = Array.from({ length: PER_DATAGRAM }, (_, i) => record(fields, first + i, random));
    result.push(datagram(result.length, nowSeconds, PER_DATAGRAM, set(isV6 ? 257 : 256, Buffer.concat(records))));
  }
  return result;
}

function datagram(sequence: number, nowSeconds: number, records: number, sets: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(9, 0);
  header.writeUInt16BE(Math.max(records, 2), 2);
  header.writeUInt32BE(UPTIME, 4);
  header.writeUInt32BE(nowSeconds, 8);
  header.writeUInt32BE(sequence, 12);
  return Buffer.concat([header, sets]);
}

function set(id: number, content: Buffer): Buffer {
  const padding = (4 - (content.length % 4)) % 4;
  const header = Buffer.alloc(4);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(4 + content.length + padding, 2);
  return Buffer.concat([header, content, Buffer.alloc(padding)]);
}

function template(id: number, fields: typeof FIELDS): Buffer {
  const words = [id, fields.length, ...fields.flat()];
  const content = Buffer.alloc(words.length * 2);
  words.forEach((word, i) => content.writeUInt16BE(word, 2 * i));
  return set(0, content);
}

function record(fields: typeof FIELDS, index: number, random: () => number): Buffer {
  const start = 100_000 + index;
  const durations = [0, 0, 1, 40, 1000, 100_000];
  const end = start + (durations[Math.floor(random() * durations.length)] as number);
  const chosen = new Map<number, string | number>();
  for (const [element] of fields) {
    const values = VALUES[element] ?? [element === 22 ? start : end];
    chosen.set(element, values[Math.floor(random() * values.length)] as string | number);
  }
  const icmp = chosen.get(32) ?? 0;
  if (chosen.get(4) === 1 || chosen.get(4) === 58)
    for (const [element, value] of [
      [7, 0],
      [11, icmp],
    ] as const)
      chosen.set(element, value);
  else chosen.set(32, 0);
  return Buffer.concat(
    fields.map(([element, length]) => {
      const value = chosen.get(element) ?? 0;
      const text = typeof value === 'string' ? value : value.toString(16).padStart(2 * length, '0');
      return Buffer.from(text, 'hex');
    }),
  );
}
