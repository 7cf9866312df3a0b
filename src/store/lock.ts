import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { inFolder, LOCK } from './paths.ts';

/** Who writes to a data folder. */
export interface LockOwner {
  readonly pid: number;
  /** When the process started, in the kernel's own count: another process with the same number has another. */
  readonly started: string;
  /** The kernel and the process namespace in which `pid` means something. */
  readonly realm: string;
  readonly host: string;
  readonly since: string;
}

/** A lock whose owner cannot be looked at (another machine or container) counts as left behind when it was not refreshed for so long, ms. */
const SILENCE = 30_000;

/**
 * The one writer's claim on a data folder: a file with the process's number and start, created exclusively. That of a dead process is taken over.
 * `refresh` every few seconds tells writers on other machines and in other containers that this one lives.
 */
export class FolderLock {
  readonly #path: string;
  #held = false;

  constructor(dir: string) {
    this.#path = inFolder(dir, LOCK);
  }

  /**
   * Takes the lock. Returns the owner it was taken over from, if a dead one had left it behind.
   *
   * @throws WeirError WEIR_DATA_LOCKED when another process writes to the folder
   */
  acquire(): LockOwner | undefined {
    if (this.#create(this.#path)) return undefined;
    // Two that find the same dead lock must not remove each other's new one: only the one that creates this file may remove it.
    const turn = `${this.#path}.takeover`;
    if (ageOf(turn) > SILENCE) rmSync(turn, { force: true });
    if (!this.#create(turn)) throw this.#locked(undefined, 'another process is taking it over');
    try {
      const owner = this.#read();
      const life = this.#lifeSign(owner);
      if (life !== undefined) throw this.#locked(owner, life);
      rmSync(this.#path, { force: true });
      if (!this.#create(this.#path)) throw this.#locked(this.#read(), 'it was faster');
      return owner;
    } finally {
      rmSync(turn, { force: true });
    }
  }

  /** Who has the lock, in words (`process 7 on host, since …`), as far as it lives; changes nothing. Undefined when the lock is free or a dead one's. */
  writer(): string | undefined {
    if (!existsSync(this.#path)) return undefined;
    const owner = this.#read();
    return this.#lifeSign(owner) === undefined ? undefined : whoIs(owner);
  }

  /** Says that the owner lives. */
  refresh(): void {
    if (!this.#held) return;
    const now = new Date();
    try {
      utimesSync(this.#path, now, now);
    } catch {
      // A full or unreachable disk: the store itself reports it.
    }
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    const owner = this.#read();
    if (owner === undefined || owner.pid === process.pid) rmSync(this.#path, { force: true });
  }

  #create(path: string): boolean {
    let file: number;
    try {
      file = openSync(path, 'wx', 0o644);
    } catch (error) {
      if (systemCode(error) === 'EEXIST') return false;
      throw new WeirError('WEIR_DATA_FOLDER', `${path} cannot be created: ${messageOf(error)}`, {
        hint: 'make the data folder writable for this user, or give another with --data DIR',
        cause: error,
      });
    }
    try {
      const owner: LockOwner = {
        pid: process.pid,
        started: startOf(process.pid) ?? '',
        realm: realm(),
        host: hostname(),
        since: new Date().toISOString(),
      };
      writeSync(file, `${JSON.stringify(owner)}\n`);
    } finally {
      closeSync(file);
    }
    if (path === this.#path) this.#held = true;
    return true;
  }

  #read(): LockOwner | undefined {
    try {
      const owner = JSON.parse(readFileSync(this.#path, 'utf8')) as LockOwner;
      return typeof owner.pid === 'number' ? owner : undefined;
    } catch {
      return undefined;
    }
  }

  /** Why the owner must be taken for alive; undefined when it is dead. */
  #lifeSign(owner: LockOwner | undefined): string | undefined {
    if (owner !== undefined && owner.realm === realm()) {
      if (!isAlive(owner.pid)) return undefined;
      const started = startOf(owner.pid);
      return started !== undefined && owner.started !== '' && started !== owner.started ? undefined : 'it is running';
    }
    const age = ageOf(this.#path);
    if (age > SILENCE) return undefined;
    return `it was heard of ${Math.max(0, Math.round(age / 1000))} s ago`;
  }

  #locked(owner: LockOwner | undefined, why: string): WeirError {
    const isElsewhere = owner === undefined || owner.realm !== realm();
    return new WeirError('WEIR_DATA_LOCKED', `another writer has the data folder: ${whoIs(owner)} (${why})`, {
      hint: isElsewhere
        ? `stop that process; if it has ended without taking back its claim, try again in ${SILENCE / 1000} s, or remove ${this.#path}`
        : `stop process ${owner.pid}, or give this one a folder of its own with --data DIR`,
      details: { pid: owner?.pid, host: owner?.host, file: this.#path },
    });
  }
}

function whoIs(owner: LockOwner | undefined): string {
  return owner === undefined ? 'an unknown process' : `process ${owner.pid} on ${owner.host}, since ${owner.since}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** Start of a process in clock ticks since the machine booted; undefined where there is no /proc. */
function startOf(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything; field 22 counts from the process's number.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

function realm(): string {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
