// A day of flows, the same in weir's store and in nfcapd's files of five minutes. It takes minutes to make, so a folder may keep it.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createTraffic } from '../../dist/generate/traffic.js';
import { runMeasured, startMeasured } from './process.mjs';
import { freePort, socketState } from './udp.mjs';

export const DAY_BEGIN = Date.UTC(2026, 2, 1);
export const DAY_MILLIS = 86_400_000;
const FILE_MILLIS = 300_000;
const EXPORTERS = 4;
const MAKE_WEIR = fileURLToPath(new URL('../query-day-weir.mjs', import.meta.url));

/** What both collect: flows evenly over the day, three million different ones that come again with new times. */
export const dayTraffic = (flows) => ({
  version: 5,
  exporters: EXPORTERS,
  flows,
  distinct: Math.min(flows, 3_000_000),
});

/**
 * Makes the day in a folder, or takes the one that is there: `{ flows, weir: { folder, bytes }, nfdump: { folder, bytes } | undefined }`. `bytes` are those of the
 * flows alone; weir's roll-ups and catalogue are in `rest`.
 */
export async function prepareDay(folder, flows, peers) {
  const description = join(folder, 'day.json');
  if (existsSync(description)) {
    const found = JSON.parse(readFileSync(description, 'utf8'));
    if (found.flows !== flows) throw new Error(`${folder} has a day of ${found.flows} flows, not of ${flows}`);
    return found;
  }
  const weir = join(folder, 'weir');
  const nfdump = join(folder, 'nfdump');
  mkdirSync(nfdump, { recursive: true });
  const { text } = await runMeasured(process.execPath, [MAKE_WEIR, weir, String(flows)]);
  const made = JSON.parse(text.trim().split('\n').at(-1));
  if (made.flows !== flows) throw new Error(`weir stored ${made.flows} flows of ${flows}:\n${text}`);
  if (peers.nfcapd !== undefined) await makeNfcapdFiles(peers.nfcapd.path, nfdump, flows);
  const day = {
    flows,
    made,
    weir: { folder: weir, bytes: sizeOf(join(weir, 'flows')), rest: sizeOf(weir) - sizeOf(join(weir, 'flows')) },
    nfdump: peers.nfcapd === undefined ? undefined : { folder: nfdump, bytes: sizeOf(nfdump) },
  };
  writeFileSync(description, JSON.stringify(day, null, 2));
  return day;
}

/** The name of the file that begins at this time, as nfcapd would give it in UTC. */
export function nfcapdName(time) {
  return `nfcapd.${new Date(time).toISOString().replace(/[-T:]/g, '').slice(0, 12)}`;
}

/**
 * nfcapd changes its file by the clock on the wall. A collector for each five minutes of the day makes the same files in less time: it is started, gets
 * their datagrams, which all find room in its buffer, and is ended when it has read them.
 */
async function makeNfcapdFiles(nfcapd, folder, flows) {
  const traffic = createTraffic(dayTraffic(flows));
  const senders = await Promise.all(Array.from({ length: EXPORTERS }, (_, i) => openSender(`127.0.0.${i + 1}`)));
  const ending = [];
  try {
    for (let end = DAY_BEGIN + FILE_MILLIS; end <= DAY_BEGIN + DAY_MILLIS; end += FILE_MILLIS) {
      const own = join(folder, `of-${end}`);
      mkdirSync(own);
      const port = await freePort();
      const args = ['-y', '-4', '-b', '127.0.0.1', '-p', String(port), '-w', own, '-B', '60000000', '-t', '3600'];
      const collector = startMeasured(nfcapd, args);
      await collector.waitFor(/Startup/);
      const before = traffic.totals.flows;
      for (;;) {
        const now = Math.floor(DAY_BEGIN + (traffic.totals.flows / flows) * DAY_MILLIS);
        const datagram = now < end ? traffic.next(now) : undefined;
        if (datagram === undefined) break;
        await new Promise((sent) => senders[traffic.exporter].send(datagram, port, '127.0.0.1', sent));
      }
      ending.push(
        finish(collector, port, own, join(folder, nfcapdName(end - FILE_MILLIS)), traffic.totals.flows - before),
      );
      // Two at a time, on two processors.
      if (ending.length > 1) await ending.shift();
    }
    await Promise.all(ending);
  } finally {
    for (const socket of senders) socket.close();
  }
}

async function finish(collector, port, own, file, flows) {
  while ((socketState(port)?.waiting ?? 0) > 0) await sleep(5);
  await sleep(50);
  const { text } = await collector.stop();
  const stored = Number(/Flows: (\d+)/.exec(text)?.[1]);
  if (stored !== flows) throw new Error(`nfcapd stored ${stored} flows of ${flows}:\n${text}`);
  const [name] = readdirSync(own).filter((each) => /^nfcapd\.\d+$/.test(each));
  renameSync(join(own, name), file);
  rmSync(own, { recursive: true });
}

async function openSender(address) {
  const socket = createSocket({ type: 'udp4', sendBufferSize: 4_000_000 });
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

/** Octets of all files below a folder. */
export function sizeOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
