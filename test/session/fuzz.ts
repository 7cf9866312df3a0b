import { createTraffic } from '#weir/generate/traffic.js';
import { fromHex, message, optionsTemplateSet, type Specifier, set, templateSet, VARIABLE } from '../wire/build.ts';
import { AGGREGATES, FLOWS } from '../wire/fixed-datagrams.ts';

/** A small deterministic generator (xorshift), so that a failing run can be repeated. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761) >>> 0 || 1;
  }
  below(limit: number): number {
    let s = this.#state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.#state = s >>> 0;
    return this.#state % limit;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** Datagrams of our own exporters: templates, options, IPv4 and IPv6 data, several domains; and one of every fixed format. */
export function ownSeeds(): Uint8Array[] {
  const seeds = [...FLOWS, ...AGGREGATES].map(({ hex }) => Uint8Array.from(fromHex(hex)));
  for (const version of [5, 9, 10] as const) {
    const ipv6 = version === 5 ? 0 : 0.4;
    const traffic = createTraffic({
      version,
      flows: 600,
      exporters: 2,
      domains: 2,
      sampling: 100,
      ipv6,
      templateDatagrams: 5,
    });
    for (let now = 1_790_000_000_000; ; now += 10) {
      const datagram = traffic.next(now);
      if (datagram === undefined) break;
      seeds.push(datagram.slice());
    }
  }
  return seeds;
}

const ODD = [
  0, 1, 2, 3, 4, 5, 7, 8, 16, 20, 24, 48, 254, 255, 256, 257, 258, 1023, 1024, 0x7fff, 0x8000, 0xfffe, 0xffff,
];
const ELEMENTS = [
  1, 2, 4, 7, 8, 10, 11, 12, 21, 22, 27, 32, 34, 48, 70, 71, 82, 95, 96, 139, 152, 153, 154, 156, 160, 161,
  // Structured data, packet sections, firewall and NAT events, type information.
  291, 292, 293, 104, 313, 315, 316, 317, 230, 233, 239, 303, 339, 341, 346, 361,
];
const LENGTHS = [0, 1, 2, 3, 4, 4, 4, 6, 8, 8, 16, 20, 255, VARIABLE, VARIABLE];

/** A message of random templates and random data for them. */
function made(random: Random): Uint8Array {
  const version = random.pick([9, 10] as const);
  const octets = (count: number): number[] =>
    Array.from({ length: count }, () => (random.below(3) === 0 ? 0 : random.below(256)));
  const fields = (): Specifier[] =>
    Array.from({ length: 1 + random.below(12) }, () => {
      const id = random.below(4) > 0 ? random.pick(ELEMENTS) : 1 + random.below(32_767);
      const enterprise = version === 10 && random.below(5) === 0 ? random.pick([29_305, 9, 6871, 4_242_424]) : 0;
      return [id, random.pick(LENGTHS), enterprise];
    });
  const sets = Array.from({ length: 1 + random.below(5) }, () => {
    const id = 256 + random.below(6);
    switch (random.below(5)) {
      case 0:
        return templateSet(version, id, fields());
      case 1:
        return optionsTemplateSet(version, id, random.below(3), fields());
      case 2:
        return version === 10 && random.below(4) === 0
          ? set(random.pick([2, 3]), [...octets(0), random.below(3), random.below(6), 0, 0])
          : templateSet(version, id, fields());
      default:
        return set(id, octets(random.below(200)));
    }
  });
  return message(version, sets, { domain: random.below(3), sequence: random.below(100) });
}

/** A datagram like those of an exporter, damaged in one of the ways that datagrams are damaged, or by chance. */
export function mutate(random: Random, seeds: readonly Uint8Array[]): Uint8Array {
  const kind = random.below(20);
  if (kind < 5) return damage(random, made(random), random.below(2));
  if (kind === 5) return Uint8Array.from({ length: random.below(300) }, () => random.below(256));
  const seed = random.pick(seeds);
  if (kind < 8) return seed.slice();
  if (kind === 8) return seed.slice(0, random.below(seed.length + 1));
  if (kind === 9) {
    const other = random.pick(seeds);
    const [cut, from] = [random.below(seed.length + 1), random.below(other.length + 1)];
    return Uint8Array.from([...seed.subarray(0, cut), ...other.subarray(from)]).subarray(0, 65_507);
  }
  if (kind === 10) {
    const [from, length] = [random.below(seed.length + 1), random.below(64)];
    return Uint8Array.from([...seed.subarray(0, from + length), ...seed.subarray(from)]);
  }
  return damage(random, seed.slice(), 1 + random.below(6));
}

function damage(random: Random, bytes: Uint8Array, times: number): Uint8Array {
  for (let i = 0; i < times && bytes.length > 2; i++) {
    // Headers and templates stand at the beginning: hit them more often.
    const at = random.below(random.below(2) === 0 ? Math.min(bytes.length, 60) : bytes.length);
    switch (random.below(3)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
        break;
      case 1:
        bytes[at] = random.below(256);
        break;
      default: {
        const value = random.below(4) === 0 ? bytes.length - at : random.pick(ODD);
        const even = at & ~1;
        bytes[even] = value >> 8;
        if (even + 1 < bytes.length) bytes[even + 1] = value & 255;
      }
    }
  }
  return bytes;
}
