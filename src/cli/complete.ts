import type { Command, Option } from 'commander';
import { completeFilter } from '../filter/complete.ts';
import { COLUMNS } from '../flow/schema.ts';
import { COUNTERS } from '../query/counters.ts';
import { DERIVED_COLUMNS } from '../query/derived-columns.ts';
import { EITHER_ENDS } from '../query/either-end.ts';
import { HISTOGRAM_NAMES } from '../query/histogram.ts';
import { DURATION } from '../query/key.ts';
import { MEASURES } from '../query/measures.ts';
import { NAME_COLUMNS } from '../query/name-columns.ts';
import { OUTPUTS } from '../query/output/outputs.ts';
import type { CommandModule, DescribeCommands } from './command.ts';
import { write } from './io.ts';

/** What a word may go on with, and what that is. */
export interface Proposal {
  readonly text: string;
  readonly about: string;
}

/** Stands for names of files, which the shell completes itself. */
const FILES: Proposal = { text: ':files', about: '' };

/** Adds the argument of `weir complete`, which the completions of shells call, and its action. */
export const build: CommandModule['build'] = (command, io, exit, describe) => {
  command
    .argument('[words...]', 'the words of the command line, the last of which is to be completed')
    .action(async (words: string[]) => {
      const proposals = await complete(words, describe);
      const lines = proposals.map(({ text, about }) => (about === '' ? text : `${text}\t${about}`));
      await write(io.stdout, lines.length === 0 ? '' : `${lines.join('\n')}\n`);
      exit(0);
    });
};

/** Proposals for the last of the words that follow `weir`. */
export async function complete(words: readonly string[], describe: DescribeCommands): Promise<Proposal[]> {
  const last = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const name = before.find((word) => !word.startsWith('-'));
  const program = await describe((one) => one === name);
  const found = program.commands.find((one) => one.name() === name);
  if (found === undefined || name === 'complete') return begins(last, [...commands(program), ...flags(program)]);
  // `weir store verify`: a command may have commands of its own.
  const part = before.slice(before.indexOf(found.name()) + 1).find((word) => !word.startsWith('-'));
  const command = found.commands.find((one) => one.name() === part) ?? found;
  if (command.commands.length > 0) return begins(last, [...commands(command), ...flags(command)]);
  const option = command.options.find((one) => one.long === before.at(-1) || one.short === before.at(-1));
  if (option !== undefined && (option.required || option.optional)) return values(option, last);
  if (last.startsWith('-')) return begins(last, flags(command));
  return positional(command, before.slice(before.indexOf(command.name()) + 1), last);
}

function commands(program: Command): Proposal[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((one) => ({ text: one.name(), about: one.description() }));
}

function flags(command: Command): Proposal[] {
  const help = command.createHelp();
  return help.visibleOptions(command).map((one) => ({ text: one.long ?? one.short ?? '', about: one.description }));
}

function begins(word: string, proposals: readonly Proposal[]): Proposal[] {
  return proposals.filter(({ text }) => text.startsWith(word));
}

function choices(texts: readonly string[]): Proposal[] {
  return texts.map((text) => ({ text, about: '' }));
}

/** Values of a flag: its choices, names of columns, or files. */
function values(option: Option, word: string): Proposal[] {
  if (option.argChoices !== undefined) return begins(word, choices(option.argChoices));
  const names = NAMES_OF[option.attributeName()];
  if (names === undefined) return /dir|file|path|folder/.test(option.flags) ? [FILES] : [];
  // The last of a list with commas, or of what is joined in `--stat`.
  const start = Math.max(word.lastIndexOf(','), word.lastIndexOf('+')) + 1;
  return begins(word.slice(start), names()).map(({ text, about }) => ({ text: word.slice(0, start) + text, about }));
}

/** A filter's words are completed by the filter language; anything else may be a file. */
function positional(command: Command, before: readonly string[], word: string): Proposal[] {
  const [argument] = command.registeredArguments;
  if (argument === undefined) return begins(word, flags(command));
  if (argument.argChoices !== undefined) return begins(word, choices(argument.argChoices));
  return argument.name() === 'filter' ? filterWords(argumentsAmong(command, before), word) : [FILES];
}

/** The words that are neither flags nor their values. */
function argumentsAmong(command: Command, words: readonly string[]): string[] {
  return words.filter((word, index) => {
    if (word.startsWith('-')) return false;
    const previous = words[index - 1] ?? '';
    const flag = command.options.find(({ long, short }) => long === previous || short === previous);
    return flag === undefined || !(flag.required || flag.optional);
  });
}

/** The filter may be several words, or one in quotes, of which the shell gives the opening one. */
function filterWords(before: readonly string[], word: string): Proposal[] {
  const quote = /^["']/.exec(word)?.[0] ?? '';
  const text = [...before, word.slice(quote.length)].join(' ');
  const { span, items } = completeFilter(text, text.length, { columns: NAME_COLUMNS.map(({ column }) => column) });
  const kept = word.slice(0, Math.max(0, word.length - (text.length - span.start)));
  return items.map((item) => ({ text: kept + item.text, about: item.about }));
}

const schemaColumns = (): Proposal[] => [...COLUMNS, DURATION].map(({ name, about }) => ({ text: name, about }));
const nameColumns = (): Proposal[] => NAME_COLUMNS.map(({ column: { name, about } }) => ({ text: name, about }));
const measures = (): Proposal[] => [
  ...COUNTERS.map((text) => ({ text, about: '' })),
  ...MEASURES.map(({ name, about }) => ({ text: name, about })),
];
const keys = (): Proposal[] => [
  ...schemaColumns(),
  ...nameColumns(),
  ...[...DERIVED_COLUMNS, ...EITHER_ENDS].map(({ column: { name, about } }) => ({ text: name, about })),
  ...['1m', '5m', '1h', '1d'].map((step) => ({ text: `time/${step}`, about: `Time in steps of ${step}.` })),
];

const zones = (): Proposal[] =>
  ['utc', 'local', ...Intl.supportedValuesOf('timeZone')].map((text) => ({ text, about: '' }));

/** What the flags of these names take. */
const NAMES_OF: Readonly<Record<string, () => Proposal[]>> = {
  by: keys,
  stat: keys,
  distinct: keys,
  histogram: () => HISTOGRAM_NAMES.map(({ name, about }) => ({ text: name, about })),
  columns: () => [...schemaColumns(), ...nameColumns()],
  measures,
  order: () => [...measures(), ...keys()],
  format: () =>
    Object.entries(OUTPUTS)
      .map(([text, { about }]) => ({ text, about }))
      .concat({ text: 'parquet', about: 'a Parquet file' }),
  zone: zones,
};
