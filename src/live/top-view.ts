import type { Key } from '../query/key.ts';
import { humanTime, scaled, zoneName } from '../query/output/humanize.ts';
import { columnForPeople, type PeopleColumn } from '../query/output/people.ts';
import { cutText, Table } from '../query/output/table.ts';
import type { Zone } from '../util/zone.ts';
import { type LiveRecord, liveCell } from './flow-cells.ts';
import type { LiveCounters, TopAnswer } from './protocol.ts';
import type { TopState } from './top-state.ts';

export interface TopViewOptions {
  readonly zone: Zone;
  /** Whole numbers instead of `1.2 M`. */
  readonly plain: boolean;
  /** Columns of the terminal; undefined when it is none. */
  readonly width: number | undefined;
}

/** What is on the screen. */
export interface TopView {
  readonly lines: readonly string[];
  /** Number of the line with the table's header; -1 without. */
  readonly header: number;
}

/** The table of an answer, header first; `keys` are those it was asked by. */
export function topTable(
  answer: TopAnswer,
  keys: readonly Key[],
  order: TopState['order'],
  options: TopViewOptions,
): string[] {
  const { seconds, rows, total } = answer;
  const records = rows.map(({ key }): LiveRecord => Object.fromEntries(keys.map(({ name }, at) => [name, key[at]])));
  const number = (value: number): string => {
    if (!Number.isFinite(value)) return '-';
    return options.plain ? String(Math.round(value)) : scaled(value);
  };
  const figure = (label: string, value: (row: LiveCounters) => number, dispensable?: number): PeopleColumn => ({
    label,
    right: true,
    ...(dispensable === undefined ? {} : { dispensable }),
    text: (row) => number(value(rows[row] as LiveCounters)),
  });
  const columns: PeopleColumn[] = [
    ...keys.map(({ name, column }) =>
      columnForPeople(
        column,
        liveCell({ ...column, name }, () => records),
        options,
      ),
    ),
    figure('bit/s', ({ bytes }) => (bytes * 8) / seconds),
    figure('packet/s', ({ packets }) => packets / seconds),
    figure('flow/s', ({ flows }) => flows / seconds),
    figure('byte/packet', ({ bytes, packets }) => bytes / packets, 2),
    {
      label: `% ${order}`,
      right: true,
      dispensable: 1,
      text: (row) => (total[order] > 0 ? ((100 * (rows[row] as LiveCounters)[order]) / total[order]).toFixed(1) : '-'),
    },
  ];
  const table = new Table(columns, { width: options.width, colour: false });
  const texts = rows.map((_, row) => columns.map((column) => column.text(row)));
  return `${table.header(texts)}${table.lines(texts)}`.trimEnd().split('\n');
}

/** What all flows of an answer come to, and what is to be known of it, in one line each. */
export function topSummary(answer: TopAnswer, { zone, plain }: TopViewOptions): string[] {
  const { at, seconds, total, groups, pruned, unseen } = answer;
  const number = (value: number) => (plain ? String(Math.round(value)) : scaled(value));
  const rates = [
    `${number((total.bytes * 8) / seconds)} bit/s`,
    `${number(total.packets / seconds)} packet/s`,
    `${number(total.flows / seconds)} flow/s`,
    `${number(groups)} ${groups === 1 ? 'group' : 'groups'}`,
  ];
  const lines = [
    `${humanTime(at * 1000, zone).slice(0, 19)} ${zoneName(zone, at)}  ${rates.join('  ')}  in ${seconds.toFixed(1)} s`,
  ];
  if (pruned > 0) lines.push(`too many groups to hold: a row may lack up to ${number(pruned)}`);
  if (unseen > 0) lines.push(`${number(unseen)} flows were not looked at: the collector is busy`);
  return lines;
}

const KEYS = 'b group  / filter  s sort  space pause  + - interval  h help  q quit';
const HELP = [
  'Rates of what exporters reported in the last interval, by groups.',
  '',
  '  b        next grouping: addresses, networks, services, interfaces …',
  '  B        type a grouping, such as src_addr/24,dst_port',
  '  / or f   type a filter, such as: proto tcp and not port 443',
  '  s        sort by bytes, packets, flows',
  '  space    hold what is shown, and go on',
  '  + -      longer or shorter interval',
  '  h or ?   this help; any key ends it',
  '  q        quit',
];

/** The whole screen of `height` lines. `note` is what is to be said now, such as that the collector has ended. */
export function topView(
  state: TopState,
  shown: { readonly answer: TopAnswer; readonly keys: readonly Key[]; readonly order: TopState['order'] } | undefined,
  options: TopViewOptions & { readonly height: number; readonly note: string | undefined },
): TopView {
  const { height, width = 80, note } = options;
  const filter = state.filter === '' ? 'none' : state.filter;
  const every = state.interval < 1000 ? `${state.interval} ms` : `${state.interval / 1000} s`;
  const lines = [
    `weir top  by ${state.by}  order ${state.order}  every ${every}${state.paused ? '  PAUSED' : ''}`,
    `filter: ${filter}`,
    ...(shown === undefined ? ['waiting for the first interval …'] : topSummary(shown.answer, options)),
    ...(note === undefined ? [] : [note]),
    '',
  ];
  const header = state.help || shown === undefined ? -1 : lines.length;
  if (state.help) lines.push(...HELP);
  else if (shown !== undefined) lines.push(...topTable(shown.answer, shown.keys, shown.order, options));
  const rows = lines.slice(0, Math.max(0, height - 1));
  while (rows.length < height - 1) rows.push('');
  rows.push(bottomLine(state, width));
  return { lines: rows.map((line) => cutText(line, width)), header: header < height - 1 ? header : -1 };
}

/** The line that is typed, its end in any case, or the keys there are. */
function bottomLine({ typing }: TopState, width: number): string {
  if (typing === undefined) return KEYS;
  if (typing.fault !== undefined) return typing.fault;
  const prompt = typing.what === 'filter' ? 'filter: ' : 'by: ';
  const room = Math.max(10, width - prompt.length - 1);
  return `${prompt}${Array.from(typing.text).slice(-room).join('')}_`;
}
