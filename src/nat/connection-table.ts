import type { Connection } from './connection.ts';

/** Rows of a block: memory grows by these, so that nothing is copied. */
const BLOCK_BITS = 14;
const BLOCK_ROWS = 1 << BLOCK_BITS;
const IN_BLOCK = BLOCK_ROWS - 1;
/** Chains that a table begins with; there are at least half as many as rows. */
const FIRST_CHAINS = 4096;

/*
 * A row, in 32-bit words: what is said below, then the addresses. Times and counters of 64 bits come first, so that they lie on even words.
 */
const START = 0; // µs since the epoch, a double
const FROM = 2; // what was told until then, the same
const BYTES = 4; // bytes and reply bytes that were told, doubles
const PACKETS = 8; // packets and reply packets that were told, modulo 2^32
const PENDING = 10; // packets, bytes, reply packets and reply bytes that were counted since and not told
const NEXT = 14; // next row of the chain, plus 1
const ID = 15;
const MARK = 16;
const ZONE = 17; // of the original direction, minute in which it was last seen << 16
const ORIGINAL_PORTS = 18; // source, destination << 16; of ICMP the id, type << 16, code << 24
const REPLY_PORTS = 19; // source, destination << 16; of ICMP type, code << 8, the id << 16
const STATE = 20; // protocol, flags << 8, listing << 16, state bits << 24
const TOLD = 21; // when its last record was told, s of the monotonic clock
const ADDRESSES = 22;

const USED = 1 << 24;
const SILENT = 1 << 25;
const MOST_PENDING = 0xffff_ffff;

/**
 * Open connections of one address family by their original direction, as rows in blocks of memory: 104 octets each for IPv4, 152 for IPv6. Rows are numbers, which stay as long as the
 * connection does.
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
  /** Each block as words and as doubles. */
  readonly #words: Uint32Array[] = [];
  readonly #doubles: Float64Array[] = [];
  /** First row of each chain, plus 1. */
  #heads = new Uint32Array(FIRST_CHAINS);
  #mask = FIRST_CHAINS - 1;
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
  }

  /** Rows are below this. */
  get rows(): number {
    return this.#fresh;
  }

  isUsed(row: number): boolean {
    return (this.#word(row, STATE) & USED) !== 0;
  }

  /** The row of the connection with this protocol, zone and original direction; -1 where there is none. */
  find(connection: Connection): number {
    for (let next = this.#heads[this.#hash(connection)] as number; next !== 0; ) {
      const row = next - 1;
      if (this.#isSame(row, connection)) return row;
      next = this.#next(row);
    }
    return -1;
  }

  /** Puts a connection in that is not there; `seconds` is the monotonic clock's time. Returns its row, -1 when the table is full. */
  insert(connection: Connection, seconds: number, listing: number): number {
    const row = this.#free === 0 ? this.#freshRow() : this.#free - 1;
    if (row < 0) return -1;
    const words = this.#words[row >>> BLOCK_BITS] as Uint32Array;
    const at = (row & IN_BLOCK) * this.#stride;
    if (this.#free !== 0) this.#free = words[at + NEXT] as number;
    const slot = this.#hash(connection);
    words[at + NEXT] = this.#heads[slot] as number;
    this.#heads[slot] = row + 1;
    words[at + ID] = connection.id;
    words[at + MARK] = connection.mark;
    words[at + ZONE] = connection.zone | (minuteOf(seconds) << 16);
    words[at + ORIGINAL_PORTS] = originalPorts(connection);
    words[at + REPLY_PORTS] = connection.isIcmp
      ? connection.replyIcmpType | (connection.replyIcmpCode << 8) | (connection.replyDestinationPort << 16)
      : connection.replySourcePort | (connection.replyDestinationPort << 16);
    words[at + STATE] = connection.proto | (connection.flags << 8) | (listing << 16) | USED;
    words[at + TOLD] = seconds;
    for (let address = 0; address < 4; address++)
      for (let i = 0; i < this.#wide; i++)
        words[at + ADDRESSES + address * this.#wide + i] = connection.addresses[address * 4 + this.#skip + i] as number;
    const double = at >> 1;
    const doubles = this.#doubles[row >>> BLOCK_BITS] as Float64Array;
    doubles[double + START / 2] = connection.startMicros;
    doubles[double + FROM / 2] = connection.startMicros;
    words.fill(0, at + BYTES, at + PENDING + 4);
    this.size++;
    return row;
  }

  remove(row: number): void {
    this.setSilent(row, false);
    const words = this.#words[row >>> BLOCK_BITS] as Uint32Array;
    const at = (row & IN_BLOCK) * this.#stride;
    const next = words[at + NEXT] as number;
    const slot = this.#hashRow(words, at);
    let before = (this.#heads[slot] as number) - 1;
    if (before === row) this.#heads[slot] = next;
    else {
      for (let then = this.#next(before) - 1; then !== row; then = this.#next(before) - 1) before = then;
      this.#setWord(before, NEXT, next);
    }
    words[at + STATE] = 0;
    words[at + NEXT] = this.#free;
    this.#free = row + 1;
    this.size--;
  }

  /** Puts all that the table knows into `connection`, its counters as far as they are known. */
  load(row: number, connection: Connection): void {
    const words = this.#words[row >>> BLOCK_BITS] as Uint32Array;
    const at = (row & IN_BLOCK) * this.#stride;
    const state = words[at + STATE] as number;
    connection.proto = state & 0xff;
    connection.flags = (state >>> 8) & 0xff;
    connection.id = words[at + ID] as number;
    connection.mark = words[at + MARK] as number;
    connection.zone = (words[at + ZONE] as number) & 0xffff;
    connection.replyZone = connection.zone;
    const original = words[at + ORIGINAL_PORTS] as number;
    const reply = words[at + REPLY_PORTS] as number;
    const { isIcmp } = connection;
    connection.originalSourcePort = original & 0xffff;
    connection.originalDestinationPort = isIcmp ? 0 : original >>> 16;
    connection.replySourcePort = isIcmp ? 0 : reply & 0xffff;
    connection.replyDestinationPort = reply >>> 16;
    connection.icmpType = isIcmp ? (original >>> 16) & 0xff : 0;
    connection.icmpCode = isIcmp ? original >>> 24 : 0;
    connection.replyIcmpType = isIcmp ? reply & 0xff : 0;
    connection.replyIcmpCode = isIcmp ? (reply >>> 8) & 0xff : 0;
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
    connection.packets = (words[at + PACKETS] as number) + (words[at + PENDING] as number);
    connection.replyPackets = (words[at + PACKETS + 1] as number) + (words[at + PENDING + 2] as number);
    this.loadTold(row, connection);
    connection.bytes = connection.bytesBefore + (words[at + PENDING + 1] as number);
    connection.replyBytes = connection.replyBytesBefore + (words[at + PENDING + 3] as number);
    connection.hasCounters = connection.packets > 0;
    connection.startSeconds = 0;
    connection.stopSeconds = 0;
    connection.lifeSeconds = -1;
    connection.eventMicros = 0;
  }

  /** Puts the beginning, and what was told of the connection, into `connection`, which has its packets. */
  loadTold(row: number, connection: Connection): void {
    const doubles = this.#doublesOf(row);
    connection.startMicros = doubles[this.#double(row, START)] as number;
    connection.fromMicros = doubles[this.#double(row, FROM)] as number;
    connection.bytesBefore = doubles[this.#double(row, BYTES)] as number;
    connection.replyBytesBefore = doubles[this.#double(row, BYTES) + 1] as number;
    connection.packetsBefore = connection.packets - since(connection.packets, this.#word(row, PACKETS));
    connection.replyPacketsBefore =
      connection.replyPackets - since(connection.replyPackets, this.#word(row, PACKETS + 1));
  }

  /** Counts of `connection` are told, up to `micros` since the epoch. */
  told(row: number, connection: Connection, micros: number, seconds: number): void {
    this.#doublesOf(row)[this.#double(row, FROM)] = micros;
    this.setCounted(row, connection);
    this.#setWord(row, TOLD, seconds);
  }

  /** Counts of `connection` will not be told any more. */
  setCounted(row: number, { packets, bytes, replyPackets, replyBytes }: Connection): void {
    this.#setCounted(row, packets, bytes, replyPackets, replyBytes);
  }

  /** All counts of the connection are still to be told. */
  forgetCounted(row: number): void {
    this.#setCounted(row, 0, 0, 0, 0);
  }

  #setCounted(row: number, packets: number, bytes: number, replyPackets: number, replyBytes: number): void {
    const doubles = this.#doublesOf(row);
    const at = this.#double(row, BYTES);
    doubles[at] = bytes;
    doubles[at + 1] = replyBytes;
    this.#setWord(row, PACKETS, packets);
    this.#setWord(row, PACKETS + 1, replyPackets);
    for (let which = 0; which < 4; which++) this.#setWord(row, PENDING + which, 0);
  }

  /** Keeps counts of `connection` that are not told. Returns false when they have become too many to be kept. */
  setPending(row: number, { packets, bytes, replyPackets, replyBytes }: Connection): boolean {
    const doubles = this.#doublesOf(row);
    const at = this.#double(row, BYTES);
    const most = Math.max(bytes - (doubles[at] as number), replyBytes - (doubles[at + 1] as number));
    this.#setWord(row, PENDING, since(packets, this.#word(row, PACKETS)));
    this.#setWord(row, PENDING + 1, within(bytes - (doubles[at] as number)));
    this.#setWord(row, PENDING + 2, since(replyPackets, this.#word(row, PACKETS + 1)));
    this.#setWord(row, PENDING + 3, within(replyBytes - (doubles[at + 1] as number)));
    return most <= MOST_PENDING;
  }

  setStart(row: number, micros: number): void {
    const doubles = this.#doublesOf(row);
    const start = this.#double(row, START);
    const from = this.#double(row, FROM);
    if (doubles[from] === doubles[start]) doubles[from] = micros;
    doubles[start] = micros;
  }

  idOf(row: number): number {
    return this.#word(row, ID);
  }

  isSilent(row: number): boolean {
    return (this.#word(row, STATE) & SILENT) !== 0;
  }

  setSilent(row: number, silent: boolean): void {
    if (this.isSilent(row) === silent) return;
    this.#setWord(row, STATE, this.#word(row, STATE) ^ SILENT);
    this.silent += silent ? 1 : -1;
  }

  /** The connection was seen in this listing (a number below 256), at `seconds` of the monotonic clock. */
  see(row: number, seconds: number, listing: number): void {
    this.#setWord(row, ZONE, (this.#word(row, ZONE) & 0xffff) | (minuteOf(seconds) << 16));
    this.#setWord(row, STATE, (this.#word(row, STATE) & 0xff00_ffff) | (listing << 16));
  }

  listingOf(row: number): number {
    return (this.#word(row, STATE) >>> 16) & 0xff;
  }

  /** Whole minutes since the connection was seen, of 45 days at most. */
  minutesUnseen(row: number, seconds: number): number {
    return (minuteOf(seconds) - (this.#word(row, ZONE) >>> 16)) & 0xffff;
  }

  toldAt(row: number): number {
    return this.#word(row, TOLD);
  }

  #isSame(row: number, connection: Connection): boolean {
    const words = this.#words[row >>> BLOCK_BITS] as Uint32Array;
    const at = (row & IN_BLOCK) * this.#stride;
    if (
      words[at + ORIGINAL_PORTS] !== originalPorts(connection) >>> 0 ||
      ((words[at + STATE] as number) & 0xff) !== connection.proto ||
      ((words[at + ZONE] as number) & 0xffff) !== connection.zone
    )
      return false;
    for (let address = 0; address < 2; address++)
      for (let i = 0; i < this.#wide; i++)
        if (words[at + ADDRESSES + address * this.#wide + i] !== connection.addresses[address * 4 + this.#skip + i])
          return false;
    return true;
  }

  #hash(connection: Connection): number {
    const { addresses, proto, zone } = connection;
    let hash = mix(this.#seed, proto | (zone << 8));
    hash = mix(hash, originalPorts(connection));
    for (let i = this.#skip; i < 4; i++) hash = mix(mix(hash, addresses[i] as number), addresses[4 + i] as number);
    return (hash ^ (hash >>> 15)) & this.#mask;
  }

  #hashRow(words: Uint32Array, at: number): number {
    let hash = mix(this.#seed, ((words[at + STATE] as number) & 0xff) | (((words[at + ZONE] as number) & 0xffff) << 8));
    hash = mix(hash, words[at + ORIGINAL_PORTS] as number);
    const addresses = at + ADDRESSES;
    const wide = this.#wide;
    for (let i = 0; i < wide; i++)
      hash = mix(mix(hash, words[addresses + i] as number), words[addresses + wide + i] as number);
    return (hash ^ (hash >>> 15)) & this.#mask;
  }

  /** A row that was never used; -1 when there is no room for more. */
  #freshRow(): number {
    if (this.#fresh >= this.#most) return -1;
    if (this.#fresh === this.#words.length * BLOCK_ROWS) {
      const block = new ArrayBuffer(BLOCK_ROWS * this.#stride * 4);
      this.#words.push(new Uint32Array(block));
      this.#doubles.push(new Float64Array(block));
    }
    if (this.#fresh > 2 * this.#mask) this.#rechain();
    return this.#fresh++;
  }

  /** Twice as many chains. */
  #rechain(): void {
    const heads = new Uint32Array(this.#heads.length * 2);
    this.#heads = heads;
    this.#mask = heads.length - 1;
    for (let row = 0; row < this.#fresh; row++) {
      if (!this.isUsed(row)) continue;
      const words = this.#words[row >>> BLOCK_BITS] as Uint32Array;
      const at = (row & IN_BLOCK) * this.#stride;
      const slot = this.#hashRow(words, at);
      words[at + NEXT] = heads[slot] as number;
      heads[slot] = row + 1;
    }
  }

  #next(row: number): number {
    return this.#word(row, NEXT);
  }

  #word(row: number, which: number): number {
    return (this.#words[row >>> BLOCK_BITS] as Uint32Array)[(row & IN_BLOCK) * this.#stride + which] as number;
  }

  #setWord(row: number, which: number, value: number): void {
    (this.#words[row >>> BLOCK_BITS] as Uint32Array)[(row & IN_BLOCK) * this.#stride + which] = value;
  }

  #doublesOf(row: number): Float64Array {
    return this.#doubles[row >>> BLOCK_BITS] as Float64Array;
  }

  /** Where a double of the row lies in its block. */
  #double(row: number, which: number): number {
    return ((row & IN_BLOCK) * this.#stride + which) >> 1;
  }
}

/** Packets since so many were told, modulo 2^32; 0 when it is fewer, as after `conntrack -L -z`. */
function since(total: number, told: number): number {
  const count = (total - told) >>> 0;
  return count > 0x7fff_ffff ? 0 : count;
}

function within(pending: number): number {
  return Math.min(Math.max(0, pending), MOST_PENDING);
}

function minuteOf(seconds: number): number {
  return Math.floor(seconds / 60) & 0xffff;
}

function originalPorts(connection: Connection): number {
  const { originalSourcePort, originalDestinationPort, icmpType, icmpCode } = connection;
  const other = connection.isIcmp ? icmpType | (icmpCode << 8) : originalDestinationPort;
  return originalSourcePort | (other << 16);
}

/** The mixing step of MurmurHash3. */
function mix(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const mixed = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}
