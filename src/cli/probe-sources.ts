import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { FileSource } from '../meter/capture/file-source.ts';
import { filterCapture } from '../meter/capture/filter-capture.ts';
import type { ProbeFlags } from './probe-flags.ts';

/** Octets of all files together; undefined when that is not known, as of standard input. */
export async function sizeOf(files: readonly string[]): Promise<number | undefined> {
  let sum = 0;
  for (const file of files) {
    const found = file === '-' ? undefined : await stat(file).catch(() => undefined);
    if (found?.isFile() !== true) return undefined;
    sum += found.size;
  }
  return sum;
}

/** The captures of `-r`; `ready` is asked between two pieces of a file. */
export function fileSource(
  paths: readonly string[],
  { speed }: ProbeFlags,
  filter: string,
  stdin: Readable,
  ready: () => Promise<void>,
): FileSource {
  const transform = filter === '' ? undefined : (content: AsyncIterable<Uint8Array>) => filterCapture(content, filter);
  return new FileSource({ paths, stdin, speed, ready, transform });
}
