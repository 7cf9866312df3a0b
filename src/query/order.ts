import { nearest } from '../elements/nearest.ts';
import { COLUMNS, findColumn } from '../flow/schema.ts';
import { WeirError } from '../util/errors.ts';
import { COUNTERS } from './counters.ts';
import { BOTH_BYTES, DURATION, type Key } from './key.ts';
import type { Measure } from './measure.ts';
import { MEASURES } from './measures.ts';
import type { Order } from './spec.ts';

/** What an answer can be ordered by: the keys and measures of sums, or the columns of a listing. */
interface Orderable {
  readonly sums: boolean;
  readonly by: readonly Key[];
  readonly measures: readonly Measure[];
  readonly bidirectional?: boolean;
}

/**
 * Reads `bytes`, `src_port`, `bytes:asc`, `time_start:desc`, or several with commas, the first of which counts most. Measures come largest first and
 * everything else smallest first unless said otherwise. Without a text: `bytes` for aggregates, after the time where that is a key, and
 * `time_start` for a listing. Throws WEIR_USAGE for a name that the answer does not have.
 */
export function parseOrder(text: string | undefined, answer: Orderable): Order[] {
  const { sums, by } = answer;
  if (text === undefined) {
    const times = by
      .filter(({ kind }) => kind === 'bucket' || kind === 'class')
      .map(({ name }): Order => ({ name, descending: false }));
    if (!sums) return [{ name: 'time_start', descending: false }];
    return [...times, { name: answer.bidirectional === true ? 'both_bytes' : 'bytes', descending: true }];
  }
  const parts = text.split(',').filter((part) => part.trim() !== '');
  if (parts.length === 0) throw wrongOrder('', []);
  return parts.map((part) => parseOne(part, answer));
}

function parseOne(text: string, { sums, by, measures, bidirectional }: Orderable): Order {
  const [name = '', direction, ...rest] = text.trim().toLowerCase().split(':');
  if (rest.length > 0 || (direction !== undefined && direction !== 'asc' && direction !== 'desc')) {
    throw new WeirError('WEIR_USAGE', `--order ${text}: after the colon comes asc or desc`, {
      hint: 'For example --order bytes:asc',
    });
  }
  const figures = [...COUNTERS, ...measures.map((measure) => measure.name)];
  const isFigure = figures.includes(name) || name === DURATION.name || name === BOTH_BYTES.name;
  const descending = direction === undefined ? isFigure : direction === 'desc';
  if (sums) {
    const names = [...figures, ...by.map((key) => key.name)];
    if (!names.includes(name)) throw wrongOrder(name, names);
  } else if (name !== DURATION.name && findColumn(name) < 0 && !(bidirectional === true && name === BOTH_BYTES.name)) {
    throw wrongOrder(name, [...COLUMNS.map((column) => column.name), DURATION.name]);
  }
  return { name, descending };
}

function wrongOrder(name: string, names: readonly string[]): WeirError {
  if (MEASURES.some((measure) => measure.name === name)) {
    return new WeirError('WEIR_USAGE', `--order ${name}: the answer has no ${name}`, {
      hint: `Ask for it, too: --measures ${name}`,
    });
  }
  const suggestion = nearest(name, names);
  return new WeirError('WEIR_USAGE', `--order: the answer has no '${name.slice(0, 60)}'`, {
    hint:
      suggestion === undefined
        ? `It has ${names.slice(0, 12).join(', ')}${names.length > 12 ? ' …' : ''}.`
        : `Did you mean '${suggestion}'?`,
  });
}
