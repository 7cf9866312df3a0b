import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { WeirError } from '../util/errors.ts';
import type { CommandModule } from './command.ts';
import { write } from './io.ts';

const EXAMPLES = `
Examples:
  weir man query | man -l -                            read the page of weir query
  weir man --dir /usr/local/share/man/man1             install all of them
`;

/** Adds the flags of `weir man` and its action. */
export const build: CommandModule['build'] = (command, io, exit, describe) => {
  command
    .argument('[command]', 'whose page; without it, that of weir')
    .option('--dir <folder>', 'write the pages of all commands into this folder')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string | undefined, { dir }: { readonly dir?: string }) => {
      const program = await describe(() => true);
      if (dir !== undefined) await writePages(program, dir);
      else await write(io.stdout, pageOf(program, name));
      exit(0);
    });
};

function pageOf(program: Command, name: string | undefined): string {
  if (name === undefined) return manPage(program, program);
  const command = program.commands.find((one) => one.name() === name);
  if (command !== undefined) return manPage(program, command);
  throw new WeirError('WEIR_USAGE', `there is no command '${name.slice(0, 40)}'`, { hint: 'weir --help lists them.' });
}

async function writePages(program: Command, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const all = [
    program,
    ...program
      .createHelp()
      .visibleCommands(program)
      .filter((one) => one.name() !== 'help'),
  ];
  for (const command of all) await writeFile(join(dir, `${pageName(program, command)}.1`), manPage(program, command));
}

function pageName(program: Command, command: Command): string {
  return command === program ? 'weir' : `weir-${command.name()}`;
}

/** The manual page of a command, in roff (man(7)), made of what its help says. */
function manPage(program: Command, command: Command): string {
  const name = pageName(program, command);
  const help = command.createHelp();
  const isProgram = command === program;
  const lines = [
    `.TH ${name.toUpperCase()} 1 "" "${escape(program.version() ?? '')}" "Netweir"`,
    '.SH NAME',
    `${escape(name)} \\- ${escape(command.description().replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    `.B ${escape(isProgram ? 'weir' : `weir ${command.name()}`)}`,
    escape(command.usage()),
  ];
  const args = command.registeredArguments.filter(({ description }) => description !== '');
  if (args.length > 0) lines.push('.SH ARGUMENTS', ...args.flatMap((one) => item(one.name(), one.description)));
  const options = help.visibleOptions(command);
  lines.push('.SH OPTIONS', ...options.flatMap((one) => item(help.optionTerm(one), help.optionDescription(one))));
  const commands = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  if (commands.length > 0)
    lines.push('.SH COMMANDS', ...commands.flatMap((one) => item(one.name(), one.description())));
  // The commands of a command have no pages of their own.
  for (const part of isProgram ? [] : commands) {
    const own = part.createHelp();
    const arguments_ = part.registeredArguments.map((one) => item(one.name(), one.description));
    lines.push(`.SH "WEIR ${command.name().toUpperCase()} ${part.name().toUpperCase()}"`, ...arguments_.flat());
    lines.push(...own.visibleOptions(part).flatMap((one) => item(own.optionTerm(one), own.optionDescription(one))));
    lines.push('.nf', ...helpAfter(part).trim().split('\n').map(escape), '.fi');
  }
  const more = helpAfter(command).trim();
  if (more !== '') lines.push('.SH NOTES', '.nf', ...more.split('\n').map(escape), '.fi');
  lines.push(
    '.SH EXIT STATUS',
    ...item('0', 'It was done.'),
    ...item('1', 'It failed; standard error says why and what to do.'),
    ...item('2', 'It was called wrongly: flags, filter, configuration.'),
  );
  return `${lines.join('\n')}\n`;
}

/** The text below the options in `--help`: notes and examples. */
function helpAfter(command: Command): string {
  let text = '';
  const settings = command.configureOutput();
  command.configureOutput({ writeOut: (part: string) => void (text += part) });
  command.outputHelp();
  command.configureOutput(settings);
  return text.slice(command.helpInformation().length);
}

function item(term: string, about: string): string[] {
  return ['.TP', `.B ${escape(term)}`, escape(about)];
}

/** Text in which roff finds nothing to obey, in ASCII. */
function escape(text: string): string {
  const clean = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/[^\n -~]/gu, (character) => `\\[u${hex(character.codePointAt(0) ?? 0)}]`);
  return /^[.']/.test(clean) ? `\\&${clean}` : clean;
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}
