import type { Option } from 'commander';
import { nobodyListens, type SendCounters } from '../export/udp-sender.ts';
import { grouped } from '../query/output/humanize.ts';
import { WeirError } from '../util/errors.ts';
import type { Io } from './io.ts';

/** What `generate` and `replay` have in common: where to send, numbers with a unit, and telling how it goes. */

export interface Target {
  readonly host: string;
  readonly port: number;
}

export const DEFAULT_TARGET = 'udp://127.0.0.1:2055';

/** Reads `udp://HOST:PORT` (or `HOST:PORT`; IPv6 in brackets; port 2055 when left out). Throws WEIR_USAGE. */
export function parseTarget(text: string): Target {
  const found = /^(?:udp:\/\/)?(?:\[([0-9a-f:.%]+)\]|([^:/[\]]+))(?::(\d{1,5}))?\/?$/i.exec(text);
  const host = found?.[1] ?? found?.[2];
  const port = found?.[3] === undefined ? 2055 : Number(found[3]);
  if (host === undefined || port < 1 || port > 65_535) {
    throw new WeirError('WEIR_USAGE', `${JSON.stringify(text)} is not a target.`, {
      hint: 'Expected udp://HOST:PORT, for instance udp://127.0.0.1:2055 or udp://[::1]:2055.',
    });
  }
  return { host, port };
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };
const SPANS: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 };

/** An argument parser for commander: a whole number from `least` to `most`, with k, M or G for thousands, millions, billions. */
export function wholeNumber(name: string, least = 1, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const found = /^(\d+(?:\.\d+)?)([kmg]?)$/i.exec(text);
    const value = found === null ? Number.NaN : Number(found[1]) * (UNITS[(found[2] ?? '').toLowerCase()] ?? 1);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
    throw new WeirError('WEIR_USAGE', `${name} ${text}: expected a whole number ${range}.`, {
      hint: 'k, M and G are understood: 60k.',
    });
  };
}

/** An argument parser for commander: any number above 0 (or from 0 on), at most `most`. */
export function positiveNumber(name: string, { zero = false, most = Number.MAX_VALUE } = {}): (text: string) => number {
  return (text) => {
    const value = /^\d*\.?\d+(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if ((value > 0 || (zero && value === 0)) && value <= most) return value;
    throw new WeirError(
      'WEIR_USAGE',
      `${name} ${text}: expected a number above 0${most < 1e300 ? `, at most ${most}` : ''}.`,
    );
  };
}

/** An argument parser for commander: a length of time in ms, written as 90s, 15m, 24h, 7d or 250ms. */
export function timeSpan(name: string): (text: string) => number {
  return (text) => {
    const found = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
    if (found !== null && Number(found[1]) > 0) return Number(found[1]) * (SPANS[found[2] ?? ''] ?? 1);
    throw new WeirError('WEIR_TIME', `${name} ${text}: expected a length of time.`, {
      hint: 'For instance 90s, 15m, 24h or 7d.',
    });
  };
}

/** An argument parser for commander: a point in time in ms since the epoch, ISO 8601 (UTC unless it says otherwise) or relative (-24h). */
export function pointInTime(name: string, now: () => number): (text: string) => number {
  return (text) => {
    if (text.startsWith('-')) return now() - timeSpan(name)(text.slice(1));
    const iso = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/.exec(text);
    const value =
      iso === null
        ? Number.NaN
        : Date.parse(`${text.replace(' ', 'T')}${iso[1] === undefined && text.length > 10 ? 'Z' : ''}`);
    if (Number.isFinite(value) && value >= 0) return value;
    throw new WeirError('WEIR_TIME', `${name} ${text}: expected a point in time.`, {
      hint: 'For instance 2026-03-01T00:00:00Z or -24h.',
    });
  };
}

/** Prints a line of progress on a terminal at most once a second; `clear` removes it again. */
export function createProgress(io: Io): { show(line: () => string): void; clear(): void } {
  let last = io.now();
  let isShown = false;
  return {
    show(line) {
      if (io.stderr.isTTY !== true || io.now() - last < 1000) return;
      last = io.now();
      isShown = true;
      io.stderr.write(`\r\u001b[K${line()}`);
    },
    clear() {
      if (isShown) io.stderr.write('\r\u001b[K');
      isShown = false;
    },
  };
}

/** A number of things, such as `1 datagram` or `2,000 datagrams`. */
export function counted(number: number, thing: string): string {
  return `${grouped(number)} ${thing}${number === 1 ? '' : 's'}`;
}

/** Throws "nobody listens there" when a datagram was refused, unless `keepGoing`. */
export function checkRefused(counters: SendCounters, { host, port }: Target, keepGoing: boolean): void {
  if (counters.refused > 0 && !keepGoing) throw nobodyListens(host, port);
}

/** Sentences about datagrams that were not sent; empty when all were. */
export function sendingNotes(counters: SendCounters): string[] {
  const notes: string[] = [];
  if (counters.refused > 0)
    notes.push(`${counted(counters.refused, 'time')} the target answered that nobody listens there`);
  if (counters.failed > 0)
    notes.push(`${counted(counters.failed, 'datagram')} could not be sent: ${counters.lastError}`);
  return notes;
}

/** `--format` as both commands understand it. */
export function formatOption(option: Option): Option {
  return option.choices(['text', 'json']).default('text');
}
