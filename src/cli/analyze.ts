import type { Command } from 'commander';
import type { Io } from './io.ts';
import { addPeopleFlags } from './people-flags.ts';
import { answerQuestion, type QueryFlags } from './query.ts';

const EXAMPLES = `
Both directions of a conversation are one line: from the side that began to the other one, with the bytes, packets and time of both.
They come in order of time; with --top the largest ones, largest first.

Examples:
  weir analyze --from -1h                              the conversations of the last hour
  weir analyze --from today --top 20 --resolve         the 20 largest of today, with the names of hosts
  weir analyze 'ip 192.0.2.7 and port ssh'             what a host did over SSH
  weir analyze --from -1h --format ndjson              the same for programs
`;

/** Adds the flags of `weir analyze` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  command
    .argument('[filter...]', 'which flows, such as: net 10.0.0.0/8 and port https')
    .option('--data <dir>', 'data folder', './weir-data')
    .option('--config <file>', 'configuration file, whose lists and networks the filter may name')
    .option('--from <time>', 'flows that end at this time or later')
    .option('--to <time>', 'flows that begin before this time')
    .option('--top <n>', 'the largest so many, 0 for all (default: the first 1000 for people, all for programs)')
    .option('--order <column>', 'time_start, both_bytes, duration … (default: time_start; with --top both_bytes)')
    .option('--format <format>', 'conversations, table, markdown, csv, json, ndjson, parquet', 'conversations')
    .option('--output <file>', 'write into this file, which appears when it is whole')
    .option('--raw', 'counters as exported, not multiplied by the sampling rate')
    .option('--explain', 'say how it would be answered')
    .option('--memory <size>', 'memory for pairing and sorting, such as 512MB; the rest goes to disk (default: half)')
    .option('--exit-code', 'exit with 1 when nothing matches, as grep does')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: QueryFlags) => {
      const order = flags.order ?? (flags.top === undefined ? undefined : 'both_bytes');
      exit(await answerQuestion(words.join(' '), { ...flags, order, bidirectional: true }, io));
    });
  addPeopleFlags(command);
}
