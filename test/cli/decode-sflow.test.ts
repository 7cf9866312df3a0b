import { describe, expect, it } from 'vitest';
import { parseNdjson, weir } from '../helpers/weir.ts';
import { counterSample, datagram, flowSample, header, INTERFACE_COUNTERS, tcpFrame } from '../wire/sflow/build.ts';

const HEX = Buffer.from(
  datagram([flowSample([header(tcpFrame(), { length: 1018 })]), counterSample([INTERFACE_COUNTERS], 1, 7)]),
).toString('hex');

describe('weir decode of sFlow', () => {
  it('prints a line per sample, and says that there are counters', async () => {
    const { code, stdout, stderr } = await weir(['decode', '-', '--utc'], { input: `${HEX}\n` });
    expect(code).toBe(0);
    expect(stdout).toContain('192.0.2.200     sflow    198.51.100.7:51000 → 203.0.113.9:443');
    expect(stdout).toContain('tcp AP 1 packet 1.0 kB sampled 1:100 if 3→4');
    expect(stderr).toContain('1 flow record, 0 options records, 0 template records');
    expect(stderr).toContain('1 counter record of sFlow (--all shows them)');
  });

  it('shows counters with --all', async () => {
    const { stdout } = await weir(['decode', '-', '--all', '--format', 'ndjson'], { input: `${HEX}\n` });
    const [counters, flow] = parseNdjson(stdout);
    expect(counters).toMatchObject({
      kind: 'counters',
      counter_kind: 'interface',
      exporter: '192.0.2.200',
      if_index: 7,
      in_unicast: 11,
      in_octets: Number(0x20_0000_0000_0001n),
    });
    expect(counters).not.toHaveProperty('in_unknown_protos');
    expect(flow).toMatchObject({ kind: 'flow', record_kind: 'sample', agent_addr: '192.0.2.200' });
    expect(stdout).toContain('"in_octets":9007199254740993');
    const text = await weir(['decode', '-', '--all'], { input: `${HEX}\n` });
    expect(text.stdout).toContain('= interface counters of 192.0.2.200, sFlow agent 192.0.2.200, sub-agent 0');
    expect(text.stdout).toContain('out_errors 27');
  });
});
