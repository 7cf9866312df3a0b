import { WeirError } from '../util/errors.ts';
import { Connection } from './connection.ts';
import { readConntrackLine } from './conntrack-line.ts';
import { type ConntrackEnd, ConntrackProcess } from './conntrack-process.ts';
import { eventsDropped, raiseReceiveDefault } from './netlink-socket.ts';

/** Takes what conntrack(8) tells. The connection is valid during the call. */
export interface ConntrackHandler {
  event(connection: Connection): void;
  listingBegan(): void;
  listed(connection: Connection): void;
  listingEnded(isComplete: boolean): void;
}

export interface ConntrackLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
  error(fields: object, text: string): void;
}

export interface ConntrackSourceOptions {
  /** conntrack(8) and what stands before its own arguments; default `conntrack`. */
  readonly command?: readonly string[] | undefined;
  /** Octets of the buffer in which events wait; default 64 MiB. */
  readonly bufferBytes?: number | undefined;
  /** How long to wait before conntrack is started again, ms: the first time, and at most. */
  readonly backOffMillis?: readonly [first: number, most: number] | undefined;
  /** Asked while the table is read, which is as fast as this resolves; events are always read at once. */
  readonly pace?: (() => Promise<void>) | undefined;
  readonly handler: ConntrackHandler;
  readonly log: ConntrackLog;
}

export interface ConntrackCounters {
  lines: number;
  /** Lines that tell of no connection. */
  badLines: number;
  /** Times that the kernel threw events away for want of buffer. */
  overruns: number;
  /** Events that were lost then, as far as the kernel shows it. */
  eventsLost: number;
  /** Times that `conntrack -E` ended and was started again. */
  restarts: number;
  listings: number;
  /** Listings that ended before all was read. */
  listingsFailed: number;
}

/** Room for 100,000 events: the kernel clears away thousands of idle connections at once. */
const BUFFER = 64 << 20;
const BACK_OFF = [500, 30_000] as const;
/** It is bound to the kernel's events when it says so, which it does because of `-b`; or after so long, ms. */
const BOUND = /buffer size/;
const BOUND_MILLIS = 2000;
/** A run that lasted so long was a good one: the next wait is the first again, ms. */
const GOOD_MILLIS = 60_000;
/** Between listings that events were lost for, ms. */
const PAUSE = 2000;

const EVENTS = ['-E', '-e', 'NEW,DESTROY', '-o', 'timestamp,id,ktimestamp'];
const LISTING = ['-o', 'id,ktimestamp'];
const FAMILIES = ['ipv4', 'ipv6'];

/**
 * The kernel's connections by way of conntrack(8): events, and listings of the whole table. Events are asked for before the first listing, so that nothing falls
 * between. When events were lost, or conntrack ended, the table is listed again.
 */
export class ConntrackSource {
  readonly counters: ConntrackCounters = {
    lines: 0,
    badLines: 0,
    overruns: 0,
    eventsLost: 0,
    restarts: 0,
    listings: 0,
    listingsFailed: 0,
  };
  readonly #options: ConntrackSourceOptions;
  readonly #command: readonly string[];
  readonly #event = new Connection();
  readonly #entry = new Connection();
  #events: ConntrackProcess | undefined;
  #lister: ConntrackProcess | undefined;
  #listing: Promise<boolean> | undefined;
  /** Events were lost since the running listing began. */
  #isStale = false;
  #lastEnd: ConntrackEnd = { code: null, signal: null, said: '', systemCode: undefined };
  /** Of the next start of `conntrack -E`, and of the next listing. */
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #wait: number;
  /** What the kernel said of the running process. */
  #dropped = 0;
  #isClosing = false;

  constructor(options: ConntrackSourceOptions) {
    this.#options = options;
    this.#command = options.command ?? ['conntrack'];
    this.#wait = options.backOffMillis?.[0] ?? BACK_OFF[0];
  }

  /** Process number of `conntrack -E`, while it runs. */
  get pid(): number | undefined {
    return this.#events?.pid;
  }

  /**
   * Begins to read events, and reads the table once. Resolves when both are so.
   *
   * @throws WeirError WEIR_CONNTRACK when conntrack cannot be run
   */
  async start(): Promise<void> {
    const ended = await this.#follow();
    if (ended !== undefined) throw conntrackError(this.#command, ended);
    if (!(await this.list())) {
      const error = conntrackError(this.#command, this.#lastEnd);
      await this.close();
      throw error;
    }
  }

  /** Reads the whole table; false when it could not be read. One listing at a time: who asks during one waits for it. */
  list(): Promise<boolean> {
    this.#listing ??= this.#list().finally(() => {
      this.#listing = undefined;
      if (this.#isStale) this.#listSoon();
    });
    return this.#listing;
  }

  /** Looks how many events were lost. To be called every second or so. */
  tick(): void {
    const pid = this.#events?.pid;
    const dropped = pid === undefined ? undefined : eventsDropped(pid);
    if (dropped === undefined || dropped <= this.#dropped) return;
    this.counters.eventsLost += dropped - this.#dropped;
    this.#dropped = dropped;
    this.#listSoon();
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#soon);
    const running = [this.#events, this.#lister].filter((child) => child !== undefined);
    for (const child of running) child.stop();
    await Promise.all(running.map(({ ended }) => ended));
    await this.#listing;
  }

  async #list(): Promise<boolean> {
    const { handler } = this.#options;
    this.#isStale = false;
    this.counters.listings++;
    handler.listingBegan();
    let isComplete = true;
    for (const family of FAMILIES) {
      if (this.#isClosing) isComplete = false;
      if (!isComplete) break;
      this.#lister = new ConntrackProcess({
        command: [...this.#command, '-L', '-f', family, ...LISTING],
        pace: this.#options.pace,
        line: (bytes, start, end) => {
          if (this.#read(bytes, start, end, this.#entry)) handler.listed(this.#entry);
        },
      });
      this.#lastEnd = await this.#lister.ended;
      this.counters.badLines += this.#lister.lines.tooLong;
      this.#lister = undefined;
      if (this.#lastEnd.code !== 0) isComplete = false;
    }
    if (!isComplete) {
      this.counters.listingsFailed++;
      if (!this.#isClosing) this.#options.log.warn(describe(this.#lastEnd), 'conntrack -L has failed');
    }
    handler.listingEnded(isComplete);
    return isComplete;
  }

  /** Starts `conntrack -E` and waits until it is bound to the kernel. Resolves with its end when it ended before. */
  async #follow(): Promise<ConntrackEnd | undefined> {
    const { bufferBytes = BUFFER, handler } = this.#options;
    let bound: () => void = () => {};
    const isBound = new Promise<undefined>((resolve) => {
      bound = () => resolve(undefined);
    });
    // The kernel counts twice what is asked for, for what it needs itself.
    const lower = raiseReceiveDefault(bufferBytes * 2);
    const child = new ConntrackProcess({
      command: [...this.#command, ...EVENTS, '-b', String(bufferBytes)],
      line: (bytes, start, end) => {
        if (this.#read(bytes, start, end, this.#event)) handler.event(this.#event);
      },
      said: (text) => {
        if (BOUND.test(text)) bound();
      },
      overrun: () => this.#overrun(),
    });
    this.#events = child;
    const timer = setTimeout(bound, BOUND_MILLIS);
    const first = await Promise.race([isBound, child.ended]);
    clearTimeout(timer);
    lower();
    this.#dropped = 0;
    if (first !== undefined) {
      this.#events = undefined;
      return first;
    }
    const since = performance.now();
    void child.ended.then((end) => this.#ended(child, end, performance.now() - since));
    return undefined;
  }

  #ended(child: ConntrackProcess, end: ConntrackEnd, millis: number): void {
    this.counters.badLines += child.lines.tooLong;
    this.#events = undefined;
    if (this.#isClosing) return;
    if (millis > GOOD_MILLIS) this.#wait = this.#backOff[0];
    this.#options.log.warn(
      { ...describe(end), again: this.#wait },
      'conntrack -E has ended; events are lost until it runs again',
    );
    this.#followSoon();
  }

  #followSoon(): void {
    const wait = this.#wait;
    this.#wait = Math.min(wait * 2, this.#backOff[1]);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#followAgain(), wait);
  }

  async #followAgain(): Promise<void> {
    this.counters.restarts++;
    const ended = await this.#follow();
    if (this.#isClosing) {
      this.#events?.stop();
      return;
    }
    if (ended !== undefined) {
      this.#options.log.error({ ...describe(ended), again: this.#wait }, 'conntrack -E cannot be started');
      this.#followSoon();
      return;
    }
    this.#options.log.info({}, 'conntrack -E runs again; the table is read');
    // One that is under way may have read before events came again.
    await this.#listing;
    await this.list();
  }

  #overrun(): void {
    if (this.counters.overruns++ === 0)
      this.#options.log.warn(
        { bufferBytes: this.#options.bufferBytes ?? BUFFER },
        'the kernel had to throw connection events away; the table is read again. A larger buffer helps',
      );
    this.#listSoon();
  }

  /** What was lost is looked for a moment later: when events are lost, they are lost for some time. */
  #listSoon(): void {
    this.#isStale = true;
    if (this.#listing !== undefined || this.#isClosing || this.#soon !== undefined) return;
    this.#soon = setTimeout(() => {
      this.#soon = undefined;
      if (!this.#isClosing) void this.list();
    }, PAUSE);
  }

  get #backOff(): readonly [number, number] {
    return this.#options.backOffMillis ?? BACK_OFF;
  }

  #read(bytes: Uint8Array, start: number, end: number, connection: Connection): boolean {
    this.counters.lines++;
    if (readConntrackLine(bytes, start, end, connection)) return true;
    this.counters.badLines++;
    return false;
  }
}

function describe({ code, signal, said }: ConntrackEnd): object {
  return { code, signal, said: said.slice(0, 500) };
}

/** Why conntrack could not be run, with what to do about it. */
function conntrackError(command: readonly string[], { systemCode, said, code, signal }: ConntrackEnd): WeirError {
  const program = command.join(' ');
  const details = { code, signal, said };
  if (systemCode === 'ENOENT')
    return new WeirError('WEIR_CONNTRACK', `the program ${program} is not installed`, {
      hint: 'Install it: apt-get install conntrack (Debian, Ubuntu), dnf install conntrack-tools (Fedora, RHEL).',
      details,
    });
  if (/not permitted|Permission denied|root/i.test(said) || systemCode === 'EACCES')
    return new WeirError('WEIR_CONNTRACK', `${program} may not read the kernel's connections: ${lastLine(said)}`, {
      hint: 'Run as root, or with CAP_NET_ADMIN: sudo setcap cap_net_admin+ep "$(command -v conntrack)", or AmbientCapabilities=CAP_NET_ADMIN in the systemd unit.',
      details,
    });
  return new WeirError('WEIR_CONNTRACK', `${program} has ended (${signal ?? code ?? systemCode}): ${lastLine(said)}`, {
    hint: 'Try it by hand: conntrack -L and conntrack -E. The kernel module is loaded by: modprobe nf_conntrack_netlink',
    details,
  });
}

function lastLine(said: string): string {
  return said.split('\n').at(-1) ?? '';
}
