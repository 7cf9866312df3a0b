import { describe, expect, it } from 'vitest';
import { DEFAULT_TIMEOUTS, parseTimeout, TIMEOUT_NAMES } from '#weir/meter/timeouts.js';
import { runProcess } from '../helpers/processes.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';

describe('a timeout on the command line', () => {
  it.each([
    ['udp=600', 'udp', 600],
    ['tcp.fin=1m30s', 'tcp.fin', 90],
    ['maxlife=1h30m', 'maxlife', 5400],
    ['general=1W1d', 'general', 691_200],
    ['tcp=1m5', 'tcp', 65],
    ['expint=0', 'expint', 0],
  ])('%s', (text, name, seconds) => {
    expect(parseTimeout(text)).toEqual({ name, seconds });
  });

  it.each(['tea=4', 'udp', 'udp=', 'udp=fast', 'udp=-1', 'udp=1x', 'udp=1.5', 'udp=99999999999', '=5', ''])(
    '%s is none',
    (text) => {
      expect(() => parseTimeout(text)).toThrow(expect.objectContaining({ code: 'WEIR_USAGE' }));
    },
  );
});

describeWithTool('softflowd', 'names and defaults', () => {
  it('are those of softflowd', async () => {
    const { stdout, stderr } = await runProcess(requireTool('softflowd'), ['-h']);
    const [, names = ''] = `${stdout}${stderr}`.split('Valid timeout names');
    const found = [...names.matchAll(/([\w.]+)\s+\(default\s+(\d+)\)/g)];
    expect(Object.fromEntries(found.map(([, name, value]) => [name, Number(value)]))).toEqual(DEFAULT_TIMEOUTS);
    expect(found).toHaveLength(TIMEOUT_NAMES.length);
  });
});
