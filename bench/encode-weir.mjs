// Times weir's encoder: a batch of synthetic flows in memory to messages, one core. Prints {"flows": N, "seconds": S, "octets": N}.
//
//   node bench/encode-weir.mjs PROTOCOL [SECONDS]
const protocol = process.argv[2];
const seconds = Number(process.argv[3] ?? 3);
const [{ createEncoder }, { createTraffic }, { createElementRegistry }, { FlowBatch }, { MessageDecoder }] =
  await Promise.all(
    [
      'export/encoder.js',
      'generate/traffic.js',
      'elements/registry.js',
      'flow/batch.js',
      'session/message-decoder.js',
    ].map((name) => import(`../dist/${name}`)),
  );

const now = Date.parse('2026-11-21T12:00:00Z');
const batch = flows(protocol === 'netflow5' ? 5 : protocol === 'ipfix' ? 10 : 9);
const encoder = createEncoder({ protocol, now: () => now });
let octets = 0;
const emit = (message) => {
  octets += message.length;
};
encoder.encodeTo(batch, emit);
const before = encoder.counters.records;
octets = 0;
const started = performance.now();
const end = started + seconds * 1000;
while (performance.now() < end) encoder.encodeTo(batch, emit);
const took = (performance.now() - started) / 1000;
console.log(JSON.stringify({ flows: encoder.counters.records - before, seconds: took, octets }));

/** A full batch of flows as a router of this version exports them. */
function flows(version) {
  const full = new FlowBatch();
  const decoder = new MessageDecoder({ registry: createElementRegistry(), sink: { batch: () => full } });
  const traffic = createTraffic({ version, distinct: 60_000 });
  const source = { address: [0, 0, 0xffff, 0x7f000001], port: 2055 };
  while (full.hasRoom(64)) decoder.decode(traffic.next(now), source, now * 1000);
  return full;
}
