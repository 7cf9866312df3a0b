// The store alone: octets per flow in fresh and in merged segments, and what merging costs, which the collect part does not contain.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compare, table } from './lib/table.mjs';

const SCRIPT = fileURLToPath(new URL('./store-weir.mjs', import.meta.url));

/** Stores `flows` of v5's traffic as they would come at three rates, then merges them. */
export async function bench({ flows }) {
  const rates = [1_000_000, 50_000, 5_000];
  const rows = rates.map((rate) => JSON.parse(execFileSync(process.execPath, [SCRIPT, String(flows), String(rate)])));
  console.log(
    table([
      ['flows/s', 'fresh B/flow', 'merged B/flow', 'write CPU µs/flow', 'merge µs/flow'],
      ...rows.map((row) => [
        row.flowsPerSecondSimulated,
        row.freshBytesPerFlow,
        row.compactBytesPerFlow,
        row.cpuMicrosPerFlow,
        row.mergeMicrosPerFlow,
      ]),
    ]),
  );
  const worst = (name) => Math.max(...rows.map((row) => row[name]));
  return {
    rows,
    comparisons: [
      compare('store: fresh', 'B/flow', worst('freshBytesPerFlow'), undefined, undefined, '≤ 25', (x) => x <= 25),
      compare('store: merged', 'B/flow', worst('compactBytesPerFlow'), undefined, undefined, '≤ 17', (x) => x <= 17),
      compare('store: merging, lowest priority', 'µs/flow', worst('mergeMicrosPerFlow')),
    ],
  };
}
