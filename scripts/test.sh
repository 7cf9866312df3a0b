#!/usr/bin/env bash
# What `npm test` runs: peers, build, tests, and at the end the line `N passed, N failed, N skipped`.
# Arguments go to vitest: `npm test -- test/util`, `npm test -- -t 'sequence'`.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
PATH="$PWD/node_modules/.bin:$PATH"
report=.report/vitest.json

rm -f "$report"
bash scripts/install-peers.sh

if tsc -b && node scripts/bundle.mjs; then
  vitest run --reporter=default --reporter=json --outputFile.json="$report" "$@"
  code=$?
else
  echo 'npm test: the build failed, so no test was run'
  code=1
fi
# No report, or one in which nothing ran, is a failure whatever vitest says.
node scripts/summary.mjs "$report" --code "$code" || [ "$code" -ne 0 ] || code=1
exit "$code"
