/** A seeded source of random numbers: the same seed gives the same numbers everywhere. Not for secrets. */
export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  u32(): number;
  /** A number from 0 up to, not including, 1. */
  float(): number;
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  /** Normally distributed with mean 0 and deviation 1. */
  normal(): number;
  /** Log-normally distributed: `median` × e^(`sigma` × normal). */
  logNormal(median: number, sigma: number): number;
  /** Pareto distributed from `least` on; the smaller `alpha`, the heavier the tail. */
  pareto(least: number, alpha: number): number;
}

/** Chris Doty-Humphrey's sfc32 (PractRand, public domain), seeded through twelve idle rounds. */
export function createRandom(seed: number): Random {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0x9e3779b9;
  let counter = 1;
  const u32 = (): number => {
    const result = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) >>> 0;
    c = (((c << 21) | (c >>> 11)) + result) >>> 0;
    return result;
  };
  for (let i = 0; i < 12; i++) u32();
  const float = () => u32() / 2 ** 32;
  let spare = Number.NaN;
  const normal = (): number => {
    if (!Number.isNaN(spare)) {
      const kept = spare;
      spare = Number.NaN;
      return kept;
    }
    // Box and Muller's method gives two at a time.
    const radius = Math.sqrt(-2 * Math.log(1 - float()));
    const angle = 2 * Math.PI * float();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return {
    u32,
    float,
    below: (limit) => Math.floor(float() * limit),
    normal,
    logNormal: (median, sigma) => median * Math.exp(sigma * normal()),
    pareto: (least, alpha) => least / (1 - float()) ** (1 / alpha),
  };
}

/**
 * A function that draws indices of `weights` in proportion to them, in constant time (Walker's alias method as M. Vose built it).
 * Weights are positive, in any unit.
 */
export function createChooser(weights: ArrayLike<number>, random: Random): () => number {
  const count = weights.length;
  const chance = new Float64Array(count);
  const alias = new Uint32Array(count);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weights[i] ?? 0;
  const small: number[] = [];
  const large: number[] = [];
  for (let i = 0; i < count; i++) {
    chance[i] = ((weights[i] ?? 0) * count) / sum;
    (chance[i]! < 1 ? small : large).push(i);
  }
  while (small.length > 0 && large.length > 0) {
    const less = small.pop()!;
    const more = large.at(-1)!;
    alias[less] = more;
    chance[more]! -= 1 - chance[less]!;
    if (chance[more]! < 1) small.push(large.pop()!);
  }
  for (const rest of [...small, ...large]) chance[rest] = 1;
  return () => {
    const at = random.float() * count;
    const index = Math.floor(at);
    return at - index < chance[index]! ? index : alias[index]!;
  };
}

/** Zipf's weights for ranks 1 to `count`: 1 / rank^`exponent`. */
export function zipfWeights(count: number, exponent: number): Float64Array {
  return Float64Array.from({ length: count }, (_, rank) => 1 / (rank + 1) ** exponent);
}
