import { type Command, Option } from 'commander';
import { loadElements } from '../config/elements.ts';
import { FlowBatch } from '../flow/batch.ts';
import { MessageDecoder } from '../session/message-decoder.ts';
import { WeirError } from '../util/errors.ts';
import { createSources, readExporter } from './datagram-sources.ts';
import { openDatagrams } from './datagrams.ts';
import { counterHappenings, type Happening, happenings } from './decode-events.ts';
import { jsonPrinter, type Printer } from './decode-json.ts';
import { createOutput } from './decode-output.ts';
import { createTally } from './decode-summary.ts';
import { textPrinter } from './decode-text.ts';
import { EXIT, type Io } from './io.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
FILE is pcap, pcapng, an IPFIX file (RFC 5655, as YAF writes it) or hex text, plain or gzipped, or - for standard input.
NetFlow v1, v5 to v9, IPFIX and sFlow v2, v4 and v5 are recognised on every port. Flow records go to standard output; at the end standard error says
how many there were, what could not be decoded and why, and which templates never came. Damaged datagrams are counted and
do not make the command fail.

Examples:
  weir decode export.pcap                         a line per flow record
  weir decode export.pcap --long --all            every field, with templates and options data
  weir decode export.pcap.gz --format ndjson | jq 'select(.dst_port == 443)'
  tcpdump -w - udp port 2055 | weir decode -      what routers send, as it comes
  echo "0005 0001 …" | weir decode - --exporter 192.0.2.1
`;

interface Flags extends ZoneFlags {
  readonly format: 'text' | 'ndjson' | 'json';
  readonly all?: boolean;
  readonly long?: boolean;
  readonly port?: string;
  readonly exporter?: string;
  readonly elements: readonly string[];
  readonly quiet?: boolean;
}

/** Adds the flags of `weir decode` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  addZone(command, 'zone of times in text (JSON is always in UTC)')
    .argument('<file>', 'capture, IPFIX file or hex text of export datagrams, or -')
    .addOption(
      new Option('--format <format>', 'lines for people, a JSON object a line, or one JSON array')
        .choices(['text', 'ndjson', 'json'])
        .default('text'),
    )
    .option('--all', 'templates, options data, withdrawals and sFlow counters too; JSON objects then have a "kind"')
    .option('--long', 'all fields of each record (text)')
    .option('--port <n>', 'only datagrams sent to this UDP port')
    .option('--exporter <address>', 'who sent the messages of an IPFIX file or of hex text (default: 0.0.0.0)')
    .option('--elements <file>', 'a file with information elements of your own (repeatable)', more, [])
    .option('-q, --quiet', 'nothing on standard error at the end')
    .addHelpText('after', EXAMPLES)
    .action(async (file: string, flags: Flags) => {
      exit(await decode(file, flags, io));
    });
}

/** Rows that are gathered before they are printed. */
const ROWS = 4_096;
/** Octets that wait before they are written. */
const ENOUGH = 192 * 1024;

async function decode(file: string, flags: Flags, io: Io): Promise<number> {
  const exporter = readExporter(flags.exporter);
  const port = readPort(flags.port);
  const registry = loadElements(flags.elements);
  const source = await openDatagrams(file, io.stdin);
  if (exporter !== undefined && (source.format === 'pcap' || source.format === 'pcapng')) {
    throw new WeirError('WEIR_USAGE', `--exporter is for hex text and IPFIX files, and ${file} is ${source.format}.`, {
      hint: 'Leave it out: the capture says who sent each datagram.',
    });
  }

  const output = createOutput(io.stdout);
  const printer: Printer =
    flags.format === 'text'
      ? textPrinter({ zone: zoneOf(flags), long: flags.long === true, width: io.stdout.columns ?? 120 }, output.add)
      : jsonPrinter(flags.format, flags.all === true, output.add);
  const events: Happening[] = [];
  const batches: FlowBatch[] = [];
  const tally = createTally();
  const decoder = new MessageDecoder({
    registry,
    sink: { batch: () => batchWithRoom(batches) },
    ...(flags.all === true ? { observer: happenings(registry, events), counters: counterHappenings(events) } : {}),
    onForget: (domain) => tally.add(domain),
  });

  /** Prints what has been gathered; false when nobody reads any more. */
  const print = async (): Promise<boolean> => {
    for (const event of events.splice(0)) printer.event(event);
    for (const batch of batches) {
      printer.batch(batch);
      batch.clear();
      // A large release of held sets is many batches.
      if (output.waiting > ENOUGH && !(await output.flush())) return false;
    }
    batches.length = Math.min(batches.length, 1);
    return true;
  };

  // Without a listener, a reader that goes away would end the process with a stack trace; `write` tells us.
  io.stdout.on('error', () => {});
  let isStopped = false;
  const stopListening = io.onSignal((kind) => {
    isStopped ||= kind === 'stop';
  });
  let isRead = true;
  const sourceOf = createSources(exporter);
  try {
    for await (const datagrams of source.batches) {
      for (const datagram of datagrams) {
        if (port !== undefined && datagram.destinationPort !== port) continue;
        tally.datagrams++;
        // Hex text, and captures that hold no times: the datagrams are taken to arrive now.
        const received = datagram.time > 0 ? datagram.time : io.now() * 1000;
        decoder.decode(datagram.payload, sourceOf(datagram), received);
        const isDue = flags.all === true || batches.length > 1 || (batches[0]?.rows ?? 0) > ROWS / 2;
        if (isDue) isRead = await print();
        if (!isRead || isStopped) break;
      }
      // What comes slowly, over a pipe, is shown at once.
      if (isRead && file === '-') isRead = (await print()) && (await output.flush());
      if (!isRead || isStopped) break;
    }
  } finally {
    stopListening();
  }
  if (isRead && (await print())) {
    printer.end();
    isRead = await output.flush();
  }
  if (flags.quiet !== true && isRead) {
    for (const domain of decoder.domains) tally.add(domain);
    io.stderr.write(tally.text({ notes: source.notes(), awaited: decoder.awaited(), all: flags.all === true }));
  }
  return EXIT.ok;
}

/** The batch to write into; another is begun when the last is full. */
function batchWithRoom(batches: FlowBatch[]): FlowBatch {
  const last = batches.at(-1);
  if (last?.hasRoom(1) === true) return last;
  const next = new FlowBatch(ROWS);
  batches.push(next);
  return next;
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw new WeirError('WEIR_USAGE', `--port ${text}: expected a UDP port from 1 to 65535.`, {
    hint: 'The port that exporters send to: 2055, 4739, 9995.',
  });
}

function more(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
