import { createReadStream } from 'node:fs';
import { open, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publish } from '../store/durable.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { type Io, write } from './io.ts';

/** Where an answer goes: standard output, or a file that has its name only when it is whole. */
export interface OutputFile {
  /** The file that is to be written by others, where it has another name until `finish`. */
  readonly path: string;
  readonly write: (part: string | Uint8Array) => Promise<boolean>;
  /** All was written. */
  readonly finish: () => Promise<void>;
  /** Nothing is to be left of it. */
  readonly discard: () => Promise<void>;
}

/**
 * Opens where an answer goes. `asked` undefined is standard output. `isBinary`: others write the file, which is not text; standard output gets it at
 * the end, unless it is a terminal. Throws WEIR_USAGE for that, and WEIR_SEND when the file cannot be written.
 */
export async function openOutput(asked: string | undefined, isBinary: boolean, io: Io): Promise<OutputFile> {
  const path = asked === undefined ? undefined : await finalPath(asked);
  if (path === undefined && isBinary && io.stdout.isTTY === true) {
    throw new WeirError('WEIR_USAGE', 'a binary file is nothing for a terminal', {
      hint: 'Name a file, or send it on: > flows.parquet',
    });
  }
  if (path === undefined && !isBinary) {
    const nothing = () => Promise.resolve();
    return { path: '', write: (part) => write(io.stdout, part), finish: nothing, discard: nothing };
  }
  const temporary = path === undefined ? await temporaryPath() : `${path}.${process.pid}.unfinished`;
  const unwritten = (error: unknown): never => {
    const message = `${path ?? temporary} cannot be written: ${messageOf(error)}`;
    throw new WeirError('WEIR_SEND', message, { cause: error });
  };
  const handle = await open(temporary, 'w').catch(unwritten);
  const discard = async () => {
    await handle.close().catch(() => {});
    await rm(temporary, { force: true });
  };
  return {
    path: temporary,
    write: async (part) => {
      await handle.writeFile(part).catch(unwritten);
      return true;
    },
    finish: async () => {
      await handle.close();
      if (path !== undefined) return publish(temporary, path).catch(unwritten);
      for await (const part of createReadStream(temporary)) if (!(await write(io.stdout, part as Buffer))) break;
      await rm(temporary, { force: true });
    },
    discard,
  };
}

/** A name that nobody can foresee, in a folder where everybody may write. `node:crypto` is loaded for this alone. */
async function temporaryPath(): Promise<string> {
  const { randomUUID } = await import('node:crypto');
  return join(tmpdir(), `weir-output-${randomUUID()}`);
}

/** The file itself where the path is a link. Throws WEIR_SEND for what is no file: to replace a device or a folder by one would be harm. */
async function finalPath(asked: string): Promise<string> {
  const path = await realpath(asked).catch(() => asked);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return path;
  throw new WeirError('WEIR_SEND', `${asked} cannot be written: it is no file`, {
    hint: 'Name a file, or leave --output out and send standard output there: > or |',
  });
}
