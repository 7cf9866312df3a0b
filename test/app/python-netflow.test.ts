import { assert, asyncProperty, json, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ImportedDatagram } from '#weir/app/import-datagrams.js';
import { createPythonNetflowStats, isPythonNetflow, readPythonNetflow } from '#weir/app/python-netflow.js';
import { createElementRegistry } from '#weir/elements/registry.js';
import { createDecoder } from '#weir/index.js';

/* test/peers/import-python.test.ts reads files of the real collector; these are lines as it would write them, and others. */

const registry = createElementRegistry();

async function read(...lines: string[]) {
  const stats = createPythonNetflowStats();
  const datagrams: ImportedDatagram[] = [];
  // Cut in the middle of lines, as chunks are.
  const bytes = Buffer.from(`${lines.join('\n')}\n`);
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100);
  }
  for await (const some of readPythonNetflow(chunks(), registry, stats)) datagrams.push(...some);
  return { datagrams, stats };
}

const line = (header: object, flows: string) =>
  `{"1700000000.25": {"client": ["192.0.2.1", 4000], "header": ${JSON.stringify(header)}, "flows": [${flows}]}}`;

describe('lines of the Python netflow collector', () => {
  it('are known by their beginning', () => {
    expect(isPythonNetflow(Buffer.from(line({ version: 5 }, '')))).toBe(true);
    expect(isPythonNetflow(Buffer.from('{"type": "FLOW"}'))).toBe(false);
  });

  it('keep numbers that no double holds, addresses among them', async () => {
    const address = BigInt('0x20010db8000000000000000000000001');
    const flow = `{"sourceIPv6Address": ${address}, "octetDeltaCount": 18446744073709551615, "flowStartMilliseconds": 1699999999000, "mplsTopLabelStackSection": 256}`;
    const header = {
      version: 10,
      length: 0,
      export_uptime: 1_700_000_000,
      sequence_number: 7,
      obervation_domain_id: 3,
    };
    const { datagrams, stats } = await read(line(header, flow));
    expect(stats).toMatchObject({ faulty: 0 });
    expect(datagrams).toMatchObject([{ micros: 1_700_000_000_250_000, source: { port: 4000 } }]);
    const [record] = createDecoder().decode(datagrams[0]?.payload ?? new Uint8Array(), { address: '192.0.2.1' });
    expect(record).toMatchObject({
      src_addr: '2001:db8::1',
      bytes: 18_446_744_073_709_551_615n,
      observation_domain: 3,
    });
  });

  it('that are none are counted, and the others read', async () => {
    const whole = line({ version: 5, uptime: 1, timestamp: 1_700_000_000 }, '{"IN_OCTETS": 5}');
    const { datagrams, stats } = await read(whole, '{', '{"x": 1}', line({ version: 8 }, ''), '', whole);
    expect(datagrams).toHaveLength(2);
    expect(stats).toMatchObject({ faulty: 3, firstFault: { number: 2, what: 'no JSON object of a time' } });
  });

  it('may hold anything', async () => {
    const part = json({ maxDepth: 3 });
    await assert(
      asyncProperty(part, part, string(), async (header, flow, name) => {
        for (const version of [1, 5, 9, 10]) {
          const flows = `${flow}, {${JSON.stringify(name)}: ${flow}, "octetDeltaCount": ${header}, "IN_BYTES": [${flow}, 1e999]}`;
          const text = `{"1700000000": {"client": ["::1", 1], "header": {"version": ${version}, "uptime": ${header}}, "flows": [${flows}]}}`;
          const { datagrams, stats } = await read(text, `{"1": ${flow}}`);
          expect(datagrams.length + stats.faulty).toBe(2);
        }
      }),
      { numRuns: 100 },
    );
  });
});
