import { serviceName } from '../../filter/services.ts';
import type { Zone } from '../../filter/time-literal.ts';
import type { ColumnDefinition } from '../../flow/schema.ts';
import type { Cell } from '../cells.ts';
import type { Counter } from '../counters.ts';
import type { Rows } from '../duck.ts';
import type { Measure } from '../measure.ts';
import type { AnswerColumn } from '../plan.ts';
import type { HostNames } from '../resolve.ts';
import type { Totals } from '../totals.ts';
import { createHumanTime, humanDuration, humanNumber, scaled } from './humanize.ts';
import { printable, type TableColumn } from './table.ts';

export interface PeopleOptions {
  readonly zone: Zone;
  /** Whole numbers instead of `1.2 M`. */
  readonly plain: boolean;
  /** Names of services instead of the numbers of ports. */
  readonly services?: boolean;
  /** Names of hosts instead of addresses, where they have been looked up. */
  readonly hosts?: HostNames | undefined;
}

/** A column of an answer as a table shows it. */
export interface PeopleColumn extends TableColumn {
  /** Of a group, per second. */
  readonly isRate?: boolean;
  text(row: number): string;
}

const NONE = '-';
/** Labels that say enough in a table of flows. */
const LISTING_LABELS: Readonly<Record<string, string>> = { time_start: 'start' };

/** A key of a group, or a column of a flow. */
export function columnForPeople(column: ColumnDefinition, cell: Cell, options: PeopleOptions): PeopleColumn {
  const label = LISTING_LABELS[column.name] ?? column.label;
  const counter = column.unit === 'octets' || column.unit === 'packets';
  return {
    label,
    right: isRight(column),
    whole: column.type === 'address' || column.type === 'time' || column.type === 'mac',
    text: textOf(column, cell, counter && !options.plain, options),
  };
}

/** Longest name of a host in a table: an address has up to 39 characters, too. */
const LONGEST_HOST = 40;

/** The name of a host, if it was looked up and has one, or the address. */
export function hostForPeople(address: string, hosts: HostNames | undefined): string {
  const name = hosts?.name(address);
  if (name === undefined) return address;
  return printable(name.length > LONGEST_HOST ? `${name.slice(0, LONGEST_HOST - 1)}…` : name);
}

/** Whether a column has addresses, of hosts and not of networks. */
export function isHost(answer: AnswerColumn | undefined): boolean {
  return answer?.kind === 'address' && answer.lengths === undefined;
}

/** Looks up the hosts of rows from `first` on, of which `cells` have the addresses. */
export async function lookUpHosts(
  hosts: HostNames | undefined,
  cells: readonly Cell[],
  { count }: Rows,
  first: number,
): Promise<void> {
  if (hosts === undefined) return;
  const addresses = new Set<string>();
  for (const cell of cells) {
    for (let row = first; row < count; row++) {
      const address = cell.text(row);
      if (address !== undefined) addresses.add(address);
    }
  }
  await hosts.lookUp(addresses);
}

function isRight({ name, type, display }: ColumnDefinition): boolean {
  if (name === 'duration') return true;
  return type.startsWith('u') && (display === 'number' || display === 'port' || display === 'hex');
}

/** How a cell of a column is shown. What programs read of it is made only where people read the same: listings are long. */
function textOf(column: ColumnDefinition, cell: Cell, scale: boolean, options: PeopleOptions): (row: number) => string {
  const { zone, plain, services, hosts } = options;
  const ofNumber = (show: (value: number) => string) => (row: number) => {
    const value = cell.number(row);
    return Number.isNaN(value) ? NONE : show(value);
  };
  const ofText = (show: (text: string, row: number) => string) => (row: number) => {
    const text = cell.text(row);
    return text === undefined ? NONE : show(text, row);
  };
  if (column.type === 'time') return ofNumber(createHumanTime(zone));
  if (column.name === 'duration') return ofNumber(plain ? (micros) => (micros / 1e6).toFixed(3) : humanDuration);
  if (scale) return ofNumber(scaled);
  if (column.type === 'address') return ofText((text) => hostForPeople(text, hosts));
  if (column.display === 'port' && services === true)
    return ofText((text, row) => serviceName(cell.number(row)) ?? text);
  if (cell.free) return ofText(printable);
  return ofText(cell.numeric ? (text, row) => humanNumber(cell.number(row), text, column) : (text) => text);
}

/** A figure of a group that is none of flows, packets and bytes. */
export function figureForPeople(measure: Measure, cell: Cell, { plain }: PeopleOptions): PeopleColumn {
  const text = (value: number): string => {
    if (!Number.isFinite(value)) return NONE;
    if (measure.display === 'percent') return value.toFixed(value < 10 ? 2 : 1);
    if (measure.display === 'duration') return plain ? (value / 1e6).toFixed(3) : humanDuration(value);
    return plain ? String(Math.round(value)) : scaled(value);
  };
  return { label: measure.label, right: true, text: (row) => text(cell.number(row)) };
}

/** Flows, packets or bytes of a group. */
export function counterForPeople(label: string, cell: Cell, { plain }: PeopleOptions): PeopleColumn {
  const text = (row: number) => (plain ? cell.text(row) : scaled(cell.number(row))) ?? NONE;
  return { label, right: true, text };
}

/** What the figures of a group are shown beside. */
interface Whole {
  /** The measure that the groups are ordered by. */
  readonly order: string | undefined;
  readonly totals: Totals;
  /** What rates are over. */
  readonly seconds: number;
}

/** Flows, packets and bytes of a group, what share of the whole it has, and its rates. */
export function measuresForPeople(
  cells: Readonly<Record<Counter, Cell>>,
  { order, totals, seconds }: Whole,
  options: PeopleOptions,
): PeopleColumn[] {
  const { flows, packets, bytes } = cells;
  const ranked: Counter = order === 'flows' || order === 'packets' ? order : 'bytes';
  const number = (value: number) => {
    if (!Number.isFinite(value)) return NONE;
    return options.plain ? String(Math.round(value)) : scaled(value);
  };
  const ratio = (label: string, dispensable: number, value: (row: number) => number): PeopleColumn => ({
    label,
    right: true,
    dispensable,
    text: (row) => number(value(row)),
  });
  const share = (row: number) => (cells[ranked].number(row) / totals[ranked]) * 100;
  return [
    counterForPeople('flows', flows, options),
    counterForPeople('packets', packets, options),
    counterForPeople('bytes', bytes, options),
    {
      label: `% ${ranked}`,
      right: true,
      dispensable: 1,
      text: (row) => (totals[ranked] > 0 ? share(row).toFixed(1) : NONE),
    },
    { ...ratio('bit/s', 2, (row) => (bytes.number(row) * 8) / seconds), isRate: true },
    { ...ratio('packet/s', 3, (row) => packets.number(row) / seconds), isRate: true },
    ratio('byte/packet', 4, (row) => bytes.number(row) / packets.number(row)),
  ];
}
