import { type Command, Option } from 'commander';
import { parseAllowList } from '../collect/allow-list.ts';
import { parseListenUrl } from '../collect/listen-url.ts';
import { UdpListener } from '../collect/udp-listener.ts';
import { type ForwardCounters, Forwarder, type ForwardTarget } from '../export/forwarder.ts';
import { WeirError } from '../util/errors.ts';
import { EXIT, type Io, write } from './io.ts';
import { createProgress, formatOption, grouped, parseTarget, timeSpan } from './sending.ts';

const EXAMPLES = `
Datagrams go on as they came, whatever is in them. Each exporter keeps a source port of its own at every target; its address is lost, since they
leave from this host. A target gets all exporters, or those that its ?from= names: addresses and prefixes, separated by commas.

Examples:
  weir forward --to udp://192.0.2.7:2055 --to udp://192.0.2.8:9995
  weir forward --listen udp://[::]:6343 --to 'udp://192.0.2.7:6343?from=10.0.0.0/8,2001:db8::1' --to udp://[2001:db8::2]:6343
`;

interface Flags {
  readonly listen: readonly string[];
  readonly to: readonly string[];
  readonly allow?: readonly string[];
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
    .option('--status-interval <span>', 'print the counters so often', timeSpan('--status-interval'))
    .addOption(formatOption(new Option('--format <format>', 'totals as lines on stderr, or as JSON on stdout')))
    .addHelpText('after', EXAMPLES)
    .action(async (flags: Partial<Flags> & Pick<Flags, 'to' | 'format'>) => {
      exit(await forward({ listen: ['udp://[::]:2055'], ...flags }, io));
    });
}

async function forward(flags: Flags, io: Io): Promise<number> {
  const forwarder = new Forwarder(flags.to.map(parseForwardTarget));
  const allowList = flags.allow === undefined ? undefined : parseAllowList(flags.allow, '--allow');
  const listeners = flags.listen.map((text) => {
    const url = parseListenUrl(text);
    if (url.scheme !== 'udp')
      throw new WeirError('WEIR_USAGE', `${text}: only UDP is forwarded`, { hint: 'For example udp://[::]:2055.' });
    return new UdpListener({ url, allowList, onDatagram: (bytes, sender) => forwarder.forward(bytes, sender) });
  });
  const progress = createProgress(io);
  let stopListening = () => {};
  const stopped = new Promise<void>((resolve) => {
    stopListening = io.onSignal((kind) => kind === 'stop' && resolve());
  });
  const lines = () => forwarder.counters().map(({ target, counters }) => `${target.text}: ${summary(counters)}`);
  try {
    await forwarder.start();
    for (const listener of listeners) await listener.start();
    for (const { url, bound } of listeners) {
      const where =
        bound === undefined
          ? url.text
          : `udp://${bound.address.includes(':') ? `[${bound.address}]` : bound.address}:${bound.port}`;
      io.stderr.write(`forwarding from ${where}\n`);
    }
    const timer = setInterval(() => {
      if (flags.statusInterval === undefined) progress.show(() => lines().join('; '));
      else io.stderr.write(`${lines().join('\n')}\n`);
    }, flags.statusInterval ?? 1000);
    await stopped;
    clearInterval(timer);
  } finally {
    progress.clear();
    stopListening();
    await Promise.all(listeners.map((listener) => listener.close()));
    await forwarder.close();
  }
  const received = listeners.reduce((sum, listener) => sum + listener.counters().datagrams, 0);
  const refused = listeners.reduce((sum, listener) => sum + listener.counters().refusedDatagrams, 0);
  const kernelDrops = listeners.reduce((sum, listener) => sum + (listener.kernelCounters()?.drops ?? 0), 0);
  if (flags.format === 'json') {
    const targets = forwarder.counters().map(({ target, counters }) => ({ target: target.text, ...counters }));
    await write(io.stdout, `${JSON.stringify({ received, refused, kernelDrops, targets })}\n`);
  } else {
    io.stderr.write(
      `received ${grouped(received)} datagrams; ${grouped(refused)} refused, ${grouped(kernelDrops)} lost in the kernel\n`,
    );
    for (const line of lines()) io.stderr.write(`${line}\n`);
  }
  const isWhole = forwarder
    .counters()
    .every(({ counters: { dropped, unopened, failed } }) => dropped + unopened + failed === 0);
  return isWhole && kernelDrops === 0 ? EXIT.ok : EXIT.failed;
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

function summary({ forwarded, filtered, dropped, unopened, refused, failed, lastError }: ForwardCounters): string {
  const parts = [`${grouped(forwarded)} forwarded`];
  const say = (count: number, what: string) => {
    if (count > 0) parts.push(`${grouped(count)} ${what}`);
  };
  say(filtered, 'of other exporters');
  say(dropped, 'dropped, since the system did not take them');
  say(unopened, 'dropped for want of a socket');
  say(refused, 'answers that nobody listens');
  say(failed, `failed (${lastError ?? 'unknown'})`);
  return parts.join(', ');
}
