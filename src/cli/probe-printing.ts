import type { FlowBatch } from '../flow/batch.ts';
import { jsonPrinter } from './decode-json.ts';
import { createOutput } from './decode-output.ts';
import { textPrinter } from './decode-text.ts';
import type { Io } from './io.ts';
import type { ProbeFlags } from './probe-flags.ts';
import { zoneOf } from './zone.ts';

/** Flows on standard output. */
export interface Printing {
  /** Takes the flows of a batch. */
  readonly watch: (batch: FlowBatch) => void;
  /** Writes what has been taken; false when nobody reads any more. */
  flush(): Promise<boolean>;
}

/** What `--print` or `--ndjson` asks for; undefined without them. */
export function openPrinting(flags: ProbeFlags, io: Io): Printing | undefined {
  const { print = false, ndjson = false } = flags;
  if (!print && !ndjson) return undefined;
  // Without a listener, a reader that goes away would end the process with a stack trace; `flush` tells us.
  io.stdout.on('error', () => {});
  const output = createOutput(io.stdout);
  const printer = ndjson
    ? jsonPrinter('ndjson', false, output.add)
    : textPrinter({ zone: zoneOf(flags), long: false, width: io.stdout.columns ?? 120 }, output.add);
  return { watch: (batch) => printer.batch(batch), flush: () => output.flush() };
}
