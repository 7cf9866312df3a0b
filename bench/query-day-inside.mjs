// Answers one question again and again in one process, as a server does: node bench/query-day-inside.mjs DATA --by KEYS --format FORM. Prints seconds as JSON.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SharedDuck } from '../dist/query/duck.js';
import { readQuestion } from '../dist/query/question.js';
import { Query } from '../dist/query/run.js';

const RUNS = 30;
const [data, , by, , format] = process.argv.slice(2);
const zone = 'utc';
const duck = new SharedDuck({ temporary: join(tmpdir(), `weir-bench-inside-${process.pid}`) });
await duck.open();
const times = [];
let rows = 0;
for (let run = 0; run < RUNS; run++) {
  let text = '';
  const begun = performance.now();
  const query = new Query({
    data,
    spec: readQuestion({ by }, { now: Date.now(), zone }),
    format,
    zone,
    plain: true,
    width: undefined,
    colour: false,
    write: (part) => {
      text += part;
      return Promise.resolve(true);
    },
    duck,
    clock: () => performance.now(),
  });
  await query.run();
  times.push((performance.now() - begun) / 1000);
  rows = text.split('\n').length - 2;
}
// The first ones compile the code.
const settled = times.slice(10).sort((a, b) => a - b);
console.log(
  JSON.stringify({ median: settled[Math.floor(settled.length / 2)], least: settled[0], first: times[0], rows }),
);
