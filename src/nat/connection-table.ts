import type { Connection } from './connection.ts';

/** Rows that a table begins with. */
const FIRST_CAPACITY = 4096;

/*
 * A row, in 32-bit words: what is said below, then the addresses. Times and counters of 64 bits come first, so that they lie on even words.
 */
const START = 0; // µs since the epoch, a double
const FROM = 2; // what was told until then, the same
const COUNTERS = 4; // packets, bytes, reply packets and reply bytes that were told, doubles
const PENDING = 12; // the same four, counted since and not told, as 32-bit numbers
const NEXT = 16; // next row of the chain, plus 1
const ID = 17;
const MARK = 18;
const ZONES = 19; // original, reply << 16
const ORIGINAL_PORTS = 20; // source, destination << 16
const REPLY_PORTS = 21;
const ICMP = 22; // type, code, reply type, reply code: an octet each, lowest first
const STATE = 23; // protocol, flags << 8, listing << 16, state bits << 24
const SEEN = 24; // s of the monotonic clock
const TOLD = 25; // when its last record was told, the same
const ADDRESSES = 26;

const USED = 1 << 24;
const SILENT = 1 << 25;
const MOST_PENDING = 0xffff_ffff;

/**
 * Open connections of one address family by their original direction, as rows of one array: 120 octets for IPv4, 168 for IPv6. It grows by doubling up to its bound. Rows are
 * numbers, which stay as long as the connection does.
 */
export class ConnectionTable {
  /** Connections in it. */
  size = 0;
  /** Connections whose end may come without an event: the kernel had no listener when they began. */
  silent = 0;
  readonly #most: number;
  readonly #seed: number;
  readonly #stride: number;
  /** Words of an address, and where in `Connection.addresses` they begin. */
  readonly #wide: number;
  readonly #skip: number;
  #capacity = 0;
  #words = new Uint32Array(0);
  #doubles = new Float64Array(0);
  /** First row of each chain, plus 1. */
  #heads = new Uint32Array(0);
  #mask = 0;
  /** First free row, plus 1. */
  #free = 0;
  /** Rows from here on have never been used. */
  #fresh = 0;

  /** `most`: connections at most. `seed`: any number that strangers do not know, so that they cannot make chains long. */
  constructor(family: 4 | 6, most: number, seed: number) {
    this.#seed = seed | 0;
    this.#wide = family === 4 ? 1 : 4;
    this.#skip = 4 - this.#wide;
    this.#stride = ADDRESSES + 4 * this.#wide;
    this.#most = most;
    this.#grow(Math.min(FIRST_CAPACITY, most));
  }

  /** Rows are below this. */
  get rows(): number {
    return this.#fresh;
  }

  isUsed(row: number): boolean {
    return ((this.#words[row * this.#stride + STATE] as number) & USED) !== 0;
  }

  /** The row of the connection with this protocol, zone and original direction; -1 where there is none. */
  find(connection: Connection): number {
    const words = this.#words;
    for (let row = this.#heads[this.#hash(connection)] as number; row !== 0; ) {
      const at = (row - 1) * this.#stride;
      if (this.#isSame(at, connection)) return row - 1;
      row = words[at + NEXT] as number;
    }
    return -1;
  }

  /** Puts a connection in that is not there; `seconds` is the monotonic clock's time. Returns its row, -1 when the table is full. */
  insert(connection: Connection, seconds: number, listing: number): number {
    if (this.#free === 0 && this.#fresh === this.#capacity) {
      if (this.#capacity >= this.#most) return -1;
      this.#grow(Math.min(this.#capacity * 2, this.#most));
    }
    const words = this.#words;
    const row = this.#free === 0 ? this.#fresh++ : this.#free - 1;
    const at = row * this.#stride;
    if (this.#free !== 0) this.#free = words[at + NEXT] as number;
    const slot = this.#hash(connection);
    words[at + NEXT] = this.#heads[slot] as number;
    this.#heads[slot] = row + 1;
    words[at + ID] = connection.id;
    words[at + MARK] = connection.mark;
    words[at + ZONES] = connection.zone | (connection.replyZone << 16);
    words[at + ORIGINAL_PORTS] = connection.originalSourcePort | (connection.originalDestinationPort << 16);
    words[at + REPLY_PORTS] = connection.replySourcePort | (connection.replyDestinationPort << 16);
    words[at + ICMP] =
      connection.icmpType |
      (connection.icmpCode << 8) |
      (connection.replyIcmpType << 16) |
      (connection.replyIcmpCode << 24);
    words[at + STATE] = connection.proto | (connection.flags << 8) | (listing << 16) | USED;
    words[at + SEEN] = seconds;
    words[at + TOLD] = seconds;
    for (let address = 0; address < 4; address++)
      for (let i = 0; i < this.#wide; i++)
        words[at + ADDRESSES + address * this.#wide + i] = connection.addresses[address * 4 + this.#skip + i] as number;
    const double = at >> 1;
    this.#doubles[double + START / 2] = connection.startMicros;
    this.#doubles[double + FROM / 2] = connection.startMicros;
    this.#doubles.fill(0, double + COUNTERS / 2, double + COUNTERS / 2 + 4);
    words.fill(0, at + PENDING, at + PENDING + 4);
    this.size++;
    return row;
  }

  remove(row: number): void {
    const words = this.#words;
    const at = row * this.#stride;
    this.setSilent(row, false);
    let slot = this.#hashRow(at);
    if (this.#heads[slot] === row + 1) this.#heads[slot] = words[at + NEXT] as number;
    else {
      slot = ((this.#heads[slot] as number) - 1) * this.#stride;
      while (words[slot + NEXT] !== row + 1) slot = ((words[slot + NEXT] as number) - 1) * this.#stride;
      words[slot + NEXT] = words[at + NEXT] as number;
    }
    words[at + STATE] = 0;
    words[at + NEXT] = this.#free;
    this.#free = row + 1;
    this.size--;
  }

  /** Puts all that the table knows into `connection`, its counters as far as they are known. */
  load(row: number, connection: Connection): void {
    const words = this.#words;
    const at = row * this.#stride;
    const state = words[at + STATE] as number;
    connection.proto = state & 0xff;
    connection.flags = (state >>> 8) & 0xff;
    connection.id = words[at + ID] as number;
    connection.mark = words[at + MARK] as number;
    connection.zone = (words[at + ZONES] as number) & 0xffff;
    connection.replyZone = (words[at + ZONES] as number) >>> 16;
    connection.originalSourcePort = (words[at + ORIGINAL_PORTS] as number) & 0xffff;
    connection.originalDestinationPort = (words[at + ORIGINAL_PORTS] as number) >>> 16;
    connection.replySourcePort = (words[at + REPLY_PORTS] as number) & 0xffff;
    connection.replyDestinationPort = (words[at + REPLY_PORTS] as number) >>> 16;
    const icmp = words[at + ICMP] as number;
    connection.icmpType = icmp & 0xff;
    connection.icmpCode = (icmp >>> 8) & 0xff;
    connection.replyIcmpType = (icmp >>> 16) & 0xff;
    connection.replyIcmpCode = icmp >>> 24;
    connection.isIpv6 = this.#wide === 4;
    for (let address = 0; address < 4; address++) {
      if (this.#wide === 1) {
        connection.addresses[address * 4] = 0;
        connection.addresses[address * 4 + 1] = 0;
        connection.addresses[address * 4 + 2] = 0xffff;
      }
      for (let i = 0; i < this.#wide; i++)
        connection.addresses[address * 4 + this.#skip + i] = words[at + ADDRESSES + address * this.#wide + i] as number;
    }
    this.loadTold(row, connection);
    connection.packets = connection.packetsBefore + (words[at + PENDING] as number);
    connection.bytes = connection.bytesBefore + (words[at + PENDING + 1] as number);
    connection.replyPackets = connection.replyPacketsBefore + (words[at + PENDING + 2] as number);
    connection.replyBytes = connection.replyBytesBefore + (words[at + PENDING + 3] as number);
    connection.hasCounters = connection.packets > 0;
    connection.startSeconds = 0;
    connection.stopSeconds = 0;
    connection.lifeSeconds = -1;
    connection.eventMicros = 0;
  }

  /** Puts the beginning, and what was told of the connection, into `connection`. */
  loadTold(row: number, connection: Connection): void {
    const double = (row * this.#stride) >> 1;
    const doubles = this.#doubles;
    connection.startMicros = doubles[double + START / 2] as number;
    connection.fromMicros = doubles[double + FROM / 2] as number;
    connection.packetsBefore = doubles[double + COUNTERS / 2] as number;
    connection.bytesBefore = doubles[double + COUNTERS / 2 + 1] as number;
    connection.replyPacketsBefore = doubles[double + COUNTERS / 2 + 2] as number;
    connection.replyBytesBefore = doubles[double + COUNTERS / 2 + 3] as number;
  }

  /** Counts of `connection` are told, up to `micros` since the epoch. */
  told(row: number, connection: Connection, micros: number, seconds: number): void {
    const at = row * this.#stride;
    this.#doubles[(at + FROM) >> 1] = micros;
    this.setCounted(row, connection);
    this.#words[at + TOLD] = seconds;
  }

  /** Counts of `connection` will not be told any more. */
  setCounted(row: number, { packets, bytes, replyPackets, replyBytes }: Connection): void {
    const at = row * this.#stride;
    const double = (at + COUNTERS) >> 1;
    this.#doubles[double] = packets;
    this.#doubles[double + 1] = bytes;
    this.#doubles[double + 2] = replyPackets;
    this.#doubles[double + 3] = replyBytes;
    this.#words.fill(0, at + PENDING, at + PENDING + 4);
  }

  /** All counts of the connection are still to be told. */
  forgetCounted(row: number): void {
    const double = (row * this.#stride + COUNTERS) >> 1;
    this.#doubles.fill(0, double, double + 4);
  }

  /** Keeps counts of `connection` that are not told. Returns false when they have become too many to be kept. */
  setPending(row: number, connection: Connection): boolean {
    const at = row * this.#stride;
    const double = (at + COUNTERS) >> 1;
    let fits = this.#setPending(at, double, 0, connection.packets);
    fits = this.#setPending(at, double, 1, connection.bytes) && fits;
    fits = this.#setPending(at, double, 2, connection.replyPackets) && fits;
    return this.#setPending(at, double, 3, connection.replyBytes) && fits;
  }

  #setPending(at: number, double: number, which: number, total: number): boolean {
    const pending = Math.max(0, total - (this.#doubles[double + which] as number));
    this.#words[at + PENDING + which] = Math.min(pending, MOST_PENDING);
    return pending <= MOST_PENDING;
  }

  setStart(row: number, micros: number): void {
    const at = row * this.#stride;
    if (this.#doubles[(at + FROM) >> 1] === this.#doubles[(at + START) >> 1]) this.#doubles[(at + FROM) >> 1] = micros;
    this.#doubles[(at + START) >> 1] = micros;
  }

  idOf(row: number): number {
    return this.#words[row * this.#stride + ID] as number;
  }

  isSilent(row: number): boolean {
    return ((this.#words[row * this.#stride + STATE] as number) & SILENT) !== 0;
  }

  setSilent(row: number, silent: boolean): void {
    const at = row * this.#stride + STATE;
    const state = this.#words[at] as number;
    if (((state & SILENT) !== 0) === silent) return;
    this.#words[at] = state ^ SILENT;
    this.silent += silent ? 1 : -1;
  }

  /** The connection was seen in this listing (a number below 256), at `seconds` of the monotonic clock. */
  see(row: number, seconds: number, listing: number): void {
    const at = row * this.#stride;
    this.#words[at + SEEN] = seconds;
    this.#words[at + STATE] = ((this.#words[at + STATE] as number) & 0xff00_ffff) | (listing << 16);
  }

  listingOf(row: number): number {
    return ((this.#words[row * this.#stride + STATE] as number) >>> 16) & 0xff;
  }

  seenAt(row: number): number {
    return this.#words[row * this.#stride + SEEN] as number;
  }

  toldAt(row: number): number {
    return this.#words[row * this.#stride + TOLD] as number;
  }

  #isSame(at: number, connection: Connection): boolean {
    const words = this.#words;
    if (
      words[at + ORIGINAL_PORTS] !==
        (connection.originalSourcePort | (connection.originalDestinationPort << 16)) >>> 0 ||
      ((words[at + STATE] as number) & 0xff) !== connection.proto ||
      ((words[at + ZONES] as number) & 0xffff) !== connection.zone ||
      ((words[at + ICMP] as number) & 0xffff) !== (connection.icmpType | (connection.icmpCode << 8))
    )
      return false;
    for (let address = 0; address < 2; address++)
      for (let i = 0; i < this.#wide; i++)
        if (words[at + ADDRESSES + address * this.#wide + i] !== connection.addresses[address * 4 + this.#skip + i])
          return false;
    return true;
  }

  #hash({ addresses, proto, zone, originalSourcePort, originalDestinationPort }: Connection): number {
    let hash = mix(this.#seed, proto | (zone << 8));
    hash = mix(hash, originalSourcePort | (originalDestinationPort << 16));
    for (let i = this.#skip; i < 4; i++) hash = mix(mix(hash, addresses[i] as number), addresses[4 + i] as number);
    return (hash ^ (hash >>> 15)) & this.#mask;
  }

  #hashRow(at: number): number {
    const words = this.#words;
    let hash = mix(
      this.#seed,
      ((words[at + STATE] as number) & 0xff) | (((words[at + ZONES] as number) & 0xffff) << 8),
    );
    hash = mix(hash, words[at + ORIGINAL_PORTS] as number);
    const addresses = at + ADDRESSES;
    const wide = this.#wide;
    for (let i = 0; i < wide; i++)
      hash = mix(mix(hash, words[addresses + i] as number), words[addresses + wide + i] as number);
    return (hash ^ (hash >>> 15)) & this.#mask;
  }

  #grow(capacity: number): void {
    const buffer = new ArrayBuffer(capacity * this.#stride * 4);
    const words = new Uint32Array(buffer);
    words.set(this.#words);
    this.#words = words;
    this.#doubles = new Float64Array(buffer);
    this.#capacity = capacity;
    const slots = 2 ** Math.ceil(Math.log2(Math.max(2, capacity)));
    this.#heads = new Uint32Array(slots);
    this.#mask = slots - 1;
    for (let row = 0; row < this.#fresh; row++) {
      if (!this.isUsed(row)) continue;
      const at = row * this.#stride;
      const slot = this.#hashRow(at);
      words[at + NEXT] = this.#heads[slot] as number;
      this.#heads[slot] = row + 1;
    }
  }
}

/** The mixing step of MurmurHash3. */
function mix(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
