import type { StartReport } from '../store/repair.ts';

/** What the start of the store found and did, in sentences; none when the folder was as it should be. */
export function findings(report: StartReport): string[] {
  const sentences: string[] = [];
  const files = (count: number): string => `${count} ${count === 1 ? 'file' : 'files'}`;
  if (report.tookOverFrom !== undefined) {
    sentences.push(`process ${report.tookOverFrom} was writing here and ended without closing the store`);
  }
  if (report.catalogue === 'rebuilt')
    sentences.push('the catalogue was missing or damaged; it was made again from the segments');
  if (report.adopted.length > 0) sentences.push(`${files(report.adopted.length)} complete but not listed: listed now`);
  if (report.leftovers.length > 0)
    sentences.push(`${files(report.leftovers.length)} half-written or replaced: removed`);
  if (report.missing.length > 0)
    sentences.push(`${files(report.missing.length)} listed but gone: ${report.missing.slice(0, 3).join(', ')}`);
  if (report.foreign.length > 0)
    sentences.push(
      `${files(report.foreign.length)} that weir did not write, left alone: ${report.foreign.slice(0, 3).join(', ')}`,
    );
  for (const { file, movedTo, reason } of report.damaged.slice(0, 10)) {
    sentences.push(`${file} cannot be read (${reason}); it was set aside as ${movedTo}`);
  }
  return sentences;
}
