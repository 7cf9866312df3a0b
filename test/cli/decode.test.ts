import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLUMNS } from '#weir/flow/schema.js';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder, tempFolder } from '../helpers/temp.ts';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { hex, ipfix, v9 } from './decode-messages.ts';

const FLOWS = 3_000;
const folder = makeTempFolder('decode');
const totals = new Map<number, { flows: number; packets: number; bytes: number; datagrams: number }>();
const pcap = (version: number) => folder.join(`v${version}.pcap`);

beforeAll(async () => {
  for (const version of [5, 9, 10]) {
    const args = [
      'generate',
      '--version',
      String(version),
      '--flows',
      String(FLOWS),
      '--exporters',
      '3',
      '--seed',
      '7',
    ];
    const { stdout } = await weir([...args, '--write', pcap(version), '--format', 'json']);
    totals.set(version, JSON.parse(stdout) as never);
  }
});
afterAll(() => folder.remove());

describe.each([5, 9, 10])('weir decode of a capture of version %i', (version) => {
  it('prints an object per flow record with --format ndjson', async () => {
    const { code, stdout, stderr } = await weir(['decode', pcap(version), '--format', 'ndjson']);
    expect(code).toBe(0);
    const records = parseNdjson<Record<string, number | string>>(stdout);
    const expected = totals.get(version);
    expect(records).toHaveLength(expected?.flows ?? -1);
    const sum = (name: string) => records.reduce((total, record) => total + Number(record[name]), 0);
    expect([sum('packets'), sum('bytes')]).toEqual([expected?.packets, expected?.bytes]);
    const columns = COLUMNS.map(({ name }) => name);
    expect(records.flatMap((record) => Object.keys(record)).filter((key) => !columns.includes(key))).toEqual([]);
    expect(new Set(records.map((record) => record['exporter'])).size).toBe(3);
    expect(records.some((record) => 'kind' in record)).toBe(false);
    expect(stderr).toContain('of 3 exporters: 3,000 flow records');
    expect(stderr).not.toContain('not decoded');
  });

  it('prints the same as one array with --format json', async () => {
    const [lines, array] = await Promise.all(
      ['ndjson', 'json'].map((format) => weir(['decode', pcap(version), '--format', format])),
    );
    expect(JSON.parse(array?.stdout ?? '')).toEqual(parseNdjson(lines?.stdout ?? ''));
  });

  it('prints a line per record for people', async () => {
    const { code, stdout } = await weir(['decode', pcap(version), '--utc']);
    expect(code).toBe(0);
    const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toHaveLength(FLOWS);
    const shape =
      /^(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\.\d{3} 198\.18\.0\.\d+ +(?:v5|v9|ipfix) +\S+ → \S+ +\S+ .*[\dkM] packets? .*B .* s/;
    expect(lines.filter((line) => !shape.test(line)).slice(0, 3)).toEqual([]);
    expect(stdout).toMatch(/^# \d{4}-\d\d-\d\d UTC$/m);
  });
});

describe('weir decode', () => {
  it('reads gzip, standard input and only the port that is asked for', async () => {
    const input = gzipSync(readFileSync(pcap(9)));
    const piped = await weir(['decode', '-', '--format', 'ndjson'], { input });
    expect(parseNdjson(piped.stdout)).toHaveLength(FLOWS);
    const none = await weir(['decode', '-', '--format', 'json', '--port', '9'], { input });
    expect(none.stdout).toBe('[]\n');
    expect(none.stderr).toContain('no UDP datagrams');
  });

  it('reads hex text, whose exporter is a flag', async () => {
    const input = `# from a router\n${hex(v9.data)}\n${hex(v9.template)}\n`;
    const { code, stdout, stderr } = await weir(['decode', '-', '--format', 'ndjson', '--exporter', '2001:db8::7'], {
      input,
    });
    expect(code).toBe(0);
    expect(parseNdjson(stdout)).toEqual([
      expect.objectContaining({ exporter: '2001:db8::7', src_addr: '10.0.0.1', dst_addr: '10.0.0.2', bytes: 1500 }),
    ]);
    expect(stderr).not.toContain('waiting');
  });

  it('tells what waits for a template as a state', async () => {
    const { code, stdout, stderr } = await weir(['decode', '-'], { input: hex(v9.data) });
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toContain('waiting for template 256 of 0.0.0.0, observation domain 1: 1 data set held');
    expect(stderr).not.toContain('not decoded');
  });

  it('counts what is damaged by cause, goes on and succeeds', async () => {
    const whole = readFileSync(pcap(9));
    const damaged = folder.join('damaged.pcap');
    // The capture ends in the middle of a packet, and hex text has a message that is cut off.
    writeFileSync(damaged, whole.subarray(0, Math.floor(whole.length / 2)));
    const { code, stdout, stderr } = await weir(['decode', damaged, '--format', 'ndjson']);
    expect(code).toBe(0);
    const count = parseNdjson(stdout).length;
    expect(count).toBeGreaterThan(FLOWS / 3);
    expect(count).toBeLessThan(FLOWS);
    expect(stderr).toMatch(/the capture was cut off/);

    const cut = await weir(['decode', '-'], { input: `${hex(v9.template).slice(0, 30)}\n\nffff0001\n` });
    expect(cut.code).toBe(0);
    expect(cut.stderr).toContain('not decoded: 1 × message shorter than its header (short_message)');
  });

  it('shows templates, options data and withdrawals with --all, each object with its kind', async () => {
    const input = [v9.optionsTemplate, v9.options, v9.template, v9.data, ipfix.template, ipfix.withdrawal]
      .map(hex)
      .join('\n');
    const { stdout } = await weir(['decode', '-', '--format', 'ndjson', '--all'], { input });
    const found = parseNdjson(stdout);
    expect(found.map(({ kind }) => kind)).toEqual([
      'template',
      'options',
      'template',
      'flow',
      'template',
      'withdrawal',
    ]);
    expect(found[0]).toMatchObject({
      exporter: '0.0.0.0',
      flow_type: 'netflow_v9',
      observation_domain: 1,
      template_id: 257,
      template_kind: 'options',
      fields: [
        { name: 'System', enterprise: 0, id: 1, length: 4, scope: true },
        { name: 'samplingInterval', enterprise: 0, id: 34, length: 4, scope: false },
      ],
    });
    expect(found[1]).toMatchObject({ template_id: 257, scope: { System: 1 }, fields: { samplingInterval: 100 } });
    expect(found[3]).toMatchObject({ record_kind: 'flow', sampling_rate: 100, src_addr: '10.0.0.1' });
    expect(found[5]).toMatchObject({ flow_type: 'ipfix', template_id: 300, template_kind: 'data' });

    const text = await weir(['decode', '-', '--all', '--long'], { input });
    expect(text.stdout).toContain('= options template 257 of 0.0.0.0, NetFlow v9 observation domain 1: 2 fields');
    expect(text.stdout).toContain('    scope System 1  samplingInterval 100');
    expect(text.stdout).toContain('= withdrawal of template 300 of 0.0.0.0, IPFIX observation domain 2');
    expect(text.stdout).toMatch(/ {4}.*src_addr 10\.0\.0\.1 {2}dst_addr 10\.0\.0\.2/);
    expect(text.stdout).toContain('sampled 1:100');
  });

  it('does not show them without', async () => {
    const input = [v9.optionsTemplate, v9.options, v9.template, v9.data].map(hex).join('\n');
    const { stdout, stderr } = await weir(['decode', '-', '--format', 'ndjson'], { input });
    expect(parseNdjson(stdout)).toHaveLength(1);
    expect(stderr).toContain('1 options record, 2 template records (--all shows them)');
  });

  it('takes information elements from a file', async () => {
    const own = tempFolder('decode').join('own.yaml');
    writeFileSync(own, '- enterprise: 4242\n  elements: [{ id: 7, name: fooCount, type: unsigned32 }]\n');
    const input = [ipfix.template, ipfix.data].map(hex).join('\n');
    const [without, given] = await Promise.all(
      [[], ['--elements', own]].map((more) => weir(['decode', '-', '--format', 'ndjson', ...more], { input })),
    );
    expect(parseNdjson(without?.stdout ?? '')[0]?.['extra']).toEqual({ '4242/7': '00000005' });
    expect(parseNdjson(given?.stdout ?? '')[0]?.['extra']).toEqual({ fooCount: 5 });
  });

  it('lets nothing from the network move the cursor of a terminal', async () => {
    const input = [ipfix.template, ipfix.data].map(hex).join('\n');
    const text = await weir(['decode', '-', '--long'], { input });
    expect(text.stdout).toContain('user al·[31mice');
    expect(text.stdout).not.toContain('\u001b');
    const json = await weir(['decode', '-', '--format', 'ndjson'], { input });
    expect(parseNdjson(json.stdout)[0]?.['user_name']).toBe('al\u001b[31mice');
  });

  it('ends quietly when its reader does', async () => {
    const big = folder.join('big.pcap');
    await weir(['generate', '--flows', '60000', '--write', big]);
    const command = `"${process.execPath}" "${repositoryPath('bin/weir.js')}" decode "${big}" | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await runProcess('bash', ['-c', command]);
    expect(stdout.trim().split('\n').at(-1)).toBe('0');
    expect(stderr).toBe('');
  });

  it('reads an IPFIX file, and says where it is damaged', async () => {
    const messages = Buffer.from([...ipfix.template, ...ipfix.data, ...ipfix.data]);
    const file = folder.join('messages.ipfix');
    writeFileSync(file, Buffer.concat([messages, Buffer.from('no message')]));
    const { code, stdout, stderr } = await weir(['decode', file, '--format', 'ndjson', '--exporter', '192.0.2.7']);
    expect(code).toBe(0);
    expect(parseNdjson(stdout)).toMatchObject(
      [1, 2].map(() => ({ exporter: '192.0.2.7', src_addr: '10.0.0.1', bytes: 1500 })),
    );
    expect(stderr).toContain(`reading stopped early at octet ${messages.length}: no message begins where one should`);
  });

  it('says nothing at the end with --quiet', async () => {
    expect((await weir(['decode', pcap(5), '--quiet'])).stderr).toBe('');
  });

  it.each([
    ['is missing', 'nowhere.pcap', /There is no file nowhere\.pcap/],
    ['is something else', repositoryPath('package.json'), /neither pcap, pcapng nor hex text/],
    ['is a folder', '/', /Cannot read/],
  ])('fails when the file %s', async (_, file, says) => {
    const { code, stdout, stderr } = await weir(['decode', file]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(says);
    expect(stderr).toContain('(WEIR_INPUT)');
  });

  it.each([
    [['--exporter', 'router1'], /expected an IP address/],
    [['--exporter', '192.0.2.1'], /--exporter is for hex text/],
    [['--port', '70000'], /expected a UDP port/],
    [['--format', 'xml'], /Allowed choices are text, ndjson, json/],
  ])('refuses %j', async (flags, says) => {
    const { code, stderr } = await weir(['decode', pcap(5), ...flags]);
    expect(code).toBe(2);
    expect(stderr).toMatch(says);
  });
});
