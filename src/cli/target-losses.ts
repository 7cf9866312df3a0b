import type { TargetCounters } from '../export/target-link.ts';
import { grouped } from '../query/output/humanize.ts';

/** What was given to a collector, or a file of lines, and did not get there. */
export function missing({ dropped, lost, failed }: Pick<TargetCounters, 'dropped' | 'lost' | 'failed'>): number {
  return dropped + lost + failed;
}

/** The same for people, a line for each cause that there was. */
export function lossLines({ dropped, lost, failed, refused, lastError }: TargetCounters): string[] {
  const causes: readonly (readonly [count: number, what: string])[] = [
    [dropped, 'records dropped: the collector did not take them fast enough'],
    [lost, 'records lost: they still waited at the end, or when the connection broke'],
    [failed, `messages could not be sent: ${lastError ?? 'no reason is known'}`],
    [refused, 'times it was answered that nobody listens there'],
  ];
  return causes.flatMap(([count, what]) => (count > 0 ? [`  ${grouped(count)} ${what}`] : []));
}
