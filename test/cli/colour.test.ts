import { describe, expect, it } from 'vitest';
import { hasColour } from '#weir/cli/io.js';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder } from '../helpers/temp.ts';
import { describeWithTool, requireTool } from '../helpers/tools.ts';
import { writeStore } from '../query/fixture.ts';

describe('colour', () => {
  it.each([
    [{ isTTY: true }, {}, true],
    [{ isTTY: true }, { NO_COLOR: '' }, true],
    [{ isTTY: true }, { NO_COLOR: '1' }, false],
    [{ isTTY: true }, { TERM: 'dumb' }, false],
    [{ isTTY: false }, {}, false],
    [{}, {}, false],
  ])('on %j with %j: %s', (stream, env, expected) => {
    expect(hasColour(stream, env)).toBe(expected);
  });
});

describeWithTool('script', 'on a terminal', () => {
  it('headers are bold, nothing else is; Parquet is refused', async () => {
    const folder = makeTempFolder('colour');
    const flow = { time_start: '2026-03-01T12:00:00Z', duration: 0, src_addr: '10.1.2.3', packets: 1, bytes: 100 };
    await writeStore(folder.path, [[flow]]);
    const onTerminal = async (flags: string, env: Readonly<Record<string, string | undefined>>) => {
      const command = `'${process.execPath}' '${repositoryPath('bin/weir.js')}' query --data '${folder.path}' ${flags}`;
      return runProcess(requireTool('script'), ['-qec', command, '/dev/null'], {
        env: { TERM: 'xterm', NO_COLOR: undefined, ...env },
      });
    };
    const escapes = (text: string) =>
      text
        .split('\u001B[')
        .slice(1)
        .map((part) => part.slice(0, part.indexOf('m')));
    for (const format of ['table', 'line']) {
      const { stdout } = await onTerminal(`--format ${format}`, {});
      expect(escapes(stdout.split('\n')[0] ?? '')).toEqual(['1', '0']);
      expect(escapes(stdout)).toHaveLength(2);
      expect(escapes((await onTerminal(`--format ${format}`, { NO_COLOR: '1' })).stdout)).toEqual([]);
    }
    const { code, stdout } = await onTerminal('--format parquet', {});
    expect(code).toBe(2);
    expect(stdout).toMatch(/nothing for a terminal/);
    folder.remove();
  });
});
