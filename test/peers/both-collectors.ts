import { setTimeout as sleep } from 'node:timers/promises';
import { freeUdpPort } from '../helpers/free-port.ts';
import { type Running, runProcess, startProcess } from '../helpers/processes.ts';
import { repositoryPath } from '../helpers/repository.ts';
import { makeTempFolder, type TempFolder } from '../helpers/temp.ts';
import { parseNdjson } from '../helpers/weir.ts';
import { flowOfWeir, type PeerFlow, type Totals, totals, WEIR_COLUMNS, type WeirRow } from './compare.ts';
import type { Meter } from './exporters.ts';
import { Nfcapd, type NfcapdTotals } from './nfcapd.ts';
import { type Passed, queuedOctets, startTee } from './tee.ts';

const WEIR = repositoryPath('bin/weir.js');

/** What both collectors make of one exporter's datagrams. */
export interface Outcome {
  readonly exporter: string;
  readonly datagrams: readonly Passed[];
  readonly weir: readonly PeerFlow[];
  readonly nfdump: readonly PeerFlow[];
  /** What weir makes of the exporter's sequence numbers. */
  readonly sequence: { readonly expected: number; readonly received: number; readonly outOfOrder: number };
}

const NOTHING = { expected: 0, received: 0, outOfOrder: 0 };

/** What both collectors say at their end. */
export interface Ends {
  readonly nfcapd: NfcapdTotals;
  readonly weir: Totals;
  readonly datagrams: number;
  readonly records: number;
  readonly stored: number;
  readonly loss: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

/** `weir collect` and `nfcapd` side by side, behind tees, for `beforeAll` and `afterAll`. */
export class BothCollectors {
  readonly #outcomes = new Map<string, Outcome>();
  #exporters = 0;
  #weir: Running | undefined;
  #weirPort = 0;
  #nfcapd: Nfcapd | undefined;
  #data: TempFolder | undefined;
  #ends: Ends | undefined;

  /** Figures at the end; after `finish`. */
  get ends(): Ends {
    if (this.#ends === undefined) throw new Error('call finish first');
    return this.#ends;
  }

  /** What came of the run of this name; after `finish`. */
  outcome(name: string): Outcome {
    const outcome = this.#outcomes.get(name);
    if (outcome === undefined) throw new Error(`no run was called ${name}`);
    return outcome;
  }

  async start(): Promise<void> {
    this.#nfcapd = await Nfcapd.start();
    this.#data = makeTempFolder('peers');
    this.#weirPort = await freeUdpPort();
    const listen = ['--listen', `udp://127.0.0.1:${this.#weirPort}`, '--status-interval', '500ms'];
    this.#weir = startProcess(process.execPath, [WEIR, 'collect', '--data', this.#data.path, ...listen]);
    await this.#weir.waitFor('"msg":"collecting"');
  }

  /** Lets a program meter a capture, as an exporter with an address of its own. */
  async meter(name: string, capture: string, meter: Meter): Promise<void> {
    const number = ++this.#exporters;
    const tee = await startTee(`127.0.${1 + Math.floor(number / 200)}.${1 + (number % 200)}`, [
      this.#weirPort,
      this.#nfcapd?.port ?? 0,
    ]);
    try {
      await meter(capture, tee);
    } finally {
      await tee.close();
    }
    this.#outcomes.set(name, {
      exporter: tee.exporter,
      datagrams: tee.passed,
      weir: [],
      nfdump: [],
      sequence: NOTHING,
    });
  }

  /** Ends both, and reads what they stored. */
  async finish(): Promise<void> {
    if (this.#weir === undefined || this.#nfcapd === undefined) throw new Error('call start first');
    const nfcapd = await this.#nfcapd.stop();
    for (let tries = 0; tries < 200 && queuedOctets(this.#weirPort) > 0; tries++) await sleep(50);
    const { stdout } = await this.#weir.stop('SIGTERM');
    const log = parseNdjson<LogLine>(stdout);
    const stopped = log.find(({ msg }) => msg.startsWith('stopped'));
    if (stopped === undefined) throw new Error(`weir collect did not say that it stopped: ${stdout}`);
    const theirs = await this.#nfcapd.flows();
    const ours = await this.#query();
    const sequences = await this.#sequences();
    for (const [name, { exporter, datagrams }] of this.#outcomes) {
      const weir = ours.filter((flow) => flow.exporter === exporter);
      const nfdump = theirs.filter((flow) => flow.exporter === exporter);
      const sequence = sequences.get(exporter) ?? NOTHING;
      this.#outcomes.set(name, { exporter, datagrams, weir, nfdump, sequence });
    }
    const faults = log.findLast(({ msg }) => msg === 'status')?.faults ?? {};
    const { datagrams = 0, records = 0, stored = 0, loss = {} } = stopped;
    this.#ends = { nfcapd, weir: totals(ours), datagrams, records, stored, loss, faults };
  }

  /** Ends what still runs and removes all files. */
  async remove(): Promise<void> {
    this.#weir?.kill();
    await this.#weir?.finished;
    await this.#nfcapd?.remove();
    this.#data?.remove();
  }

  async #query(): Promise<PeerFlow[]> {
    return (await this.#ask<WeirRow>(['query', '--raw', '--columns', WEIR_COLUMNS])).map(flowOfWeir);
  }

  async #sequences(): Promise<Map<string, Outcome['sequence']>> {
    const sums = 'sum(sequence_expected) e, sum(sequence_received) r, sum(out_of_order) o';
    const rows = await this.#ask<Record<'e' | 'r' | 'o', unknown> & { exporter: string }>([
      'sql',
      `select exporter, ${sums} from quality group by exporter`,
    ]);
    const entries = rows.map(({ exporter, e, r, o }) => {
      return [exporter, { expected: Number(e), received: Number(r), outOfOrder: Number(o) }] as const;
    });
    return new Map(entries);
  }

  async #ask<T>([command = '', ...args]: readonly string[]): Promise<T[]> {
    const data = this.#data?.path ?? '';
    const words = [WEIR, command, '--data', data, '--format', 'ndjson', ...args];
    const { code, stdout, stderr } = await runProcess(process.execPath, words);
    if (code !== 0) throw new Error(`weir ${command}: ${stderr}`);
    return parseNdjson<T>(stdout);
  }
}

interface LogLine {
  readonly msg: string;
  readonly datagrams?: number;
  readonly records?: number;
  readonly stored?: number;
  readonly loss?: Record<string, number>;
  readonly faults?: Record<string, number>;
}
