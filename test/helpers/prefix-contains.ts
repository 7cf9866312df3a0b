import { maskWord, type Prefix } from '#weir/util/prefix.js';

/** Whether the address with these (unsigned) words is in the network. */
export function prefixContains(prefix: Prefix, w0: number, w1: number, w2: number, w3: number): boolean {
  const { address, length } = prefix;
  return (
    ((w0 ^ address[0]) & maskWord(length, 0)) === 0 &&
    ((w1 ^ address[1]) & maskWord(length, 1)) === 0 &&
    ((w2 ^ address[2]) & maskWord(length, 2)) === 0 &&
    ((w3 ^ address[3]) & maskWord(length, 3)) === 0
  );
}
