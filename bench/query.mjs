// Asking: from the cold command to the printed answer, the same flows stored by weir and by nfcapd. The runs of the two take turns, so
// that both meet the same machine; the figure is the median.
import { rmSync } from 'node:fs';
import { collect, collectors } from './collect.mjs';
import { areEqual, nfdumpBytes, weirBytes } from './lib/answers.mjs';
import { weirCommand } from './lib/peers.mjs';
import { median, timeOnce } from './lib/process.mjs';
import { compare, show, table } from './lib/table.mjs';

/** Slow enough that neither collector loses anything: both are asked about the same flows. */
const RATE = 20_000;

const QUESTIONS = [
  {
    name: 'top 10 sources by bytes',
    nfdump: ['-s', 'srcip/bytes', '-n', '10'],
    weir: ['--by', 'src_addr', '--top', '10', '--order', 'bytes'],
    goal: 'faster',
    met: (_, ratio) => ratio < 1,
  },
  {
    name: 'top 10 five-tuples by bytes',
    nfdump: ['-A', 'srcip,dstip,proto,srcport,dstport', '-O', 'bytes', '-n', '10'],
    weir: ['--by', 'src_addr,dst_addr,proto,src_port,dst_port', '--top', '10', '--order', 'bytes'],
    goal: '≤ 0.5×',
    met: (_, ratio) => ratio <= 0.5,
  },
];

export async function bench(options, peers) {
  const tools = collectors(peers).filter(({ name }) => name === 'weir' || name === 'nfcapd');
  const stores = {};
  try {
    for (const tool of tools) {
      stores[tool.name] = await collect(tool, { version: 5, rate: RATE, flows: options.flows }, { keep: true });
      console.log(`${tool.name}: ${stores[tool.name].flowsStored} flows in ${show(stores[tool.name].bytes / 1e6)} MB`);
    }
    const results = QUESTIONS.map((question) => ask(question, stores, peers, options.runs));
    console.log(
      table([
        ['question', 'weir s', 'nfdump s', 'same answer'],
        ...results.map((r) => [
          r.name,
          show(r.weir),
          show(r.nfdump),
          r.same === undefined ? '' : r.same ? 'yes' : 'NO',
        ]),
      ]),
    );
    const comparisons = results.map((r, i) =>
      compare(`query: ${r.name}`, 's', r.weir, 'nfdump', r.nfdump, QUESTIONS[i].goal, QUESTIONS[i].met),
    );
    return { results, stores, comparisons };
  } finally {
    for (const { folder } of Object.values(stores)) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function ask(question, stores, peers, runs) {
  const commands = { weir: weirCommand(['query', '--data', stores.weir.folder, ...question.weir]) };
  if (stores.nfcapd !== undefined)
    commands.nfdump = [peers.nfdump.path, ['-R', stores.nfcapd.folder, ...question.nfdump]];
  const times = { weir: [], nfdump: [] };
  for (let run = -1; run < runs; run++) {
    for (const [name, command] of Object.entries(commands)) {
      const { seconds } = timeOnce(...command);
      if (run >= 0) times[name].push(seconds); // the one before the first only brings the files into memory, for both
    }
  }
  return {
    name: question.name,
    weir: median(times.weir),
    nfdump: times.nfdump.length > 0 ? median(times.nfdump) : undefined,
    times,
    same: stores.nfcapd === undefined ? undefined : sameAnswer(question, stores, peers),
  };
}

/** Whether both name the same ten amounts of bytes. */
function sameAnswer(question, stores, peers) {
  const ours = timeOnce(
    ...weirCommand(['query', '--data', stores.weir.folder, ...question.weir, '--format', 'ndjson']),
  ).stdout;
  const theirs = timeOnce(peers.nfdump.path, ['-R', stores.nfcapd.folder, ...question.nfdump, '-o', 'csv']).stdout;
  return areEqual(weirBytes(ours), nfdumpBytes(theirs));
}
