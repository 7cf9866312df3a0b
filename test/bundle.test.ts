import { cpSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freeUdpPort } from './helpers/free-port.ts';
import { type Finished, runProcess, spawnProcess } from './helpers/processes.ts';
import { repositoryPath } from './helpers/repository.ts';
import { tempFolder } from './helpers/temp.ts';

/** Two below the repository, where packages and package.json are found. */
const folder = repositoryPath(`.report/bundle-${process.pid}`);
const RUN = `import('${folder}/main.js').then(({ main }) => main(process.argv.slice(1))).then((code) => { process.exitCode = code; })`;
const script = (args: readonly string[]) => ['--eval', RUN, '--', ...args];
const bundled = (...args: string[]): Promise<Finished> => runProcess(process.execPath, script(args));

beforeAll(async () => {
  const made = await runProcess(process.execPath, [repositoryPath('scripts/bundle.mjs'), folder]);
  expect(made).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the bundle', () => {
  it('has every command', async () => {
    const { stdout } = await bundled('--help');
    const [commands = ''] = stdout.split('help [command]');
    const names = [...commands.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name as string);
    expect(names).toContain('query');
    for (const name of names) {
      const { code, stdout: help, stderr } = await bundled(name, '--help');
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
      expect(help).toContain(`Usage: weir ${name}`);
    }
  });

  it('knows the version', async () => {
    const { version } = JSON.parse(readFileSync(repositoryPath('package.json'), 'utf8')) as { version: string };
    expect((await bundled('--version')).stdout).toBe(`weir ${version}\n`);
  });

  it('starts its own writing thread, and answers questions', async () => {
    const data = tempFolder('data').path;
    const url = `udp://127.0.0.1:${await freeUdpPort('127.0.0.1')}`;
    const collector = spawnProcess(process.execPath, script(['collect', '--listen', url, '--data', data]));
    await collector.waitFor('"msg":"collecting"');
    await bundled('generate', url, '--flows', '100');
    expect((await collector.stop()).stdout).toContain('100 stored');
    const { stdout } = await bundled('query', '--data', data, '--format', 'ndjson');
    expect(stdout.trim().split('\n')).toHaveLength(100);
  });

  it('is one file each for what is started by its name, and two for a question', () => {
    const importsOf = (name: string) =>
      [...readFileSync(`${folder}/${name}`, 'utf8').matchAll(/^import .*"\.\/([^"]+)";$/gm)].map(([, file]) => file);
    expect(importsOf('writer-worker.js')).toEqual([]);
    expect(importsOf('merge-child.js')).toEqual([]);
    const beginning = ['rolldown-runtime.js', 'main.js', 'ask.js'];
    expect(importsOf('ask.js').filter((file) => !beginning.includes(file as string))).toEqual([]);
    expect(importsOf('base.js').filter((file) => !beginning.includes(file as string))).toEqual([]);
    expect(importsOf('query.js').filter((file) => ![...beginning, 'base.js'].includes(file as string))).toEqual([]);
  });
});

describe('bin/weir.js', () => {
  /** What runs where the parts of a build are so old, in seconds; undefined is not there. */
  async function runs(bundle: number | undefined, compiled: number | undefined): Promise<string> {
    const place = tempFolder('bin');
    cpSync(repositoryPath('bin'), place.join('bin'), { recursive: true });
    writeFileSync(place.join('package.json'), '{ "type": "module" }');
    const parts = { 'cli/main.js': 1, 'bundle/main.js': bundle, '.tsbuildinfo': compiled };
    for (const [name, age] of Object.entries(parts)) {
      if (age === undefined) continue;
      mkdirSync(place.join('dist', name, '..'), { recursive: true });
      writeFileSync(place.join('dist', name), `export const main = async () => { console.log('${name}'); return 0; };`);
      const time = new Date(Date.UTC(2026, 0, 1) - age * 1000);
      utimesSync(place.join('dist', name), time, time);
    }
    return (await runProcess(process.execPath, [place.join('bin/weir.js')])).stdout.trim();
  }

  it('runs the bundle, unless something was compiled after it', async () => {
    expect(await runs(10, 20)).toBe('bundle/main.js');
    expect(await runs(10, 10)).toBe('bundle/main.js');
    expect(await runs(10, undefined)).toBe('bundle/main.js');
    expect(await runs(20, 10)).toBe('cli/main.js');
    expect(await runs(undefined, 10)).toBe('cli/main.js');
  });
});
