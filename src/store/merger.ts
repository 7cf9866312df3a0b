import { type ChildProcess, fork } from 'node:child_process';
import { messageOf } from '../util/errors.ts';
import type { MergeAnswer, MergeRequest } from './merge.ts';
import type { RollupRequest } from './rollup-sql.ts';

/** Memory beyond which the process is not used again. */
const MAX_RESIDENT = 400 << 20;
const CHILD = new URL('./merge-child.js', import.meta.url);

/**
 * Runs merges in a child process of lowest priority, one at a time. The process is started when there is work and ended by `rest`, so that its
 * memory is there only while it is needed.
 */
export class Merger {
  readonly #dir: string;
  readonly #memoryMegabytes: number;
  #child: ChildProcess | undefined;
  #closed = false;

  constructor(options: { readonly dir: string; readonly memoryMegabytes: number }) {
    this.#dir = options.dir;
    this.#memoryMegabytes = options.memoryMegabytes;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Merges, or makes a roll-up; a process that dies is an answer with an error. */
  async run(request: MergeRequest | RollupRequest): Promise<MergeAnswer> {
    if (this.#closed) return { error: 'the store is being closed', damaged: [] };
    try {
      const child = this.#child ?? (await this.#start());
      const answer = nextMessage(child);
      child.send(request);
      const result = (await answer) as MergeAnswer;
      // glibc keeps what was freed; a new process begins small again.
      if ('residentBytes' in result && result.residentBytes > MAX_RESIDENT) this.rest();
      return result;
    } catch (error) {
      this.#kill();
      return { error: messageOf(error), damaged: [] };
    }
  }

  /** Ends the process when there is nothing more to do. */
  rest(): void {
    this.#child?.disconnect();
    this.#child = undefined;
  }

  /** Ends the process at once, and starts none any more. */
  close(): void {
    this.#closed = true;
    this.#kill();
  }

  #kill(): void {
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(CHILD, [String(this.#memoryMegabytes)], {
      cwd: this.#dir,
      execArgv: [],
      env: { ...process.env, MALLOC_ARENA_MAX: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    await nextMessage(child);
    return child;
  }
}

/** The next message of the process; rejects when it ends instead. */
function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
    };
    const onMessage = (message: unknown) => {
      stop();
      resolve(message);
    };
    const onExit = (code: number | null, signal: string | null) => {
      stop();
      reject(new Error(`the merging process ended (${signal ?? `exit code ${code}`})`));
    };
    const onError = (error: Error) => {
      stop();
      reject(error);
    };
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
  });
}
