import { nearest } from '../../elements/nearest.ts';
import type { ColumnDefinition } from '../../flow/schema.ts';
import { WeirError } from '../../util/errors.ts';
import { parseColumns } from '../key.ts';
import { LINE_TOKENS, type LinePart, UNANSWERED_TOKENS } from './line-tokens.ts';

/** What a line is put together from: text as it is, or what a token stands for. */
export type LinePiece = string | LinePart | NamedPiece;

/** `%{name}`: a column of the answer by its name. */
export interface NamedPiece {
  readonly name: string;
}

/** The forms of a line that have names, as nfdump has them. */
export const LINE_FORMATS = {
  line: '%ts %td %pr %sap -> %dap %pkt %byt %fl',
  long: '%ts %td %pr %sap -> %dap %flg %tos %pkt %byt %fl',
  extended: '%ts %td %pr %sap -> %dap %flg %tos %pkt %byt %pps %bps %bpp %fl',
  biline: '%ts %td %pr %sap <-> %dap %opkt %ipkt %obyt %ibyt %fl',
  bilong: '%ts %td %pr %sap <-> %dap %flg %tos %opkt %ipkt %obyt %ibyt %fl',
} as const;

export type LineFormatName = keyof typeof LINE_FORMATS;

/** A format longer than this is a mistake. */
const MOST_PIECES = 1000;

/**
 * Reads nfdump's `%ts %td %sap -> %dap %byt`: tokens of `LINE_TOKENS`, forms by name (`%line`), `%{column}` for any column of the answer, `%n` for a new
 * line, `%%` for %; everything else is taken as it is. Throws WEIR_USAGE for an unknown token, with the nearest one.
 */
export function parseLineFormat(text: string): LinePiece[] {
  const pieces = piecesOf(text);
  if (pieces.every((piece) => typeof piece === 'string')) {
    throw new WeirError('WEIR_USAGE', '--format fmt: names nothing to show', {
      hint: 'For example --format "fmt:%ts %td %pr %sap -> %dap %byt"',
    });
  }
  if (pieces.length > MOST_PIECES)
    throw new WeirError('WEIR_USAGE', `--format fmt: has ${pieces.length} parts; ${MOST_PIECES} are the most`);
  return pieces;
}

function piecesOf(text: string): LinePiece[] {
  return text
    .split(/(%\{[^}]*\}|%%|%[a-z]+\d*)/i)
    .filter((part) => part !== '')
    .flatMap((part): readonly LinePiece[] => {
      if (part === '%%') return ['%'];
      if (part.startsWith('%{')) return [{ name: part.slice(2, -1).trim().toLowerCase() }];
      return /^%[a-z]/i.test(part) ? tokenPieces(part.slice(1)) : [part];
    });
}

function tokenPieces(name: string): readonly LinePiece[] {
  if (name === 'n') return ['\n'];
  if (Object.hasOwn(LINE_TOKENS, name)) return LINE_TOKENS[name] as readonly LinePart[];
  if (Object.hasOwn(LINE_FORMATS, name)) return piecesOf(LINE_FORMATS[name as LineFormatName]);
  const shown = `%${name.slice(0, 60)}`;
  if (Object.hasOwn(UNANSWERED_TOKENS, name)) {
    throw new WeirError('WEIR_USAGE', `--format: ${shown} is ${UNANSWERED_TOKENS[name] ?? ''}, which is not stored`, {
      hint: 'docs/query.md lists the tokens; %{column} shows any column.',
    });
  }
  const suggestion = nearest(name, [...Object.keys(LINE_TOKENS), ...Object.keys(LINE_FORMATS), 'n']);
  throw new WeirError('WEIR_USAGE', `--format: there is no token ${shown}`, {
    hint: suggestion === undefined ? 'docs/query.md lists the tokens.' : `Did you mean %${suggestion}?`,
  });
}

/** The columns that a listing in this form needs. Throws WEIR_USAGE for a name that is no column. */
export function lineColumns(pieces: readonly LinePiece[]): ColumnDefinition[] {
  const names = pieces.flatMap((piece) =>
    typeof piece === 'string' ? [] : 'name' in piece ? [piece.name] : [...piece.columns],
  );
  return parseColumns(names.join(','), '--format');
}
