import { messageOf, WeirError } from '../util/errors.ts';

/** One line of `weir check`. */
export interface Finding {
  /** What was looked at: `configuration`, `udp://[::]:2055`, `clock` … */
  readonly name: string;
  /** `warning`: it works, but not as well or as safely as it could. `failure`: `weir collect` would not start or not work. */
  readonly status: 'ok' | 'warning' | 'failure';
  readonly text: string;
  /** What to do, in this order: commands as they are typed, or sentences. */
  readonly fix: readonly string[];
}

export function ok(name: string, text: string): Finding {
  return { name, status: 'ok', text, fix: [] };
}

export function warning(name: string, text: string, ...fix: string[]): Finding {
  return { name, status: 'warning', text, fix };
}

export function failure(name: string, text: string, ...fix: string[]): Finding {
  return { name, status: 'failure', text, fix };
}

/** A failure in the words of the error that `weir collect` would end with. */
export function failed(name: string, error: unknown): Finding {
  const hint = error instanceof WeirError ? error.hint : undefined;
  return failure(name, messageOf(error), ...(hint === undefined ? [] : [hint]));
}

/** A command that needs the rights of root, as this user has to type it. */
export function asRoot(command: string): string {
  return process.getuid?.() === 0 ? command : `sudo ${command}`;
}

/** Exporters that are listed; the rest are counted. */
const MOST = 20;

/** The lines of a list of exporters. */
export function listed(lines: readonly string[]): string[] {
  return lines.length <= MOST ? [...lines] : [...lines.slice(0, MOST), `and ${lines.length - MOST} more`];
}

/** A question about the table `quality` of a week: its rows as texts, null as ''. */
export type Ask = (sql: string) => Promise<string[][]>;
