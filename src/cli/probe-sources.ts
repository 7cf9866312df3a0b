import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { DEFAULT_CAPTURE, findCaptureProgram, unprivilegedUser } from '../meter/capture/capture-program.ts';
import { FileSource } from '../meter/capture/file-source.ts';
import { filterCapture } from '../meter/capture/filter-capture.ts';
import type { LiveLog } from '../meter/capture/interface-capture.ts';
import { parseInterface } from '../meter/capture/interface-name.ts';
import { LiveSource } from '../meter/capture/live-source.ts';
import { NAMES_SNAP_LENGTH } from '../meter/names/name-kinds.ts';
import { WeirError } from '../util/errors.ts';
import type { Io } from './io.ts';
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

/** The interfaces of `-i`. Throws WEIR_USAGE for what is no name of one, WEIR_CAPTURE where no capturing program is there. */
export function liveSource(flags: ProbeFlags, filter: string, { env }: Io, log: LiveLog): LiveSource {
  const { interface: names = [], captureLength, bufferSize, promiscuous, direction, delivery } = flags;
  const usual =
    flags.names === undefined ? Math.max(DEFAULT_CAPTURE.snapLength, flags.headerLength) : NAMES_SNAP_LENGTH;
  const program = findCaptureProgram(flags.captureProgram, env['PATH']);
  if (direction !== 'both' && !program.hasDirection)
    throw new WeirError('WEIR_USAGE', `${program.name} cannot capture one direction only.`, {
      hint: 'Leave --direction out, or install tcpdump.',
    });
  return new LiveSource({
    interfaces: names.map(parseInterface),
    program,
    settings: {
      filter,
      snapLength: captureLength ?? usual,
      bufferBytes: bufferSize ?? DEFAULT_CAPTURE.bufferBytes,
      isPromiscuous: promiscuous,
      direction,
      delivery,
      user: flags.captureUser ?? (process.getuid?.() === 0 ? unprivilegedUser() : undefined),
    },
    log,
    clock: () => performance.now(),
  });
}
