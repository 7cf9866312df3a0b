import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openDatagrams } from '#weir/cli/datagrams.js';
import type { FlowRecord } from '#weir/index.js';
import { createDecoder } from '#weir/index.js';
import { formatAddress } from '#weir/util/address.js';
import { repositoryPath } from '../helpers/repository.ts';
import { flowOfWeir, lines, totals, withDuration } from '../peers/compare.ts';

interface Golden {
  readonly exporter: string;
  readonly datagrams: number;
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  readonly records: string[];
}

const FOLDER = repositoryPath('test/captures');
/** Samples of packets: they have no times of their own, and the capture has those of some packets only. */
const SAMPLES = 'pmacctd-sflow';
const NAMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.slice(0, -'.json'.length))
  .sort();

/** Decodes a golden capture; with `mayCompile: false` by the interpreter alone. */
async function decode(
  name: string,
  mayCompile = true,
): Promise<{ datagrams: number; received: number; flows: FlowRecord[] }> {
  const decoder = createDecoder({ mayCompile });
  const { batches } = await openDatagrams(`${FOLDER}/${name}.pcap`, process.stdin);
  const flows: FlowRecord[] = [];
  let datagrams = 0;
  let received = 0;
  for await (const batch of batches) {
    for (const { payload, source, sourcePort, time } of batch) {
      datagrams++;
      received = time / 1000;
      const exporter = { address: formatAddress(...source), port: sourcePort, receivedAt: time / 1000 };
      flows.push(...decoder.decode(payload, exporter));
    }
  }
  expect(decoder.faults()).toEqual({});
  expect(decoder.awaited()).toEqual([]);
  return { datagrams, received, flows };
}

describe('golden captures of real exporters', () => {
  it('are here for softflowd, fprobe and pmacctd', () => {
    expect(NAMES).toEqual([
      'fprobe-v1',
      'fprobe-v5',
      'fprobe-v7',
      'pmacctd-ipfix',
      'pmacctd-sflow',
      'pmacctd-v5',
      'pmacctd-v9',
      'softflowd-ipfix',
      'softflowd-ipfix-bidirectional',
      'softflowd-ipfix-ether',
      'softflowd-v1',
      'softflowd-v5',
      'softflowd-v9',
    ]);
  });

  it.each(NAMES)('%s decodes to the flows that others found in it', async (name) => {
    const golden = JSON.parse(readFileSync(`${FOLDER}/${name}.json`, 'utf8')) as Golden;
    const { datagrams, flows } = await decode(name);
    const found = flows.map(flowOfWeir);
    expect(datagrams).toBe(golden.datagrams);
    expect(lines(name === SAMPLES ? found.map(withDuration) : found)).toEqual(golden.records);
    expect(totals(found)).toEqual({ flows: golden.flows, packets: golden.packets, bytes: golden.bytes });
  });

  it.each(NAMES)('%s decodes to the very same records without compiled plans', async (name) => {
    expect(await decode(name, false)).toEqual(await decode(name));
  });

  const FLOWS = NAMES.filter((name) => name !== SAMPLES);

  it.each(FLOWS)('%s has flows that lie in the time of the traffic', async (name) => {
    const { flows, received } = await decode(name);
    // The header of v9 has whole seconds, so that times counted from the start of the exporter may be up to one second early. fprobe saw the
    // traffic when it was replayed, some seconds before it exported.
    const [earliest, latest] = name.startsWith('fprobe')
      ? [new Date(received - 5000).toISOString(), new Date(received).toISOString()]
      : ['2026-11-21T10:12:09', '2026-11-21T10:12:13'];
    for (const flow of flows) {
      const [start, end] = [flow['time_start'] as string, flow['time_end'] as string];
      expect(flow['time_source']).toBe('flow');
      expect([earliest, start, end, latest]).toEqual([earliest, start, end, latest].sort());
    }
  });

  it.each(FLOWS)('%s accounts for every packet of the traffic that its version can carry', async (name) => {
    const { flows } = await decode(name);
    // 123 packets of IPv4 and 137 of IPv6; v1, v5 and v7 have no room for the address of the latter.
    expect(totals(flows.map(flowOfWeir)).packets).toBe(/-v[157]$/.test(name) ? 123 : 260);
  });
});
