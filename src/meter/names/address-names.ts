import type { Address } from '../../util/address.ts';
import { finish, mix } from './mix.ts';

/** Places where an entry may stand: the least recently used of them gives way to a new one. */
const WAYS = 8;
/** Words of a key: the client's address, and the address that it was told. */
const KEY_WORDS = 8;
/** For names that anybody asked for. */
const ANYBODY: Address = [0, 0, 0, 0];

/**
 * Which name an address was told for, by DNS answers: to this client, or to anybody. A table of fixed size; an entry that is new takes the place of
 * one that has run out, or of the least recently used of its places. Times are seconds since the epoch.
 */
export class AddressNames {
  readonly #sets: number;
  readonly #seed: number;
  readonly #keys: Uint32Array;
  readonly #until: Uint32Array;
  readonly #used: Uint32Array;
  readonly #names: string[];
  /** Entries written. */
  told = 0;
  /** Entries that gave way before they ran out. */
  evicted = 0;

  /** `entries` is rounded up to a power of two. `seed`: 32 bits at random, so that who sends answers cannot know which of them share places. */
  constructor(entries: number, seed: number) {
    this.#sets = 2 ** Math.ceil(Math.log2(Math.max(entries, WAYS) / WAYS));
    this.#seed = seed;
    const places = this.#sets * WAYS;
    this.#keys = new Uint32Array(places * KEY_WORDS);
    this.#until = new Uint32Array(places);
    this.#used = new Uint32Array(places);
    this.#names = new Array<string>(places).fill('');
  }

  /** `client` has been told `address` for `name`, which holds until `until`. Without a client only for anybody. */
  tell(client: Address | undefined, address: Address, name: string, now: number, until: number): void {
    this.told++;
    if (client !== undefined) this.#put(client, address, name, now, until);
    this.#put(ANYBODY, address, name, now, until);
  }

  /** The name that `client` was told this address for; where it was told none, the last one that anybody was. '' where there is none. */
  find(client: Address, address: Address, now: number): string {
    if (this.told === 0) return '';
    return this.#get(client, address, now) || this.#get(ANYBODY, address, now);
  }

  #get(client: Address, address: Address, now: number): string {
    const place = this.#placeOf(client, address);
    if (place < 0 || now > (this.#until[place] as number)) return '';
    this.#used[place] = now;
    return this.#names[place] as string;
  }

  #put(client: Address, address: Address, name: string, now: number, until: number): void {
    let place = this.#placeOf(client, address);
    if (place < 0) {
      place = this.#placeForNew(this.#firstPlace(client, address), now);
      this.#keys.set(client, place * KEY_WORDS);
      this.#keys.set(address, place * KEY_WORDS + 4);
    }
    this.#names[place] = name;
    this.#until[place] = until;
    this.#used[place] = now;
  }

  #placeForNew(first: number, now: number): number {
    let oldest = first;
    for (let place = first; place < first + WAYS; place++) {
      if ((this.#until[place] as number) < now) return place;
      if ((this.#used[place] as number) < (this.#used[oldest] as number)) oldest = place;
    }
    this.evicted++;
    return oldest;
  }

  /** Where the entry with this key stands, or -1. */
  #placeOf(client: Address, address: Address): number {
    const keys = this.#keys;
    const first = this.#firstPlace(client, address);
    for (let place = first; place < first + WAYS; place++) {
      const at = place * KEY_WORDS;
      if (
        keys[at + 7] === address[3] &&
        keys[at + 3] === client[3] &&
        keys[at + 6] === address[2] &&
        keys[at + 5] === address[1] &&
        keys[at + 4] === address[0] &&
        keys[at + 2] === client[2] &&
        keys[at + 1] === client[1] &&
        keys[at] === client[0] &&
        this.#until[place] !== 0
      )
        return place;
    }
    return -1;
  }

  #firstPlace(client: Address, address: Address): number {
    let hash = this.#seed;
    for (let i = 0; i < 4; i++) hash = mix(hash, client[i] as number);
    for (let i = 0; i < 4; i++) hash = mix(hash, address[i] as number);
    return (finish(hash) & (this.#sets - 1)) * WAYS;
  }
}
