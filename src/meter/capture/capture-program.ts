import { accessSync, constants, readFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { WeirError } from '../../util/errors.ts';

/** How packets are captured from an interface. */
export interface CaptureSettings {
  /** Packets in tcpdump's language (pcap-filter(7)); '' takes all. */
  readonly filter: string;
  /** Octets of each packet that are captured. */
  readonly snapLength: number;
  /** Octets of the kernel's buffer, in which packets wait for the capturing program. */
  readonly bufferBytes: number;
  readonly isPromiscuous: boolean;
  readonly direction: 'in' | 'out' | 'both';
  /**
   * When packets are handed over: `immediate`, each as it comes, which costs a wake-up each; `second`, at most about a second later; `full`, when the
   * capturing program has 4 KiB of them, which costs least and may take long on a quiet link.
   */
  readonly delivery: 'immediate' | 'second' | 'full';
  /** Whom tcpdump becomes once the interface is open, where it is started by root; undefined: who it was built to become. */
  readonly user: string | undefined;
}

export const DEFAULT_CAPTURE: Readonly<CaptureSettings> = {
  filter: '',
  // Ethernet, two VLAN tags, IPv6 with some extension headers, and the same again inside a tunnel, take less.
  snapLength: 256,
  bufferBytes: 32 << 20,
  isPromiscuous: true,
  direction: 'both',
  delivery: 'second',
  user: undefined,
};

/** Packets lost so far, as a capturing program tells it: since it began. */
export interface Losses {
  /** For want of room in the kernel's buffer. */
  readonly dropped: number;
  /** By the interface. */
  readonly interfaceDropped: number;
}

/** A program that captures packets and writes them to standard output as pcap. */
export interface CaptureProgram {
  readonly path: string;
  /** Lines about what went wrong begin with it. */
  readonly name: string;
  readonly args: (interfaceName: string, settings: CaptureSettings) => readonly string[];
  /** Whether it can leave out what comes in, or goes out. */
  readonly hasDirection: boolean;
  /** A line on standard error that says that packets are captured from now on. */
  readonly begun: RegExp;
  /** It tells its losses when it gets this signal; undefined: only at its end. */
  readonly lossesSignal: 'SIGUSR1' | undefined;
  /** Packets may wait in the kernel for so many ms before the program sees them, and are lost when it is ended meanwhile. */
  readonly lag: (settings: CaptureSettings) => number;
  /** Losses that a line of its standard error tells; undefined when it tells none. */
  readonly losses: (line: string) => Partial<Losses> | undefined;
}

/** The kernel hands a block of packets over when it is full, or after this time (tcpdump and dumpcap ask for about a second at most). */
const BLOCK_MILLIS = 1000;

/** The program at `path`: what is called dumpcap is dumpcap, everything else behaves as tcpdump does. */
export function captureProgram(path: string): CaptureProgram {
  return basename(path).includes('dumpcap') ? dumpcap(path) : tcpdump(path);
}

function tcpdump(path: string): CaptureProgram {
  return {
    path,
    name: basename(path),
    args: (name, { filter, snapLength, bufferBytes, isPromiscuous, direction, delivery, user }) => [
      '-n',
      `-i${name}`,
      `-s${snapLength}`,
      `-B${Math.max(1, Math.round(bufferBytes / 1024))}`,
      ...(isPromiscuous ? [] : ['-p']),
      ...(direction === 'both' ? [] : ['-Q', direction]),
      ...(delivery === 'full' ? [] : ['-U']),
      ...(delivery === 'immediate' ? ['--immediate-mode'] : []),
      ...(user === undefined ? [] : ['-Z', user]),
      '-w-',
      '--',
      ...(filter === '' ? [] : [filter]),
    ],
    hasDirection: true,
    begun: /listening on /,
    lossesSignal: 'SIGUSR1',
    lag: ({ delivery }) => (delivery === 'immediate' ? 0 : BLOCK_MILLIS),
    losses(line) {
      const dropped = /(\d+) packets? dropped by kernel/.exec(line)?.[1];
      const interfaceDropped = /(\d+) packets? dropped by interface/.exec(line)?.[1];
      if (dropped === undefined && interfaceDropped === undefined) return undefined;
      return {
        ...(dropped === undefined ? {} : { dropped: Number(dropped) }),
        ...(interfaceDropped === undefined ? {} : { interfaceDropped: Number(interfaceDropped) }),
      };
    },
  };
}

/** It hands packets over a block at a time, always. It gives its rights away by itself. */
function dumpcap(path: string): CaptureProgram {
  return {
    path,
    name: basename(path),
    args: (name, { filter, snapLength, bufferBytes, isPromiscuous }) => [
      '-q',
      '-P',
      `-i${name}`,
      `-s${snapLength}`,
      `-B${Math.max(1, Math.round(bufferBytes / (1 << 20)))}`,
      ...(isPromiscuous ? [] : ['-p']),
      // Only version 2 of the cooked header tells the interface.
      ...(name === 'any' ? ['-y', 'LINUX_SLL2'] : []),
      ...(filter === '' ? [] : ['-f', filter]),
      '-w-',
    ],
    hasDirection: false,
    begun: /^File: /,
    lossesSignal: undefined,
    lag: () => BLOCK_MILLIS,
    losses(line) {
      const found =
        /received\/dropped on interface .*\(pcap:(\d+)\/dumpcap:(\d+)\/flushed:(\d+)\/ps_ifdrop:(\d+)\)/.exec(line);
      if (found === null) return undefined;
      const [kernel = 0, own = 0, flushed = 0, interfaceDropped = 0] = found.slice(1).map(Number);
      return { dropped: kernel + own + flushed, interfaceDropped };
    },
  };
}

/**
 * The capturing program to use: `wanted`, a name or a path, or tcpdump, or else dumpcap. Names are looked for in `path` (as `$PATH`) and where
 * administrators' programs are.
 *
 * @throws WeirError WEIR_CAPTURE when it is not there
 */
export function findCaptureProgram(wanted: string | undefined, path: string | undefined): CaptureProgram {
  const folders = [
    ...(path ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/sbin',
    '/usr/bin',
    '/usr/local/bin',
  ];
  for (const name of wanted === undefined ? ['tcpdump', 'dumpcap'] : [wanted]) {
    const candidates = name.includes('/') ? [name] : folders.filter((one) => one !== '').map((one) => join(one, name));
    const found = candidates.find(isExecutable);
    if (found !== undefined) return captureProgram(found);
  }
  throw new WeirError(
    'WEIR_CAPTURE',
    wanted === undefined ? 'neither tcpdump nor dumpcap is installed' : `there is no program ${wanted}`,
    { hint: 'Packets are captured by one of them: apt-get install tcpdump.' },
  );
}

/** Users that distributions make for tcpdump, or that everybody has, the best first. */
const UNPRIVILEGED = ['tcpdump', 'pcap', '_tcpdump', 'nobody'];

/** Whom tcpdump should become: the first of them that `passwd` (the text of passwd(5)) knows. */
export function unprivilegedUser(passwd = readPasswd()): string | undefined {
  return UNPRIVILEGED.find((user) => new RegExp(`^${user}:`, 'm').test(passwd));
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch {
    return '';
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
