import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { messageOf } from '../util/errors.ts';
import { LineSplitter, type TakeLine } from './line-splitter.ts';

/** Octets of its complaints that are kept. */
const KEPT = 2000;
/** What conntrack(8) says when the kernel had to throw events away; older versions end with the second. */
const OVERRUN = /ENOBUFS|No buffer space|overrun/i;

export interface ConntrackProcessOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly line: TakeLine;
  /** Asked after every piece of output: nothing more is read before it resolves. Default: everything is read as it comes. */
  readonly pace?: (() => Promise<void>) | undefined;
  /** What it says on standard error. */
  readonly said?: (text: string) => void;
  /** Events were lost for want of buffer. */
  readonly overrun?: () => void;
}

/** How a run ended: `code` 0 when all went well. */
export interface ConntrackEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last that it said on standard error; why it could not be started. */
  readonly said: string;
  /** The system's code (`ENOENT`, `EACCES`) when it could not be started. */
  readonly systemCode: string | undefined;
}

/** One run of conntrack(8). Times are printed in UTC and words in English, whatever the machine's. */
export class ConntrackProcess {
  readonly ended: Promise<ConntrackEnd>;
  readonly lines: LineSplitter;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  #said = '';

  constructor({ command, line, pace, said = () => {}, overrun = () => {} }: ConntrackProcessOptions) {
    const [program = '', ...args] = command;
    this.lines = new LineSplitter(line);
    this.#child = spawn(program, args, {
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C in a terminal is for us, who end it when all has been told.
      detached: true,
    });
    const { stdout } = this.#child;
    stdout.on('data', (chunk: Buffer) => {
      this.lines.push(chunk);
      if (pace === undefined) return;
      stdout.pause();
      void pace().then(() => stdout.resume());
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#said = `${this.#said}${text}`.slice(-KEPT);
      said(text);
      if (OVERRUN.test(text)) overrun();
    });
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error: NodeJS.ErrnoException) => {
        if (this.#child.pid === undefined)
          resolve({ code: null, signal: null, said: messageOf(error), systemCode: error.code });
      });
      // Not `exit`: its output is to be read to the end.
      this.#child.on('close', (code, signal) => {
        resolve({ code, signal, said: this.#said.trim(), systemCode: undefined });
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  stop(): void {
    this.#child.kill('SIGTERM');
  }
}
