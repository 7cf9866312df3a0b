/** The writing thread, started by `flow-store.ts`. DuckDB is loaded here and not in the main thread, so that receiving is never held up. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, WeirError } from '../util/errors.ts';
import { holdsFlows } from './catalogue.ts';
import { Duck } from './duck.ts';
import { Keeper, type Log } from './keeper.ts';
import { Ledger } from './ledger.ts';
import { backlog } from './merge-plan.ts';
import { Merger } from './merger.ts';
import type { FromWriter, ToWriter, WriterSettings, WriterStats } from './messages.ts';
import { repairFolder } from './repair.ts';
import { Writer } from './writer.ts';

const WRITER_MEMORY = 256;

async function main(settings: WriterSettings): Promise<void> {
  const { dir, rotateSeconds, segmentMillis } = settings;
  let now = settings.now;
  const log: Log = (level, fields, text) => post({ type: 'log', level, fields, text });
  const duck = new Duck({ memoryMegabytes: WRITER_MEMORY });
  await duck.open();
  const { report, state } = await repairFolder(dir, (path, kind) => duck.inspect(path, kind));
  const ledger = new Ledger(dir, () => now, state);
  await ledger.save();
  const merger = new Merger({ dir, memoryMegabytes: settings.memoryMegabytes });
  const onDone = (ids: number[]) => post({ type: 'done', ids, stats: stats() });
  const writer = new Writer({ dir, segmentMillis, rotateSeconds, ledger, duck, log, onDone });
  const keeper = new Keeper({ settings, ledger, merger, log, takeLoad: () => writer.load.take() });

  const stats = (): WriterStats => {
    const entries = ledger.entries();
    let rows = 0;
    let bytes = 0;
    let fresh = 0;
    let oldest = Number.POSITIVE_INFINITY;
    for (const entry of entries) {
      bytes += entry.bytes;
      if (!holdsFlows(entry)) continue;
      rows += entry.rows;
      if (entry.tier === 'fresh') fresh++;
      if (entry.minReceived < oldest) oldest = entry.minReceived;
    }
    const oldestMs = Number.isFinite(oldest) ? Math.floor(oldest / 1000) : undefined;
    return {
      ...writer.counts,
      ...keeper.counts,
      failing: writer.failing,
      smallRowsDropped: writer.smallRowsDropped,
      listed: { segments: entries.length, fresh, rows, bytes, oldestMs },
      backlog: backlog(entries, rotateSeconds, now / 1000),
      merging: keeper.merging,
      retired: ledger.retired.length,
    };
  };

  const handle = async (message: ToWriter): Promise<void> => {
    switch (message.type) {
      case 'batch':
        return writer.add(message.message, message.id, now);
      case 'rows':
        return writer.addRows(message.table, message.rows);
      case 'tick':
        now = message.now;
        await keeper.tick(now);
        return post({ type: 'stats', stats: stats() });
      case 'flush': {
        const error = await writer.flush().then(() => undefined, messageOf);
        return post({ type: 'flushed', id: message.id, error });
      }
      case 'close':
        await keeper.close();
        await writer.close().catch((error: unknown) => log('error', { error: messageOf(error) }, 'closing the store'));
        duck.close();
        post({ type: 'closed', stats: stats() });
        parentPort?.close();
    }
  };
  parentPort?.on('message', (message: ToWriter) => {
    handle(message).catch((error: unknown) =>
      log('error', { error: messageOf(error) }, 'keeping the data folder failed'),
    );
  });
  post({ type: 'ready', report });
}

function post(message: FromWriter): void {
  parentPort?.postMessage(message);
}

try {
  await main(workerData as WriterSettings);
} catch (error) {
  const isOurs = error instanceof WeirError;
  post({
    type: 'refused',
    code: isOurs ? error.code : 'WEIR_STORE',
    message: isOurs ? error.message : `the store could not be started: ${messageOf(error)}`,
    hint: isOurs ? error.hint : undefined,
  });
  parentPort?.close();
}
