// Asking about a day: 30 M flows, merged, against nfcapd's files of five minutes. From the cold command to the printed answer; the two take turns.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { areEqual, lines, nfdumpBytes, weirBytes } from './lib/answers.mjs';
import { DAY_BEGIN, nfcapdName, prepareDay } from './lib/day.mjs';
import { weirCommand } from './lib/peers.mjs';
import { median, runMeasured, timeOnce } from './lib/process.mjs';
import { compare, show, table } from './lib/table.mjs';

const INSIDE = fileURLToPath(new URL('./query-day-inside.mjs', import.meta.url));
const DROP = '/proc/sys/vm/drop_caches';

/** A busy host, which some flows of every row group have at one of their ends, and one with the median number of flows. */
const HOST = '10.0.216.102';
const TYPICAL_HOST = '1.14.104.134';
const HOUR = 14;
const hourText = (hour) => new Date(DAY_BEGIN + hour * 3_600_000).toISOString();
const fileOf = (minutes) => nfcapdName(DAY_BEGIN + minutes * 60_000);
const FIVE = 'src_addr,dst_addr,proto,src_port,dst_port';
const FIVE_TUPLES = ['-A', 'srcip,dstip,proto,srcport,dstport', '-O', 'bytes', '-n', '10'];
const CHART = ['--by', 'time/5m,proto', '--format', 'csv'];

const faster = (times) => ({ goal: `≤ 1/${times}`, met: (_, ratio) => ratio <= 1 / times });

/** `nfdump` and `weir` are what is timed; `same` looks at both answers, of `nfdumpCheck` and `weirCheck` where these print something easier to compare. */
const QUESTIONS = [
  {
    name: 'top 10 src_addr',
    nfdump: ['-s', 'srcip/bytes', '-n', '10'],
    weir: ['--by', 'src_addr', '--top', '10'],
    ...faster(4),
    same: 'bytes',
  },
  {
    name: 'top 10 src_addr/24',
    nfdump: ['-A', 'srcip4/24', '-O', 'bytes', '-n', '10'],
    weir: ['--by', 'src_addr/24', '--top', '10'],
    ...faster(4),
    same: 'bytes',
  },
  {
    name: 'flows of one host, a day',
    nfdump: ['-q', '-o', 'line', `host ${HOST}`],
    weir: ['--quiet', '--format', 'line', '--top', '0', `host ${HOST}`],
    ...faster(4),
    same: 'lines',
  },
  {
    name: 'flows of a typical host, a day',
    nfdump: ['-q', '-o', 'line', `host ${TYPICAL_HOST}`],
    weir: ['--quiet', '--format', 'line', '--top', '0', `host ${TYPICAL_HOST}`],
    ...faster(4),
    same: 'lines',
  },
  {
    name: 'top 10 5-tuples',
    nfdump: FIVE_TUPLES,
    weir: ['--by', FIVE, '--top', '10'],
    ...faster(3),
    same: 'bytes',
  },
  {
    // Two programs need not agree on flows that reach over the end of the hour: nfdump has files of arrivals, weir looks at the flow's own times.
    name: 'flows of one host, an hour',
    files: `${fileOf(HOUR * 60)}:${fileOf(HOUR * 60 + 55)}`,
    nfdump: ['-q', '-o', 'line', `host ${HOST}`],
    weir: ['--quiet', '--format', 'line', '--top', '0', '--from', hourText(HOUR), '--to', hourText(HOUR + 1)].concat(
      `host ${HOST}`,
    ),
    goal: '≤ 1',
    met: (_, ratio) => ratio <= 1,
  },
  {
    // nfdump has no chart; one ranking of the day by protocol is the least that it would have to do for one.
    name: 'day by 5 minutes and protocol',
    nfdump: ['-s', 'proto/bytes', '-n', '10'],
    weir: CHART,
    ...faster(10),
  },
];

export async function bench(options, peers) {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'weir-bench-day-'));
  try {
    const day = await prepareDay(folder, options.dayFlows, peers);
    const isDropped = options.dropCache && canDrop();
    console.log(`${show(day.flows / 1e6)} M flows; files ${isDropped ? 'not in memory' : 'in memory (page cache)'}`);
    const results = QUESTIONS.map((question) => ask(question, day, peers, options.runs, isDropped));
    const inside = JSON.parse(timeOnce(process.execPath, [INSIDE, day.weir.folder, ...CHART]).stdout);
    const memory = await memoryOfFiveTuples(day);
    print(results, inside, memory, day);
    return { day, isDropped, results, inside, memory, comparisons: comparisonsOf(results, inside, memory, day) };
  } finally {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function ask(question, day, peers, runs, isDropped) {
  const commands = { weir: weirCommand(['query', '--data', day.weir.folder, ...question.weir]) };
  if (day.nfdump !== undefined) commands.nfdump = nfdump(peers, day, question, question.nfdump);
  const times = { weir: [], nfdump: [] };
  for (let run = -1; run < runs; run++) {
    for (const [name, command] of Object.entries(commands)) {
      if (isDropped) writeFileSync(DROP, '3');
      const { seconds } = timeOnce(...command);
      if (run >= 0) times[name].push(seconds); // the one before the first only brings the files into memory, for both
    }
  }
  return { name: question.name, times, same: sameAnswer(question, day, peers) };
}

function nfdump(peers, day, { files }, args) {
  return [peers.nfdump.path, ['-R', files === undefined ? day.nfdump.folder : join(day.nfdump.folder, files), ...args]];
}

function sameAnswer(question, day, peers) {
  if (day.nfdump === undefined || question.same === undefined) return undefined;
  if (question.same === 'lines') {
    const ours = timeOnce(...weirCommand(['query', '--data', day.weir.folder, ...question.weir])).stdout;
    const theirs = timeOnce(...nfdump(peers, day, question, question.nfdump)).stdout;
    return lines(ours).length === lines(theirs).length;
  }
  const asked = ['query', '--data', day.weir.folder, ...question.weir, '--format', 'ndjson'];
  const ours = weirBytes(timeOnce(...weirCommand(asked)).stdout);
  const theirs = nfdumpBytes(timeOnce(...nfdump(peers, day, question, [...question.nfdump, '-o', 'csv'])).stdout);
  return areEqual(ours, theirs);
}

/** Largest resident memory of all processes of the question with the most groups, which does not fit into what it may take. */
async function memoryOfFiveTuples(day) {
  const asked = ['query', '--data', day.weir.folder, '--by', FIVE, '--top', '10', '--memory', '512MB'];
  const { rssMax, wall } = await runMeasured(...weirCommand(asked));
  return { rssMax, seconds: wall };
}

function print(results, inside, memory, day) {
  const of = (times, pick) => (times.length === 0 ? '–' : show(pick(times)));
  const least = (times) => Math.min(...times);
  console.log(
    table([
      ['question', 'weir s', 'least', 'nfdump s', 'least', 'same answer'],
      ...results.map(({ name, times: { weir, nfdump }, same }) => [
        name,
        of(weir, median),
        of(weir, least),
        of(nfdump, median),
        of(nfdump, least),
        same === undefined ? '' : same ? 'yes' : 'NO',
      ]),
    ]),
  );
  console.log(
    `day chart inside a running process: ${show(inside.median * 1000)} ms (least ${show(inside.least * 1000)})`,
  );
  console.log(`5-tuples with --memory 512MB: ${show(memory.rssMax / 1e6)} MB resident, ${show(memory.seconds)} s`);
  console.log(`roll-ups, catalogue and small tables: ${show(day.weir.rest / day.flows)} B/flow`);
}

function comparisonsOf(results, inside, memory, day) {
  const seconds = ({ times }, name) => (times[name].length === 0 ? undefined : median(times[name]));
  const asked = results.map((result, i) => {
    const { goal, met } = QUESTIONS[i];
    const name = `day: ${result.name}`;
    return compare(name, 's', seconds(result, 'weir'), 'nfdump', seconds(result, 'nfdump'), goal, met);
  });
  const chart = seconds(results.at(-1), 'nfdump');
  const perFlow = (store) => (store === undefined ? undefined : store.bytes / day.flows);
  const hundredth = faster(100);
  const bytes = [perFlow(day.weir), 'nfdump', perFlow(day.nfdump), '≤ 0.62', (_, ratio) => ratio <= 0.62];
  return [
    ...asked,
    compare('day: chart, process running', 's', inside.median, 'nfdump', chart, hundredth.goal, hundredth.met),
    compare('day: memory, 5-tuples', 'MB', memory.rssMax / 1e6, undefined, undefined, '< 800', (x) => x < 800),
    compare('day: merged flows', 'B/flow', ...bytes),
  ];
}

/** Whether this process may make the kernel forget the files it holds in memory. */
function canDrop() {
  try {
    writeFileSync(DROP, '3');
    return true;
  } catch {
    console.error('the page cache cannot be dropped here (root alone may): files are read from memory');
    return false;
  }
}
