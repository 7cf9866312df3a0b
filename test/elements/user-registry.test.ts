import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createElementRegistry } from '#weir/elements/registry.js';
import { parseUserElements } from '#weir/elements/user-registry.js';
import { WeirError } from '#weir/util/errors.js';
import { repositoryPath } from '../helpers/repository.ts';

function failure(text: string): WeirError {
  try {
    parseUserElements(text, 'mine.yaml');
  } catch (error) {
    if (error instanceof WeirError) return error;
    throw error;
  }
  throw new Error('no error');
}

const element = (fields: string) => `- enterprise: 12345\n  elements:\n    - { ${fields} }\n`;

describe("a user's registry file", () => {
  it('gives elements', () => {
    const text = `
# Our own.
- enterprise: 12345
  elements:
    - { id: 1, name: fooBar, type: unsigned32, semantics: identifier, units: octets }
    - id: 2
      name: foo_baz
      type: string
- enterprise: 0
  elements:
    - { id: 60001, name: vendor_thing, type: unsigned8 }
`;
    expect(parseUserElements(text, 'mine.yaml')).toEqual([
      { enterprise: 12345, id: 1, name: 'fooBar', type: 'unsigned32', semantics: 'identifier', units: 'octets' },
      { enterprise: 12345, id: 2, name: 'foo_baz', type: 'string', semantics: 'default', units: undefined },
      { enterprise: 0, id: 60001, name: 'vendor_thing', type: 'unsigned8', semantics: 'default', units: undefined },
    ]);
  });

  it('may be empty', () => {
    expect(parseUserElements('', 'mine.yaml')).toEqual([]);
    expect(parseUserElements('# nothing yet\n', 'mine.yaml')).toEqual([]);
    expect(parseUserElements('- enterprise: 1\n  elements: []\n', 'mine.yaml')).toEqual([]);
  });

  it('may repeat itself by YAML aliases', () => {
    const text =
      '- enterprise: 1\n  elements: &all\n    - { id: 1, name: a, type: string }\n- enterprise: 2\n  elements: *all\n';
    expect(parseUserElements(text, 'mine.yaml').map(({ enterprise }) => enterprise)).toEqual([1, 2]);
  });

  it('may replace a built-in element, under its name or another', () => {
    const text = '- enterprise: 6871\n  elements:\n    - { id: 33, name: silkAppLabel, type: unsigned32 }\n';
    const registry = createElementRegistry(parseUserElements(text, 'mine.yaml'));
    expect(registry.byName('cert/silkAppLabel')?.type).toBe('unsigned32');
    const swapped =
      '- enterprise: 6871\n  elements:\n' +
      '    - { id: 33, name: payload, type: string }\n    - { id: 18, name: silkAppLabel, type: string }\n';
    expect(parseUserElements(swapped, 'mine.yaml')).toHaveLength(2);
  });

  it('works as the example of the documentation', () => {
    const example = /```yaml\n([\s\S]*?)```/.exec(readFileSync(repositoryPath('docs/elements.md'), 'utf8'))?.[1] ?? '';
    expect(parseUserElements(example, 'docs/elements.md').length).toBeGreaterThan(2);
  });
});

describe("a mistake in a user's registry file", () => {
  it('is told with file, line, what was found, what was expected and what was meant', () => {
    const error = failure(element('id: 1, name: fooBar, type: unsigend32'));
    expect(error.code).toBe('WEIR_ELEMENTS');
    expect(error.message).toMatch(
      /^mine\.yaml:3:36: found "unsigend32", expected type: one of octetArray, .*; did you mean unsigned32\?$/,
    );
    expect(error.details).toMatchObject({
      file: 'mine.yaml',
      line: 3,
      column: 36,
      found: '"unsigend32"',
      suggestion: 'unsigned32',
    });
    expect(error.hint).toContain('docs/elements.md');
  });

  it.each([
    ['uint32', 'unsigned32'],
    ['Int8', 'signed8'],
    ['ip4_addr', 'ipv4Address'],
    ['double', 'float64'],
    ['octetarray', 'octetArray'],
    ['dateTimeMiliseconds', 'dateTimeMilliseconds'],
    ['whatever', undefined],
  ])('in the type %s suggests %s', (type, suggestion) => {
    expect(failure(element(`id: 1, name: a, type: ${type}`)).details['suggestion']).toBe(suggestion);
  });

  it.each([
    ['semantics', 'id: 1, name: a, type: string, semantics: identifer', 3, 'identifier'],
    ['a key', 'id: 1, nmae: a, type: string', 3, 'name'],
    ['a key of a group', undefined, 1, 'enterprise'],
  ])('in %s is told with a suggestion', (_what, fields, line, suggestion) => {
    const text = fields === undefined ? '- enterprize: 1\n  elements: []\n' : element(fields);
    expect(failure(text).details).toMatchObject({ line, suggestion });
  });

  it.each([
    ['no id', element('name: a, type: string'), 3, 'no id'],
    ['no name', element('id: 1, type: string'), 3, 'no name'],
    ['no type', element('id: 1, name: a'), 3, 'no type'],
    ['an empty name', element('id: 1, name: "", type: string'), 3, '""'],
    ['a name that is a number', element('id: 1, name: 7, type: string'), 3, '7'],
    ['a name with a slash', element('id: 1, name: a/b, type: string'), 3, '"a/b"'],
    ['id 0', element('id: 0, name: a, type: string'), 3, '0'],
    ['an id with the enterprise bit', element('id: 32768, name: a, type: string'), 3, '32768'],
    ['a text for an id', element('id: one, name: a, type: string'), 3, '"one"'],
    ['a fraction', element('id: 1.5, name: a, type: string'), 3, '1.5'],
    ['a list for units', element('id: 1, name: a, type: string, units: [octets]'), 3, 'a list'],
    ['no enterprise', '\n- elements: []\n', 2, 'no enterprise'],
    ['a negative enterprise', '- enterprise: -1\n  elements: []\n', 1, '-1'],
    ['no elements', '- enterprise: 1\n', 1, 'no elements'],
    ['elements that are no list', '- enterprise: 1\n  elements:\n    id: 1\n', 3, 'a mapping'],
    ['an element that is no mapping', '- enterprise: 1\n  elements:\n    - 1\n', 3, '1'],
    ['nothing for an element', '- enterprise: 1\n  elements:\n    -\n', 3, 'nothing'],
    ['a mapping as the whole', 'enterprise: 1\nelements: []\n', 1, 'a mapping'],
    ['a text as the whole', 'hello\n', 1, '"hello"'],
    ['what is not YAML', '- enterprise: 1\n  elements: [\n', 3, 'what is not YAML'],
    ['a key twice', '- enterprise: 1\n  enterprise: 2\n  elements: []\n', 2, 'what is not YAML'],
    ['an alias of nothing', '- *nothing\n', 1, 'nothing'],
    [
      'a number twice',
      `${element('id: 1, name: a, type: string')}    - { id: 1, name: b, type: string }\n`,
      4,
      'element 12345/1 again',
    ],
    [
      'a name twice',
      `${element('id: 1, name: a, type: string')}    - { id: 2, name: a, type: string }\n`,
      4,
      'the name a, which element 12345/1 has',
    ],
    [
      'a name of a built-in element',
      '- enterprise: 6871\n  elements:\n    - { id: 1, name: silkAppLabel, type: string }\n',
      3,
      'the name silkAppLabel, which element 6871/33 has',
    ],
  ])('is told: %s', (_what, text, line, found) => {
    const { details, code } = failure(text);
    expect(code).toBe('WEIR_ELEMENTS');
    expect(details['found']).toContain(found);
    expect(details['line']).toBe(line);
  });
});
