import { readFileSync } from 'node:fs';
import { createElementRegistry, type ElementRegistry } from '../elements/registry.ts';
import { parseUserElements } from '../elements/user-registry.ts';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';

/** The built-in information elements and those of these files, later ones first. Throws WEIR_ELEMENTS naming file and line. */
export function loadElements(files: readonly string[]): ElementRegistry {
  return createElementRegistry(files.flatMap((file) => parseUserElements(textOf(file), file)));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new WeirError(
      'WEIR_ELEMENTS',
      missing ? `there is no file ${file}` : `cannot read ${file}: ${messageOf(error)}`,
      {
        hint: missing
          ? 'docs/elements.md shows the format of such a file with an example.'
          : `make it readable for the user that runs weir: ls -l ${file}`,
        details: { file },
        cause: error,
      },
    );
  }
}
