import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { type Command, Option } from 'commander';
import { parseAllowList } from '../collect/allow-list.ts';
import { parseListenUrl } from '../collect/listen-url.ts';
import { UdpListener } from '../collect/udp-listener.ts';
import { loadAllowList } from '../config/allow.ts';
import { type LoopDeps, refuseLoops } from '../export/forward-loop.ts';
import { type ForwardCounters, Forwarder, type ForwardTarget } from '../export/forwarder.ts';
import { grouped } from '../query/output/humanize.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { EXIT, type Io, write } from './io.ts';
import { counted, createProgress, formatOption, parseTarget, timeSpan } from './sending.ts';

const EXAMPLES = `
Datagrams go on as they came, whatever is in them. Each exporter has a source port of its own at every target, but receivers see
this host's address as the exporter: to send from somebody else's address takes raw sockets, and so root, and networks that let such
packets pass. Only UDP is received. A target gets all exporters, or those that its ?from= names: addresses and prefixes, separated by commas.

Examples:
  weir forward --to udp://192.0.2.7:2055 --to udp://192.0.2.8:9995
  weir forward --listen udp://[::]:6343 --to 'udp://192.0.2.7:6343?from=10.0.0.0/8,2001:db8::1' --to udp://[2001:db8::2]:6343
  weir forward --to udp://192.0.2.7:2055 --allow 10.0.0.0/8            refuse all other senders
  weir forward --to udp://192.0.2.7:2055 --format json --status-interval 10s     counters as JSON, an object a line

Stop it with Ctrl-C or SIGTERM: what has arrived is sent first. SIGHUP reads --allow-file again. It ends with 0, or with 1 when datagrams
could not be sent or the kernel dropped some. See also: docs/forward.md
`;

interface Flags {
  readonly listen: readonly string[];
  readonly to: readonly string[];
  readonly allow?: readonly string[];
  readonly allowFile?: string;
  readonly statusInterval?: number;
  readonly format: 'text' | 'json';
}

/** Adds the flags of `weir forward` and its action. */
export function build(command: Command, io: Io, exit: (code: number) => void): void {
  const list = (text: string, before: readonly string[] | undefined) => [...(before ?? []), text];
  command
    .requiredOption('--to <target>', 'where to: udp://HOST:PORT[?from=PREFIX,…]; may be repeated', list)
    .option('--listen <url>', 'where to receive; may be repeated (default: udp://[::]:2055)', list)
    .option('--allow <entry>', 'take datagrams of this address or prefix only; may be repeated', list)
    .option('--allow-file <file>', 'a file with such entries, one a line; counts together with --allow')
    .option(
      '--status-interval <span>',
      'print the counters so often; without it, a terminal has them in one line that is redrawn',
      timeSpan('--status-interval'),
    )
    .addOption(formatOption(new Option('--format <format>', 'counters as lines on stderr, or as JSON on stdout')))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Partial<Flags> & Pick<Flags, 'to' | 'format'>) => {
      exit(await forward({ listen: ['udp://[::]:2055'], ...flags }, io));
    });
}

async function forward(flags: Flags, io: Io): Promise<number> {
  const targets = flags.to.map(parseForwardTarget);
  const forwarder = new Forwarder(targets);
  const allow = {
    entries: (flags.allow ?? []).map((text, index) => ({ text, line: index + 1 })),
    file: flags.allowFile,
  };
  const allowList = await loadAllowList(allow, '--allow');
  const listeners = flags.listen.map((text) => {
    const url = parseListenUrl(text);
    if (url.scheme !== 'udp')
      throw new WeirError('WEIR_USAGE', `${text}: only UDP is forwarded`, { hint: 'For example udp://[::]:2055.' });
    return new UdpListener({ url, allowList, onDatagram: (bytes, sender) => forwarder.forward(bytes, sender) });
  });
  await refuseLoops(
    targets,
    listeners.map(({ url }) => url),
    THIS_HOST,
  );
  const progress = createProgress(io);
  let stopListening = () => {};
  const stopped = new Promise<void>((resolve) => {
    stopListening = io.onSignal((kind) => {
      if (kind === 'stop') resolve();
      else void reload(listeners, allow, io);
    });
  });
  const report = async () => {
    const totals = readTotals(listeners, forwarder);
    if (flags.format === 'json') await write(io.stdout, `${JSON.stringify(totals)}\n`);
    else io.stderr.write(`${totalsText(totals)}\n${targetLines(forwarder).join('\n')}\n`);
  };
  try {
    await forwarder.start();
    for (const listener of listeners) await listener.start();
    for (const { url, bound, bufferWarning } of listeners) {
      const host = bound?.address.includes(':') === true ? `[${bound.address}]` : bound?.address;
      io.stderr.write(`forwarding from ${bound === undefined ? url.text : `udp://${host}:${bound.port}`}\n`);
      if (bufferWarning !== undefined) io.stderr.write(`warning: ${bufferWarning}\n`);
    }
    const timer = setInterval(() => {
      if (flags.statusInterval === undefined) progress.show(() => targetLines(forwarder).join('; '));
      else void report();
    }, flags.statusInterval ?? 1000);
    await stopped;
    clearInterval(timer);
  } finally {
    progress.clear();
    // Listeners first: what they still read is forwarded. Also when a start failed, since open sockets would keep the process.
    await Promise.all(listeners.map((listener) => listener.close()));
    await forwarder.close();
    // Last, so that a second Ctrl-C does not end the process in the middle.
    stopListening();
  }
  await report();
  const { kernelDrops } = readTotals(listeners, forwarder);
  const isWhole = forwarder.counters().every(({ counters }) => counters.dropped + counters.failed === 0);
  return isWhole && kernelDrops === 0 ? EXIT.ok : EXIT.failed;
}

const THIS_HOST: LoopDeps = {
  lookup: async (host) => (await lookup(host, { all: true })).map(({ address }) => address),
  interfaces: () => Object.values(networkInterfaces()).flatMap((list = []) => list.map(({ address }) => address)),
};

/** SIGHUP: the allow-list is read again; one that cannot be used leaves the old one in place. */
async function reload(
  listeners: readonly UdpListener[],
  allow: Parameters<typeof loadAllowList>[0],
  io: Io,
): Promise<void> {
  try {
    const list = await loadAllowList(allow, '--allow');
    for (const listener of listeners) listener.setAllowList(list);
    io.stderr.write(list === undefined ? 'no allow-list: everyone may send\n' : 'allow-list reloaded\n');
  } catch (error) {
    io.stderr.write(`error: the allow-list was not reloaded; the old one stays: ${messageOf(error)}\n`);
  }
}

/** All counters as they are now. */
interface Totals {
  readonly received: number;
  /** Datagrams of senders that are not on the allow-list. */
  readonly refused: number;
  readonly kernelDrops: number;
  readonly targets: readonly (ForwardCounters & { readonly target: string })[];
}

function readTotals(listeners: readonly UdpListener[], forwarder: Forwarder): Totals {
  const sum = (pick: (listener: UdpListener) => number) =>
    listeners.reduce((total, listener) => total + pick(listener), 0);
  return {
    received: sum((listener) => listener.counters().datagrams),
    refused: sum((listener) => listener.counters().refusedDatagrams),
    kernelDrops: sum((listener) => listener.kernelCounters()?.drops ?? 0),
    targets: forwarder.counters().map(({ target, counters }) => ({ target: target.text, ...counters })),
  };
}

function totalsText({ received, refused, kernelDrops }: Totals): string {
  return `received ${counted(received, 'datagram')}; ${grouped(refused)} refused, ${grouped(kernelDrops)} lost in the kernel`;
}

function targetLines(forwarder: Forwarder): string[] {
  return forwarder.counters().map(({ target, counters }) => `${target.text}: ${summary(counters)}`);
}

/** Reads `udp://HOST:PORT?from=10.0.0.0/8,192.0.2.1`. Throws WEIR_USAGE or WEIR_ALLOW_LIST. */
function parseForwardTarget(text: string): ForwardTarget {
  const [url = '', query] = text.split('?', 2);
  const from = query === undefined ? undefined : /^from=(.+)$/.exec(query)?.[1];
  if (query !== undefined && from === undefined) {
    throw new WeirError('WEIR_USAGE', `${JSON.stringify(text)}: after the question mark comes from=`, {
      hint: 'For example udp://192.0.2.7:2055?from=10.0.0.0/8,192.0.2.1',
    });
  }
  const exporters = from === undefined ? undefined : parseAllowList(from.split(','), `--to ${text}`);
  return { text, ...parseTarget(url), exporters };
}

function summary({ forwarded, shared, filtered, dropped, refused, failed, lastError }: ForwardCounters): string {
  const parts = [`${grouped(forwarded)} forwarded`];
  const say = (count: number, what: string) => {
    if (count > 0) parts.push(`${grouped(count)} ${what}`);
  };
  say(shared, 'of them from the shared port');
  say(filtered, 'of other exporters');
  say(dropped, 'dropped, since the system did not take them');
  say(refused, 'answers that nobody listens');
  say(failed, `failed (${lastError ?? 'unknown'})`);
  return parts.join(', ');
}
