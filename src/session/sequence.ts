import type { PlanVersion } from '../wire/plan.ts';

/** What a sequence number says about the messages before it. Counts are in the version's unit: v5 to v8 flows, v9 packets, IPFIX data records. */
export interface SequenceCounters {
  expected: number;
  received: number;
  resets: number;
  outOfOrder: number;
}

/** A message this many units behind is late; further behind the exporter has started again. */
const LATE: Readonly<Record<PlanVersion, number>> = {
  1: 0,
  5: 30_000,
  6: 30_000,
  7: 30_000,
  8: 30_000,
  9: 1_000,
  10: 30_000,
};
/** A gap this large is not loss but another count: at 60,000 datagrams/s it would be seconds without one datagram. */
const JUMP: Readonly<Record<PlanVersion, number>> = { 1: 0, 5: 1e7, 6: 1e7, 7: 1e7, 8: 1e7, 9: 500_000, 10: 1e7 };

/** So many messages that follow each other, all late, are a new count: IPFIX has no sysUptime to tell. */
const RUN = 8;

/**
 * Follows the sequence numbers of one transport session and domain (v5: engine). Loss is a gap forward; a step back is a late message, whose
 * units were counted as lost before, or a reset (exporter started again: sysUptime went back, or the step is too large for lateness).
 */
export class SequenceTracker {
  readonly #version: PlanVersion;
  #next = -1;
  /** See `#judge`: how the exporter counts, the last message, and what the first message that spoke against it was counted as. */
  #countsOwn = false;
  #last = -1;
  #lastUnits = 0;
  #doubt: SequenceCounters | undefined;
  /** Where the messages taken for late ones would go on, and how many of them have followed each other. */
  #lateNext = -1;
  #lateRun = 0;
  #lateUnits = 0;
  #uptime = 0;

  constructor(version: PlanVersion) {
    this.#version = version;
  }

  /** Whether the exporter's numbers count the records of the message itself. */
  get countsOwn(): boolean {
    return this.#countsOwn;
  }

  /**
   * A message with number `sequence` that carries `units` (v9: 1). `units` −1 means unknown (data records whose template is awaited): the next
   * message then only sets the count anew. `uptime` is sysUptime in ms, 0 where the version has none. `options` of the units are options data records.
   */
  update(sequence: number, units: number, uptime: number, counters: SequenceCounters, options = 0): void {
    if (this.#version !== 10) return this.#count(sequence, units, uptime, counters);
    const own = units < 0 ? -1 : units - options;
    const isDoubtful = this.#judge(sequence, own, counters);
    const before = isDoubtful ? { ...counters } : undefined;
    if (!this.#countsOwn) this.#count(sequence, units, uptime, counters);
    else if (own >= 0) this.#count((sequence - own) >>> 0, own, uptime, counters);
    else this.#next = sequence;
    if (before !== undefined) {
      this.#doubt = {
        expected: counters.expected - before.expected - units,
        received: 0,
        resets: counters.resets - before.resets,
        outOfOrder: counters.outOfOrder - before.outOfOrder,
      };
    }
    this.#last = sequence;
    this.#lastUnits = units;
  }

  /**
   * By RFC 7011 section 3.1 the number of an IPFIX message counts the records sent before it; that of softflowd 1.1 counts the message's own too, and no
   * options data. Two messages of different size that follow each other tell which it is. Because loss may look the same once, the second pair (or one
   * after a first message that counts just its own records) decides; what the first was counted as is then taken back. True for a first pair.
   */
  #judge(sequence: number, own: number, counters: SequenceCounters): boolean {
    if (this.#last < 0 && own > 0 && sequence === own)
      this.#doubt = { expected: 0, received: 0, resets: 0, outOfOrder: 0 };
    if (this.#last < 0 || own <= 0 || this.#lastUnits <= 0) return false;
    const isBefore = sequence === (this.#last + this.#lastUnits) >>> 0;
    const isOwn = sequence === (this.#last + own) >>> 0;
    if (isBefore && isOwn) return false;
    if (isBefore === isOwn || isOwn === this.#countsOwn) {
      this.#doubt = undefined;
      return false;
    }
    if (this.#doubt === undefined) return true;
    counters.expected -= this.#doubt.expected;
    counters.resets -= this.#doubt.resets;
    counters.outOfOrder -= this.#doubt.outOfOrder;
    this.#doubt = undefined;
    this.#countsOwn = isOwn;
    this.#next = isOwn ? this.#last : sequence;
    return false;
  }

  #count(sequence: number, units: number, uptime: number, counters: SequenceCounters): void {
    const known = Math.max(units, 0);
    if (this.#next >= 0) {
      const ahead = (sequence - this.#next) >>> 0;
      const behind = 4_294_967_296 - ahead;
      if (ahead !== 0) {
        // sysUptime going back by more than reordering explains, and not by its own wrap, is a restart.
        const restarted = uptime !== 0 && uptime + 60_000 < this.#uptime && this.#uptime - uptime < 4_000_000_000;
        if (!restarted && behind <= LATE[this.#version] && !this.#goesOn(sequence, known)) {
          counters.outOfOrder++;
          counters.received += known;
          return;
        }
        if (!restarted && behind <= LATE[this.#version]) {
          // Those taken for late were the first of the new count.
          counters.resets++;
          counters.outOfOrder -= RUN - 1;
          counters.expected += this.#lateUnits - known;
        } else if (restarted || ahead > JUMP[this.#version]) counters.resets++;
        else counters.expected += ahead;
      }
    }
    counters.expected += known;
    counters.received += known;
    this.#lateRun = 0;
    this.#lateNext = -1;
    this.#uptime = uptime;
    this.#next = units < 0 ? -1 : (sequence + units) >>> 0;
  }

  /** True when late messages follow each other without end: they are not late, the exporter counts from a lower number now. */
  #goesOn(sequence: number, units: number): boolean {
    const follows = sequence === this.#lateNext;
    this.#lateRun = follows ? this.#lateRun + 1 : 1;
    this.#lateUnits = follows ? this.#lateUnits + units : units;
    this.#lateNext = (sequence + units) >>> 0;
    return this.#lateRun >= RUN;
  }
}
