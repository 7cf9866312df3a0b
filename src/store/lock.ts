import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import { inFolder, LOCK, TEMPORARY } from './paths.ts';

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
    makeTemporary(this.#path);
    if (this.#create(this.#path)) return undefined;
    // Two that find the same dead lock must not remove each other's new one: only the one that creates this file may remove it.
    const turn = `${this.#path}.takeover`;
    removeDead(turn);
    if (!this.#create(turn)) throw this.#locked(undefined, 'another process is taking it over');
    try {
      const owner = readOwner(this.#path);
      const life = lifeSign(this.#path, owner);
      if (life !== undefined) throw this.#locked(owner, life);
      rmSync(this.#path, { force: true });
      if (!this.#create(this.#path)) throw this.#locked(readOwner(this.#path), 'it was faster');
      return owner;
    } finally {
      rmSync(turn, { force: true });
    }
  }

  /** Who has the lock, in words (`process 7 on host, since …`), as far as it lives; changes nothing. Undefined when the lock is free or a dead one's. */
  writer(): string | undefined {
    if (!existsSync(this.#path)) return undefined;
    const owner = readOwner(this.#path);
    return lifeSign(this.#path, owner) === undefined ? undefined : whoIs(owner);
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
    const owner = readOwner(this.#path);
    if (owner === undefined || owner.pid === process.pid) rmSync(this.#path, { force: true });
  }

  #create(path: string): boolean {
    try {
      if (!createOwned(path)) return false;
    } catch (error) {
      throw new WeirError('WEIR_DATA_FOLDER', `${path} cannot be created: ${messageOf(error)}`, {
        hint: 'make the data folder writable for this user, or give another with --data DIR',
        cause: error,
      });
    }
    if (path === this.#path) this.#held = true;
    return true;
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

/**
 * Creates a file that says who its owner is, unless there is one of that name. It has its content from the first moment, so that whenever its owner is
 * killed, others can tell that it has died.
 */
function createOwned(path: string): boolean {
  const owner: LockOwner = {
    pid: process.pid,
    started: startOf(process.pid) ?? '',
    realm: realm(),
    host: hostname(),
    since: new Date().toISOString(),
  };
  const text = `${JSON.stringify(owner)}\n`;
  // In `tmp`, which every start empties.
  const own = join(dirname(path), TEMPORARY, `${basename(path)}-${process.pid}`);
  writeFileSync(own, text, { mode: 0o644 });
  try {
    linkSync(own, path);
    return true;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'EEXIST') return false;
    // Some file systems have no links.
    return createPlain(path, text);
  } finally {
    rmSync(own, { force: true });
  }
}

function createPlain(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx', mode: 0o644 });
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** What hinders this hinders the next step, too, and is told there. */
function makeTemporary(path: string): void {
  try {
    mkdirSync(join(dirname(path), TEMPORARY), { recursive: true });
  } catch {
    // As said.
  }
}

/** Removes a file of a dead owner. It is taken aside first, for another process may have put its own there meanwhile, which is then put back. */
function removeDead(path: string): void {
  const owner = readOwner(path);
  if (!existsSync(path) || lifeSign(path, owner) !== undefined) return;
  const aside = join(dirname(path), TEMPORARY, `${basename(path)}-${process.pid}`);
  try {
    renameSync(path, aside);
    const found = readOwner(aside);
    if (found?.pid !== owner?.pid || found?.started !== owner?.started) linkSync(aside, path);
  } catch {
    // Somebody else was quicker: who may go on is seen when it is created.
  } finally {
    rmSync(aside, { force: true });
  }
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as LockOwner;
    return typeof owner.pid === 'number' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Why the owner of a file must be taken for alive; undefined when it is dead. */
function lifeSign(path: string, owner: LockOwner | undefined): string | undefined {
  if (owner !== undefined && owner.realm === realm()) {
    if (!isAlive(owner.pid)) return undefined;
    const started = startOf(owner.pid);
    return started !== undefined && owner.started !== '' && started !== owner.started ? undefined : 'it is running';
  }
  const age = ageOf(path);
  if (age > SILENCE) return undefined;
  return `it was heard of ${Math.max(0, Math.round(age / 1000))} s ago`;
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
