import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '#weir/util/errors.js';
import { repositoryPath } from './helpers/repository.ts';

const root = repositoryPath();

describe('docs/errors.md', () => {
  const headings = headingsOf(readFileSync(repositoryPath('docs/errors.md'), 'utf8'));

  it.each(ERROR_CODES)('explains %s', (code) => {
    expect(headings).toContain(code);
  });

  it('explains no code that does not exist', () => {
    const known: readonly string[] = ERROR_CODES;
    expect(headings.filter((heading) => heading.startsWith('WEIR_') && !known.includes(heading))).toEqual([]);
  });
});

describe('links to local files', () => {
  const pages = [...markdownIn('.'), ...markdownIn('docs', true)];

  it.each(pages)('of %s lead somewhere', (page) => {
    const broken = localLinks(readFileSync(join(root, page), 'utf8')).filter((link) => !leadsSomewhere(page, link));
    expect(broken).toEqual([]);
  });
});

function leadsSomewhere(page: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? join(root, page) : join(root, dirname(page), decodeURIComponent(file));
  // A link out of the checkout works for nobody else, even where the file is there on this machine.
  if (relative(root, target).startsWith('..') || !existsSync(target)) return false;
  if (anchor === undefined || !target.endsWith('.md')) return true;
  return headingsOf(readFileSync(target, 'utf8')).some((heading) => slug(heading) === anchor);
}

/** Targets of Markdown links and images, and of HTML src/href attributes, that name no scheme. */
function localLinks(text: string): string[] {
  const prose = text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, '');
  const found = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\[[^\]]+\]:\s*(\S+)|\b(?:src|href)="([^"]+)"/gm)];
  return found
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .filter((link) => !/^[a-z][a-z0-9+.-]*:|^\/\//i.test(link));
}

function headingsOf(text: string): string[] {
  const prose = text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '');
  return [...prose.matchAll(/^#{1,6}\s+(.*?)\s*$/gm)].map((match) => (match[1] ?? '').replaceAll('`', ''));
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

function markdownIn(folder: string, deep = false): string[] {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  return readdirSync(path).flatMap((entry) => {
    const inner = join(folder, entry);
    if (statSync(join(root, inner)).isDirectory()) return deep ? markdownIn(inner, true) : [];
    return entry.endsWith('.md') ? [inner] : [];
  });
}
