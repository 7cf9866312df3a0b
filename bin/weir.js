#!/usr/bin/env -S node --max-semi-space-size=1
'use strict';

// The flag above: what each datagram leaves behind is collected sooner, in small portions; 60 MB less in a busy collector, at the same cost.

// libuv reads this when its pool starts, which loading an ES module does: hence CommonJS here. Each thread keeps memory of its own for what
// DuckDB does in it; two are enough (one makes a file, one syncs another) and save 60 MB in a busy collector.
process.env.UV_THREADPOOL_SIZE ??= '2';

void import('../dist/cli/main.js')
  .then(({ main }) => main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code;
  });
