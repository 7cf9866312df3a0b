#!/usr/bin/env -S node --max-semi-space-size=1
'use strict';

// The flag above: what each datagram leaves behind is collected sooner, in small portions; 60 MB less in a busy collector, at the same cost.

const { statSync } = require('node:fs');
const path = require('node:path');

// libuv reads this when its pool starts, which loading an ES module does: hence CommonJS here. Each thread keeps memory of its own for what
// DuckDB does in it; two are enough (one makes a file, one syncs another) and save 60 MB in a busy collector.
process.env.UV_THREADPOOL_SIZE ??= '2';

void import(isBundled() ? '../dist/bundle/main.js' : '../dist/cli/main.js')
  .then(({ main }) => main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code;
  });

/** Whether the bundle (scripts/bundle.mjs) is there, and not older than what the compiler made last. */
function isBundled() {
  const made = (name) => statSync(path.join(__dirname, '../dist', name), { throwIfNoEntry: false })?.mtimeMs;
  const bundled = made('bundle/main.js');
  return bundled !== undefined && bundled >= (made('.tsbuildinfo') ?? 0);
}
