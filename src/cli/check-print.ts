import { styleText } from 'node:util';
import type { Finding } from './check-finding.ts';
import { EXIT, hasColour, type Io, write } from './io.ts';

const SIGNS = { ok: ['✓', 'green'], warning: ['!', 'yellow'], failure: ['✗', 'red'] } as const;

/** Prints what was found, and the verdict: `ready to collect`. Resolves to the exit code, which is 1 when something failed. */
export async function printFindings(
  findings: readonly Finding[],
  {
    format,
    purpose,
  }: { readonly format: 'text' | 'json' /** What it is to be ready for. */; readonly purpose: string },
  io: Io,
): Promise<number> {
  const isUsable = findings.every(({ status }) => status !== 'failure');
  await write(io.stdout, format === 'json' ? json(findings, isUsable) : text(findings, purpose, io));
  return isUsable ? EXIT.ok : EXIT.failed;
}

function json(findings: readonly Finding[], isUsable: boolean): string {
  return `${JSON.stringify({ usable: isUsable, findings }, undefined, 2)}\n`;
}

function text(findings: readonly Finding[], purpose: string, io: Io): string {
  const colour = hasColour(io.stdout, io.env);
  const width = Math.max(...findings.map(({ name }) => name.length));
  let lines = '';
  for (const { name, status, text, fix } of findings) {
    const [sign, shade] = SIGNS[status];
    lines += `${colour ? styleText(shade, sign) : sign} ${name.padEnd(width)}  ${text.replaceAll(/\n\s*/g, `\n${' '.repeat(width + 4)}`)}\n`;
    for (const step of fix) lines += `${' '.repeat(width + 4)}→ ${step}\n`;
  }
  const count = (status: Finding['status']) => findings.filter((one) => one.status === status).length;
  const [failures, warnings] = [count('failure'), count('warning')];
  const more = warnings === 0 ? '' : `, ${warnings} warning${warnings === 1 ? '' : 's'}`;
  const verdict = failures === 0 ? `ready to ${purpose}` : `not ready: ${failures} failure${failures === 1 ? '' : 's'}`;
  return `${lines}${verdict}${more}\n`;
}
