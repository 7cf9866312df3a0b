import { type Address, formatAddress, isV4, parseAddress } from '../util/address.ts';
import type { AllowList, RefusedCount, RefusedSenders } from './allow-list.ts';

/**
 * Where datagrams come from: an address and UDP port, made once and then the same object for each datagram. It may be forgotten and made
 * anew, so what must last is kept by address and not by this object.
 */
export interface Sender {
  /** IPv4 senders are IPv4 here also when the socket is an IPv6 one (::ffff:a.b.c.d). */
  readonly address: Address;
  readonly port: number;
  /** The address as text. */
  readonly host: string;
  /** Address and port as text: `192.0.2.1:50000`, `[2001:db8::1]:50000`. */
  readonly text: string;
  /** Whether the allow-list takes its datagrams. */
  readonly allowed: boolean;
  /** How often the allow-list had been replaced when `allowed` was found. */
  readonly generation: number;
}

interface Slot extends Sender {
  allowed: boolean;
  generation: number;
  /** The address as the socket wrote it: the key. */
  readonly raw: string;
  readonly host: string;
  /** Whether it sent again since it was made or the hand last passed: forged senders mostly do not. */
  used: boolean;
  /** Where refused datagrams are counted, while it is not allowed. */
  refused: RefusedCount | undefined;
}

/** The senders of one address. Nearly every exporter has one port, so the map of the others is made only when there are any. */
interface Host {
  first: Slot;
  others: Map<number, Slot> | undefined;
}

/**
 * The senders of one socket, so that parsing an address and asking the allow-list happen once per sender and not once per datagram.
 * Bounded: when full, the oldest that has sent nothing for a while gives way (second chance), so that a flood from forged ports does not
 * push out the exporters.
 */
export class SenderTable {
  readonly #limit: number;
  readonly #refused: RefusedSenders;
  #allowList: AllowList | undefined;
  #generation = 0;
  #last: Slot | undefined;
  readonly #hosts = new Map<string, Host>();
  readonly #ring: Slot[] = [];
  #hand = 0;

  constructor(options: { limit: number; allowList: AllowList | undefined; refused: RefusedSenders }) {
    this.#limit = options.limit;
    this.#allowList = options.allowList;
    this.#refused = options.refused;
  }

  /** How many senders are kept. */
  get size(): number {
    return this.#ring.length;
  }

  /** Replaces the allow-list (none: everyone may send). Each sender is judged anew at its next datagram. */
  setAllowList(allowList: AllowList | undefined): void {
    this.#allowList = allowList;
    this.#generation++;
    this.#last = undefined;
  }

  /** The sender of a datagram, by `rinfo.address` and `rinfo.port` as the socket gives them. */
  get(raw: string, port: number): Sender {
    const last = this.#last;
    if (last !== undefined && last.port === port && last.raw === raw) {
      last.used = true;
      return last;
    }
    const host = this.#hosts.get(raw);
    let slot: Slot | undefined;
    if (host !== undefined) slot = host.first.port === port ? host.first : host.others?.get(port);
    if (slot === undefined) {
      slot = this.#add(raw, port);
    } else {
      if (slot.generation !== this.#generation) this.#judge(slot);
      slot.used = true;
    }
    this.#last = slot;
    return slot;
  }

  /** Counts a datagram of a sender that is not allowed. */
  countRefused(sender: Sender, bytes: number): void {
    // Only this table makes senders, so each is a slot.
    const slot = sender as Slot;
    slot.refused ??= this.#refused.counterOf(slot.address);
    slot.refused.datagrams++;
    slot.refused.bytes += bytes;
  }

  #judge(slot: Slot): void {
    const [w0, w1, w2, w3] = slot.address;
    slot.allowed = this.#allowList === undefined || this.#allowList.allows(w0, w1, w2, w3, slot.port);
    slot.generation = this.#generation;
  }

  #add(raw: string, port: number): Slot {
    const address = parseAddress(raw, { zone: 'strip' }) ?? [0, 0, 0, 0];
    const v4 = isV4(address[0], address[1], address[2]);
    const zone = raw.indexOf('%');
    const host = formatAddress(...address) + (zone < 0 ? '' : raw.slice(zone));
    const slot: Slot = {
      address,
      port,
      host,
      text: v4 ? `${host}:${port}` : `[${host}]:${port}`,
      allowed: false,
      generation: 0,
      raw,
      used: false,
      refused: undefined,
    };
    this.#judge(slot);
    if (this.#ring.length < this.#limit) {
      this.#ring.push(slot);
    } else {
      this.#ring[this.#makeRoom()] = slot;
    }
    const entry = this.#hosts.get(raw);
    if (entry === undefined) this.#hosts.set(raw, { first: slot, others: undefined });
    else if (entry.others === undefined) entry.others = new Map([[port, slot]]);
    else entry.others.set(port, slot);
    return slot;
  }

  /** Forgets a sender and returns its place in the ring. */
  #makeRoom(): number {
    const ring = this.#ring;
    let slot = ring[this.#hand] as Slot;
    while (slot.used) {
      slot.used = false;
      this.#hand = (this.#hand + 1) % ring.length;
      slot = ring[this.#hand] as Slot;
    }
    const free = this.#hand;
    this.#hand = (this.#hand + 1) % ring.length;

    const host = this.#hosts.get(slot.raw) as Host;
    if (host.first !== slot) {
      host.others?.delete(slot.port);
    } else {
      const next = host.others?.values().next().value;
      if (next === undefined) this.#hosts.delete(slot.raw);
      else {
        host.others?.delete(next.port);
        host.first = next;
      }
    }
    return free;
  }
}
