// Times weir's decoder over the datagrams of a file ([u16le length][datagram]…): prints {"flows": N, "seconds": S}.
//
//   node bench/decode-weir.mjs FILE [SECONDS]
import { readFileSync } from 'node:fs';

const seconds = Number(process.argv[3] ?? 3);
const datagrams = read(process.argv[2]);
const decodeAll = await decoder();

// Once to warm up (templates compiled, code optimised), then whole rounds until the time is over.
decodeAll(datagrams);
let flows = 0;
const started = performance.now();
const end = started + seconds * 1000;
while (performance.now() < end) flows += decodeAll(datagrams);
console.log(JSON.stringify({ flows, seconds: (performance.now() - started) / 1000 }));

/**
 * Gives a function that decodes all datagrams to columns and returns the number of flow records: one exporter, one batch that is emptied
 * when it is full, nothing stored. It is what `weir collect` runs for each datagram.
 */
async function decoder() {
  const [{ createElementRegistry }, { FlowBatch }, { MessageDecoder }] = await Promise.all(
    ['elements/registry.js', 'flow/batch.js', 'session/message-decoder.js'].map((name) => import(`../dist/${name}`)),
  );
  const batch = new FlowBatch();
  const sink = {
    batch() {
      if (!batch.hasRoom(64)) batch.clear();
      return batch;
    },
  };
  const messages = new MessageDecoder({ registry: createElementRegistry(), sink });
  const source = { address: [0, 0, 0xffff, 0x7f000001], port: 2055 };
  const received = Date.now() * 1000;
  return (list) => {
    let flows = 0;
    for (const datagram of list) flows += messages.decode(datagram, source, received);
    return flows;
  };
}

function read(path) {
  const data = readFileSync(path);
  const found = [];
  for (let at = 0; at + 2 <= data.length; ) {
    const length = data.readUInt16LE(at);
    found.push(data.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return found;
}
