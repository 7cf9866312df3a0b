import pino from 'pino';
import type { CollectorStatus } from '../app/status.ts';
import { statusLines } from '../app/status-text.ts';
import type { LogLevel } from '../config/collect-config.ts';
import type { StoreLog } from '../store/flow-store.ts';
import type { Io } from './io.ts';

/** What `weir collect` says while it runs: to a person on a terminal, or as JSON lines. */
export interface CollectOutput extends StoreLog {
  status(now: CollectorStatus): void;
  /** The last sentence, with the figures it is made from. */
  end(text: string, fields: object): void;
}

/** JSON lines on standard output, one event each, by pino; times are ISO 8601. */
export function jsonOutput(io: Io, level: LogLevel): CollectOutput {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    io.stdout,
  );
  return {
    info: (fields, text) => log.info(fields, text),
    warn: (fields, text) => log.warn(fields, text),
    error: (fields, text) => log.error(fields, text),
    end: (text, fields) => log.info(fields, text),
    status: ({ at: _at, store, ...status }) => {
      const { rowsStored, rowsWaiting, queueBytes, listed, failing } = store;
      log.info({ ...status, store: { rowsStored, rowsWaiting, queueBytes, listed, failing } }, 'status');
    },
  };
}

/** Sentences on standard error and a block of status lines that is redrawn in place. */
export function terminalOutput(io: Io): CollectOutput {
  const out = io.stderr;
  let drawn = 0;
  let before: CollectorStatus | undefined;
  const erase = (): void => {
    // The cursor may stand behind a ^C that the terminal has shown.
    if (drawn > 0) out.write(`\r\u001B[${drawn}A\u001B[J`);
    drawn = 0;
  };
  const say = (prefix: string, fields: object, text: string): void => {
    erase();
    const details = Object.entries(fields)
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([name, value]) => `${name} ${detail(value)}`);
    out.write(`${prefix}${text}${details.length > 0 ? ` (${details.join(', ')})` : ''}\n`);
  };
  return {
    info: (fields, text) => say('', fields, text),
    end: (text) => say('', {}, text),
    warn: (fields, text) => say('warning: ', fields, text),
    error: (fields, text) => say('error: ', fields, text),
    status: (now) => {
      erase();
      const width = out.columns ?? 100;
      const lines = statusLines(now, before);
      before = now;
      // A wrapped line would take two rows and the next redraw would leave one of them.
      out.write(lines.map((line) => `${line.length < width ? line : `${line.slice(0, width - 2)}…`}\n`).join(''));
      drawn = lines.length;
    },
  };
}

function detail(value: unknown): string {
  if (Array.isArray(value)) return value.join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
