import type { Command } from 'commander';
import type { LiveRecord } from '../live/flow-cells.ts';
import type { LiveAnswer, RequestLine } from '../live/protocol.ts';
import { parseTop } from '../query/question.ts';
import { WeirError } from '../util/errors.ts';
import { filterOptions } from './filter-options.ts';
import { EXIT, hasColour, type Io, write } from './io.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
It shows flows as the collector that has the data folder receives them. Of more than the collector tells (5000 a second, live.rate) it shows some, and
says how many there were. When the collector ends, it waits for it to start again.

Examples:
  weir tail                                        every flow
  weir tail 'dst port 443 and bytes > 1M'          filters are those of weir query
  weir tail --format extended 'ip 192.0.2.7'       more columns; also --format "fmt:%ts %sap -> %dap %byt"
  weir tail --columns exporter,in_if,src_addr,bytes
  weir tail --format ndjson --limit 100 | jq .src_addr

See also: weir top (what is large at the moment), docs/tail.md
`;

interface Flags extends ZoneFlags {
  readonly data: string;
  readonly config?: string;
  readonly format: string;
  readonly columns?: string;
  readonly limit?: string;
  readonly plain?: boolean;
  readonly quiet?: boolean;
}

/** Adds the flags of `weir tail` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addZone(command, 'zone of times')
    .argument('[filter...]', 'which flows, such as: src net 10.0.0.0/8 and port 443')
    .option('--data <dir>', 'data folder of the collector', './weir-data')
    .option('--config <file>', 'configuration file, whose lists and networks the filter may name')
    .option(
      '--format <format>',
      'line, long, extended, biline, ndjson, or tokens of nfdump: "fmt:%ts %sap -> %dap"',
      'line',
    )
    .option('--columns <columns>', 'these columns')
    .option('--limit <n>', 'end after so many flows')
    .option('--plain', 'whole numbers instead of 1.2 M')
    .option('-q, --quiet', 'flows alone: no header and no notes')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: Flags) => {
      exit(await tail(words.join(' '), flags, io));
    });
}

/** Turns flows into text. */
interface TailForm {
  /** Columns to ask for; undefined for all. */
  readonly columns: readonly string[] | undefined;
  text(lines: readonly string[]): string;
}

/** What stands before a flow in a line of the collector, and `}` behind it. */
const BEFORE_FLOW = '{"type":"flow","flow":';

async function tail(filterText: string, flags: Flags, io: Io): Promise<number> {
  const [{ follow }, { parseAnswer }, { parseFilter }, { printFilter }, filters] = await Promise.all([
    import('../live/follow.ts'),
    import('../live/client.ts'),
    import('../filter/parser.ts'),
    import('../filter/print.ts'),
    filterOptions(flags.config),
  ]);
  const zone = zoneOf(flags);
  const filter = printFilter(parseFilter(filterText, { zone, ...filters }));
  const limit = flags.limit === undefined ? Number.POSITIVE_INFINITY : parseLimit(flags.limit);
  const form = flags.format === 'ndjson' ? await ndjsonForm(flags) : await lineForm(flags, io);
  const { columns } = form;
  const request: RequestLine = { op: 'tail', filter, ...(columns === undefined ? {} : { columns }) };
  const ending = new AbortController();
  const stopListening = io.onSignal((kind) => {
    if (kind === 'stop') ending.abort();
  });
  const note = (text: string): void => {
    if (flags.quiet !== true) io.stderr.write(`note: ${text}\n`);
  };
  const connected = (isThere: boolean): void =>
    note(isThere ? 'the collector is there again' : 'the collector has ended; waiting for it to start again');
  const lines = follow({ data: flags.data, request: () => request, signal: ending.signal, connected });
  // Without a listener, a reader that goes away would end the process with a stack trace; `write` tells us.
  const ignore = () => {};
  io.stdout.on('error', ignore);
  let shown = 0;
  try {
    for await (const answers of lines) {
      const flows = answers.filter((line) => line.startsWith(BEFORE_FLOW)).slice(0, limit - shown);
      shown += flows.length;
      if (
        flows.length > 0 &&
        !(await write(io.stdout, form.text(flows.map((line) => line.slice(BEFORE_FLOW.length, -1)))))
      )
        break;
      if (shown >= limit) break;
      for (const line of answers) {
        const text = line.startsWith(BEFORE_FLOW) ? undefined : noteOf(parseAnswer(line));
        if (text !== undefined) note(text);
      }
    }
    return EXIT.ok;
  } finally {
    ending.abort();
    stopListening();
  }
}

/** What is to be said of flows that are not shown. */
function noteOf(answer: LiveAnswer): string | undefined {
  switch (answer.type) {
    case 'sampled':
      return `${answer.sent} of ${answer.matched} flows are shown`;
    case 'dropped':
      return `${answer.dropped} flows are not shown: they came faster than they were read`;
    case 'unseen':
      return `${answer.unseen} flows were not looked at: the collector is busy`;
    default:
      return undefined;
  }
}

function parseLimit(text: string): number {
  const limit = parseTop(text, '--limit');
  return limit ?? Number.POSITIVE_INFINITY;
}

/** Flows as `weir query --format ndjson` shows them. */
async function ndjsonForm({ columns }: Flags): Promise<TailForm> {
  const [{ parseColumns }, { flowJson }, { sourceColumns }] = await Promise.all([
    import('../query/key.ts'),
    import('../live/flow-json.ts'),
    import('../live/flow-cells.ts'),
  ]);
  const chosen = columns === undefined ? undefined : parseColumns(columns);
  const toJson = flowJson(chosen);
  return {
    columns: chosen && sourceColumns(chosen),
    text: (lines) => lines.map((line) => `${toJson(line)}\n`).join(''),
  };
}

/** The lines of `weir query --format line` and its like. */
async function lineForm(flags: Flags, io: Io): Promise<TailForm> {
  const [{ LINE_FORMATS, lineColumns, parseLineFormat }, { LineText }, { columnForPeople }, cells] = await Promise.all([
    import('../query/output/line-format.ts'),
    import('../query/output/line-text.ts'),
    import('../query/output/people.ts'),
    import('../live/flow-cells.ts'),
  ]);
  const { format, plain = false, quiet = false, columns: chosen } = flags;
  const tokens = chosen === undefined ? formatTokens(format, LINE_FORMATS) : columnTokens(chosen);
  const pieces = parseLineFormat(tokens);
  const columns = lineColumns(pieces);
  const zone = zoneOf(flags);
  let flows: readonly LiveRecord[] = [];
  const lines = new LineText({
    pieces,
    columns: columns.map((column) => {
      const cell = cells.liveCell(column, () => flows);
      return { name: column.name, column: column.name, cell, people: columnForPeople(column, cell, { zone, plain }) };
    }),
    kind: 'flows',
    hasHeader: !quiet,
    plain,
    colour: hasColour(io.stdout, io.env),
  });
  return {
    columns: cells.sourceColumns(columns),
    text: (texts) => {
      flows = texts.map((text) => JSON.parse(text) as LiveRecord);
      return lines.text(0, flows.length);
    },
  };
}

function formatTokens(format: string, named: Readonly<Record<string, string>>): string {
  if (format.startsWith('fmt:')) return format.slice('fmt:'.length);
  const tokens = Object.hasOwn(named, format) ? named[format] : undefined;
  if (tokens !== undefined) return tokens;
  throw new WeirError('WEIR_USAGE', `there is no --format ${format.slice(0, 60)} of flows as they come`, {
    hint: `There are ${Object.keys(named).join(', ')}, ndjson and "fmt:%ts %sap -> %dap %byt".`,
  });
}

/** A line with these columns. */
function columnTokens(columns: string): string {
  return columns
    .split(/[\s,]+/)
    .filter((name) => name !== '')
    .map((name) => `%{${name}}`)
    .join('  ');
}
