import { expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { describeUnless } from '../helpers/skip.ts';
import { tempFolder } from '../helpers/temp.ts';
import { startCollector } from '../helpers/weir.ts';

/** Prints the priorities of all threads of a process that steps back for a folder and then opens DuckDB. */
const SCRIPT = `
const [{ stepBack }, { SharedDuck }, { readdirSync }, { getPriority }] = await Promise.all([
  import('#weir/cli/step-back.js'), import('#weir/query/duck.js'), import('node:fs'), import('node:os')]);
stepBack(process.argv[1]);
const duck = new SharedDuck({ temporary: process.argv[1], threads: 4 });
await duck.open();
console.log([...new Set(readdirSync('/proc/self/task').map((thread) => getPriority(Number(thread))))].join());
duck.close();
`;

describeUnless(process.platform === 'linux' ? undefined : 'no /proc', 'the priority of a question', () => {
  const priorities = async (dir: string): Promise<string> => {
    const args = ['--input-type=module', '-e', SCRIPT, dir];
    const { stdout, stderr } = await runProcess(process.execPath, args, { cwd: repositoryPath() });
    expect(stderr).toBe('');
    return stdout.trim();
  };

  it('is low, of all its threads, while a collector writes to the folder', async () => {
    const { data } = await startCollector();
    expect(await priorities(data)).toBe('10');
  });

  it('is that of any program otherwise', async () => {
    expect(await priorities(tempFolder('idle').path)).toBe('0');
  });
});
