import { type FlowBatch, forEachRun } from '../flow/batch.ts';
import { jsonText } from '../flow/extra.ts';
import { recordWriter } from '../flow/record-json.ts';
import type { Happening } from './decode-events.ts';

/** Turns what was decoded into text and adds it to the output. */
export interface Printer {
  batch(batch: FlowBatch): void;
  event(event: Happening): void;
  /** After everything. */
  end(): void;
}

/** JSON: an object a line, or one array. With `all`, every object begins with its `kind`. */
export function jsonPrinter(format: 'ndjson' | 'json', all: boolean, add: (text: string) => void): Printer {
  const isArray = format === 'json';
  // In an array what separates stands before an entry, since no one knows which is the last.
  let before = isArray ? '[\n' : '';
  const entry = (json: string): void => {
    add(isArray ? before + json : `${json}\n`);
    before = isArray ? ',\n' : '';
  };
  return {
    batch(batch) {
      forEachRun(batch, (layout, first, end) => {
        const write = recordWriter(batch, layout, all ? '"kind":"flow"' : '');
        for (let row = first; row < end; row++) entry(write(row));
      });
    },
    event: (event) => entry(jsonText(event)),
    end() {
      if (isArray) add(before === '[\n' ? '[]\n' : '\n]\n');
    },
  };
}
