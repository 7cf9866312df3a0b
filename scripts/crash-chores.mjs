// What crash-rounds.mjs does to a store besides collecting: crash-upkeep.mjs repairs, deletes, imports and moves; it is killed, and run again until it comes to its end.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { APART, draw, message, RECORDS } from './crash-flows.mjs';

const UPKEEP = fileURLToPath(new URL('crash-upkeep.mjs', import.meta.url));
const CHORES = [
  { name: 'none', weight: 3 },
  { name: 'repair', weight: 1 },
  { name: 'delete', weight: 1 },
  { name: 'import', weight: 2 },
  { name: 'move', weight: 2 },
];
/** Rounds of imports begin here. */
const FIRST_IMPORT = 100_000;
const MESSAGES = 400;
/** How long it lives at most once it has begun, if it is to be killed. */
const LIFE_MS = 700;
/** Times that a chore is killed before it may come to its end. */
const KILLS = 2;
/** Part of the collectors' lives with an import beside. */
const BESIDE = 0.3;
/** What was received so long ago, of the fast clock, or longer, is deleted. */
const DELETE_AFTER = 6 * 60_000;

/**
 * `run` does something, or nothing, and gives the folder that the store is in afterwards; `beside` begins an import while a collector runs, `left` is to be called when that has been
 * killed: the import is killed too, or goes on, and `run` does it again. `imports` are those that have come to their end, by round; `deletedUntil` is the time before which all was deleted.
 */
export function createChores({ folder, random, fault }) {
  const running = new Set();
  const killed = { repair: 0, delete: 0, import: 0, move: 0 };
  const figures = { chores: 0, imported: 0, repeatedImports: 0, deletes: 0, moves: 0 };
  const imports = new Map();
  let deletedUntil = 0;
  let moves = 0;
  /** An import beside a collector: what it is, and its process. */
  let begun;

  /** One life; killed `killAfter` ms after it has begun, unless that is undefined. */
  function start(what, data, clock, args) {
    const child = spawn(process.execPath, [UPKEEP, what, data, clock, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.add(child);
    let last = '';
    let isBegun;
    const hasBegun = new Promise((resolve) => {
      isBegun = resolve;
    });
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      last = line;
      isBegun();
    });
    const ended = new Promise((resolve) => {
      child.on('close', () => {
        running.delete(child);
        isBegun();
        resolve(last);
      });
    });
    return { child, hasBegun, ended };
  }

  /** Kills it a few times, then lets it come to its end; gives its last word. */
  async function untilDone(what, data, clock, args) {
    for (let n = 0; n < KILLS; n++) {
      const { child, hasBegun, ended } = start(what, data, clock, args);
      await hasBegun;
      const timer = setTimeout(() => child.kill('SIGKILL'), LIFE_MS * random() ** 2);
      const word = await ended;
      clearTimeout(timer);
      if (isLast(word)) return word;
      killed[what]++;
    }
    return await start(what, data, clock, args).ended;
  }

  function newImport(clock) {
    const round = FIRST_IMPORT + imports.size + (begun === undefined ? 0 : 1);
    const file = join(folder, `import-${round}.ipfix`);
    const messages = Array.from({ length: MESSAGES }, (_, n) => message(round * APART + n * RECORDS, clock));
    writeFileSync(file, Buffer.concat(messages));
    return { round, file, clock };
  }

  function imported({ round, file, clock }, word) {
    if (!word.startsWith('done') && !word.startsWith('refused WEIR_IMPORTED')) fault(`import of ${file}: ${word}`);
    if (word.startsWith('refused')) figures.repeatedImports++;
    figures.imported++;
    imports.set(round, { flows: MESSAGES * RECORDS, time: Math.floor(clock / 1000) * 1000 });
  }

  async function runOne(what, data, clock) {
    figures.chores++;
    if (what === 'import') {
      const one = newImport(clock);
      imported(one, await untilDone(what, data, clock, [one.file]));
    } else if (what === 'delete') {
      const to = Math.floor(clock - DELETE_AFTER * (1 + random()));
      const word = await untilDone(what, data, clock, [0, to]);
      // Sums of flows that retention has given up in part could not be made again: nothing was deleted then.
      if (word.startsWith('done')) {
        figures.deletes++;
        deletedUntil = Math.max(deletedUntil, to);
      } else if (!/^refused WEIR_USAGE .* counts flows of that time together/.test(word)) fault(`delete: ${word}`);
    } else if (what === 'move') {
      const target = join(folder, `data-${++moves}`);
      const word = await untilDone(what, data, clock, [target]);
      if (word.startsWith('done')) {
        figures.moves++;
        return target;
      }
      fault(`move to ${target}: ${word}`);
    } else {
      const word = await untilDone(what, data, clock, []);
      const { damaged, missing, foreign, aside } = JSON.parse(word.replace(/^done /, ''));
      for (const [key, found] of Object.entries({ damaged, missing, foreign, aside }))
        if (found.length > 0) fault(`repair found ${key}: ${JSON.stringify(found)}`);
    }
    return data;
  }

  return {
    figures,
    killed,
    imports,
    get deletedUntil() {
      return deletedUntil;
    },
    stop: () => running.forEach((child) => child.kill('SIGKILL')),
    beside(data, clock) {
      if (random() >= BESIDE) return;
      const one = newImport(clock);
      begun = { ...one, ...start('import', data, clock, [one.file]) };
    },
    left() {
      if (begun === undefined || random() < 0.5) return;
      if (begun.child.exitCode === null) killed.import++;
      begun.child.kill('SIGKILL');
    },
    async run(data, clock) {
      if (begun !== undefined) {
        const word = await begun.ended;
        const one = begun;
        begun = undefined;
        imported(one, isLast(word) ? word : await untilDone('import', data, clock, [one.file]));
      }
      const { name } = draw(CHORES, random);
      return name === 'none' ? data : await runOne(name, data, clock);
    },
  };
}

function isLast(word) {
  return word.startsWith('done') || word.startsWith('refused');
}
