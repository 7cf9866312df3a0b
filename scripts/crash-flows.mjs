// The flows that crash-rounds.mjs sends and imports, and the lots it draws.

/** Numbers of flows: round × APART + n. */
export const APART = 100_000_000;
export const RECORDS = 25;

/** An IPFIX message with its template and flows numbered from `first` on (flowId). */
export function message(first, millis) {
  const fields = [
    [148, 8],
    [8, 4],
    [12, 4],
    [4, 1],
    [1, 8],
    [2, 8],
    [152, 8],
    [153, 8],
  ];
  const length = fields.reduce((sum, [, size]) => sum + size, 0);
  const template = 8 + 4 * fields.length;
  const bytes = Buffer.alloc(16 + template + 4 + RECORDS * length);
  bytes.writeUInt16BE(10, 0);
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt32BE(Math.floor(millis / 1000), 4);
  bytes.writeUInt32BE(first % 2 ** 32, 8);
  bytes.writeUInt32BE(1, 12);
  let at = 16;
  for (const word of [2, template, 256, fields.length, ...fields.flat(), 256, 4 + RECORDS * length])
    at = bytes.writeUInt16BE(word, at);
  for (let n = first; n < first + RECORDS; n++) {
    at = bytes.writeBigUInt64BE(BigInt(n), at);
    at = bytes.writeUInt32BE(0x0a000000 + ((n * 7919) % 5000), at);
    at = bytes.writeUInt32BE(0xc0a80000 + ((n * 104_729) % 3000), at);
    at = bytes.writeUInt8(n % 3 === 0 ? 17 : 6, at);
    at = bytes.writeBigUInt64BE(BigInt((n % 1400) + 40), at);
    at = bytes.writeBigUInt64BE(BigInt((n % 50) + 1), at);
    at = bytes.writeBigUInt64BE(BigInt(Math.floor(millis - 5000)), at);
    at = bytes.writeBigUInt64BE(BigInt(Math.floor(millis)), at);
  }
  return bytes;
}

/** One of the choices, by their weights. */
export function draw(choices, random) {
  let rest = random() * choices.reduce((sum, { weight }) => sum + weight, 0);
  return choices.find(({ weight }) => (rest -= weight) < 0) ?? choices[0];
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(state ^ (state >>> 15), state | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}
