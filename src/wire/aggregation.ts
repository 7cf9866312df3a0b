import type { FieldSpecifier } from './template.ts';

/** How many flows an Aggregated Flow sums up (RFC 7015, IANA). */
export const ORIGINAL_FLOWS_PRESENT = 375;

/** Elements that only Aggregated Flows have: originalFlowsPresent, …Initiated and …Completed. Flows, too, come with a deltaFlowCount (3). */
const OF_AGGREGATED_FLOWS: ReadonlySet<number> = new Set([ORIGINAL_FLOWS_PRESENT, 376, 377]);

/** Whether the records of these fields sum up flows, and say so. */
export function isAggregated(fields: readonly FieldSpecifier[]): boolean {
  return fields.some(({ enterprise, id, length }) => enterprise === 0 && length > 0 && OF_AGGREGATED_FLOWS.has(id));
}
