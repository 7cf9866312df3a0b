// Decoding alone: datagrams in memory to columns, one core, against Python netflow's parser on the same datagrams.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { contents } from './decode-content.mjs';
import { timeOnce } from './lib/process.mjs';
import { compare, show, table } from './lib/table.mjs';
import { send } from './lib/udp.mjs';

const RATE = 20_000;
const MOST_FLOWS = 1_000_000;
const PYTHON_SECONDS = 5;
const GOALS = { 5: 15, 9: 10, 10: 8 };
/** M records/s of biflows and firewall events, and how much options data may slow plain ones down. */
const CONTENT_GOAL = 4;
const OPTIONS_GOAL = 0.8;
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export async function bench(options, peers) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-decode-'));
  const results = [];
  const others = [];
  try {
    for (const version of options.versions) {
      const file = join(folder, `v${version}`);
      const datagrams = await record(file, version, Math.min(options.flows, MOST_FLOWS));
      const weir = JSON.parse(timeOnce(process.execPath, [here('decode-weir.mjs'), file]).stdout);
      const python =
        peers.pythonNetflow === undefined
          ? undefined
          : JSON.parse(
              timeOnce(peers.pythonNetflow.path, [here('decode-netflow.py'), file, String(PYTHON_SECONDS)]).stdout,
            );
      results.push({ version, datagrams, weir, python });
    }
    for (const { name, datagrams } of contents()) {
      const file = join(folder, 'content');
      writeFileSync(file, Buffer.concat(datagrams.flatMap((datagram) => [length16(datagram), datagram])));
      const weir = JSON.parse(timeOnce(process.execPath, [here('decode-weir.mjs'), file]).stdout);
      others.push({ name, datagrams: datagrams.length, weir });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const speed = (run) => (run === undefined ? undefined : run.flows / run.seconds / 1e6);
  console.log(
    table([
      ['version', 'datagrams', 'weir M flows/s', 'Python netflow M flows/s'],
      ...results.map((r) => [`v${r.version}`, String(r.datagrams), show(speed(r.weir)), show(speed(r.python))]),
      ...others.map((r) => [r.name, String(r.datagrams), show(speed(r.weir)), '']),
    ]),
  );
  const comparisons = results.flatMap(({ version, weir, python }) => [
    compare(
      `v${version} decode`,
      'M flows/s',
      speed(weir),
      undefined,
      undefined,
      `≥ ${GOALS[version]}`,
      (x) => x >= GOALS[version],
    ),
    compare(
      `v${version} decode`,
      'M flows/s',
      speed(weir),
      'Python netflow',
      speed(python),
      '≥ 50×',
      (_, r) => r >= 50,
    ),
  ]);
  return { results: [...results, ...others], comparisons: [...comparisons, ...contentComparisons(others, speed)] };
}

/** Biflows and events against their goal, options mixed in against none. */
function contentComparisons(others, speed) {
  const of = (name) => speed(others.find((one) => one.name === name)?.weir);
  return [
    ...['IPFIX biflow', 'v9 NSEL'].map((name) =>
      compare(
        `${name} decode`,
        'M records/s',
        of(name),
        undefined,
        undefined,
        `≥ ${CONTENT_GOAL}`,
        (x) => x >= CONTENT_GOAL,
      ),
    ),
    ...['v9', 'IPFIX'].map((version) =>
      compare(
        `${version} with options mixed in`,
        'M records/s',
        of(`${version} with options`),
        'without',
        of(`${version} plain`),
        `≥ ${OPTIONS_GOAL}×`,
        (_, ratio) => ratio >= OPTIONS_GOAL,
      ),
    ),
  ];
}

function length16(datagram) {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(datagram.length);
  return length;
}

/** Has `weir generate` send to a socket here, and writes what arrives to a file, [u16le length][datagram]…; gives the number of datagrams. */
async function record(file, version, flows) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 60_000_000 });
  const pieces = [];
  socket.on('message', (datagram) => {
    pieces.push(length16(datagram), datagram);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  await send(socket.address().port, { version, rate: RATE, flows });
  await new Promise((resolve) => setTimeout(resolve, 500));
  socket.close();
  if (pieces.length === 0) throw new Error('weir generate has sent nothing');
  writeFileSync(file, Buffer.concat(pieces));
  return pieces.length / 2;
}
