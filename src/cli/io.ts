import type { Readable, Writable } from 'node:stream';

/** What a command may touch of the process it runs in; handed in so that commands can be run and looked at by tests. */
export interface Io {
  readonly stdin: Readable;
  readonly stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  readonly stderr: Writable & { isTTY?: boolean; columns?: number };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Calls back on SIGINT/SIGTERM (`stop`) and SIGHUP (`reload`); returns a function that stops listening. */
  readonly onSignal: (listener: (kind: 'stop' | 'reload') => void) => () => void;
}

/** Exit codes of every command: 0 done, 1 it failed, 2 it was called wrongly (flags, configuration, filter). */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Whether text on a stream may have colour: on a terminal that knows it, unless somebody does not want it (no-color.org). */
export function hasColour(stream: { readonly isTTY?: boolean }, env: Io['env']): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** Writes and waits until the stream wants more: a pipe into `less` must not fill memory. Resolves false once the reader has gone (EPIPE). */
export function write(stream: Writable, text: string | Uint8Array): Promise<boolean> {
  if (stream.destroyed || stream.writableEnded) return Promise.resolve(false);
  if (stream.write(text)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const done = (ok: boolean) => () => {
      stream.off('drain', onDrain).off('error', onGone).off('close', onGone);
      resolve(ok);
    };
    const onDrain = done(true);
    const onGone = done(false);
    stream.once('drain', onDrain).once('error', onGone).once('close', onGone);
  });
}
