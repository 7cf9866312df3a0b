import { nearest } from '../../elements/nearest.ts';
import { WeirError } from '../../util/errors.ts';
import { ChartOutput } from '../chart/chart-output.ts';
import { ConversationOutput } from './conversation-output.ts';
import { LINE_FORMATS, type LineFormatName, parseLineFormat } from './line-format.ts';
import { LineOutput } from './line-output.ts';
import { MachineOutput } from './machine-output.ts';
import { MarkdownOutput } from './markdown-output.ts';
import type { Output, OutputOptions } from './output.ts';
import { TableOutput } from './table-output.ts';

/** One form of an answer, chosen by `--format`. */
export interface OutputForm {
  readonly about: string;
  readonly create: (options: OutputOptions) => Output;
}

function lineForm(name: LineFormatName, about: string): OutputForm {
  return { about, create: (options) => new LineOutput(options, parseLineFormat(LINE_FORMATS[name])) };
}

/** Every form with a name of its own, under its name in `--format`. */
export const OUTPUTS = {
  table: { about: 'for people, with a summary', create: (options) => new TableOutput(options) },
  line: lineForm('line', "a line a flow, with nfdump's columns"),
  long: lineForm('long', 'the same with flags and type of service'),
  extended: lineForm('extended', 'the same with rates'),
  biline: lineForm('biline', 'a line a biflow, with both directions'),
  bilong: lineForm('bilong', 'the same with flags and type of service'),
  conversations: {
    about: 'a line a conversation, as weir analyze prints them',
    create: (options) => new ConversationOutput(options),
  },
  chart: { about: 'a picture of sums: over time, a distribution, bars', create: (options) => new ChartOutput(options) },
  markdown: { about: 'a table for tickets and mails', create: (options) => new MarkdownOutput(options) },
  csv: { about: 'a header, then a line a row', create: (options) => new MachineOutput(options, 'csv') },
  json: { about: 'one array of objects', create: (options) => new MachineOutput(options, 'json') },
  ndjson: { about: 'an object a line', create: (options) => new MachineOutput(options, 'ndjson') },
} as const satisfies Readonly<Record<string, OutputForm>>;

/** Before the tokens of one's own form of a line. */
const OWN = 'fmt:';

/** A form that is a file and no text; see parquet.ts. */
export const PARQUET = 'parquet';

/** A form of text. */
export type TextName = keyof typeof OUTPUTS | `${typeof OWN}${string}`;
export type OutputName = TextName | typeof PARQUET;

/** Whether a form is read by programs. */
export function isMachine(name: OutputName): boolean {
  return ['csv', 'json', 'ndjson', PARQUET].includes(name);
}

/** Reads the name of a form, or `fmt:` with tokens. Throws WEIR_USAGE with the nearest name. */
export function parseFormat(text: string): OutputName {
  if (text.startsWith(OWN)) {
    parseLineFormat(text.slice(OWN.length));
    return text as OutputName;
  }
  if (text === PARQUET || Object.hasOwn(OUTPUTS, text)) return text as OutputName;
  const names = [...Object.keys(OUTPUTS), PARQUET];
  const suggestion = nearest(text, names);
  throw new WeirError('WEIR_USAGE', `there is no --format ${text.slice(0, 60)}`, {
    hint:
      suggestion === undefined
        ? `There are ${names.join(', ')} and "fmt:%ts %sap -> %dap %byt".`
        : `Did you mean '${suggestion}'?`,
  });
}

/** Makes the form of an answer. Throws WEIR_USAGE where it and the question do not go together. */
export function createOutput(name: TextName, options: OutputOptions): Output {
  if (name.startsWith(OWN)) return new LineOutput(options, parseLineFormat(name.slice(OWN.length)));
  return OUTPUTS[name as keyof typeof OUTPUTS].create(options);
}
