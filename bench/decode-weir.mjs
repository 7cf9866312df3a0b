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
 * Gives a function that decodes all datagrams to columns (batches recycled, nothing stored) and returns the number of flow records.
 * The one place to fill in once the decoder is there: import it from `../dist/…`, one exporter, one batch pool.
 */
async function decoder() {
  throw new Error('bench/decode-weir.mjs does not know the decoder yet');
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
