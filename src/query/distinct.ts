import type { Key } from './key.ts';
import type { Measure } from './measure.ts';

/**
 * How many different values of a key there are in a group; flows without one count for nothing. `approximate`: by HyperLogLog, which
 * needs little memory and is a few per cent off.
 */
export function distinctMeasure(key: Key, approximate: boolean): Measure {
  return {
    name: `distinct_${key.name}`,
    label: `different ${key.column.label}`,
    about: `Different values of ${key.name}.`,
    display: 'count',
    kind: 'double',
    needs: [],
    keys: [key],
    inner: ({ planned }) => {
      const [value = '', lower] = planned(key).values;
      // One number of 128 bits is counted faster than a pair of two.
      const one = lower === undefined ? value : `((${value})::UHUGEINT << 64 | (${lower}))`;
      return approximate ? `approx_count_distinct(${one})` : `count(DISTINCT ${one})`;
    },
  };
}
