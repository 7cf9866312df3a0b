import type { PacketHeaders } from '../wire/packet/packet-fields.ts';
import type { KeyedHash } from './hash.ts';
import { OBSERVATION_WORDS, WORD, writePorts } from './observation.ts';

/*
 * Words of an entry: those of a flow key, with source and destination as in the packet and the identification in the place of the ports; state; ports; the
 * observation of the first fragment that is held. Then, as doubles from `SUMS` on, the time of the entry and the sums of what is held.
 */
const KEY_WORDS = WORD.further;
const STATE = 10;
const PORTS = 11;
const HELD = 12;
const SUMS = (HELD + OBSERVATION_WORDS) / 2;
const STRIDE = 64;

const STATES = { empty: 0, known: 1, held: 2 } as const;

const SETS = 256;
const WAYS = 4;
/** Datagrams whose fragments are remembered. */
export const MOST_DATAGRAMS = SETS * WAYS;
/** RFC 791 and RFC 8200 let a datagram be put together within 15 and 60 s; systems take 30. */
const LIFETIME = 30e6;

/** Packets of one datagram that came before its first fragment, as sums. */
export interface HeldFragments {
  packets: number;
  octets: number;
  /** µs. */
  first: number;
  last: number;
  leastLength: number;
  mostLength: number;
  leastTtl: number;
  mostTtl: number;
}
const SUM_NAMES = [
  'packets',
  'octets',
  'first',
  'last',
  'leastLength',
  'mostLength',
  'leastTtl',
  'mostTtl',
] as const satisfies readonly (keyof HeldFragments)[];

/**
 * What is known of fragmented datagrams: the ports, which their first fragment has alone, and the fragments that came before it. Fragments are told apart by
 * addresses, protocol and identification (RFC 791 section 3.2, RFC 8200 section 4.5). Bounded: where there is no room, the oldest of four
 * datagrams gives way. Nothing is put together, so that overlapping fragments are no more than packets.
 */
export class FragmentPorts {
  /** Fragments that went without ports because the first one did not come in time. */
  lost = 0;
  readonly #hash: KeyedHash;
  readonly #release: (words: Int32Array, sums: HeldFragments) => void;
  readonly #words = new Int32Array(MOST_DATAGRAMS * STRIDE);
  readonly #doubles = new Float64Array(this.#words.buffer);
  readonly #key = new Int32Array(KEY_WORDS);
  readonly #observation = new Int32Array(OBSERVATION_WORDS);
  readonly #sums: HeldFragments = {
    packets: 0,
    octets: 0,
    first: 0,
    last: 0,
    leastLength: 0,
    mostLength: 0,
    leastTtl: 0,
    mostTtl: 0,
  };
  #heldDatagrams = 0;

  /** `release` is given fragments that were held, with the observation of the first of them: its ports are 0 unless they became known. */
  constructor(hash: KeyedHash, release: (words: Int32Array, sums: HeldFragments) => void) {
    this.#hash = hash;
    this.#release = release;
  }

  /** A first fragment has told the ports (source × 65536 + destination) of its datagram. Fragments that were held for it are released. */
  learn(ip: PacketHeaders, ports: number, time: number): void {
    const at = this.#place(ip, time);
    const wasHeld = this.#words[at + STATE] === STATES.held;
    this.#words[at + STATE] = STATES.known;
    this.#words[at + PORTS] = ports;
    if (wasHeld) this.#letGo(at, ports);
    this.#doubles[at / 2 + SUMS] = time;
  }

  /** The ports of the datagram that a later fragment belongs to, or -1 as long as they are not known. */
  portsOf(ip: PacketHeaders, time: number): number {
    const at = this.#find(this.#keyOf(ip));
    const isKnown = at >= 0 && this.#words[at + STATE] === STATES.known && this.#isFresh(at, time);
    return isKnown ? (this.#words[at + PORTS] as number) >>> 0 : -1;
  }

  /** Holds a fragment whose ports are not known until they are, or until its time is over. */
  hold(ip: PacketHeaders, observation: Int32Array, time: number): void {
    const words = this.#words;
    const doubles = this.#doubles;
    const at = this.#place(ip, time);
    const sums = at / 2 + SUMS + 1;
    const length = observation[WORD.length] as number;
    const ttl = observation[WORD.ttl] as number;
    if (words[at + STATE] !== STATES.held) {
      this.#heldDatagrams++;
      words[at + STATE] = STATES.held;
      words.set(observation, at + HELD);
      doubles[sums - 1] = time;
      doubles.set([1, length, time, time, length, length, ttl, ttl], sums);
      return;
    }
    doubles[sums] = (doubles[sums] as number) + 1;
    doubles[sums + 1] = (doubles[sums + 1] as number) + length;
    doubles[sums + 2] = Math.min(doubles[sums + 2] as number, time);
    doubles[sums + 3] = Math.max(doubles[sums + 3] as number, time);
    doubles[sums + 4] = Math.min(doubles[sums + 4] as number, length);
    doubles[sums + 5] = Math.max(doubles[sums + 5] as number, length);
    doubles[sums + 6] = Math.min(doubles[sums + 6] as number, ttl);
    doubles[sums + 7] = Math.max(doubles[sums + 7] as number, ttl);
  }

  /** Releases what has been held too long. */
  expire(now: number): void {
    if (this.#heldDatagrams > 0) this.#releaseWhere((at) => !this.#isFresh(at, now));
  }

  /** Releases all that is held, and forgets all ports. */
  flush(): void {
    this.#releaseWhere(() => true);
    this.clear();
  }

  /** Forgets everything; what is held is lost. */
  clear(): void {
    this.#words.fill(0);
    this.#heldDatagrams = 0;
  }

  #releaseWhere(isDue: (at: number) => boolean): void {
    for (let at = 0; at < this.#words.length && this.#heldDatagrams > 0; at += STRIDE) {
      if (this.#words[at + STATE] !== STATES.held || !isDue(at)) continue;
      this.#words[at + STATE] = STATES.empty;
      this.#letGo(at, -1);
    }
  }

  /** Releases what the entry at `at` holds; `ports` is -1 when they did not become known. */
  #letGo(at: number, ports: number): void {
    const sums = this.#sums;
    SUM_NAMES.forEach((name, i) => {
      sums[name] = this.#doubles[at / 2 + SUMS + 1 + i] as number;
    });
    this.#heldDatagrams--;
    if (ports < 0) this.lost += sums.packets;
    this.#observation.set(this.#words.subarray(at + HELD, at + HELD + OBSERVATION_WORDS));
    writePorts(this.#observation, Math.max(0, ports));
    this.#release(this.#observation, sums);
  }

  #keyOf(ip: PacketHeaders): Int32Array {
    const key = this.#key;
    key[WORD.ports] = ip.fragmentId;
    key[WORD.protocol] = ip.proto | (ip.ipVersion << 8);
    key[WORD.lower] = ip.src3;
    key[WORD.higher] = ip.dst3;
    key[WORD.lowerUpper] = ip.src0;
    key[WORD.lowerUpper + 1] = ip.src1;
    key[WORD.lowerUpper + 2] = ip.src2;
    key[WORD.higherUpper] = ip.dst0;
    key[WORD.higherUpper + 1] = ip.dst1;
    key[WORD.higherUpper + 2] = ip.dst2;
    return key;
  }

  /** Where the entry with this key is, or -1. */
  #find(key: Int32Array): number {
    for (let at = this.#setOf(key), way = 0; way < WAYS; way++, at += STRIDE)
      if (this.#words[at + STATE] !== STATES.empty && this.#isAt(at, key)) return at;
    return -1;
  }

  #isAt(at: number, key: Int32Array): boolean {
    for (let i = 0; i < KEY_WORDS; i++) if (this.#words[at + i] !== key[i]) return false;
    return true;
  }

  #setOf(key: Int32Array): number {
    return (this.#hash.of(key, KEY_WORDS) & (SETS - 1)) * WAYS * STRIDE;
  }

  #isFresh(at: number, now: number): boolean {
    return Math.abs(now - (this.#doubles[at / 2 + SUMS] as number)) <= LIFETIME;
  }

  /** The entry of a datagram; a new one in the place of the oldest where there is none. */
  #place(ip: PacketHeaders, time: number): number {
    const key = this.#keyOf(ip);
    const found = this.#find(key);
    if (found >= 0) {
      // The number may be in use again.
      if (!this.#isFresh(found, time)) this.#vacate(found);
      return found;
    }
    const first = this.#setOf(key);
    let at = first;
    for (let way = 0; way < WAYS; way++) {
      const candidate = first + way * STRIDE;
      if (this.#words[candidate + STATE] === STATES.empty) {
        at = candidate;
        break;
      }
      if ((this.#doubles[candidate / 2 + SUMS] as number) < (this.#doubles[at / 2 + SUMS] as number)) at = candidate;
    }
    this.#vacate(at);
    this.#words.set(key, at);
    return at;
  }

  /** Empties an entry; what it holds is released. `#release` may not come back here: it only counts. */
  #vacate(at: number): void {
    const wasHeld = this.#words[at + STATE] === STATES.held;
    this.#words[at + STATE] = STATES.empty;
    if (wasHeld) this.#letGo(at, -1);
  }
}
