import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { type LineTransport, STREAM_WAITING } from './line-sink.ts';

export interface LoggerOptions {
  /** `local6.info`. */
  readonly priority: string;
  readonly ident: string;
  /** A socket other than the system's. */
  readonly socket?: string | undefined;
  /** logger(1). */
  readonly command?: string;
}

/** ms from its end to the next start: the first time, and at most. */
const RETRY = [500, 30_000] as const;
/** A start that was not complained about for so long has worked, ms. */
const SETTLED = 200;
const KEPT = 500;

/**
 * Lines to the local syslog by way of logger(1) of util-linux, since Node has no sockets of its kind. When syslog takes nothing logger waits, and lines wait
 * before it; when logger ends it is started again.
 */
export class LoggerLines implements LineTransport {
  readonly #options: LoggerOptions;
  #child: ChildProcessByStdio<Writable, null, Readable> | undefined;
  #ended: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #wait: number = RETRY[0];
  #failed = 0;
  #lastError: string | undefined;
  #isMissing = false;
  #isClosed = false;

  constructor(options: LoggerOptions) {
    this.#options = options;
  }

  /** Throws WEIR_SEND when there is no logger. */
  async start(): Promise<void> {
    this.#spawn();
    let timer: NodeJS.Timeout | undefined;
    const settled = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SETTLED);
    });
    await Promise.race([this.#ended, settled]);
    clearTimeout(timer);
    if (!this.#isMissing) return;
    await this.close();
    throw new WeirError('WEIR_SEND', `The program ${this.#program} is not installed; it passes lines to syslog.`, {
      hint: 'Install it: apt-get install bsdutils (Debian, Ubuntu), dnf install util-linux. Or send to syslog over UDP: udp://127.0.0.1.',
    });
  }

  get isOpen(): boolean {
    return this.#child !== undefined;
  }

  get takesMore(): boolean {
    return this.#child !== undefined && this.#child.stdin.writableLength < STREAM_WAITING;
  }

  send(line: string): void {
    this.#child?.stdin.write(`${line}\n`, (error) => {
      if (error !== null && error !== undefined) this.#failed++;
    });
  }

  counters() {
    return { failed: this.#failed, lastError: this.#lastError };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.stdin.end();
    // One whose syslog takes nothing would wait for ever.
    const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
    await this.#ended;
    clearTimeout(timer);
  }

  get #program(): string {
    return this.#options.command ?? 'logger';
  }

  #spawn(): void {
    const { priority, ident, socket } = this.#options;
    // Without socket-errors it would be silent where no syslog listens.
    const args = ['--socket-errors=on', '--priority', priority, '--tag', ident];
    if (socket !== undefined) args.push('--socket', socket);
    // Ctrl-C is for us: it ends with its input.
    const child = spawn(this.#program, args, { stdio: ['pipe', 'ignore', 'pipe'], detached: true });
    this.#child = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-KEPT);
      this.#lastError = said.trim();
    });
    // What was on the way when it ended fails with EPIPE, and is counted by `send`.
    child.stdin.on('error', () => {});
    const began = performance.now();
    this.#ended = new Promise((resolve) => {
      const end = (error?: unknown) => {
        if (error !== undefined) {
          this.#lastError = messageOf(error);
          this.#isMissing = systemCode(error) === 'ENOENT';
        }
        if (this.#child === child) this.#again(performance.now() - began);
        resolve();
      };
      child.once('error', end).once('close', () => end());
    });
  }

  #again(millis: number): void {
    this.#child = undefined;
    if (this.#isClosed) return;
    if (millis > RETRY[1]) this.#wait = RETRY[0];
    this.#timer = setTimeout(() => this.#spawn(), this.#wait);
    this.#timer.unref();
    this.#wait = Math.min(this.#wait * 2, RETRY[1]);
  }
}
