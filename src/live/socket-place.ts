import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { TEMPORARY } from '../store/paths.ts';
import { systemCode, WeirError } from '../util/errors.ts';

/** The collector's socket in its data folder; where its path is too long for one, a file that says where the socket is. */
const NAME = 'weir.sock';
const OWNER_ONLY = 0o600;
/** Octets of `sun_path` without its final zero: 108 on Linux (unix(7)), 104 on macOS. Longer paths are cut without an error. */
const MAX_PATH = (process.platform === 'linux' ? 108 : 104) - 1;

/** Where a collector listens. */
export interface SocketPlace {
  readonly path: string;
  /** Where the socket is to be bound: in a folder that its owner alone can enter, for a new socket has the rights that the umask leaves. */
  readonly bindAt: string;
  /** To be called once it is bound: lets it be found, by its owner. */
  ready(): void;
  /** Takes away what was made for it; what is not there any more is no error. */
  remove(): void;
}

/**
 * Makes room for the socket of the collector that has the data folder. What a collector has left that was killed is taken away: the caller holds the
 * folder's lock, so nobody listens there. `mayLie` false: the folder's file system has no sockets. Throws the system's error.
 */
export function placeSocket(data: string, mayLie = true): SocketPlace {
  const inData = join(resolve(data), NAME);
  removeLeft(inData);
  if (mayLie && fits(join(resolve(data), TEMPORARY, 'weir-XXXXXX', NAME))) return placeInData(resolve(data), inData);
  const folder = mkdtempSync(join(tmpdir(), 'weir-'));
  const path = join(folder, NAME);
  try {
    writeFileSync(inData, `${path}\n`, { mode: 0o600 });
  } catch (error) {
    removeElsewhere(path);
    throw error;
  }
  return {
    path,
    bindAt: path,
    ready: () => chmodSync(path, OWNER_ONLY),
    remove: () => {
      removeElsewhere(path);
      removeQuietly(inData);
    },
  };
}

/** Bound below `tmp`, which every start empties, and renamed to its place when it has its rights. */
function placeInData(data: string, path: string): SocketPlace {
  mkdirSync(join(data, TEMPORARY), { recursive: true });
  const bindAt = join(mkdtempSync(join(data, TEMPORARY, 'weir-')), NAME);
  return {
    path,
    bindAt,
    ready: () => {
      chmodSync(bindAt, OWNER_ONLY);
      renameSync(bindAt, path);
      rmdirSync(dirname(bindAt));
    },
    remove: () => {
      removeElsewhere(bindAt);
      removeQuietly(path);
    },
  };
}

/** The path on which to reach the collector of a data folder. Throws WEIR_LIVE when there is none. */
export function findSocket(data: string): string {
  const inData = join(data, NAME);
  try {
    if (statSync(inData).isSocket()) return shortest(inData);
    return readFileSync(inData, 'utf8').trim();
  } catch (error) {
    throw unreachable(data, error);
  }
}

/** What it means that the collector of a data folder cannot be reached, and what to do. */
export function unreachable(data: string, error: unknown): WeirError {
  const code = systemCode(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new WeirError('WEIR_LIVE', `the collector on ${data} belongs to another user`, {
      hint: 'Only the user who runs it may look: sudo -u USER weir …',
      cause: error,
    });
  }
  return new WeirError('WEIR_LIVE', `no collector is running on ${data}`, {
    hint: `Start one: weir collect --data ${data}. One that runs elsewhere is named by --data; with live.enabled false it does not answer.`,
    cause: error,
  });
}

/** A file of that name that is neither a socket nor one of ours is left alone, and listening fails. */
function removeLeft(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isFile()) {
    const left = readFileSync(path, 'utf8').trim();
    if (/^weir-\w{6}$/.test(relative(tmpdir(), dirname(left)))) removeElsewhere(left);
  }
  if (stat.isSocket() || stat.isFile()) unlinkSync(path);
}

/** A socket with the folder that was made for it. */
function removeElsewhere(path: string): void {
  removeQuietly(path);
  try {
    rmdirSync(dirname(path));
  } catch {
    // Somebody was quicker, or keeps something there: it is not ours any more.
  }
}

/** What is not there, or is no file, stays as it is. */
function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Node takes a socket away itself when it is closed.
  }
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_PATH;
}

/** A socket may lie too deep for its full path and yet be near. */
function shortest(path: string): string {
  const [full, near] = [resolve(path), relative(process.cwd(), resolve(path))];
  return fits(full) ? full : near;
}
