import { describe, expect, it } from 'vitest';
import { INTERFACE_RATES } from '#weir/query/interface-rates.js';
import { smallTableSql } from '#weir/store/small-tables.js';
import { openDuck } from './fixture.ts';

const START = 1_772_366_400_000_000;
const WRAP = 4_294_967_296;

/** The rates of one interface whose samples come every 20 s. */
async function rates(
  samples: readonly Readonly<Record<string, number | string | null>>[],
): Promise<Record<string, unknown>[]> {
  const rows = samples.map((sample, index) => ({
    time_received: START + index * 20_000_000,
    exporter: '192.0.2.1',
    agent_addr: '192.0.2.1',
    sub_agent: 0,
    source_class: 0,
    source_index: 1,
    sequence: index,
    uptime_ms: 1_000_000 + index * 20_000,
    kind: 'interface',
    if_index: 1,
    if_speed: 1_000_000_000,
    in_octets: 0,
    in_unicast: 0,
    out_octets: 0,
    out_unicast: 0,
    in_errors: 0,
    in_discards: 0,
    ...sample,
  }));
  const duck = await openDuck();
  try {
    await duck.run(`CREATE TABLE counters AS ${smallTableSql('counters', `'${JSON.stringify(rows)}'`)}`);
    const answer = await duck.runAndReadAll(`SELECT * FROM (${INTERFACE_RATES}) ORDER BY if_index, time_to`);
    return answer.getRowObjectsJson();
  } finally {
    duck.closeSync();
  }
}

describe('interface_rates', () => {
  it('is the difference of two samples over the time between them', async () => {
    const [row, ...rest] = await rates([
      { in_octets: 1000, in_unicast: 10, in_multicast: 5, in_errors: 1, out_octets: 50 },
      { in_octets: 26_000, in_unicast: 30, in_multicast: 25, in_errors: 4, out_octets: 50, in_discards: 2 },
    ]);
    expect(rest).toEqual([]);
    expect(row).toMatchObject({ if_index: 1, seconds: 20, in_bps: 10_000, out_bps: 0, in_pps: 2, out_pps: 0 });
    expect([row?.['in_errors'], row?.['in_discards'], row?.['out_errors']]).toEqual(['3', '2', null]);
  });

  it('follows 32-bit counters and 64-bit ones over their end', async () => {
    const last64 = '18446744073709551000';
    const [row] = await rates([
      { in_octets: WRAP - 500, in_unicast: WRAP - 5, out_octets: last64 },
      { in_octets: 500, in_unicast: 15, out_octets: 384 },
    ]);
    expect(row).toMatchObject({ in_bps: 400, in_pps: 1, out_bps: 400 });
  });

  it('takes a 32-bit octet counter that ran more than half its range, where the interface can carry that', async () => {
    const samples = [{ in_octets: 3_000_000_000 }, { in_octets: 1_000_000_000 }];
    const octets = WRAP - 2_000_000_000;
    expect((await rates(samples))[0]?.['in_bps']).toBe((octets * 8) / 20);
    expect((await rates(samples.map((sample) => ({ ...sample, if_speed: 100_000_000 }))))[0]?.['in_bps']).toBeNull();
    expect((await rates(samples.map((sample) => ({ ...sample, if_speed: 0 }))))[0]?.['in_bps']).toBeNull();
  });

  it('gives no rate over a restart of the agent or for cleared counters, and goes on after it', async () => {
    const found = await rates([
      { in_octets: 5000, in_unicast: 50 },
      { in_octets: 7500, in_unicast: 70, uptime_ms: 5000 },
      { in_octets: 10_000, in_unicast: 90, uptime_ms: 25_000 },
      { in_octets: 100, in_unicast: 1, uptime_ms: 45_000 },
      { in_octets: 2600, in_unicast: 21, uptime_ms: 65_000 },
    ]);
    expect(found.map(({ in_bps, in_pps }) => [in_bps, in_pps])).toEqual([
      [null, null],
      [1000, 1],
      [null, null],
      [1000, 1],
    ]);
  });

  it('takes no uptime that wraps after 49.7 days for a restart', async () => {
    const found = await rates([{ uptime_ms: WRAP - 10_000 }, { in_octets: 2500, uptime_ms: 10_000 }]);
    expect(found[0]).toMatchObject({ in_bps: 1000 });
  });

  it('tells interfaces, agents and senders apart, and gives nothing for samples of one moment', async () => {
    const found = await rates([
      { in_octets: 1 },
      { in_octets: 2, source_index: 2, if_index: 2 },
      { in_octets: 3, agent_addr: '192.0.2.9' },
      { in_octets: 4, exporter: '192.0.2.9' },
      { in_octets: 5, kind: 'ethernet' },
      { in_octets: 6, time_received: START },
    ]);
    expect(found).toEqual([]);
  });
});
