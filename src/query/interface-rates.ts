/**
 * The view `interface_rates`: the differences of an interface's running totals (sFlow version 5, structure if_counters) between two samples that follow
 * each other. A total that went back is:
 *  - a restart of the agent, when its uptime went back too: no rate, for nobody knows what was counted before it;
 *  - a 32-bit counter that wrapped (agents also put those of their MIB into the 64-bit fields), when that gives a plausible difference: less than
 *    half the range, or for octets no more than the interface can carry;
 *  - a 64-bit counter that wrapped, from the upper half of its range;
 *  - else a counter that somebody cleared: no rate.
 */
const TOTALS = [
  'in_octets',
  'in_unicast',
  'in_multicast',
  'in_broadcast',
  'in_discards',
  'in_errors',
  'out_octets',
  'out_unicast',
  'out_multicast',
  'out_broadcast',
  'out_discards',
  'out_errors',
] as const;
type Total = (typeof TOTALS)[number];

const WRAP_32 = '4294967296::HUGEINT';
const HALF_32 = '2147483648';
const WRAP_64 = '18446744073709551616::HUGEINT';
const HALF_64 = '9223372036854775808';
/** What an interface may carry beyond its nominal speed: samples are not taken at the very moment they are sent. */
const TOLERANCE = 1.1;

/** Samples with what the one before said; `same` is the agent's interface. */
const PAIRS = `SELECT *, ${[...TOTALS, 'time_received', 'uptime_ms'].map((name) => `lag("${name}") OVER same AS "${name}_0"`).join(', ')}
  FROM counters WHERE kind = 'interface'
  WINDOW same AS (PARTITION BY exporter, agent_addr, sub_agent, source_index, if_index ORDER BY time_received, sequence)`;

/** Difference of a total, NULL where there is none to tell. */
function difference(name: Total): string {
  const [now, before] = [`"${name}"::HUGEINT`, `"${name}_0"::HUGEINT`];
  const wrapped = `${now} + ${WRAP_32} - ${before}`;
  const carried = name.endsWith('octets')
    ? ` OR (if_speed > 0 AND (${wrapped}) * 8 <= if_speed::DOUBLE * seconds * ${TOLERANCE})`
    : '';
  return `CASE WHEN restarted THEN NULL WHEN ${now} >= ${before} THEN ${now} - ${before}
    WHEN ${before} < ${WRAP_32} AND (${before} - ${now} > ${HALF_32}${carried}) THEN ${wrapped}
    WHEN ${before} - ${now} > ${HALF_64} THEN ${now} + ${WRAP_64} - ${before} END`;
}

const DIFFERENCES = `SELECT *, ${TOTALS.map((name) => `${difference(name)} AS "${name}_d"`).join(', ')}
  FROM (SELECT *, (epoch_us(time_received) - epoch_us(time_received_0)) / 1e6 AS seconds,
      uptime_ms_0::BIGINT - uptime_ms BETWEEN 1 AND ${HALF_32} AS restarted FROM (${PAIRS}))
  WHERE seconds > 0`;

/** Packets of all kinds; agents that do not count multicast or broadcast apart leave them out. */
function packets(direction: 'in' | 'out'): string {
  const more = (['multicast', 'broadcast'] as const).map((kind) => {
    const name = `${direction}_${kind}`;
    return `CASE WHEN "${name}" IS NULL OR "${name}_0" IS NULL THEN 0 ELSE "${name}_d" END`;
  });
  return `(${[`"${direction}_unicast_d"`, ...more].join(' + ')})`;
}

/** The statement of the view, over a view `counters`. */
export const INTERFACE_RATES = `SELECT exporter, agent_addr, sub_agent, if_index, if_speed, time_received_0 AS time_from, time_received AS time_to, seconds,
  "in_octets_d"::DOUBLE * 8 / seconds AS in_bps, "out_octets_d"::DOUBLE * 8 / seconds AS out_bps,
  ${packets('in')}::DOUBLE / seconds AS in_pps, ${packets('out')}::DOUBLE / seconds AS out_pps,
  ${(['in_errors', 'out_errors', 'in_discards', 'out_discards'] as const).map((name) => `"${name}_d"::UBIGINT AS ${name}`).join(', ')}
  FROM (${DIFFERENCES})`;
