import { COLUMNS, type ColumnDefinition, columnIndex } from '../flow/schema.ts';

/*
 * Keys for either end of a flow, as `-s ip` of nfdump: each flow counts in the group of its source and in that of its destination, and once where these are the same.
 * Several such keys are of the same end: `addr,port` are the ends that connections have.
 */

/** The columns that have the source's and the destination's value. */
const EITHER_COLUMNS = [
  ['addr', 'address', 'src_addr', 'dst_addr', 'Address of either end: a flow counts for both.'],
  ['port', 'port', 'src_port', 'dst_port', 'Port of either end: a flow counts for both.'],
  ['as', 'AS', 'src_as', 'dst_as', 'AS of either end: a flow counts for both.'],
  ['mask', 'mask', 'src_mask', 'dst_mask', 'Prefix length of the route to either end: a flow counts for both.'],
  ['mac', 'MAC', 'src_mac', 'dst_mac', 'MAC address of either end, on entering: a flow counts for both.'],
  ['vlan', 'VLAN', 'src_vlan', 'dst_vlan', 'VLAN on entering or on leaving: a flow counts for both.'],
  ['if', 'interface', 'in_if', 'out_if', 'Interface that a flow came in or went out by: it counts for both.'],
] as const;

/** A key for either end: what is shown of it, and the columns of both ends. */
export interface EitherColumn {
  readonly column: ColumnDefinition;
  readonly ends: readonly [source: ColumnDefinition, destination: ColumnDefinition];
}

const columnOf = (name: string) => COLUMNS[columnIndex(name)] as ColumnDefinition;

export const EITHER_ENDS: readonly EitherColumn[] = EITHER_COLUMNS.map(([name, label, src, dst, about]) => ({
  column: { ...columnOf(src), name, label, about, elements: [] },
  ends: [columnOf(src), columnOf(dst)],
}));

const BY_NAME: ReadonlyMap<string, EitherColumn> = new Map(EITHER_ENDS.map((one) => [one.column.name, one]));

/** The key for either end called so. */
export function findEitherEnd(name: string): EitherColumn | undefined {
  return BY_NAME.get(name);
}

/** Which end a row of `sqlBothEnds` stands for. */
const END = 'flow_end';

/** A value of the end that a row stands for. */
export function sqlOfEnd(source: string, destination: string): string {
  return `CASE WHEN ${END} = 0 THEN ${source} ELSE ${destination} END`;
}

/**
 * What to put behind FROM for the rows `rows` once for each end; where none of the conditions `differ` holds, once. Without any they are the rows
 * themselves.
 */
export function sqlBothEnds(rows: string, differ: readonly string[]): string {
  if (differ.length === 0) return rows;
  return `(SELECT * FROM (SELECT * FROM ${rows}) CROSS JOIN (VALUES (0::UTINYINT), (1::UTINYINT)) ends(${END}) WHERE ${END} = 0 OR ${differ.join(' OR ')})`;
}
