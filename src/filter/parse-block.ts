import type { Cursor } from './cursor.ts';
import { filterError } from './fault.ts';
import type { Subject } from './fields.ts';
import { and, compareTest, type FilterNode, or } from './tree.ts';

/** nfdump's `src port in pblock`: whether the port lies in the block of ports that the record tells of. Undefined when something else follows. */
export function parsePortBlock(cursor: Cursor, subject: Subject): FilterNode | undefined {
  if (!cursor.sees('in') || !cursor.sees('pblock', 1)) return undefined;
  if (!subject.columns.every((column) => column.endsWith('_port'))) {
    throw filterError(cursor.text, cursor.peek(1), `${subject.name} is no port, and pblock is a block of ports`);
  }
  cursor.next();
  cursor.next();
  const inBlock = (column: string) =>
    and([
      compareTest([column, 'port_range_start'], '>=', 'number'),
      compareTest([column, 'port_range_end'], '<=', 'number'),
    ]);
  return or(subject.columns.map(inBlock));
}
