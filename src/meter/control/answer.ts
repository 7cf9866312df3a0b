import type { CaptureCounters } from '../capture/source.ts';
import type { FlowLine } from '../flow-line.ts';
import type { MeterStatistics } from '../statistics.ts';
import type { ExportedTotals } from '../statistics-text.ts';
import type { Timeouts } from '../timeouts.ts';
import type { ControlCommand } from './commands.ts';

/** What a probe tells of itself. */
export interface ControlStatus {
  readonly capture: CaptureCounters;
  /** Undefined where packets are only sampled. */
  readonly flows: MeterStatistics | undefined;
  readonly exported: ExportedTotals | undefined;
  /** More, for programs. */
  readonly [name: string]: unknown;
}

/** A probe, as its control socket sees it. */
export interface ControlTarget {
  status(): ControlStatus;
  /** The one that began first first. Must be taken at once: the flows change. */
  dumpFlows(): Iterable<FlowLine>;
  /** How many there were; likewise `deleteAll`. */
  expireAll(): number;
  deleteAll(): number;
  readonly timeouts: Readonly<Timeouts>;
  renewTemplates(): void;
  setGathering(isGathering: boolean): void;
  /** Changes how much is said by so many steps; returns how much that is now, 0 being the least. */
  debug(change: number): number;
  /** Ends the probe, soon after the call; discarding: without exporting what is in the cache. */
  end(isDiscarding: boolean): void;
}

/** The first line of an answer. What there is besides depends on the command. */
export interface ControlAnswer {
  readonly type: 'answer';
  readonly command: ControlCommand;
  readonly pid: number;
  /** A sentence for people; softflowd's, where it has one. */
  readonly message: string;
  /** Of expire-all, delete-all and dump-flows. */
  readonly flows?: number;
  readonly timeouts?: Readonly<Timeouts>;
  readonly debug?: number;
  /** ISO 8601: since when is counted. */
  readonly since?: string;
  readonly status?: ControlStatus;
}

/** A line of an answer: the first, a flow of dump-flows, or that there is none. */
export type ControlLine =
  | ControlAnswer
  | ({ readonly type: 'flow' } & FlowLine)
  | { readonly type: 'error'; readonly code: string; readonly message: string; readonly hint?: string };

/** Flows that dump-flows tells at most: an answer waits in memory until it has been read. */
export const MOST_FLOWS = 100_000;

export interface ControlFacts {
  readonly pid: number;
  /** ms since the epoch when the probe began. */
  readonly since: number;
}

/** Does what a command says; the answer's lines. For `shutdown` and `exit` the caller ends the probe when the answer is on its way. */
export function* perform(command: ControlCommand, target: ControlTarget, facts: ControlFacts): Generator<ControlLine> {
  const answer = (message: string, more: Partial<ControlAnswer> = {}): ControlAnswer => ({
    type: 'answer',
    command,
    pid: facts.pid,
    message,
    ...more,
  });
  switch (command) {
    case 'statistics': {
      const since = new Date(facts.since).toISOString().replace(/\.\d+Z$/, '');
      yield answer(`Accumulated statistics since ${since} UTC:`, { since: `${since}Z`, status: target.status() });
      return;
    }
    case 'dump-flows': {
      const flows = target.status().flows?.activeFlows ?? 0;
      yield answer(flows > MOST_FLOWS ? `Dumping the first ${MOST_FLOWS} of ${flows} flows:` : 'Dumping flow data:', {
        flows,
      });
      let told = 0;
      for (const flow of target.dumpFlows()) {
        if (told++ >= MOST_FLOWS) return;
        yield { type: 'flow', ...flow };
      }
      return;
    }
    case 'expire-all': {
      const flows = target.expireAll();
      yield answer(`Expired ${flows} flows.`, { flows });
      return;
    }
    case 'delete-all': {
      const flows = target.deleteAll();
      yield answer(`Deleted ${flows} flows.`, { flows });
      return;
    }
    case 'timeouts':
      yield answer('Printing timeouts:', { timeouts: target.timeouts });
      return;
    case 'send-template':
      target.renewTemplates();
      yield answer('Template will be sent at next flow export');
      return;
    case 'start-gather':
      target.setGathering(true);
      yield answer('Data collection resumed.');
      return;
    case 'stop-gather':
      target.setGathering(false);
      yield answer('Data collection stopped.');
      return;
    case 'shutdown':
      yield answer('Shutting down gracefully...');
      return;
    case 'exit':
      yield answer('Exiting now...');
      return;
    case 'debug+':
      yield answer('Debug level increased.', { debug: target.debug(1) });
      return;
    case 'debug-':
      yield answer('Debug level decreased.', { debug: target.debug(-1) });
      return;
    case 'debug': {
      const debug = target.debug(0);
      yield answer(`Debug level is ${debug}.`, { debug });
      return;
    }
    default:
      command satisfies never;
  }
}
