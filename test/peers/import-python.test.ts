import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { freeUdpPort } from '../helpers/free-port.ts';
import { spawnProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { until } from '../store/batches.ts';

/* Files of the real Python netflow collector, fed with what real exporters sent, hold the flows that weir stores of the same datagrams. */

const PYTHON = join(homedir(), '.cache/netweir/py/bin/python');
/** What differs: when and from where the datagrams came, and what the package does not keep. */
const OTHER = ['time_received', 'exporter', 'extra'];

async function rows(data: string, statement: string): Promise<Record<string, unknown>[]> {
  const { stdout, stderr } = await weir(['sql', '--data', data, '--format', 'ndjson', statement]);
  expect(stderr).not.toContain('WEIR_');
  return parseNdjson(stdout);
}

const flowsOf = (data: string, without: readonly string[]) =>
  rows(data, `select * exclude (${[...OTHER, ...without].join()}) from flows order by all`);

function keptLines(file: string): string[] {
  return existsSync(file) ? gunzipSync(readFileSync(file)).toString().trim().split('\n') : [];
}

/** Lets Python's collector write a file of what `weir replay` sends it. */
async function collectedByPython(capture: string, file: string): Promise<void> {
  const port = await freeUdpPort('127.0.0.1');
  const collector = spawnProcess(PYTHON, [
    '-u',
    '-m',
    'netflow.collector',
    '--host',
    '127.0.0.1',
    '-p',
    String(port),
    '-o',
    file,
    '-D',
  ]);
  await collector.waitFor(/listener|Starting/i);
  const { stdout } = await weir(['replay', '--format', 'json', '--rate', '50', capture, `udp://127.0.0.1:${port}`]);
  const { datagrams } = JSON.parse(stdout) as { datagrams: number };
  await until(() => keptLines(file).length >= datagrams, 'Python has kept the datagrams');
  collector.kill();
  await collector.finished;
}

describeUnless(existsSync(PYTHON) ? undefined : 'Python netflow not installed', 'files of Python netflow', () => {
  it.each([
    ['softflowd-v1', []],
    ['softflowd-v5', []],
    // Of v9 the package knows some field types only, and keeps no options data.
    ['softflowd-v9', ['sampling_rate', 'sampling_source', 'flow_end_reason', 'icmp_type', 'icmp_code']],
    ['softflowd-ipfix', []],
    ['pmacctd-v9', ['time_start', 'time_end', 'duration']],
    ['pmacctd-ipfix', []],
    ['fprobe-v5', []],
  ])(
    'hold the flows of %s',
    async (name, lost) => {
      const capture = repositoryPath(`test/captures/${name}.pcap`);
      const folder = tempFolder('python');
      await collectedByPython(capture, folder.join('1700000000.gz'));
      const { code, stdout, stderr } = await weir([
        'store',
        'import',
        '--data',
        folder.join('python'),
        folder.join('1700000000.gz'),
      ]);
      const left = '  fields of no known element were left out: UNKNOWN_FIELD_TYPE\n';
      expect([code, stderr]).toEqual([0, lost.length > 0 ? left : '']);
      await weir(['store', 'import', '--data', folder.join('weir'), capture]);
      const expected = await flowsOf(folder.join('weir'), lost);
      expect(expected.length).toBeGreaterThan(3);
      expect(stdout).toContain(`: ${expected.length} flows from `);
      expect(await flowsOf(folder.join('python'), lost)).toEqual(expected);
      // Received when Python received them, from whom it had them.
      const times = keptLines(folder.join('1700000000.gz')).flatMap((line) => {
        const [[time, entry] = ['', { flows: [] }]] = Object.entries(
          JSON.parse(line) as Record<string, { flows: unknown[] }>,
        );
        return entry.flows.length === 0 ? [] : [Number(time)];
      });
      const [received] = await rows(
        folder.join('python'),
        'select epoch(min(time_received)) as first, epoch(max(time_received)) as last, any_value(exporter) as exporter from flows',
      );
      expect(Number(received?.['first'])).toBeCloseTo(Math.min(...times), 5);
      expect(Number(received?.['last'])).toBeCloseTo(Math.max(...times), 5);
      expect(received?.['exporter']).toMatch(/^127\.0\.0\.\d+$/);
    },
    60_000,
  );
});
