// Kills a collector again and again (SIGKILL) at moments drawn by lot and at chosen ones, and looks each time whether the store kept what it promises: every flow that was called
// stored is there, and so is every flow received a second or more before the end; none is there twice; the next start makes `weir store verify` clean; roll-ups have the sums of
// their flows; nothing younger than the retention's age has gone. Between the lives of collectors, and beside them, crash-chores.mjs has something deleted, imported, moved or repaired,
// killed and done again: then that has been done, once.
//
//   npm run build && node scripts/crash-rounds.mjs --rounds 300          some ten minutes; the folder is kept when something was wrong
//   node scripts/crash-rounds.mjs --rounds 20 --seed 7 --json            the same lots again; figures as JSON
//
// Exit code 1 when a promise was broken. `late` counts rounds in which a flow older than a second was lost though it was not called stored: on a machine under load, what
// arrives may wait longer than that to be written.
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { holdsFlows, readCatalogue } from '../dist/store/catalogue.js';
import { withFolder } from '../dist/store/exclusive.js';
import { coverOf } from '../dist/store/rollup-cover.js';
import { verifyStore } from '../dist/store/verify.js';
import { createChores } from './crash-chores.mjs';
import { APART, draw, generator, message, RECORDS } from './crash-flows.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const random = generator(Number(values.seed));

/** How fast the collector's clock runs: a slot of a minute ends every two seconds, so that merges and roll-ups keep up with the lives. */
const SPEED = 30;
/** Age at which flows are given up, of that clock: some 30 s of real time. */
const AGE = 15 * 60_000;
/** What the clock may have gone on between a collector's last word and its end. */
const SLACK = 60_000;
const MESSAGES_PER_STEP = 4;
const STEP_MS = 10;
/** How long a sign is waited for. */
const PATIENCE_MS = 6000;

/** What kills: a moment by lot, or the first sign of a certain work. */
const MOMENTS = [
  { name: 'any', weight: 5 },
  { name: 'start', weight: 1 },
  { name: 'merge written', weight: 2, sign: (folder, name) => folder === 'tmp' && name.startsWith('merge-flows') },
  { name: 'roll-up written', weight: 2, sign: (folder, name) => folder === 'tmp' && /^merge-(minute|hour)/.test(name) },
  { name: 'merge named', weight: 2, sign: (folder, name) => folder === 'flows' && name.includes('-c') },
  { name: 'roll-up named', weight: 1, sign: (folder) => folder === 'minute' || folder === 'hour' },
  { name: 'segment named', weight: 1, sign: (folder, name) => folder === 'flows' && name.includes('-f') },
  { name: 'catalogue', weight: 2, sign: (folder, name) => folder === '' && name === 'catalogue.json.new' },
];

const folder = mkdtempSync(join(tmpdir(), 'weir-crash-'));
let data = join(folder, 'data');
const figures = {
  rounds: 0,
  sent: 0,
  received: 0,
  stored: 0,
  late: 0,
  problems: 0,
  adopted: 0,
  leftovers: 0,
  cutOff: 0,
  merges: 0,
  rollups: 0,
  expired: 0,
};
const IN_VAIN = 'waited in vain';
const killed = Object.fromEntries([...MOMENTS.map(({ name }) => name), IN_VAIN].map((name) => [name, 0]));
const faults = [];
/** Of each round: flows that must be there, and the clock's time at which the collector had received so many. */
const promised = [];
let clock = Date.UTC(2026, 2, 1, 12);
let running;
const chores = createChores({ folder, random, fault: (text) => faults.push(text) });
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    running?.kill('SIGKILL');
    chores.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    process.exit(1);
  });
}

const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
for (let round = 0; round < rounds; round++) {
  const { acks, report, problems } = await runOne(round);
  figures.rounds++;
  figures.problems += problems.length;
  if (report !== undefined) {
    figures.adopted += report.adopted.length;
    figures.leftovers += report.leftovers.length;
    for (const key of ['damaged', 'missing', 'foreign'])
      if (report[key].length > 0) faults.push(`round ${round}: the start found ${key}: ${JSON.stringify(report[key])}`);
  }
  for (const problem of problems) faults.push(`round ${round}: ${problem}`);
  promised.push(promiseOf(acks));
  // Killed before there was a store: nothing was promised.
  if (!existsSync(join(data, 'netweir.json'))) continue;
  if (existsSync(join(data, 'tmp')) && readdirSync(join(data, 'tmp')).length > 0) figures.cutOff++;
  // In some rounds something is deleted, imported, moved or repaired before the next collector comes; killed, and done again.
  data = await chores.run(data, clock);
  await checkFlows(round);
  // Half of the folders are repaired here, the others by the next collector.
  if (round % 2 === 0 || round === rounds - 1) await checkStore(round);
  if (!values.json && (round + 1) % 20 === 0)
    console.log(`${round + 1} rounds, ${faults.length} faults, ${JSON.stringify(figures)}`);
}
instance.closeSync();
const result = {
  seed: Number(values.seed),
  ...figures,
  ...chores.figures,
  killed,
  killedChores: chores.killed,
  faults,
};
if (values.json) console.log(JSON.stringify(result));
else {
  console.log(`seed ${values.seed}: ${JSON.stringify({ ...figures, ...chores.figures })}`);
  const counted = (counts) => Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  console.log(`killed at: ${counted(killed).join(', ')}; besides: ${counted(chores.killed).join(', ')}`);
  for (const fault of faults) console.log(`FAULT ${fault}`);
  console.log(faults.length === 0 ? 'every promise was kept' : `${faults.length} faults; the folder is ${folder}`);
}
if (faults.length === 0) rmSync(folder, { recursive: true, force: true });
process.exitCode = faults.length === 0 ? 0 : 1;

/** A life of the collector: fed from its start, killed. */
async function runOne(round) {
  const moment = draw(MOMENTS, random);
  const wait = random();
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('crash-collector.mjs', import.meta.url)), data, clock, SPEED, AGE],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  running = child;
  const exited = once(child, 'exit');
  const acks = [];
  const problems = [];
  let report;
  let port;
  let watchers = [];
  let isReady;
  const ready = new Promise((resolve) => {
    isReady = resolve;
  });
  const lines = createInterface({ input: child.stdout });
  const read = once(lines, 'close');
  lines.on('line', (line) => {
    const [word, ...rest] = line.split(' ');
    if (word === 'ack' && rest.length === 7) acks.push(rest.map(Number));
    else if (word === 'report') report = JSON.parse(rest.join(' '));
    else if (word === 'problem') problems.push(line);
    else if (word === 'ready') {
      port = Number(rest[0]);
      isReady();
    }
  });
  let isKilled = false;
  let hasSign = true;
  const kill = () => {
    isKilled = true;
    child.kill('SIGKILL');
  };
  if (moment.name === 'start') setTimeout(kill, 100 + wait * 500);
  await Promise.race([ready, exited]);
  const socket = createSocket('udp4');
  socket.on('error', () => {});
  const began = performance.now();
  if (port !== undefined && moment.name !== 'start') {
    const quietUntil = performance.now() + 200 + wait * 1300;
    if (moment.sign !== undefined) {
      watchers = ['', 'tmp', 'flows', 'minute', 'hour'].map((name) =>
        watch(join(data, name), (_, file) => {
          if (!isKilled && performance.now() > quietUntil && file !== null && moment.sign(name, file)) {
            // The very moment for half of them, some ms later for the others.
            if (random() < 0.5) kill();
            else setTimeout(kill, random() * 30);
          }
        }),
      );
      // Where the sign does not come. On a machine under load, merging, which has the lowest priority, takes its time.
      setTimeout(() => {
        hasSign = false;
        kill();
      }, PATIENCE_MS).unref();
    } else setTimeout(kill, 200 + wait * 2500);
  }
  let next = round * APART;
  if (port !== undefined) chores.beside(data, clock);
  while (child.exitCode === null && child.signalCode === null) {
    if (port !== undefined) {
      for (let n = 0; n < MESSAGES_PER_STEP; n++) {
        socket.send(message(next, clock + (performance.now() - began) * SPEED), port, '127.0.0.1');
        next += RECORDS;
      }
    }
    await sleep(STEP_MS);
  }
  await read;
  chores.left();
  for (const watcher of watchers) watcher.close();
  socket.close();
  figures.sent += next - round * APART;
  killed[hasSign ? moment.name : IN_VAIN]++;
  const last = acks.at(-1);
  figures.received += last?.[2] ?? 0;
  figures.stored += last?.[3] ?? 0;
  figures.merges += last?.[4] ?? 0;
  figures.rollups += last?.[5] ?? 0;
  figures.expired += last?.[6] ?? 0;
  // The next collector's clock goes on a little later.
  clock = Math.max(clock, last?.[1] ?? 0) + 2000;
  return { acks, report, problems };
}

/** What the store owes of a round: `stored` was called durable; `late` had come a second before the end. `times` are pairs (clock, records received). */
function promiseOf(acks) {
  const last = acks.at(-1);
  if (last === undefined) return { stored: 0, late: 0, times: [] };
  const late = acks.findLast(([ms]) => ms <= last[0] - 1000)?.[2] ?? 0;
  return { stored: last[3], late, times: acks.map(([, time, received]) => [time, received]) };
}

/** The flows as a reader finds them: each once, and all that are promised and too young to be given up. */
async function checkFlows(round) {
  const files = await flowFiles();
  const due = promised.map(({ times }) => firstOf(times));
  const { imports, deletedUntil } = chores;
  const found = new Map();
  if (files.length > 0) {
    const rows = await sql(
      `SELECT flow_id // ${APART} AS round, count(*), count(DISTINCT flow_id), count(DISTINCT flow_id) FILTER (flow_id % ${APART} >= first), max(flow_id) % ${APART} + 1
       FROM read_parquet([${files.join()}], union_by_name = true)
       JOIN (VALUES ${[...due.entries(), ...[...imports.keys()].map((of) => [of, 0])].map(([of, first]) => `(${of}, ${first})`).join()}) AS due(of, first) ON of = flow_id // ${APART} GROUP BY 1`,
    );
    for (const [of, ...rest] of rows) found.set(Number(of), rest.map(Number));
  }
  for (const [of, { flows, time }] of imports) {
    const [count = 0, different = 0] = found.get(of) ?? [];
    if (count !== different) faults.push(`round ${round}: ${count - different} flows of an import are there twice`);
    if (different < flows && time > keptSince())
      faults.push(`round ${round}: of ${flows} imported flows ${flows - different} are missing`);
  }
  if (files.length > 0 && deletedUntil > 0) {
    const [[left]] = await sql(
      `SELECT count(*)::DOUBLE FROM read_parquet([${files.join()}], union_by_name = true) WHERE epoch_ms(time_received) < ${deletedUntil}`,
    );
    if (left > 0) faults.push(`round ${round}: ${Number(left)} flows are there that were deleted`);
  }
  promised.forEach(({ stored, late }, of) => {
    const [count = 0, different = 0, young = 0, end = 0] = found.get(of) ?? [];
    const first = due[of];
    const say = (number, what) => faults.push(`round ${round}: of round ${of}, ${number} flows ${what}`);
    if (count !== different) say(count - different, 'are there twice');
    if (end < stored && first < stored) say(stored - Math.max(first, end), 'that were called stored are missing');
    if (young < end - first) say(end - first - young, 'between others are missing');
    if (of === round && end < late) figures.late++;
  });
}

/** The first flow of a round that is too young to be given up. Files go as a whole, so older ones may be there; one that is being merged stays a while longer. */
function firstOf(times) {
  return times.findLast(([time]) => time <= keptSince())?.[1] ?? 0;
}

/** What was received since then has neither been given up nor deleted. */
function keptSince() {
  return Math.max(clock - AGE, chores.deletedUntil) + SLACK;
}

/** Repairs the folder as a start does; then nothing may be wrong, and roll-ups have the sums of what they count. */
async function checkStore(round) {
  const report = await withFolder(
    data,
    () => clock,
    async ({ report: found }) => found,
  );
  figures.adopted += report.adopted.length;
  figures.leftovers += report.leftovers.length;
  for (const key of ['damaged', 'missing', 'foreign'])
    if (report[key].length > 0) faults.push(`round ${round}: repair found ${key}: ${JSON.stringify(report[key])}`);
  const { findings, notes } = await verifyStore({ dir: data });
  for (const { file, problem, text } of findings) faults.push(`round ${round}: verify: ${problem} ${file} ${text}`);
  for (const note of notes) faults.push(`round ${round}: verify: ${note}`);
  const { segments } = await readCatalogue(data);
  for (const tier of ['minute', 'hour']) {
    const { rollups, flows } = coverOf(segments, tier);
    for (const rollup of rollups) {
      const own = [...flows].filter(([, by]) => by.includes(rollup)).map(([segment]) => segment);
      const others = new Set(own.flatMap((segment) => flows.get(segment)));
      const rows = own.reduce((sum, segment) => sum + segment.rows, 0);
      // Some of its flows have been given up: then its sums are all there is.
      if (others.size > 1 || rows !== rollup.rollup.flows) continue;
      const [[counted]] = await sql(
        `SELECT sum(bytes)::DOUBLE FROM '${join(data, rollup.file)}' WHERE cube = ${rollup.rollup.cubes[0]}`,
      );
      const [[there]] = await sql(
        `SELECT sum(bytes)::DOUBLE FROM read_parquet([${own.map(({ file }) => `'${join(data, file)}'`).join()}], union_by_name = true)`,
      );
      if (counted !== there)
        faults.push(`round ${round}: ${rollup.file} has ${Number(counted)} octets, its flows have ${Number(there)}`);
    }
  }
}

async function flowFiles() {
  try {
    const { segments } = await readCatalogue(data);
    return segments.filter(holdsFlows).map(({ file }) => `'${join(data, file)}'`);
  } catch (error) {
    // Killed before there was one.
    if (error.code === 'WEIR_DATA_EMPTY' || error.code === 'WEIR_CATALOGUE') return [];
    throw error;
  }
}

async function sql(text) {
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(text)).getRowsJson();
  } finally {
    connection.closeSync();
  }
}
