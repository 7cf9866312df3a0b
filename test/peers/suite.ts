import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { repositoryPath } from '../helpers/repository.ts';
import { BothCollectors, type Outcome } from './both-collectors.ts';
import { CAPTURES, type TrafficCapture } from './captures.ts';
import { lines, type PeerFlow, totals, withDuration } from './compare.ts';
import type { Meter } from './exporters.ts';
import type { Passed } from './tee.ts';

export interface Exporter {
  readonly name: string;
  /** File name, without its ending, of the golden capture in test/captures. */
  readonly golden?: string;
  readonly meter: Meter;
  /** What nfdump shows of a flow, given what weir shows, where the two are known to differ. */
  readonly asNfdumpHasIt?: (flow: PeerFlow) => PeerFlow;
}

/** Whether the golden captures are to be made again. */
export const RECORD = process.env['WEIR_RECORD'] === '1';
const AT_ONCE = 9;

/**
 * Tests that weir and nfcapd + nfdump make the same of the same datagrams: every exporter meters every capture, each pair as an exporter with an
 * address of its own. With WEIR_RECORD=1 the golden captures in test/captures are made again. For inside `describe`.
 */
export function testExporters(exporters: readonly Exporter[], captures: readonly TrafficCapture[] = CAPTURES): void {
  const both = new BothCollectors();
  const runs = exporters.flatMap((exporter) =>
    captures.map((capture) => ({ name: `${exporter.name}, metering ${capture.name}`, exporter, capture })),
  );

  beforeAll(async () => {
    await both.start();
    const waiting = [...runs];
    const work = async (): Promise<void> => {
      for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
        await both.meter(run.name, run.capture.path, run.exporter.meter);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await both.finish();
    for (const { name, exporter, capture } of runs) {
      if (RECORD && capture === CAPTURES[0]) record(exporter, both.outcome(name));
    }
  }, 180_000);
  afterAll(() => both.remove());

  it.each(runs)('$name: the same flows in weir as in nfdump', ({ name, exporter: { asNfdumpHasIt }, capture }) => {
    const { weir, nfdump } = both.outcome(name);
    expect(totals(weir)).toEqual(totals(nfdump));
    const expected = asNfdumpHasIt === undefined ? weir : weir.map(asNfdumpHasIt);
    if (capture === captures[0]) expect(lines(expected)).toEqual(lines(nfdump));
    else expect(lines(expected.map(withDuration))).toEqual(lines(nfdump.map(withDuration)));
  });

  it('every exporter has exported much of the first capture', () => {
    for (const { name, capture } of runs) {
      if (capture === captures[0]) expect(both.outcome(name).weir.length, name).toBeGreaterThan(10);
    }
  });

  it.each(runs)('$name: no loss by its sequence numbers', ({ name }) => {
    const { sequence } = both.outcome(name);
    expect(sequence).toEqual({ expected: sequence.received, received: sequence.received, outOfOrder: 0 });
  });

  it('the totals of weir are those of nfcapd, and nothing was lost on the way', () => {
    const { nfcapd, weir, datagrams, records, stored, loss, faults } = both.ends;
    expect(nfcapd.badPackets).toBe(0);
    expect(weir).toEqual({ flows: nfcapd.flows, packets: nfcapd.packets, bytes: nfcapd.bytes });
    expect(datagrams).toBe(runs.reduce((sum, { name }) => sum + both.outcome(name).datagrams.length, 0));
    expect({ records, stored }).toEqual({ records: weir.flows, stored: weir.flows });
    expect(loss).toEqual({ sequence: 0, kernel: 0, store: 0, setsDropped: 0 });
    expect(faults).toEqual({});
  });
}

/** The golden capture of an exporter, if it has one. */
function record({ name, golden, asNfdumpHasIt }: Exporter, { datagrams, nfdump, weir }: Outcome): void {
  // Where nfdump is known to show something else, weir's flows are what is expected; the tests above compare the two.
  if (golden !== undefined) recordGolden(golden, name, datagrams, asNfdumpHasIt === undefined ? nfdump : weir);
}

/** Writes a golden capture, and beside it the flows that are expected of it. */
export function recordGolden(
  golden: string,
  exporter: string,
  datagrams: readonly Passed[],
  expected: readonly PeerFlow[],
): void {
  const path = repositoryPath(`test/captures/${golden}`);
  writeFileSync(`${path}.pcap`, pcapOf(datagrams));
  const json = { exporter, datagrams: datagrams.length, ...totals(expected), records: lines(expected) };
  writeFileSync(`${path}.json`, `${JSON.stringify(json, undefined, 2)}\n`);
}

/** A pcap file (link type RAW, IPv4) of datagrams from 192.0.2.10 to 192.0.2.20:2055, their times and source ports as they were. */
function pcapOf(datagrams: readonly Passed[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(101, 20);
  const packets = datagrams.flatMap(({ time, sourcePort, payload }) => {
    const length = 28 + payload.length;
    const head = Buffer.alloc(16 + 28);
    head.writeUInt32LE(Math.floor(time / 1e6), 0);
    head.writeUInt32LE(time % 1e6, 4);
    head.writeUInt32LE(length, 8);
    head.writeUInt32LE(length, 12);
    head.set([0x45, 0, length >> 8, length & 255, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 10, 192, 0, 2, 20], 16);
    let sum = 0;
    for (let at = 16; at < 36; at += 2) sum += head.readUInt16BE(at);
    head.writeUInt16BE(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, 26);
    head.writeUInt16BE(sourcePort, 36);
    head.writeUInt16BE(2055, 38);
    head.writeUInt16BE(8 + payload.length, 40);
    return [head, payload];
  });
  return Buffer.concat([header, ...packets]);
}
