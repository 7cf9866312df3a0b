import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { runProcess, startProcess } from '../helpers/processes.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';
import { askStore } from './ask.ts';
import { writeStore } from './fixture.ts';

const host = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '192.0.2.1', '198.51.100.7');
const flow = fc
  .record({
    src_addr: host,
    dst_addr: host,
    src_port: fc.constantFrom(53, 443, 8443, 40_000, 50_000),
    dst_port: fc.constantFrom(53, 443, 8443, 40_000, 50_000),
    proto: fc.constantFrom(6, 17),
    packets: fc.integer({ min: 1, max: 1000 }),
    bytes: fc.integer({ min: 40, max: 1e6 }),
    duration: fc.integer({ min: 0, max: 60 }).map((seconds) => seconds * 1_000_000),
    start: fc.integer({ min: 0, max: 600 }),
  })
  .filter(({ src_addr, dst_addr }) => src_addr !== dst_addr);
const [flows = []] = fc.sample(fc.array(flow, { minLength: 1500, maxLength: 1500 }), { numRuns: 1, seed: 3 });

/** What both know: the two ends in a fixed order, what each sent, and how many flows there were. */
function line(proto: unknown, ends: readonly [end: string, packets: unknown, bytes: unknown][]): string {
  return [proto, ...ends.map((end) => end.join(' ')).sort()].join(' | ');
}

describeWithTool(['nfcapd', 'nfdump'], 'nfdump -B on the same flows', () => {
  let folder: TempFolder;
  beforeAll(async () => {
    folder = makeTempFolder('nfdump-B');
    const begin = Date.UTC(2026, 2, 1, 12) * 1000;
    const rows = flows.map(({ start, ...row }) => ({
      ...row,
      time_start: BigInt(begin + start * 1_000_000),
      time_received: BigInt(begin + 3_600_000_000),
      flow_type: 5,
    }));
    await writeStore(folder.join('data'), [rows.slice(0, 700), rows.slice(700)]);
    const port = await freeUdpPort();
    const listen = ['-4', '-b', '127.0.0.1', '-p', `${port}`, '-w', folder.path, '-t', '3600', '-B', '8000000'];
    const nfcapd = startProcess(requireTool('nfcapd'), listen);
    try {
      await nfcapd.waitFor(/Startup|Init/i);
      const sent = await weir([
        'export',
        '--data',
        folder.join('data'),
        '--to',
        `netflow9://127.0.0.1:${port}`,
        '--rate',
        '500',
      ]);
      expect(sent.code, sent.stderr).toBe(0);
      await sleep(500);
    } finally {
      await nfcapd.stop();
    }
  });
  afterAll(() => folder.remove());

  it('has the same conversations and counters', async () => {
    const file = folder.join(readdirSync(folder.path).find((each) => /^nfcapd\.\d+$/.test(each)) ?? 'none');
    const { stdout } = await runProcess(requireTool('nfdump'), ['-r', file, '-N', '-B', '-o', 'csv', '-q']);
    // ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt …
    const theirs = stdout.split('\n').flatMap((text) => {
      const [, , , src, dst, srcPort, dstPort, proto, , , , packets, bytes, backPackets, backBytes] = text.split(',');
      if (!/^\d{4}-/.test(text)) return [];
      const ends = [
        [`${src} ${srcPort}`, packets, bytes],
        [`${dst} ${dstPort}`, backPackets, backBytes],
      ] as const;
      return [line(proto === 'TCP' ? 6 : 17, [[...ends[0]], [...ends[1]]])];
    });
    const ours = (await askStore(folder.join('data'), { bidirectional: true })).map((row) =>
      line(row['proto'], [
        [`${String(row['src_addr'])} ${String(row['src_port'])}`, row['packets'], row['bytes']],
        [`${String(row['dst_addr'])} ${String(row['dst_port'])}`, row['reverse_packets'], row['reverse_bytes']],
      ]),
    );
    expect(theirs.length).toBeGreaterThan(300);
    expect(ours.sort()).toEqual(theirs.sort());
  });
});
