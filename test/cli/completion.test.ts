import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { type TempFolder, tempFolder } from '../helpers/temp.ts';
import { describeWithTool } from '../helpers/tools.ts';
import { weir } from '../helpers/weir.ts';

/** A PATH in which `weir` is this checkout. */
function pathWithWeir(folder: TempFolder): Record<string, string> {
  mkdirSync(folder.join('bin'));
  symlinkSync(repositoryPath('bin/weir.js'), folder.join('bin/weir'));
  return { PATH: [folder.join('bin'), process.env['PATH'] ?? ''].join(delimiter) };
}

async function proposals(...words: string[]): Promise<string[]> {
  const { stdout, code } = await weir(['complete', '--', ...words]);
  expect(code).toBe(0);
  return stdout.split('\n').filter((line) => line !== '');
}

describe('weir complete', () => {
  it('proposes commands and flags', async () => {
    expect(await proposals('que')).toEqual(['query\tlist, count and rank stored flows']);
    expect(await proposals('query', '--spl')).toEqual([expect.stringMatching(/^--split-biflows\t/)]);
    expect(await proposals('ctl', 'start')).toEqual(['start-gather\tmeter packets again']);
    expect(await proposals('complet')).toEqual([expect.stringMatching(/^completion\t/)]);
    expect(await proposals('nonsense', '')).toContain('query\tlist, count and rank stored flows');
  });

  it('proposes the values of flags: choices, columns, the last of several, files', async () => {
    expect(await proposals('query', '--format', 'nd')).toEqual(['ndjson\tan object a line']);
    expect(await proposals('query', '--by', 'src_addr,dst_po')).toEqual([
      expect.stringMatching(/^src_addr,dst_port\t/),
    ]);
    expect(await proposals('query', '--by', 'service')).toEqual([expect.stringMatching(/^service_port\t/)]);
    expect(await proposals('query', '--measures', 'p95_by')).toEqual([expect.stringMatching(/^p95_bytes\t/)]);
    expect(await proposals('query', '--data', '')).toEqual([':files']);
    expect(await proposals('decode', '')).toEqual([':files']);
    expect(await proposals('query', '--top', '')).toEqual([]);
  });
});

describe('weir complete', () => {
  it('proposes words of the filter, as several words and as one in quotes', async () => {
    expect(await proposals('query', '--top', '5', 'src', 'ne')).toEqual([expect.stringMatching(/^net/)]);
    expect(await proposals('query', 'proto tcp and dst_po')).toContainEqual(
      expect.stringMatching(/^proto tcp and dst_port/),
    );
    expect(await proposals('query', "'proto tcp and dst_po")).toContainEqual(
      expect.stringMatching(/^'proto tcp and dst_port/),
    );
    expect(await proposals('query', 'proto', 'tc')).toEqual(['tcp\t6']);
  });
});

describe('weir completion', () => {
  it('completes in bash', async () => {
    const folder = tempFolder('bash');
    const ask = (words: string) =>
      `COMP_WORDS=(weir ${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _weir; echo "\${COMPREPLY[*]}"`;
    const script = ['source <(weir completion bash)', ask('query --by src_a'), ask("query --data 'some fi'")];
    mkdirSync(folder.join('cwd'));
    writeFileSync(folder.join('cwd/some file'), '');
    const env = pathWithWeir(folder);
    const { stdout, stderr } = await runProcess('bash', ['-c', script.join('\n')], { env, cwd: folder.join('cwd') });
    expect(stderr).toBe('');
    expect(stdout).toBe('src_addr src_as\nsome file\n');
  });

  it('knows the shells it is for', async () => {
    const { stderr, code } = await weir(['completion', 'tcsh']);
    expect([code, stderr]).toEqual([2, expect.stringContaining('There are for bash, zsh and fish')]);
  });
});

describeWithTool('fish', 'weir completion', () => {
  it('completes in fish', async () => {
    const script = 'source (weir completion fish | psub); complete -C "weir query --by src_a"';
    const { stdout } = await runProcess('fish', ['-c', script], { env: pathWithWeir(tempFolder('fish')) });
    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual(['src_addr', 'src_as', '']);
  });
});

describeWithTool('zsh', 'weir completion', () => {
  it('is taken by zsh', async () => {
    const script = 'autoload -U compinit; compinit -D; source <(weir completion zsh); echo $_comps[weir]';
    const { stdout } = await runProcess('zsh', ['-fc', script], { env: pathWithWeir(tempFolder('zsh')) });
    expect(stdout).toBe('_weir\n');
  });
});

describeWithTool('groff', 'weir man', () => {
  it('makes pages that roff has nothing to say about', async () => {
    const folder = tempFolder('man');
    expect((await weir(['man', '--dir', folder.path])).code).toBe(0);
    for (const name of ['weir', 'weir-query', 'weir-collect', 'weir-generate', 'weir-man']) {
      const { stdout, stderr } = await runProcess('groff', [
        '-man',
        '-Tutf8',
        '-ww',
        '-P-cbou',
        folder.join(`${name}.1`),
      ]);
      expect([name, stderr]).toEqual([name, '']);
      expect(stdout).toContain('OPTIONS');
      expect(stdout).toContain('EXIT STATUS');
    }
    const { stdout } = await weir(['man', 'query']);
    expect(stdout).toContain('.B \\-\\-by <columns>');
    expect(stdout).toContain('weir query \\-\\-by src_addr');
  });
});
