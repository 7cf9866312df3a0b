// Prints what was skipped and why, what failed, and last the plain line `N passed, N failed, N skipped`, from vitest's JSON report.
//
//   node scripts/summary.mjs .report/vitest.json [--code N] [--failed N] [--line]
//
// --code N is the exit code of vitest; --failed N adds failures that are not tests (a lint run in CI); --line prints the last line alone.
// Exit code 1 when something failed, when there is no report, or when no test was executed.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    code: { type: 'string', default: '0' },
    failed: { type: 'string', default: '0' },
    line: { type: 'boolean', default: false },
  },
});

const result = count(readReport(positionals[0] ?? '.report/vitest.json'));
result.failed += Number(values.failed);
if (values.code !== '0' && result.failed === 0 && result.passed > 0) {
  // An error that belongs to no test, such as an unhandled rejection, is in no report.
  result.failed = 1;
  result.failures.push(`the run ended with code ${values.code} though no test failed; see the output above`);
}
if (!values.line) explain(result);
console.log(`${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
process.exitCode = result.failed > 0 || result.passed === 0 ? 1 : 0;

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Counts tests. A file that could not be loaded, or whose hooks failed outside of any test, counts as one failed test. */
function count(report) {
  const total = { passed: 0, failed: 0, skipped: 0, reasons: new Map(), failures: [] };
  if (report === undefined) {
    total.failed = 1;
    total.failures.push('there is no report: the run did not come to its end');
    return total;
  }
  for (const file of report.testResults) {
    const name = relative(process.cwd(), file.name);
    const before = total.failed;
    for (const test of file.assertionResults) {
      const title = [...test.ancestorTitles, test.title].filter((part) => part !== '').join(' > ');
      if (test.status === 'passed') total.passed++;
      else if (test.status === 'failed') {
        total.failed++;
        total.failures.push(`${name}: ${title}`);
      } else {
        total.skipped++;
        const reason = /\[skipped: (.*?)\]/.exec(title)?.[1] ?? 'no reason given';
        total.reasons.set(reason, [
          ...(total.reasons.get(reason) ?? []),
          `${name}: ${title.replace(/ ?\[skipped: .*?\]/, '')}`,
        ]);
      }
    }
    if (file.status === 'failed' && total.failed === before) {
      total.failed++;
      total.failures.push(`${name}: ${(file.message || 'the file failed outside of its tests').split('\n')[0]}`);
    }
  }
  return total;
}

function explain({ passed, failed, reasons, failures }) {
  if (reasons.size > 0) console.log('Skipped:');
  for (const [reason, tests] of reasons) {
    console.log(`  ${reason} (${tests.length})`);
    for (const test of tests.slice(0, 10)) console.log(`    ${test}`);
    if (tests.length > 10) console.log(`    and ${tests.length - 10} more`);
  }
  if (failures.length > 0) console.log('Failed:');
  for (const failure of failures) console.log(`  ${failure}`);
  if (passed + failed === 0) console.log('No test was executed.');
}
