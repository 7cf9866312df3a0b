import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { freeTcpPort, freeUdpPort } from './free-port.ts';
import { runProcess, spawnProcess } from './processes.ts';
import { makeTempFolder, tempFolder } from './temp.ts';
import { hasTool, requireTool } from './tools.ts';
import { parseNdjson } from './weir.ts';

const node = process.execPath;

describe('processes', () => {
  let left: number | undefined;

  it('give back exit code and both outputs', async () => {
    const result = await runProcess(node, ['-e', "console.log('out'); console.error('err'); process.exitCode = 3"]);
    expect(result).toEqual({ code: 3, signal: null, stdout: 'out\n', stderr: 'err\n' });
  });

  it('read their input', async () => {
    const result = await runProcess(node, ['-e', 'process.stdin.pipe(process.stdout)'], { input: 'text' });
    expect(result.stdout).toBe('text');
  });

  it('are waited for by a line of output, and stopped by a signal that they can handle', async () => {
    const code =
      "process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.error('ready on 1234')";
    const child = spawnProcess(node, ['-e', code]);
    expect(await child.waitFor(/ready on \d+/)).toBe('ready on 1234');
    expect(await child.stop()).toMatchObject({ code: 7, signal: null });
  });

  it('reject a wait when they end before, with what they said', async () => {
    const child = spawnProcess(node, ['-e', "console.log('something else')"]);
    await expect(child.waitFor('ready')).rejects.toThrow('something else');
  });

  it('say that a program does not exist', async () => {
    await expect(runProcess('no-such-program', [])).rejects.toThrow('could not be started');
  });

  it('die with what they started (first half)', async () => {
    const inner = "setInterval(() => {}, 1000); console.log('inner', process.pid)";
    const outer = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' })`;
    const line = await spawnProcess(node, ['-e', outer]).waitFor('inner');
    left = Number(line.split(' ')[1]);
    expect(isAlive(left)).toBe(true);
  });

  it('die with what they started (second half: the test above has ended)', async () => {
    expect(left).toBeGreaterThan(0);
    await expect.poll(() => isAlive(left ?? 0), { timeout: 20_000 }).toBe(false);
  });
});

describe('temporary folders', () => {
  const kept = makeTempFolder();
  let path = '';
  afterAll(() => kept.remove());

  it('are there while their test runs', () => {
    const folder = tempFolder();
    path = folder.path;
    writeFileSync(folder.join('a'), '');
    expect(existsSync(folder.join('a'))).toBe(true);
  });

  it('are gone after it', () => {
    expect(existsSync(path)).toBe(false);
    expect(existsSync(kept.path)).toBe(true);
  });
});

describe('other helpers', () => {
  it('find free ports', async () => {
    expect(await freeUdpPort()).toBeGreaterThan(1023);
    expect(await freeTcpPort()).toBeGreaterThan(1023);
  });

  it('find programs', () => {
    expect(hasTool('sh')).toBe(true);
    expect(hasTool('no-such-program')).toBe(false);
    expect(() => requireTool('no-such-program')).toThrow('not installed');
  });

  it('read newline-delimited JSON', () => {
    expect(parseNdjson('{"a":1}\n{"a":2}\n')).toEqual([{ a: 1 }, { a: 2 }]);
  });
});

/** Whether a process runs; one that has ended but that its parent has not waited for is dead too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return !existsSync('/proc/self/stat') || !/\) [ZX] /.test(statOf(pid));
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ') X ';
  }
}
