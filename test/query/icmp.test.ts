import { expect, it } from 'vitest';
import { tempFolder } from '../helpers/temp.ts';
import { weir } from '../helpers/weir.ts';
import { writeStore } from './fixture.ts';

it('type and code of ICMP are found in the destination port of every version without a field for them', async () => {
  const folder = tempFolder('icmp');
  const row = { time_start: '2026-01-01T00:00:00Z', duration: 0, bytes: 1, packets: 1, record_kind: 0, dst_port: 771 };
  // v5, v9, v1, v6, v7, v8; then IPFIX, which has fields for ICMP, and a flow of UDP.
  const icmp = [2, 3, 11, 16, 17, 18].map((flow_type) => ({ ...row, flow_type, proto: 1 }));
  const others = [
    { ...row, flow_type: 4, proto: 1 },
    { ...row, flow_type: 11, proto: 17 },
  ];
  await writeStore(folder.path, [[...icmp, ...others]]);
  const { stdout } = await weir([
    'query',
    '--data',
    folder.path,
    '--by',
    'flow_type',
    '--order',
    'flow_type',
    '--format',
    'csv',
    'icmp-type 3 and icmp-code 3',
  ]);
  expect(
    stdout
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',')[0]),
  ).toEqual(['netflow_v5', 'netflow_v9', 'netflow_v1', 'netflow_v6', 'netflow_v7', 'netflow_v8']);
});
