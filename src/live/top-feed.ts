import { BatchView, RunCursor } from '../filter/batch-view.ts';
import { compileFilterPredicate, type FilterPredicate, type Selection } from '../filter/predicate.ts';
import type { FlowBatch } from '../flow/batch.ts';
import { RECORD_KINDS } from '../flow/codes.ts';
import { namesRecordKind } from '../query/spec.ts';
import { type GroupColumns, groupColumns } from './group-columns.ts';
import { GroupTable } from './group-table.ts';
import type { TopAnswer, TopRequest } from './protocol.ts';

/** Kinds of records that stand for traffic, as queries count them. */
const IS_TRAFFIC = Uint8Array.from({ length: 256 }, (_, code) =>
  ['flow', 'biflow', 'sample'].includes(RECORD_KINDS[code as keyof typeof RECORD_KINDS]) ? 1 : 0,
);

/** Sums up the flows of each interval for one `weir top`. */
export class TopFeed {
  readonly #request: TopRequest;
  readonly #predicate: FilterPredicate;
  readonly #groups: GroupColumns;
  readonly #table: GroupTable;
  readonly #view = new BatchView();
  readonly #cursor = new RunCursor();
  readonly #anyKind: boolean;
  #bytes = new Float64Array(0);
  #packets = new Float64Array(0);
  /** ms since the epoch. Undefined until the first tick: what is handed over before it came before anybody asked. */
  #begun: number | undefined;
  #unseen = 0;

  /** `seed` is any number that who sends flows does not know. Throws WEIR_FILTER and WEIR_USAGE for what only queries can answer. */
  constructor(request: TopRequest, seed: number) {
    const { filter, by, order } = request;
    this.#request = request;
    this.#predicate = compileFilterPredicate(filter);
    this.#anyKind = namesRecordKind(filter);
    this.#groups = groupColumns(by);
    this.#table = new GroupTable({ width: this.#groups.width, order, seed });
  }

  watch(batch: FlowBatch): void {
    if (this.#begun === undefined) return;
    const selection = this.#predicate(batch);
    const { rows } = selection;
    this.#view.bind(batch);
    const count = this.#anyKind ? selection.count : this.#traffic(selection);
    if (count === 0) return;
    const selected = { rows, count };
    this.#count(selected);
    this.#groups.bind(batch, selected);
    this.#table.add(this.#groups.columns, count, { bytes: this.#bytes, packets: this.#packets });
  }

  /** So many flows went by that were not looked at. */
  unseen(flows: number): void {
    if (this.#begun !== undefined) this.#unseen += flows;
  }

  /** What there is to send at `now` (ms since the epoch), if anything, when all flows up to now have been seen. A new interval begins with it. */
  tick(now: number): TopAnswer | undefined {
    const { interval, id, by, top } = this.#request;
    if (this.#begun === undefined) {
      this.#begun = now;
      return undefined;
    }
    // Half a tick early is nearer than half a tick late.
    if (now - this.#begun < interval - 250) return undefined;
    const table = this.#table;
    const answer: TopAnswer = {
      type: 'top',
      ...(id === undefined ? {} : { id }),
      at: now,
      seconds: (now - this.#begun) / 1000,
      by: by.map(({ name }) => name),
      rows: table.largest(top, (words, at, sums) => ({ key: this.#groups.values(words, at), ...sums })),
      total: { ...table.total },
      groups: table.groups,
      pruned: table.pruned,
      unseen: this.#unseen,
    };
    table.clear();
    this.#groups.clear();
    this.#begun = now;
    this.#unseen = 0;
    return answer;
  }

  /** Moves the rows that stand for traffic to the front. Returns how many they are. */
  #traffic({ rows, count }: Selection): number {
    if (this.#view.presence('record_kind').rows === 'none') return count;
    const kinds = this.#view.array('record_kind');
    let kept = 0;
    for (let n = 0; n < count; n++) {
      const row = rows[n] as number;
      rows[kept] = row;
      kept += IS_TRAFFIC[kinds[row] as number] as number;
    }
    return kept;
  }

  /** Bytes and packets of the rows, multiplied by the sampling rate. */
  #count(selection: Selection): void {
    if (this.#bytes.length < selection.count) {
      this.#bytes = new Float64Array(this.#view.batch.capacity);
      this.#packets = new Float64Array(this.#view.batch.capacity);
    }
    this.#read('bytes', selection, this.#bytes);
    this.#read('packets', selection, this.#packets);
    if (this.#request.raw || this.#view.presence('sampling_rate').rows === 'none') return;
    const rates = this.#view.array('sampling_rate');
    for (let n = 0; n < selection.count; n++) {
      // 0 is a rate that nobody knows.
      const rate = Math.max(1, rates[selection.rows[n] as number] as number);
      this.#bytes[n] = (this.#bytes[n] as number) * rate;
      this.#packets[n] = (this.#packets[n] as number) * rate;
    }
  }

  #read(column: string, { rows, count }: Selection, to: Float64Array): void {
    const presence = this.#view.presence(column);
    if (presence.rows === 'none') {
      to.fill(0, 0, count);
      return;
    }
    const array = this.#view.array(column);
    for (let n = 0; n < count; n++) {
      const at = (rows[n] as number) * 2;
      to[n] = (array[at + 1] as number) * 4_294_967_296 + (array[at] as number);
    }
    if (presence.rows === 'all') return;
    this.#cursor.rewind(this.#view.batch);
    for (let n = 0; n < count; n++) {
      if (presence.byLayout[this.#cursor.layoutAt(rows[n] as number)] === 0) to[n] = 0;
    }
  }
}
