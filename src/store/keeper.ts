import { stat, statfs } from 'node:fs/promises';
import { messageOf } from '../util/errors.ts';
import { isRollup, type RollupEntry } from './catalogue.ts';
import { publish } from './durable.ts';
import { adoptIncoming } from './incoming.ts';
import type { Ledger } from './ledger.ts';
import { type PreparedJob, prepareJob } from './merge-job.ts';
import { nextJob } from './merge-plan.ts';
import type { Merger } from './merger.ts';
import type { WriterSettings } from './messages.ts';
import { inFolder, TEMPORARY } from './paths.ts';
import { setAside } from './repair.ts';
import { expiredSegments } from './retention.ts';
import type { RollupTier } from './rollup-cubes.ts';
import { OVERDUE_MS, rollupProgress } from './rollup-progress.ts';
import { isOfEndedSlot } from './slot.ts';

export type Log = (level: 'info' | 'warn' | 'error', fields: Record<string, unknown>, text: string) => void;

/** A slot's worth of small segments is merged before the slot ends. */
const CROWD = 60;
/** No merge is started while writing takes more of the time than this: on a loaded machine its large syncs would hold writing up. */
const BUSY = 0.6;
/** After a merge that failed, ms; the next failure waits twice as long, up to the limit. */
const PAUSE = 5000;
const MAX_PAUSE = 300_000;
/** How often it is looked whether roll-ups are behind, ms. */
const LOOK = 10_000;

/**
 * Keeps the folder tidy: at the end of each slot moves its entries to the catalogue and lets old data go; merges segments one job at a time, as
 * the plan says; deletes what was replaced once readers have had their time. The plan is made from the list itself, so nothing here grows.
 */
export class Keeper {
  readonly #settings: WriterSettings;
  readonly #ledger: Ledger;
  readonly #merger: Merger;
  readonly #log: Log;
  readonly #takeLoad: () => number;
  #load = 0;
  #now = 0;
  #slot = Number.NaN;
  #lookedAt = 0;
  #planned = -1;
  #pausedUntil = 0;
  #pause = PAUSE;
  #busy: ReadonlySet<string> = new Set();
  #skip = new Set<string>();
  /** Flows received until then, µs, are not counted any more: their roll-ups were given up before them. */
  #rolledUntil: Record<RollupTier, number> = { minute: 0, hour: 0 };
  /** Rows of the next merged file; less than the setting after a merge that failed. */
  #unitRows: number;
  #running: Promise<void> | undefined;
  #closed = false;
  #isAdopting = false;
  readonly counts = { merges: 0, mergeErrors: 0, rowsMerged: 0, rollups: 0, rollupsBehindMs: 0, segmentsExpired: 0 };

  /** `takeLoad` tells what part of the time since its last call was spent writing segments. */
  constructor(options: {
    settings: WriterSettings;
    ledger: Ledger;
    merger: Merger;
    log: Log;
    takeLoad: () => number;
  }) {
    this.#settings = options.settings;
    this.#ledger = options.ledger;
    this.#merger = options.merger;
    this.#unitRows = options.settings.unitRows;
    this.#log = options.log;
    this.#takeLoad = options.takeLoad;
  }

  get merging(): boolean {
    return this.#running !== undefined;
  }

  /** To be called about once a second. */
  async tick(nowMs: number): Promise<void> {
    if (this.#closed) return;
    this.#now = nowMs;
    // Half of it is of the seconds before: one slow segment is no load.
    this.#load = (this.#load + this.#takeLoad()) / 2;
    const { rotateSeconds, graceMs } = this.#settings;
    const slot = Math.floor((nowMs / 1000 - 5) / rotateSeconds);
    if (slot !== this.#slot) {
      this.#slot = slot;
      this.#planned = -1;
      this.#ledger.seal((entry) => isOfEndedSlot(entry, rotateSeconds, nowMs / 1000));
      this.#expire(nowMs);
    }
    if (nowMs - this.#lookedAt >= LOOK) this.#lookBehind(nowMs);
    await this.#ledger.removeRetired(graceMs);
    await this.#adopt();
    if (this.#running === undefined && nowMs >= this.#pausedUntil) this.#startMerge();
  }

  /** Looks how long flows have been waiting to be counted, and says when it has become long, or short again. */
  #lookBehind(nowMs: number): void {
    this.#lookedAt = nowMs;
    const { rollups, rotateSeconds } = this.#settings;
    const before = this.counts.rollupsBehindMs;
    const entries = this.#ledger.entries();
    const behind = rollups.map((tier) => rollupProgress(entries, tier, { rotateSeconds, nowMs }).behindMs);
    this.counts.rollupsBehindMs = Math.max(0, ...behind);
    const minutes = Math.floor(this.counts.rollupsBehindMs / 60_000);
    if (before <= OVERDUE_MS && this.counts.rollupsBehindMs > OVERDUE_MS)
      this.#log('warn', { minutes, load: this.#load }, 'roll-ups are behind: merging does not follow what is received');
    if (before > OVERDUE_MS && this.counts.rollupsBehindMs <= OVERDUE_MS)
      this.#log('info', {}, 'roll-ups are no longer behind');
  }

  /** Takes over what an import has made ready; ticks that come meanwhile leave it alone. */
  async #adopt(): Promise<void> {
    if (this.#isAdopting) return;
    this.#isAdopting = true;
    try {
      const files = await adoptIncoming(this.#settings.dir, this.#ledger);
      if (files > 0) this.#log('info', { files }, 'took over imported flows');
    } finally {
      this.#isAdopting = false;
    }
  }

  /** Stops; a merge that is under way is given up. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#merger.close();
    await this.#running;
  }

  #expire(nowMs: number): void {
    const expired = expiredSegments(this.#ledger.entries(), this.#settings.retention, nowMs, this.#busy);
    if (expired.length === 0) return;
    for (const entry of expired) if (isRollup(entry)) this.#given(entry);
    this.#ledger.replace(expired.map(({ file }) => file));
    this.counts.segmentsExpired += expired.length;
    this.#log('info', { segments: expired.length }, 'retention: gave up the oldest segments');
  }

  #given({ tier, maxReceived }: RollupEntry): void {
    this.#rolledUntil[tier] = Math.max(this.#rolledUntil[tier], maxReceived);
  }

  #startMerge(): void {
    if (this.#load > BUSY) return;
    const { rotateSeconds } = this.#settings;
    const { version } = this.#ledger;
    // Nothing new since the last look, and no window has ended.
    if (version === this.#planned) return;
    const rules = {
      rotateSeconds,
      unitRows: this.#unitRows,
      crowd: CROWD,
      skip: this.#skip,
      rollups: this.#settings.rollups,
      rolledUntil: this.#rolledUntil,
    };
    const job = nextJob(this.#ledger.entries(), rules, this.#now / 1000);
    if (job === undefined) {
      this.#planned = version;
      this.#merger.rest();
      return;
    }
    const prepared = prepareJob(job);
    this.#busy = new Set(prepared.inputs.map(({ file }) => file));
    this.#running = this.#run(prepared)
      .then((isDone) => {
        this.#pause = isDone ? PAUSE : Math.min(this.#pause * 2, MAX_PAUSE);
        this.#pausedUntil = isDone ? 0 : this.#now + this.#pause;
      })
      .catch((error: unknown) => {
        this.#pausedUntil = this.#now + this.#pause;
        this.#log('error', { error: messageOf(error) }, 'a merge could not be finished');
      })
      .finally(() => {
        this.#busy = new Set();
        this.#running = undefined;
        if (this.#closed) return;
        this.#expire(this.#now);
        // The next one at once, while there is work.
        if (this.#pausedUntil === 0) this.#startMerge();
      });
  }

  async #run({ inputs, request, replaces, alone, fault, entry }: PreparedJob): Promise<boolean> {
    const { dir } = this.#settings;
    const files = inputs.map(({ file }) => file);
    const bytes = inputs.reduce((sum, input) => sum + input.bytes, 0);
    const { bavail, bsize } = await statfs(inFolder(dir, TEMPORARY));
    if (bavail * bsize < bytes * 1.5) {
      this.counts.mergeErrors++;
      this.#log('warn', { needed: bytes }, 'too little space to merge segments; they stay as they are for now');
      return false;
    }
    const answer = await this.#merger.run(request);
    if (this.#closed) return false;
    const rows = inputs.reduce((sum, input) => sum + input.rows, 0);
    const error = fault(answer);
    if (error !== undefined) {
      this.counts.mergeErrors++;
      this.#log('error', { error, segments: files.length }, 'merging segments failed; they stay as they are');
      if ('error' in answer) await this.#setAside(answer.damaged);
      // Too large, perhaps: smaller groups, and in the end those that fail alone are left alone.
      if (alone !== undefined) this.#skip.add(alone);
      else this.#unitRows = Math.ceil(Math.min(rows, this.#unitRows) / 2);
      return false;
    }
    const temporary = inFolder(dir, request.output);
    const made = entry(answer, (await stat(temporary)).size);
    await publish(temporary, inFolder(dir, made.file));
    this.#ledger.replace(replaces, made);
    await this.#ledger.save();
    this.#unitRows = this.#settings.unitRows;
    if (isRollup(made)) this.counts.rollups++;
    else {
      this.counts.merges++;
      this.counts.rowsMerged += rows;
    }
    return true;
  }

  async #setAside(files: readonly string[]): Promise<void> {
    for (const file of files) {
      const movedTo = await setAside(this.#settings.dir, file);
      this.#ledger.forget(file);
      this.#log('error', { file, movedTo }, 'a segment is damaged and was set aside');
    }
    if (files.length > 0) await this.#ledger.save();
  }
}
