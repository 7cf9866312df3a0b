import type { Command } from 'commander';
import type { Question } from '../query/question.ts';
import { WeirError } from '../util/errors.ts';
import { filterOptions } from './filter-options.ts';
import { EXIT, hasColour, type Io } from './io.ts';
import { parseMemory } from './memory.ts';
import { openOutput } from './output-file.ts';
import { addPeopleFlags, type PeopleFlags, peopleOptions } from './people-flags.ts';
import { showProgress } from './progress.ts';
import { stepBack } from './step-back.ts';

const EXAMPLES = `
Times: -1h, -30m, now, today, yesterday, 2026-11-21, "2026-11-21 09:30", 2026-11-21T09:30:00Z. A flow belongs to a span when
it overlaps it. Filters are those of nfdump and more (docs/filter.md); put them in quotes where the shell minds.

Examples:
  weir query --by src_addr                                  who sent most, in all that is stored
  weir query --from -1h --by src_addr,dst_addr --top 20     the largest conversations of the last hour
  weir query --by dst_port --order flows 'proto tcp and flags S and not flags AFRPU'
  weir query --from today 'src net 10.0.0.0/8 and dst port in [80 443]'
  weir query --from today --by time/1h,proto                how much of what in every hour
  weir query --by src_addr --distinct dst_addr --order distinct_dst_addr     who talks to most others
  weir query --from -1h --stat src_addr,dst_addr,dst_port   three rankings at once
  weir query --by src_addr/24/48 --measures share_bytes,bps per network: /24 of IPv4, /48 of IPv6
  weir query --from -5m 'bytes > 1M' --order bytes          the largest flows of the last five minutes
  weir query --by exporter,in_if --format csv > interfaces.csv
  weir query --names --by exporter,in_if --from -1h         the same, with the names that the exporters tell
  weir query 'ip 192.0.2.7' --format ndjson | jq .bytes
`;

/** Flags of commands that answer questions about stored flows. */
export interface QueryFlags extends Omit<Question, 'filter'>, PeopleFlags {
  readonly data: string;
  readonly config?: string;
  readonly format: string;
  readonly output?: string;
  readonly chart?: boolean;
  readonly width?: string;
  readonly explain?: boolean;
  readonly memory?: string;
  readonly exitCode?: boolean;
}

/** Rows of a table without `--top`. */
const TABLE_GROUPS = 10;
const TABLE_FLOWS = 1000;

/** Adds the flags of `weir query` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  command
    .argument('[filter...]', 'which flows, such as: src net 10.0.0.0/8 and port 443')
    .option('--data <dir>', 'data folder', './weir-data')
    .option('--config <file>', 'configuration file, whose lists and networks the filter may name')
    .option('--from <time>', 'flows that end at this time or later')
    .option('--to <time>', 'flows that begin before this time')
    .option('--by <columns>', 'sum up by these, such as src_addr,dst_port or src_addr/24,time/5m,service_port')
    .option('--stat <columns>', 'several statistics in one pass, such as src_addr,dst_port,src_addr+dst_port')
    .option(
      '--top <n>',
      `rows, 0 for all (default: tables ${TABLE_GROUPS} groups or ${TABLE_FLOWS} flows, other formats all)`,
    )
    .option(
      '--order <column>',
      'bytes, packets, flows or a column, also bytes:asc (default: bytes; flows by time_start)',
    )
    .option('--measures <names>', 'more figures of each group, such as bps,avg_bytes,p95_duration,margin')
    .option('--histogram <number>', 'how flows are distributed: bytes, packets, duration, bpp, pps, bps or a column')
    .option('--distinct <columns>', 'how many different values of these each group has, such as src_addr,dst_addr/24')
    .option('--approximate', 'count different values with less memory, a few per cent off')
    .option('--min <n>', 'only groups with at least so much of what they are ordered by, such as 1M')
    .option('--other', 'a last row with what the groups that are not shown come to (default: in tables)')
    .option('--no-other', 'no such row')
    .option(
      '--own <networks>',
      'your networks, for traffic_direction, inside_addr and outside_addr (default: private ones)',
    )
    .option('--columns <columns>', 'columns of a list of flows')
    .option(
      '--format <format>',
      'table, line, long, extended, biline, markdown, csv, json, ndjson, parquet, or tokens of nfdump: "fmt:%ts %sap -> %dap %byt"',
      'table',
    )
    .option('--chart', 'draw sums: over time (--by time/5m,proto), bars, a distribution (--histogram)')
    .option('--width <columns>', 'width of tables and charts (default: that of the terminal)')
    .option('--names', 'names of interfaces, applications, VRFs and samplers, as they were when the flow was seen')
    .option('--raw', 'counters as exported, not multiplied by the sampling rate')
    .option('--spread', 'with time/… in --by: counters of a long flow in all steps of time that it spans')
    .option('-B, --bidirectional', 'both directions of a conversation in one row')
    .option('--split-biflows', 'each direction of a biflow (IPFIX biflows, ASA) as a flow of its own')
    .option('--output <file>', 'write into this file, which appears when it is whole')
    .option('--explain', 'say how it would be answered, with the statement, and which files would be read')
    .option('--memory <size>', 'memory for sums and sorting, such as 512MB; the rest goes to disk (default: half)')
    .option('--exit-code', 'exit with 1 when nothing matches, as grep does')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: QueryFlags) => {
      exit(await answerQuestion(words.join(' '), flags, io));
    });
  addPeopleFlags(command);
}

/** Answers a question. Resolves to the exit code. */
export async function answerQuestion(filterText: string, flags: QueryFlags, io: Io): Promise<number> {
  const begun = io.now();
  stepBack(flags.data);
  // The parts are loaded here, so that help and mistakes in flags need none of them.
  const [{ isMachine, parseFormat }, { readQuestion }, { Query }, filters] = await Promise.all([
    import('../query/output/outputs.ts'),
    import('../query/question.ts'),
    import('../query/run.ts'),
    filterOptions(flags.config),
  ]);
  const format = flags.chart === true ? chartFormat(flags.format) : parseFormat(flags.format);
  const people = await peopleOptions(flags, isMachine(format), io);
  const { zone } = people;
  const isShort = format === 'table' || format === 'conversations' || format === 'chart';
  const tops = isShort ? { groups: TABLE_GROUPS, flows: TABLE_FLOWS } : undefined;
  const spec = readQuestion({ ...flags, filter: filterText }, { now: io.now(), zone, tops, filters });
  const output = await openOutput(flags.output, format === 'parquet', io);
  const isTerminal = flags.output === undefined && io.stdout.isTTY === true;
  const running = new Query({
    data: flags.data,
    spec,
    format,
    file: output.path,
    ...people,
    width: flags.width === undefined ? (isTerminal ? io.stdout.columns : undefined) : parseWidth(flags.width),
    height: isTerminal ? io.stdout.rows : undefined,
    unicode: isTerminal && io.env['TERM'] !== 'dumb',
    colour: isTerminal && hasColour(io.stdout, io.env),
    explain: flags.explain === true,
    memoryBytes: flags.memory === undefined ? undefined : parseMemory(flags.memory),
    write: (text) => {
      progress.clear();
      return output.write(text);
    },
    warn: (text) => io.stderr.write(`note: ${text}\n`),
    clock: () => io.now() - begun,
  });
  const progress = showProgress(io, () => running.progress);
  try {
    const code = await runCancellable(running, io);
    await (code === EXIT.ok ? output.finish() : output.discard());
    return code === EXIT.ok && flags.exitCode === true && !running.matched ? EXIT.failed : code;
  } catch (error) {
    await output.discard();
    throw error;
  } finally {
    progress.end();
  }
}

/** `--chart` draws what `--format table` would show. */
function chartFormat(format: string): 'chart' {
  if (format === 'table' || format === 'chart') return 'chart';
  throw new WeirError('WEIR_USAGE', `--chart and --format ${format.slice(0, 60)} do not go together`, {
    hint: 'Leave one of them out.',
  });
}

/** Reads a number of columns. Throws WEIR_USAGE. */
function parseWidth(text: string): number {
  const width = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (width >= 20) return width;
  throw new WeirError('WEIR_USAGE', `--width ${text.slice(0, 60)} is no number of columns from 20 on`, {
    hint: 'For example --width 120',
  });
}

/** Something that answers a question. */
export interface Running {
  run(): Promise<boolean>;
  cancel(): void;
}

/** Runs it; the first Ctrl-C cancels it. A reader that has gone (`| head`) is no failure. */
export async function runCancellable(running: Running, io: Io): Promise<number> {
  // Without a listener, a reader that goes away would end the process with a stack trace; `write` tells us.
  const ignore = () => {};
  io.stdout.on('error', ignore);
  let stopped = false;
  const stopListening = io.onSignal((kind) => {
    if (kind !== 'stop') return;
    stopped = true;
    running.cancel();
  });
  try {
    await running.run();
    if (!stopped) return EXIT.ok;
    io.stderr.write('cancelled\n');
    return EXIT.failed;
  } finally {
    stopListening();
  }
}
