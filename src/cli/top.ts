import type { Command } from 'commander';
import type { LiveClient } from '../live/client.ts';
import type { RequestLine, TopAnswer, TopOrder } from '../live/protocol.ts';
import type { Check, Key as PressedKey, TopState } from '../live/top-state.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import type { Zone } from '../util/zone.ts';
import { filterOptions } from './filter-options.ts';
import { EXIT, type Io, write } from './io.ts';
import { Screen } from './screen.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
On a terminal it fills the screen: b changes the grouping, / the filter, s the order, + and - the interval, space holds it, h helps, q quits.
In a pipe, or with --once, it prints one interval and ends.

Examples:
  weir top                                  the largest senders of the last two seconds, and so on
  weir top --by service_port,proto          what for
  weir top --by exporter,in_if --interval 10s
  weir top --by src_addr/24/48 --order flows 'flags S and not flags AFRPU'
  weir top --once --top 5 --plain | mail -s traffic noc

See also: weir tail (the flows themselves), weir query (what is stored), docs/top.md
`;

interface Flags extends ZoneFlags {
  readonly data: string;
  readonly config?: string;
  readonly by: string;
  readonly order: string;
  readonly interval: string;
  readonly top?: string;
  readonly once?: boolean;
  readonly raw?: boolean;
  readonly plain?: boolean;
}

/** Rows of one printed interval; the screen takes as many as fit. */
const USUAL_TOP = 20;

/** Adds the flags of `weir top` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addZone(command, 'zone of times')
    .argument('[filter...]', 'which flows, such as: src net 10.0.0.0/8 and port 443')
    .option('--data <dir>', 'data folder of the collector', './weir-data')
    .option('--config <file>', 'configuration file, whose lists and networks the filter may name')
    .option('--by <columns>', 'group by these, such as src_addr,dst_port or src_addr/24 or service_port', 'src_addr')
    .option('--order <measure>', 'bytes, packets or flows', 'bytes')
    .option('--interval <time>', 'how long each interval is, 500ms to 5m', '2s')
    .option('--top <n>', `rows (default: as many as fit; with --once ${USUAL_TOP})`)
    .option('--once', 'print one interval and end')
    .option('--raw', 'counters as exported, not multiplied by the sampling rate')
    .option('--plain', 'whole numbers instead of 1.2 M')
    .addHelpText('after', EXAMPLES)
    .action(async (words: string[], flags: Flags) => {
      exit(await top(words.join(' '), flags, io));
    });
}

/** Everything that both ways of showing it need. */
interface Top {
  readonly parts: Parts;
  readonly first: TopState;
  readonly flags: Flags;
  readonly zone: Zone;
  readonly rows: number | undefined;
  /** The canonical text of a filter, with lists and files put in. Throws WEIR_FILTER. */
  readonly canonical: (filter: string) => string;
}

type Parts = Awaited<ReturnType<typeof loadParts>>;

async function loadParts() {
  const modules = await Promise.all([
    import('../live/follow.ts'),
    import('../live/client.ts'),
    import('../live/top-state.ts'),
    import('../live/top-view.ts'),
    import('../live/group-columns.ts'),
    import('../filter/parser.ts'),
    import('../filter/predicate.ts'),
    import('../filter/print.ts'),
    import('../query/key.ts'),
    import('../query/question.ts'),
    import('../config/units.ts'),
    import('../live/protocol.ts'),
  ]);
  const [follow, client, state, view, groups, parser, predicate, print, key, question, units, protocol] = modules;
  return {
    ...follow,
    ...client,
    ...state,
    ...view,
    ...groups,
    ...parser,
    ...predicate,
    ...print,
    ...key,
    ...question,
    ...units,
    ...protocol,
  };
}

async function top(filter: string, flags: Flags, io: Io): Promise<number> {
  const [parts, filters] = await Promise.all([loadParts(), filterOptions(flags.config)]);
  const zone = zoneOf(flags);
  const canonical = (text: string): string => {
    const node = parts.parseFilter(text, { zone, ...filters });
    // Names that only queries look up are refused here, and not by the collector.
    parts.compileFilterPredicate(node);
    return parts.printFilter(node);
  };
  canonical(filter);
  parts.groupColumns(parts.parseKeys(flags.by));
  const first = parts.firstState({
    by: flags.by,
    order: parseOrder(flags.order, parts.TOP_ORDERS),
    filter,
    interval: parseInterval(flags.interval, parts),
  });
  const rows = flags.top === undefined ? undefined : (parts.parseTop(flags.top) ?? parts.MAX_TOP);
  const asked: Top = { parts, first, flags, zone, rows, canonical };
  const isScreen = flags.once !== true && io.stdout.isTTY === true && (io.stdin as { isTTY?: boolean }).isTTY === true;
  return isScreen ? await fillScreen(asked, io) : await printOnce(asked, io);
}

function parseOrder(text: string, orders: readonly TopOrder[]): TopOrder {
  const order = orders.find((one) => one === text);
  if (order !== undefined) return order;
  throw new WeirError('WEIR_USAGE', `--order ${text.slice(0, 60)}: weir top orders by ${orders.join(', ')}`);
}

function parseInterval(text: string, { parseDuration, INTERVAL }: Parts): number {
  const interval = parseDuration(text);
  if (interval !== undefined && interval >= INTERVAL.least && interval <= INTERVAL.most) return interval;
  throw new WeirError('WEIR_USAGE', `--interval ${text.slice(0, 60)} is no time from 500ms to 5m`, {
    hint: 'For example --interval 5s',
  });
}

function requestOf(
  { flags, canonical }: Top,
  { by, order, filter, interval }: TopState,
  id: number,
  rows: number,
): RequestLine {
  const raw = flags.raw === true;
  return { op: 'top', id, by: by.split(/[\s,]+/), order, filter: canonical(filter), interval, top: rows, raw };
}

/** Prints one interval as a table. */
async function printOnce(asked: Top, io: Io): Promise<number> {
  const { parts, first, flags, zone, rows = USUAL_TOP } = asked;
  const ending = new AbortController();
  const stopListening = io.onSignal(() => ending.abort());
  const request = () => requestOf(asked, first, 0, rows);
  const connected = (isThere: boolean): void => {
    if (!isThere) ending.abort();
  };
  try {
    for await (const lines of parts.follow({ data: flags.data, request, signal: ending.signal, connected })) {
      const answer = lines.map(parts.parseAnswer).find((one) => one.type === 'top');
      if (answer === undefined) continue;
      const width = io.stdout.isTTY === true ? io.stdout.columns : undefined;
      const options = { zone, plain: flags.plain === true, width };
      const table =
        answer.rows.length === 0 ? [] : parts.topTable(answer, parts.parseKeys(first.by), first.order, options);
      await write(
        io.stdout,
        [...table, ...(table.length > 0 ? [''] : []), ...parts.topSummary(answer, options), ''].join('\n'),
      );
      return EXIT.ok;
    }
    io.stderr.write(ending.signal.aborted ? 'cancelled\n' : '');
    return EXIT.failed;
  } finally {
    ending.abort();
    stopListening();
  }
}

/** Fills the screen until `q`. */
async function fillScreen(asked: Top, io: Io): Promise<number> {
  const { parts, flags, zone } = asked;
  const ending = new AbortController();
  let state = asked.first;
  let shown: Parameters<Parts['topView']>[1];
  let note: string | undefined;
  let client: LiveClient | undefined;
  let id = 0;
  const request = () => requestOf(asked, state, ++id, asked.rows ?? screen.height);
  const draw = (): void => {
    const { width, height } = screen;
    const view = parts.topView(state, shown, { zone, plain: flags.plain === true, width, height, note });
    screen.draw(view.lines, view.header);
  };
  const check: Check = (what, text) => {
    try {
      if (what === 'filter') asked.canonical(text);
      else parts.groupColumns(parts.parseKeys(text));
      return undefined;
    } catch (error) {
      return messageOf(error).split('\n')[0];
    }
  };
  const key = (pressed: PressedKey): void => {
    const before = state;
    state = parts.press(state, pressed, check);
    if (state.ended) {
      ending.abort();
      return;
    }
    const asksAnew = (['by', 'order', 'filter', 'interval'] as const).some((name) => state[name] !== before[name]);
    if (asksAnew) client?.ask(request());
    draw();
  };
  const screen = new Screen(io, { key, resize: () => (client?.ask(request()), draw()) });
  const stopListening = io.onSignal(() => ending.abort());
  const connected = (isThere: boolean): void => {
    note = isThere ? undefined : 'the collector has ended; waiting for it to start again';
    draw();
  };
  const answered = (answer: TopAnswer): void => {
    // One to what was asked before is late.
    if (state.paused || answer.id !== id) return;
    shown = { answer, keys: parts.parseKeys(answer.by.join(',')), order: state.order };
    draw();
  };
  const found = (one: LiveClient): void => {
    client = one;
    screen.open();
    draw();
  };
  try {
    const { signal } = ending;
    for await (const lines of parts.follow({ data: flags.data, request, signal, connected, client: found })) {
      for (const line of lines) {
        const answer = parts.parseAnswer(line);
        if (answer.type === 'top') answered(answer);
      }
    }
    return EXIT.ok;
  } finally {
    ending.abort();
    screen.close();
    stopListening();
  }
}
