import type { ElementRegistry } from '../elements/registry.ts';
import { type DatagramSource, MessageDecoder } from '../session/message-decoder.ts';
import { QualityLedger } from '../session/quality.ts';
import type { QualityRow } from '../session/quality-row.ts';
import type { ImportTarget } from '../store/import.ts';
import { ImportFeed } from './import-feed.ts';
import { RowFeed } from './row-feed.ts';

/** An export datagram as a capture has it. */
export interface ImportedDatagram {
  readonly payload: Uint8Array;
  /** The same object for the same sender. */
  readonly source: DatagramSource;
  /** When it was captured, µs since the epoch. */
  readonly micros: number;
}

export interface DatagramImport {
  readonly datagrams: number;
  readonly records: number;
  /** Records and sets that could not be decoded, by cause; sets whose template never came are `held_expired`. */
  readonly faults: Readonly<Record<string, number>>;
}

const MINUTE = 60_000;
/** Rows of `quality` that are written together: each time makes a file. */
const QUALITY_ROWS = 5000;
const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

/**
 * Stores the flows of export datagrams as a collector would have that received them at their times: flows, names, counters, and the accounts of each
 * minute. Datagrams come in chunks, in the order of the file.
 */
export async function importDatagrams(
  target: ImportTarget,
  registry: ElementRegistry,
  chunks: AsyncIterable<readonly ImportedDatagram[]>,
): Promise<DatagramImport> {
  let micros = 0;
  let minute = 0;
  const now = () => Math.floor(micros / 1000);
  const feed = new ImportFeed(target);
  const rows = new RowFeed({ store: target.store, stateFile: undefined, now, log: SILENT });
  const ledger = new QualityLedger();
  const faults: Record<string, number> = {};
  const totals = { datagrams: 0, records: 0 };
  let waiting: QualityRow[] = [];
  const count = (row: QualityRow | undefined): void => {
    if (row === undefined) return;
    waiting.push(row);
    totals.records += row.records;
    for (const [cause, number] of Object.entries(row.undecodable)) faults[cause] = (faults[cause] ?? 0) + number;
    if (row.sets_dropped > 0) faults['sets_dropped'] = (faults['sets_dropped'] ?? 0) + row.sets_dropped;
  };
  const store = () => {
    target.store.appendRows('quality', waiting);
    waiting = [];
  };
  const decoder = new MessageDecoder({
    registry,
    sink: feed,
    observer: { name: (domain, fact, at) => rows.name(domain, fact, at) },
    counters: rows,
    onForget: (domain) => count(ledger.take(domain, minute)),
  });
  const endMinute = () => {
    for (const domain of decoder.domains) count(ledger.take(domain, minute));
    if (waiting.length > QUALITY_ROWS) store();
  };
  for await (const chunk of chunks) {
    for (const { payload, source, micros: at } of chunk) {
      const own = Math.floor(at / 1000 / MINUTE) * MINUTE;
      if (own !== minute) {
        if (minute > 0) endMinute();
        minute = own;
      }
      micros = at;
      totals.datagrams++;
      decoder.decode(payload, source, at);
    }
    decoder.held.expire(micros);
    rows.tick();
    await feed.ready();
  }
  // What is still held waits for templates that are not in the file.
  decoder.held.expire(Number.MAX_SAFE_INTEGER);
  endMinute();
  store();
  feed.flush();
  rows.flush();
  return { ...totals, faults };
}
