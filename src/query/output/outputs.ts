import { MachineOutput } from './machine-output.ts';
import type { Output, OutputOptions } from './output.ts';
import { TableOutput } from './table-output.ts';

/** One form of an answer, chosen by `--format`. */
export interface OutputForm {
  readonly about: string;
  readonly create: (options: OutputOptions) => Output;
}

/** Every form, under its name in `--format`. */
export const OUTPUTS = {
  table: { about: 'for people, with a summary', create: (options) => new TableOutput(options) },
  csv: { about: 'a header, then a line a row', create: (options) => new MachineOutput(options, 'csv') },
  json: { about: 'one array of objects', create: (options) => new MachineOutput(options, 'json') },
  ndjson: { about: 'an object a line', create: (options) => new MachineOutput(options, 'ndjson') },
} as const satisfies Readonly<Record<string, OutputForm>>;

export type OutputName = keyof typeof OUTPUTS;
