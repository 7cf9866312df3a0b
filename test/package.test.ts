import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { repositoryPath } from './helpers/repository.ts';

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly exports: unknown;
  readonly scripts: Record<string, string>;
}

interface Lock {
  readonly packages: Record<string, { resolved?: string; hasInstallScript?: boolean; link?: boolean }>;
}

const manifest = JSON.parse(readFileSync(repositoryPath('package.json'), 'utf8')) as Manifest;
const lockText = readFileSync(repositoryPath('package-lock.json'), 'utf8');
const lock = JSON.parse(lockText) as Lock;

describe('package.json', () => {
  it('depends on these packages at run time and on no others', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual([
      '@duckdb/node-api',
      '@duckdb/node-bindings',
      '@redis/client',
      'commander',
      'pino',
      'yaml',
      'zod',
    ]);
    expect(manifest.optionalDependencies).toBeUndefined();
  });

  it('pins every version exactly', () => {
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^\d/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it('exports the library alone', () => {
    expect(manifest.exports).toEqual({ '.': { types: './dist/index.d.ts', default: './dist/index.js' } });
  });

  it('runs nothing on installation', () => {
    const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preprepare', 'postprepare'];
    expect(Object.keys(manifest.scripts).filter((script) => hooks.includes(script))).toEqual([]);
  });
});

describe('package-lock.json', () => {
  it('holds no package with an install script', () => {
    expect(Object.keys(lock.packages).filter((path) => lock.packages[path]?.hasInstallScript === true)).toEqual([]);
  });

  it('names no registry, so that it installs from whichever one the machine uses', () => {
    expect(Object.keys(lock.packages).filter((path) => lock.packages[path]?.resolved !== undefined)).toEqual([]);
    // What is left in the way of addresses are the packages' funding pages.
    expect(lockText.match(/https?:\/\/[^"/]*(?:registry|npmjs|mirror|proxy|artifact)[^"/]*/gi) ?? []).toEqual([]);
  });
});
