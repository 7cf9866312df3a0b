import { BY_PROGRAM, Connection, type ConnectionListener } from './connection.ts';
import { ConnectionTable } from './connection-table.ts';
import { endOf, startOf, startWithin } from './connection-times.ts';
import { type ConnectionSelection, createSelector, translationOf } from './translation.ts';

export interface TrackerOptions {
  readonly selection: ConnectionSelection;
  readonly listener: ConnectionListener;
  /** Open connections kept, of each address family. */
  readonly maxConnections: number;
  /** After so long without a sign a connection is forgotten, s; a minute more or less, and 45 days at most. */
  readonly ttlSeconds: number;
  /** A connection is told of at least so often, s; 0 for its end only. Takes listings, every quarter of it. */
  readonly activeSeconds: number;
  /** Wall clock, µs since the epoch. */
  readonly nowMicros: () => number;
  /** A clock that nobody sets, s. */
  readonly seconds: () => number;
  /** Seed of the table. */
  readonly seed: number;
}

export interface TrackerCounters {
  open: number;
  begun: number;
  ended: number;
  interim: number;
  /** Begun, and not selected. */
  unselected: number;
  /** Beginnings that no event told of: found in a listing, or known by the end alone. */
  beginningsMissed: number;
  /** Ends that no event told of: found to be gone in a listing, or replaced by another of the same addresses and ports. */
  endsMissed: number;
  /** Ends of connections that had been given up before as missed. */
  endsLate: number;
  /** Given up after the TTL. */
  forgotten: number;
  /** Not kept for want of room in the table; told of by their events. */
  untracked: number;
  /** Ends before their beginning: the clock has been set. */
  timesReversed: number;
}

/** Codes of END_REASONS. */
const END = { idle: 1, active: 2, end: 3, forced: 4, resources: 5 } as const;
/** Protocols that have an end: TCP, DCCP, SCTP. */
const CLOSING: ReadonlySet<number> = new Set([6, 33, 132]);
/** Numbers of ended connections that are remembered for lines that come late. */
const MOST_ENDED = 65_536;
/** Seconds after a listing before what it did not have is given up: events of their ends may still wait. */
const GRACE = 3;
const TTL_SCAN = 60;
/** The table counts minutes in 16 bits. */
const MOST_TTL_MINUTES = 65_000;

/** Follows connections through conntrack's events and listings, and tells the listener. */
export class ConnectionTracker {
  readonly counters: TrackerCounters = {
    open: 0,
    begun: 0,
    ended: 0,
    interim: 0,
    unselected: 0,
    beginningsMissed: 0,
    endsMissed: 0,
    endsLate: 0,
    forgotten: 0,
    untracked: 0,
    timesReversed: 0,
  };
  readonly #options: TrackerOptions;
  readonly #isSelected: (connection: Connection, translated: number) => boolean;
  readonly #ipv4: ConnectionTable;
  readonly #ipv6: ConnectionTable;
  readonly #scratch = new Connection();
  /** Listings are numbered modulo 256; rows have the number of the last one that had them. */
  #listing = 0;
  #isListing = false;
  #isFirst = true;
  #listingMicros = 0;
  /** Told at each listing that is under way, whatever was due: the last one. */
  #isLast = false;
  #sweepAt = Number.POSITIVE_INFINITY;
  #scanAt = 0;
  /** Numbers of connections that ended while a listing is read, and of those given up after the last one. */
  readonly #ended = new Set<number>();
  readonly #givenUp = new Set<number>();

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#isSelected = createSelector(options.selection);
    this.#ipv4 = new ConnectionTable(4, options.maxConnections, options.seed);
    this.#ipv6 = new ConnectionTable(6, options.maxConnections, options.seed);
  }

  /** Connections whose end may come without an event; they take listings to be noticed. */
  get silent(): number {
    return this.#ipv4.silent + this.#ipv6.silent;
  }

  /** A line of `conntrack -E`. */
  event(connection: Connection): void {
    if (connection.kind === 'destroy') this.#destroyed(connection);
    else if (connection.kind === 'new') this.#began(connection);
    else this.listed(connection);
  }

  listingBegan(): void {
    this.#listing = (this.#listing + 1) & 0xff;
    this.#listingMicros = this.#options.nowMicros();
    this.#isListing = true;
  }

  /** A line of `conntrack -L`. */
  listed(connection: Connection): void {
    if (connection.id !== 0 && this.#ended.has(connection.id)) return;
    const { nowMicros, seconds } = this.#options;
    const table = this.#table(connection);
    let row = this.#rowOf(table, connection);
    if (row < 0) {
      if (!this.#isSelected(connection, translationOf(connection))) return;
      connection.startMicros = startOf(connection) || nowMicros();
      row = this.#insert(table, connection);
      if (!this.#isFirst) this.counters.beginningsMissed++;
      if (row >= 0) {
        table.setSilent(row, true);
        // What was counted before this program ran is not told by it.
        if (this.#isFirst) table.setCounted(row, connection);
      }
      return;
    }
    const now = seconds();
    table.see(row, now, this.#listing);
    const fits = !connection.hasCounters || table.setPending(row, connection);
    if (this.#isLast || !fits || this.#isDue(table, row, now)) this.#continues(table, row, connection, now);
  }

  /** All lines of a listing have come; without `isComplete` only some. */
  listingEnded(isComplete: boolean): void {
    this.#isListing = false;
    this.#ended.clear();
    if (!isComplete) return;
    this.#isFirst = false;
    this.#sweepAt = this.#options.seconds() + GRACE;
  }

  /** The next listing is the last: all connections that it has are told of. */
  finish(): void {
    this.#isLast = true;
  }

  /** To be called every second or so. */
  tick(): void {
    const now = this.#options.seconds();
    if (now >= this.#sweepAt) {
      this.#sweepAt = Number.POSITIVE_INFINITY;
      this.#givenUp.clear();
      this.#sweep(this.#ipv4);
      this.#sweep(this.#ipv6);
    }
    if (now < this.#scanAt) return;
    this.#scanAt = now + TTL_SCAN;
    this.#forget(this.#ipv4, now);
    this.#forget(this.#ipv6, now);
  }

  #began(connection: Connection): void {
    const table = this.#table(connection);
    const row = table.find(connection);
    if (row >= 0 && table.isSilent(row) && !isAnother(table, row, connection)) {
      // The listing was read before the event: nothing was missed, and all its counts are this program's.
      table.setSilent(row, false);
      table.forgetCounted(row);
      if (connection.eventMicros > 0) table.setStart(row, connection.eventMicros);
      if (!this.#isFirst) this.counters.beginningsMissed--;
      return;
    }
    if (row >= 0) this.#endMissed(table, row, connection.eventMicros || this.#options.nowMicros());
    if (!this.#isSelected(connection, translationOf(connection))) {
      this.counters.unselected++;
      return;
    }
    this.#ended.delete(connection.id);
    this.#givenUp.delete(connection.id);
    connection.startMicros = startOf(connection) || this.#options.nowMicros();
    this.#insert(table, connection);
  }

  /** The row of a connection, or -1. One of the same ends that came before it has ended without being told. */
  #rowOf(table: ConnectionTable, connection: Connection): number {
    const row = table.find(connection);
    if (row < 0 || !isAnother(table, row, connection)) return row;
    this.#endMissed(table, row, this.#options.nowMicros());
    return -1;
  }

  #insert(table: ConnectionTable, connection: Connection): number {
    const row = table.insert(connection, this.#options.seconds(), this.#listing);
    if (row < 0) this.counters.untracked++;
    else this.counters.open++;
    this.counters.begun++;
    this.#options.listener.begun?.(connection);
    return row;
  }

  #destroyed(connection: Connection): void {
    const { counters } = this;
    if (this.#isListing && this.#ended.size < MOST_ENDED) this.#ended.add(connection.id);
    if (connection.id !== 0 && this.#givenUp.delete(connection.id)) {
      counters.endsLate++;
      return;
    }
    const table = this.#table(connection);
    const row = this.#rowOf(table, connection);
    if (row < 0) {
      if (!this.#isSelected(connection, translationOf(connection))) return;
      counters.beginningsMissed++;
      const start = startOf(connection);
      const end = endOf(connection, start);
      connection.startMicros = start || end;
      connection.fromMicros = connection.startMicros;
      connection.packetsBefore = 0;
      connection.bytesBefore = 0;
      connection.replyPacketsBefore = 0;
      connection.replyBytesBefore = 0;
      this.#tellEnd(connection, end);
      return;
    }
    table.loadTold(row, connection);
    const isWhole = connection.fromMicros === connection.startMicros;
    connection.startMicros = startWithin(connection.startMicros, connection);
    if (isWhole) connection.fromMicros = connection.startMicros;
    table.remove(row);
    counters.open--;
    this.#tellEnd(connection, endOf(connection, connection.startMicros));
  }

  #tellEnd(connection: Connection, micros: number): void {
    if ((connection.flags & BY_PROGRAM) !== 0) connection.endReason = END.forced;
    else connection.endReason = CLOSING.has(connection.proto) ? END.end : END.idle;
    this.#setEnd(connection, micros);
    this.counters.ended++;
    this.#options.listener.ended(connection);
  }

  /** An end that was not told of. `#scratch` is used: the caller has a connection in hand. */
  #endMissed(table: ConnectionTable, row: number, micros: number): void {
    const { counters } = this;
    const connection = this.#scratch;
    table.load(row, connection);
    table.remove(row);
    connection.endReason = END.resources;
    this.#setEnd(connection, micros);
    counters.open--;
    counters.endsMissed++;
    counters.ended++;
    this.#options.listener.ended(connection);
  }

  #setEnd(connection: Connection, micros: number): void {
    const { fromMicros } = connection;
    if (micros < fromMicros) this.counters.timesReversed++;
    connection.endMicros = Math.max(micros, fromMicros);
  }

  #isDue(table: ConnectionTable, row: number, now: number): boolean {
    const { activeSeconds } = this.#options;
    return activeSeconds > 0 && now - table.toldAt(row) + activeSeconds / 4 > activeSeconds;
  }

  /** An interim record; `connection` is a listed one, with its counters. */
  #continues(table: ConnectionTable, row: number, connection: Connection, now: number): void {
    table.loadTold(row, connection);
    connection.endReason = this.#isLast ? END.forced : END.active;
    this.#setEnd(connection, this.#options.nowMicros());
    this.counters.interim++;
    this.#options.listener.continues?.(connection);
    table.told(row, connection, connection.endMicros, now);
  }

  /** Gives up what the last listing did not have. */
  #sweep(table: ConnectionTable): void {
    for (let row = 0; row < table.rows; row++) {
      if (!table.isUsed(row) || table.listingOf(row) === this.#listing) continue;
      if (this.#givenUp.size < MOST_ENDED) this.#givenUp.add(table.idOf(row));
      this.#endMissed(table, row, this.#listingMicros);
    }
  }

  #forget(table: ConnectionTable, now: number): void {
    const most = Math.min(Math.ceil(this.#options.ttlSeconds / 60), MOST_TTL_MINUTES);
    for (let row = 0; row < table.rows; row++) {
      if (!table.isUsed(row) || table.minutesUnseen(row, now) <= most) continue;
      table.remove(row);
      this.counters.open--;
      this.counters.forgotten++;
    }
  }

  #table({ isIpv6 }: Connection): ConnectionTable {
    return isIpv6 ? this.#ipv6 : this.#ipv4;
  }
}

/** Whether the kernel says that the connection is not the one of the row, only its addresses and ports. */
function isAnother(table: ConnectionTable, row: number, { id }: Connection): boolean {
  const known = table.idOf(row);
  return id !== 0 && known !== 0 && id !== known;
}
