import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonSchema } from '#weir/config/schema.js';
import { SETTINGS } from '#weir/config/settings.js';
import { parseConfig } from '#weir/config/yaml-file.js';
import { repositoryPath } from '../helpers/repository.ts';

/*
 * What is written about the settings is made from their table, or compared with it. After a change of the table:
 *
 *   npx tsc -b && npx vitest run test/config/docs.test.ts -u
 */

function settingsTable(): string {
  const rows = SETTINGS.map(({ path, flag, value, many, default: fallback, about, expected }) => {
    const usual =
      fallback === undefined
        ? '–'
        : [fallback]
            .flat()
            .map((one) => `\`${String(one)}\``)
            .join(', ');
    const flagText = flag === undefined ? '–' : `\`${value === '' ? flag : `${flag} ${value}`}\`${many ? ' …' : ''}`;
    const short = expected.replace(/ \((?:ms|k), .*?\)/i, '');
    const says = /^(?:one of|true)/.test(short) ? '' : ` Expected: ${short}.`;
    return `| \`${path}\` | ${flagText} | ${usual} | ${about}${says} |`;
  });
  return ['| key | flag | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

describe('docs/configuration.md', () => {
  it('has the table of all settings', async () => {
    const path = repositoryPath('docs/configuration.md');
    const text = readFileSync(path, 'utf8');
    const [before = '', after = ''] = [
      text.split(/(?<=<!-- settings:.*-->\n)/)[0],
      text.split(/(?=<!-- \/settings -->)/)[1],
    ];
    await expect(`${before}\n${settingsTable()}\n\n${after}`).toMatchFileSnapshot(path);
  });
});

describe('docs/weir.schema.json', () => {
  it('is the schema of the file', async () => {
    // Short lists on one line, as the formatter has them.
    const text = JSON.stringify(jsonSchema(), undefined, 2).replaceAll(
      /\[\n((?:\s+"[^"\n]*",?\n)+)\s*\]/g,
      (_, list: string) => {
        return `[${list
          .trim()
          .split(/,\n\s*/)
          .join(', ')}]`;
      },
    );
    await expect(`${text}\n`).toMatchFileSnapshot(repositoryPath('docs/weir.schema.json'));
  });

  it('describes every setting', () => {
    const text = JSON.stringify(jsonSchema());
    expect(SETTINGS.filter(({ about }) => !text.includes(JSON.stringify(about)))).toEqual([]);
  });
});

describe('examples/weir.yaml', () => {
  const text = readFileSync(repositoryPath('examples/weir.yaml'), 'utf8');

  it('is a valid configuration', () => {
    expect(parseConfig(text, 'weir.yaml').settings.listen).toHaveLength(3);
  });

  it('is one too with everything in force that is commented out, and then has every key', () => {
    const whole = text.replaceAll(/^( *)# ((?:\w+:(?: |$)| {2}- )\S*$)/gm, '$1$2');
    expect(() => parseConfig(whole, 'weir.yaml')).not.toThrow();
    expect(SETTINGS.filter(({ path }) => !has(parse(whole), path)).map(({ path }) => path)).toEqual([]);
  });
});

/** Whether a value is anywhere at a path such as `sampling.exporters[].network`. */
function has(value: unknown, path: string): boolean {
  const [key = '', ...rest] = path.split('.');
  const inner = (value as Record<string, unknown>)[key.replace('[]', '')];
  if (rest.length === 0) return inner !== undefined;
  const list = key.endsWith('[]') ? (inner as unknown[]) : [inner];
  return list.some((one) => one !== undefined && has(one, rest.join('.')));
}
