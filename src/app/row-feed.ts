import type { CounterRow, CounterSink } from '../session/counter-row.ts';
import type { NameFact } from '../session/name-facts.ts';
import { type NameOwner, NameTable } from '../session/names.ts';
import { StateFile } from '../session/state-file.ts';
import type { FlowStore, StoreLog } from '../store/flow-store.ts';
import { messageOf } from '../util/errors.ts';

/** How often rows are handed to the store, ms: every time makes a file of each table. */
const INTERVAL = 10_000;
/** Counter rows that wait at most for the next time; a thousand switches of 48 ports send 50,000 in 20 s. */
const MAX_COUNTERS = 50_000;

/** Collects what goes to the small tables `names` and `counters` beside the flows, and hands it to the store every ten seconds. */
export class RowFeed implements CounterSink {
  readonly names = new NameTable();
  readonly #store: FlowStore;
  readonly #now: () => number;
  readonly #log: StoreLog;
  readonly #state: StateFile | undefined;
  #counters: CounterRow[] = [];
  #last = 0;
  #told = 0;
  #countersDropped = 0;

  /** Without `stateFile`, names begin anew with every start. `now` is ms since the epoch. */
  constructor(options: {
    readonly store: FlowStore;
    readonly stateFile: string | undefined;
    readonly now: () => number;
    readonly log: StoreLog;
  }) {
    const { store, stateFile, now, log } = options;
    this.#store = store;
    this.#now = now;
    this.#log = log;
    if (stateFile !== undefined) {
      this.#state = new StateFile(
        stateFile,
        () => this.names.save(),
        (error) => log.warn({ error: messageOf(error) }, 'names could not be saved or loaded'),
        INTERVAL,
      );
    }
  }

  /** Rows given up for want of room: names and counters that came faster than they are stored. */
  get dropped(): number {
    return this.names.rowsDropped + this.#countersDropped;
  }

  /** Options data told a name, or the configuration has it. */
  name(owner: NameOwner, fact: NameFact, micros: number): void {
    if (this.names.learn(owner, fact, micros)) this.#state?.changed();
  }

  counters(row: CounterRow): void {
    if (this.#counters.length < MAX_COUNTERS) this.#counters.push(row);
    else this.#countersDropped++;
  }

  /** Names that held when the last collector ended go on. The store must have been started. */
  async start(): Promise<void> {
    if (this.#state !== undefined) this.names.load(await this.#state.load());
    this.flush();
  }

  /** To be called about once a second. */
  tick(): void {
    if (this.#now() - this.#last >= INTERVAL) this.flush();
  }

  /** Hands over what there is. */
  flush(): void {
    this.#last = this.#now();
    this.#store.appendRows('names', this.names.takeRows(this.#last * 1000));
    this.#store.appendRows('counters', this.#counters);
    this.#counters = [];
    const { dropped } = this;
    if (dropped > this.#told) this.#log.warn({ rows: dropped - this.#told }, 'rows of names or counters were dropped');
    this.#told = dropped;
  }

  /** Saves and hands over the rest, before the store is closed. */
  async close(): Promise<void> {
    this.flush();
    await this.#state?.close();
  }
}
