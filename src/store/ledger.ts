import { rm } from 'node:fs/promises';
import { formatCatalogue, type RetiredFile, type SegmentEntry } from './catalogue.ts';
import { replaceFile } from './durable.ts';
import { CATALOGUE, inFolder, LIVE_CATALOGUE } from './paths.ts';

/** Entries in the live catalogue, which is replaced with every segment. */
const MAX_LIVE = 64;

export interface LedgerState {
  /** Entries of the catalogue, and of the live one. */
  readonly base: readonly SegmentEntry[];
  readonly live: readonly SegmentEntry[];
  readonly retired: readonly RetiredFile[];
  readonly nextSequence: number;
}

/**
 * The writer's side of the catalogue: which segments are listed, which were taken off the list and still lie on disk. Changes are made in memory
 * and published by `save`.
 */
export class Ledger {
  readonly #dir: string;
  readonly #now: () => number;
  readonly #base = new Map<string, SegmentEntry>();
  readonly #live = new Map<string, SegmentEntry>();
  #retired: RetiredFile[];
  /** Those of `#retired` that the catalogue on disk no longer lists. */
  readonly #published = new Set<RetiredFile>();
  #nextSequence: number;
  #isBaseChanged = true;
  #isLiveChanged = true;
  #saving: Promise<void> = Promise.resolve();
  #version = 0;

  constructor(dir: string, now: () => number, state: LedgerState) {
    this.#dir = dir;
    this.#now = now;
    for (const entry of state.base) this.#base.set(entry.file, entry);
    for (const entry of state.live) this.#live.set(entry.file, entry);
    this.#retired = [...state.retired];
    this.#nextSequence = state.nextSequence;
  }

  /** Changes with every change of the list. */
  get version(): number {
    return this.#version;
  }

  get retired(): readonly RetiredFile[] {
    return this.#retired;
  }

  entries(): SegmentEntry[] {
    return [...this.#base.values(), ...this.#live.values()];
  }

  takeSequence(): number {
    return this.#nextSequence++;
  }

  /** A new segment of the slot that is being written. */
  add(entry: SegmentEntry): void {
    if (this.#live.size >= MAX_LIVE) this.seal(() => true);
    this.#live.set(entry.file, entry);
    this.#isLiveChanged = true;
    this.#version++;
  }

  /** Takes files off the list; with `merged`, which has their rows, in one step. They stay on disk until `removeRetired`. */
  replace(files: readonly string[], merged?: SegmentEntry): void {
    const at = Math.floor(this.#now());
    for (const file of files) {
      this.#drop(file);
      this.#retired.push({ file, at });
    }
    if (merged !== undefined) this.#base.set(merged.file, merged);
    this.#isBaseChanged = true;
    this.#version++;
  }

  /** Forgets a file that is gone or was set aside. */
  forget(file: string): void {
    this.#drop(file);
    this.#isBaseChanged = true;
    this.#version++;
  }

  /** Moves the entries of finished slots to the catalogue, so that the live one stays small. */
  seal(isFinished: (entry: SegmentEntry) => boolean): void {
    for (const [file, entry] of this.#live) {
      if (!isFinished(entry)) continue;
      this.#live.delete(file);
      this.#base.set(file, entry);
      this.#isBaseChanged = this.#isLiveChanged = true;
    }
  }

  /** Publishes the changes. Rejects when the disk does not take them; they are then published by the next call that succeeds. */
  save(): Promise<void> {
    const saved = this.#saving.then(() => this.#saveNow());
    this.#saving = saved.catch(() => {});
    return saved;
  }

  /** Deletes retired files that are older than `graceMs`, oldest first. Returns how many. */
  async removeRetired(graceMs: number): Promise<number> {
    // A file that the catalogue on disk still lists must stay. When that cannot be replaced (a full disk), older ones make room.
    if (this.#isBaseChanged || this.#isLiveChanged) await this.save().catch(() => {});
    const before = this.#now() - graceMs;
    const due = this.#retired.filter((file) => file.at <= before && this.#published.has(file));
    const removed = new Set<RetiredFile>();
    for (const retired of due) {
      await rm(inFolder(this.#dir, retired.file), { force: true });
      removed.add(retired);
      this.#published.delete(retired);
    }
    if (removed.size > 0) {
      this.#retired = this.#retired.filter((retired) => !removed.has(retired));
      this.#isBaseChanged = true;
    }
    return removed.size;
  }

  #drop(file: string): void {
    this.#base.delete(file);
    if (this.#live.delete(file)) this.#isLiveChanged = true;
  }

  async #saveNow(): Promise<void> {
    // Both texts are taken at one moment; the catalogue is replaced before the live one, which readers read first.
    const common = { nextSequence: this.#nextSequence, updated: Math.floor(this.#now()) };
    const base = this.#isBaseChanged
      ? formatCatalogue({ ...common, entries: [...this.#base.values()], retired: this.#retired })
      : undefined;
    const live = this.#isLiveChanged
      ? formatCatalogue({ ...common, entries: [...this.#live.values()], retired: [] })
      : undefined;
    const retired = this.#retired;
    const count = retired.length;
    this.#isBaseChanged = this.#isLiveChanged = false;
    try {
      if (base !== undefined) await replaceFile(inFolder(this.#dir, CATALOGUE), base);
    } catch (error) {
      this.#isBaseChanged = true;
      this.#isLiveChanged ||= live !== undefined;
      throw error;
    }
    try {
      if (live !== undefined) await replaceFile(inFolder(this.#dir, LIVE_CATALOGUE), live);
    } catch (error) {
      this.#isLiveChanged = true;
      throw error;
    }
    for (const file of retired.slice(0, count)) this.#published.add(file);
  }
}
