import { compileFilterPredicate, type FilterPredicate, type Selection } from '../filter/predicate.ts';
import type { FlowBatch } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { recordWriter } from '../flow/record-json.ts';
import type { TailRequest } from './protocol.ts';

/** Where the flows of a `tail` go. */
export interface TailSink {
  /** Takes `flows` lines, or drops and counts them. */
  flows(text: string, flows: number): void;
  /** Of so many flows that matched so many are sent. */
  sampled(matched: number, sent: number): void;
}

/** Flows that are handed on in one go: what is dropped for a slow reader is dropped by so many. */
const CHUNK = 250;
/** A second's worth may come at once, after a pause or in a batch that took long to fill. */
const BURST_SECONDS = 1;

/** Chooses and writes the flows for one `weir tail`. Of more than `rate` a second it takes some, evenly. */
export class TailFeed {
  readonly #request: TailRequest;
  readonly #predicate: FilterPredicate;
  readonly #start: string;
  readonly #layouts = new WeakMap<Layout, Layout>();
  #credit: number;
  #last: number;

  /** `now` is ms since the epoch. Throws WEIR_FILTER for what only queries can answer. */
  constructor(request: TailRequest, { now }: { readonly now: number }) {
    this.#request = request;
    this.#predicate = compileFilterPredicate(request.filter);
    this.#start = `{"type":"flow",${request.id === undefined ? '' : `"id":${JSON.stringify(request.id)},`}"flow":`;
    this.#credit = request.rate * BURST_SECONDS;
    this.#last = now;
  }

  watch(batch: FlowBatch, now: number, sink: TailSink): void {
    const { rate } = this.#request;
    this.#credit = Math.min(rate * BURST_SECONDS, this.#credit + (Math.max(0, now - this.#last) / 1000) * rate);
    this.#last = now;
    const selection = this.#predicate(batch);
    const { count } = selection;
    const sent = Math.min(count, Math.floor(this.#credit));
    this.#credit -= sent;
    this.#write(batch, selection, sent, sink);
    if (sent < count) sink.sampled(count, sent);
  }

  /** Writes `sent` of the rows, as far apart as can be. */
  #write(batch: FlowBatch, { rows, count }: Selection, sent: number, sink: TailSink): void {
    const { runs, layouts } = batch;
    let run = -2;
    let end = 0;
    let write: (row: number) => string = () => '';
    let text = '';
    let lines = 0;
    for (let n = 0; n < sent; n++) {
      const row = rows[Math.floor((n * count) / sent)] as number;
      while (row >= end) {
        run += 2;
        end = runs[run + 2] ?? Number.POSITIVE_INFINITY;
        // Runs may be short and many: a writer is made for those with rows in question only.
        if (row < end) write = recordWriter(batch, this.#chosen(layouts[runs[run + 1] as number] as Layout), '');
      }
      text += `${this.#start}${write(row)}}\n`;
      if (++lines < CHUNK && n < sent - 1) continue;
      sink.flows(text, lines);
      text = '';
      lines = 0;
    }
  }

  /** A layout with the columns that were asked for. */
  #chosen(layout: Layout): Layout {
    const { columns } = this.#request;
    if (columns === undefined) return layout;
    let chosen = this.#layouts.get(layout);
    if (chosen === undefined) {
      chosen = { ...layout, columns: columns.filter((column) => layout.columns.includes(column)) };
      this.#layouts.set(layout, chosen);
    }
    return chosen;
  }
}
