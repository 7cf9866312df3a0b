import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../util/errors.ts';
import { type CaptureReader, createCaptureReader } from '../../wire/pcap/capture-reader.ts';
import { createCaptureStats, type PacketHandler } from '../../wire/pcap/packet.ts';
import { openPipe } from './anonymous-pipe.ts';
import type { CaptureProgram, CaptureSettings, Losses } from './capture-program.ts';
import type { CaptureCounters } from './source.ts';

/**
 * Starts the capturing program with somebody beside it who ends it when this process is gone, however that went: it alone would notice with the next packet
 * only, which on a quiet link may be never. A line on descriptor 3 says that it has ended itself.
 */
const WATCHED = '(read -r _ <&3 || kill "$$") >/dev/null 2>&1 & exec "$@" 3<&-';

/** A pipe holds no more. */
const PIECE_BYTES = 64 << 10;
/** How long the program may take to end when it is told to, ms. */
const PATIENCE = 3000;

export interface CaptureChildOptions {
  readonly program: CaptureProgram;
  readonly interfaceName: string;
  readonly settings: CaptureSettings;
  readonly handler: PacketHandler;
  /** Counted in as they come: packets, bytes, what was lost. */
  readonly counters: CaptureCounters;
}

/** A capturing program that runs, from its start to its end. */
export class CaptureChild {
  readonly #options: CaptureChildOptions;
  readonly #stats = createCaptureStats();
  readonly #reader: CaptureReader;
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve('it was not started');
  #losses: Losses = { dropped: 0, interfaceDropped: 0 };
  /** What it said last of what went wrong. */
  #complaint: string | undefined;
  #isRunning = false;

  constructor(options: CaptureChildOptions) {
    this.#options = options;
    this.#reader = createCaptureReader(options.handler, this.#stats);
  }

  /** Settles when it has ended and its last packet has been handed on: why it ended, in its own words where it had some. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** Starts it. Resolves to undefined once packets are captured, or to why they cannot be. Throws the system's error where no program can be started at all. */
  async start(): Promise<string | undefined> {
    const { program, interfaceName, settings } = this.#options;
    const { readEnd, writeEnd } = await openPipe();
    const args = ['-c', WATCHED, 'weir', program.path, ...program.args(interfaceName, settings)];
    // Signals of a terminal are for us: we end it when it is time.
    const child = spawn('sh', args, { stdio: ['ignore', writeEnd, 'pipe', 'pipe'], detached: true });
    closeSync(writeEnd);
    this.#child = child;
    this.#isRunning = true;
    const lines = createInterface({ input: child.stderr as Readable });
    const begun = new Promise<undefined>((resolve) => {
      lines.on('line', (line) => {
        if (program.begun.test(line)) resolve(undefined);
        else this.#said(line);
      });
    });
    const heard = new Promise<void>((resolve) => void lines.once('close', resolve));
    const over = Promise.all([this.#read(readEnd), exitOf(child), heard]);
    this.#ended = over.then(([, how]) => {
      this.#isRunning = false;
      return this.#complaint ?? how;
    });
    return Promise.race([begun, this.#ended]);
  }

  /** Asks what has been lost; the counters have it soon after. */
  askLosses(): void {
    const { lossesSignal } = this.#options.program;
    if (lossesSignal !== undefined && this.#isRunning) this.#child?.kill(lossesSignal);
  }

  /** Ends it, when it has handed over what waits in the kernel. */
  async stop(): Promise<void> {
    const { program, settings } = this.#options;
    if (this.#isRunning) await Promise.race([sleep(program.lag(settings)), this.#ended]);
    if (!this.#isRunning) return;
    this.#child?.kill('SIGTERM');
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), PATIENCE);
    await this.#ended;
    clearTimeout(timer);
  }

  /** Hands the packets on that come out of the pipe, to its end. */
  #read(fd: number): Promise<void> {
    const callback = (length: number, buffer: Uint8Array): boolean => {
      this.#take(buffer.subarray(0, length));
      return true;
    };
    const options = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: Buffer.allocUnsafe(PIECE_BYTES), callback },
    };
    // `onread`, with which no memory is made for each piece, is an option of the constructor too, though only documented for `connect`.
    const pipe = new Socket(options);
    pipe.on('error', (error) => {
      this.#complaint ??= error.message;
    });
    pipe.on('end', () => pipe.destroy());
    pipe.resume();
    return new Promise((resolve) => void pipe.on('close', () => resolve()));
  }

  #take(piece: Uint8Array): void {
    const { counters } = this.#options;
    const stats = this.#stats;
    if (stats.damage !== undefined) return;
    const [packets, unusable] = [stats.packets, stats.unusable];
    try {
      this.#reader.push(piece);
    } catch (error) {
      stats.damage = messageOf(error);
    }
    counters.bytes += piece.length;
    counters.packets += stats.packets - packets;
    counters.unusable += stats.unusable - unusable;
    if (stats.damage === undefined) return;
    this.#complaint = `what it writes cannot be read: ${stats.damage}`;
    this.#child?.kill('SIGKILL');
  }

  #said(line: string): void {
    const { program, counters } = this.#options;
    const losses = program.losses(line);
    if (losses !== undefined) {
      const { dropped = this.#losses.dropped, interfaceDropped = this.#losses.interfaceDropped } = losses;
      counters.dropped += Math.max(0, dropped - this.#losses.dropped);
      counters.interfaceDropped += Math.max(0, interfaceDropped - this.#losses.interfaceDropped);
      this.#losses = { dropped, interfaceDropped };
      return;
    }
    const own = `${program.name}: `;
    if (line.startsWith(own)) this.#complaint ??= line.slice(own.length, own.length + 500);
  }
}

/** How a child ended. The one beside it is told, so that it ends too. */
function exitOf(child: ChildProcess): Promise<string> {
  const watcher = child.stdio[3] as Writable;
  watcher.on('error', () => {});
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => {
      watcher.end('\n');
      resolve(signal === null ? `it ended with exit code ${code}` : `it was ended by ${signal}`);
    });
  });
}
