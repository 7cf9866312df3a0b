import { setTimeout as sleep } from 'node:timers/promises';
import type { FlowBatch } from '../flow/batch.ts';
import { selectRows } from '../flow/select-rows.ts';
import { slotOf } from '../flow/slots.ts';
import { type LinkLog, type TargetCounters, TargetLink, type TargetOptions } from './target-link.ts';

export type { TargetCounters, TargetOptions } from './target-link.ts';

export interface ExportingProcessOptions {
  readonly targets: readonly TargetOptions[];
  /** Every target gets all records (default), or they take turns. */
  readonly sharing?: 'copies' | 'turns' | undefined;
  /** Octets of messages that may wait for each target; default 16 MiB. */
  readonly mostWaiting?: number | undefined;
  /** Go on when a collector is away at the start (default); without, `start` throws. */
  readonly isPatient?: boolean | undefined;
  readonly log: LinkLog;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly clock?: () => number;
}

const MOST_WAITING = 16 << 20;
/** `ready` waits while more than this waits for an open target. */
const HIGH_WATER = 4 << 20;
/** How long `ready` waits for one that is away, and `close` for one that takes nothing, ms. */
const PATIENCE = 10_000;
/** Rows that a target gets in turn: as many as a message of NetFlow v5 has. */
const TURN = 30;
const KIND = slotOf('record_kind');

/**
 * An exporting process (RFC 7011): takes batches and sends them to collectors over UDP, TCP and TLS, or into IPFIX files, in any of the formats that are
 * written, to all of them or in turn. It never waits and never fails because a collector is away: what a target does not take waits within bounds, and what
 * comes beyond is counted. Inert until `start`.
 */
export class ExportingProcess {
  readonly #links: readonly TargetLink[];
  readonly #options: ExportingProcessOptions;
  readonly #clock: () => number;
  #turn = 0;
  #closing: Promise<void> | undefined;

  constructor(options: ExportingProcessOptions) {
    const { targets, mostWaiting = MOST_WAITING, clock = () => performance.now(), log } = options;
    this.#options = options;
    this.#clock = clock;
    this.#links = targets.map((target) => new TargetLink(target, { mostWaiting, clock, log }));
  }

  /** Opens every target. Throws WEIR_SEND for a host that does not exist, or, when it is not to be patient, for one that is away. */
  async start(): Promise<void> {
    const { isPatient = true } = this.#options;
    try {
      await Promise.all(this.#links.map((link) => link.start(isPatient)));
    } catch (error) {
      // Open sockets would keep the process alive.
      await Promise.all(this.#links.map((link) => link.close(0)));
      throw error;
    }
  }

  /** Sends the rows of a batch, which may be used again afterwards; `exportMillis` is the time of the messages, ms since the epoch. */
  write(batch: FlowBatch, exportMillis = this.#options.now()): void {
    batch.seal();
    if (batch.rows === 0) return;
    if (this.#options.sharing === 'turns' && this.#links.length > 1) this.#writeInTurn(batch, exportMillis);
    else for (const link of this.#links) this.#writeAccepted(link, batch, exportMillis);
  }

  /** A message made elsewhere, of so many records. */
  writeMessage(message: Uint8Array, records: number): void {
    if (this.#options.sharing !== 'turns') {
      for (const link of this.#links) link.writeMessage(message, records);
      return;
    }
    const takers = this.#takers();
    takers[this.#turn++ % takers.length]?.writeMessage(message, records);
  }

  /** Templates and options are sent again before the next records. */
  renewTemplates(): void {
    for (const link of this.#links) link.renewTemplates();
  }

  /** Resolves when every target that is there has taken most of what waits; one that is away is waited for some seconds. For those who can wait. */
  async ready(): Promise<void> {
    const begun = this.#clock();
    const isBusy = (link: TargetLink): boolean =>
      link.waitingOctets > HIGH_WATER && (link.isOpen || this.#clock() - begun < PATIENCE);
    while (this.#links.some(isBusy)) await sleep(1);
  }

  /** Counters by target, in the order of the targets. */
  counters(): readonly TargetCounters[] {
    return this.#links.map((link) => link.counters());
  }

  /** Sends what waits, as long as it leaves, and closes. May be called twice. */
  close(patience = PATIENCE): Promise<void> {
    this.#closing ??= Promise.all(this.#links.map((link) => link.close(patience))).then(() => {});
    return this.#closing;
  }

  #writeInTurn(batch: FlowBatch, exportMillis: number): void {
    const takers = this.#takers();
    const shares: number[][] = takers.map(() => []);
    for (let row = 0; row < batch.rows; row++) {
      (shares[this.#turn % takers.length] as number[]).push(row);
      if (row % TURN === TURN - 1) this.#turn++;
    }
    this.#turn = (this.#turn + 1) % takers.length;
    takers.forEach((link, index) => {
      const rows = shares[index] as number[];
      if (rows.length > 0) this.#writeAccepted(link, selectRows(batch, rows), exportMillis);
    });
  }

  /** Those that take turns now: the ones that are there, or, when none is, all of them. */
  #takers(): readonly TargetLink[] {
    const links = this.#links.filter((link) => link.isOpen && link.hasRoom);
    return links.length === 0 ? this.#links : links;
  }

  #writeAccepted(link: TargetLink, batch: FlowBatch, exportMillis: number): void {
    const { accepts } = link.options;
    if (accepts === undefined) {
      link.write(batch, exportMillis);
      return;
    }
    const rows: number[] = [];
    const kinds = batch.arrays[KIND];
    for (let row = 0; row < batch.rows; row++) if (accepts(kinds?.[row] ?? 0)) rows.push(row);
    if (rows.length === batch.rows) link.write(batch, exportMillis);
    else if (rows.length > 0) link.write(selectRows(batch, rows), exportMillis);
  }
}
