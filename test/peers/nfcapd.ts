import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { freeUdpPort } from '../helpers/free-port.ts';
import { type Running, runProcess, startProcess } from '../helpers/processes.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { requireTool } from '../helpers/tools.ts';
import type { PeerFlow } from './compare.ts';
import { number } from './encode-records.ts';
import { fromNfdump, type NfdumpRow } from './nfdump-row.ts';
import { queuedOctets } from './tee.ts';

/** What nfcapd said at its end. */
export interface NfcapdTotals {
  readonly flows: number;
  readonly packets: number;
  readonly bytes: number;
  readonly sequenceErrors: number;
  readonly badPackets: number;
}

/** `nfcapd` on a free port of 127.0.0.1, writing into a folder of its own. */
export class Nfcapd {
  readonly port: number;
  readonly #folder: TempFolder;
  readonly #process: Running;

  constructor(port: number, folder: TempFolder, process: Running) {
    this.port = port;
    this.#folder = folder;
    this.#process = process;
  }

  static async start(): Promise<Nfcapd> {
    const folder = makeTempFolder('nfcapd');
    const port = await freeUdpPort();
    const flags = ['-4', '-b', '127.0.0.1', '-p', `${port}`, '-w', folder.path, '-y', '-t', '3600', '-B', '8000000'];
    const process = startProcess(requireTool('nfcapd'), flags);
    await process.waitFor('Startup');
    return new Nfcapd(port, folder, process);
  }

  /** Where its files are. */
  get folder(): string {
    return this.#folder.path;
  }

  /** Waits until it has read what was sent, ends it, and gives its totals. */
  async stop(): Promise<NfcapdTotals> {
    // It drops what is in its socket's buffer when it is told to end.
    for (let tries = 0; tries < 200 && queuedOctets(this.port) > 0; tries++) await sleep(50);
    await sleep(200);
    const { stdout, stderr } = await this.#process.stop('SIGTERM');
    const said = stdout + stderr;
    const line = /Flows: (\d+), Packets: (\d+), Bytes: (\d+), Sequence Errors: (\d+), Bad Packets: (\d+)/.exec(said);
    if (line === null) throw new Error(`nfcapd said no totals: ${said}`);
    const [flows, packets, bytes, sequenceErrors, badPackets] = line.slice(1).map(Number) as [
      number,
      number,
      number,
      number,
      number,
    ];
    return { flows, packets, bytes, sequenceErrors, badPackets };
  }

  /** The stored flows, as nfdump reads them. */
  async flows(): Promise<PeerFlow[]> {
    const files = readdirSync(this.#folder.path).filter((name) => /^nfcapd\.\d+$/.test(name));
    const all: PeerFlow[] = [];
    for (const file of files) {
      const args = ['-r', this.#folder.join(file), '-o', 'json'];
      const { stdout } = await runProcess(requireTool('nfdump'), args, { env: { TZ: 'UTC' } });
      for (const record of JSON.parse(stdout) as NfdumpRow[]) all.push(flowOf(record));
    }
    return all;
  }

  /** Ends it whatever state it is in, and removes its files. */
  async remove(): Promise<void> {
    this.#process.kill();
    await this.#process.finished;
    this.#folder.remove();
  }
}

function flowOf(row: NfdumpRow): PeerFlow {
  const text = (...names: string[]): string => String(names.map((name) => row[name]).find(Boolean) ?? '');
  return {
    exporter: text('ip4_router'),
    src: text('src4_addr', 'src6_addr'),
    dst: text('dst4_addr', 'dst6_addr'),
    proto: number(row, 'proto'),
    sport: number(row, 'src_port'),
    // nfdump prints ports or, for ICMP, type and code.
    dport: number(row, 'dst_port') || number(row, 'icmp_type') * 256 + number(row, 'icmp_code'),
    packets: number(row, 'in_packets'),
    bytes: number(row, 'in_bytes'),
    // nfcapd stores the reverse elements of RFC 5103 where others have what went out of an interface.
    reversePackets: number(row, 'out_packets'),
    reverseBytes: number(row, 'out_bytes'),
    more: fromNfdump(row),
  };
}
