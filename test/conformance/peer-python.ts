import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { formatAddress } from '#weir/util/address.js';
import type { CaseDatagram } from './datagrams.ts';

/** A record of Python netflow: values by the numbers of IANA's elements. */
export type PythonRecord = Readonly<Record<string, string | number | readonly number[]>>;

/** Path of a Python with the package `netflow`, put there by scripts/install-peers.sh; undefined where it is not. */
export function findPython(): string | undefined {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const path = join(cache, 'netweir/py/bin/python');
  return existsSync(path) ? path : undefined;
}

/** What Python netflow makes of lists of datagrams; `failed` counts datagrams that it could not read. `script` is python-netflow.py. */
export function pythonDecodes(
  python: string,
  script: string,
): (lists: readonly (readonly CaseDatagram[])[]) => { records: PythonRecord[]; failed: number }[] {
  return (lists) => {
    const input = lists
      .map((list) => ({ datagrams: list.map(({ host, payload }) => [host, Buffer.from(payload).toString('hex')]) }))
      .map((one) => `${JSON.stringify(one)}\n`)
      .join('');
    const { status, stdout, stderr } = spawnSync(python, [script], { input, encoding: 'utf8', maxBuffer: 1 << 30 });
    if (status !== 0) throw new Error(`python-netflow.py: ${stderr}`);
    const lines = stdout.trim().split('\n');
    return lines.map((line) => JSON.parse(line) as { records: PythonRecord[]; failed: number });
  };
}

/** By our columns, as far as cases are compared by them. */
export function pythonColumns(record: PythonRecord): Record<string, unknown> {
  const value = (...ids: number[]): PythonRecord[string] | undefined =>
    ids.map((id) => record[id]).find((one) => one !== undefined);
  return {
    src_addr: address(value(8) ?? value(27), record[8] === undefined),
    dst_addr: address(value(12) ?? value(28), record[12] === undefined),
    src_port: value(7),
    dst_port: value(11),
    proto: value(4),
    bytes: value(1, 85),
    packets: value(2, 86),
  };
}

/** Addresses are text in NetFlow v9 and integers otherwise, beyond 2⁵³ not exact once they were JSON: those of IPv6 come as text of digits. */
export function address(value: PythonRecord[string] | undefined, isIpv6: boolean): string | undefined {
  if (value === undefined) return undefined;
  const text = String(value);
  if (!/^\d+$/.test(text)) return text;
  const number = BigInt(text);
  const word = (shift: bigint): number => Number((number >> shift) & 0xffff_ffffn);
  return isIpv6 ? formatAddress(word(96n), word(64n), word(32n), word(0n)) : formatAddress(0, 0, 0xffff, word(0n));
}
