import type { AllowList } from '../collect/allow-list.ts';
import type { Sender } from '../collect/sender-table.ts';
import { createUdpSender, type UdpSender } from './udp-sender.ts';

/** A collector that gets datagrams as they came. */
export interface ForwardTarget {
  /** How it was written, for messages. */
  readonly text: string;
  readonly host: string;
  readonly port: number;
  /** Exporters whose datagrams it gets; undefined for all. */
  readonly exporters: AllowList | undefined;
}

/** What became of the datagrams for one target; together they are all that were received. */
export interface ForwardCounters {
  /** Handed to the system. */
  forwarded: number;
  octets: number;
  /** Of exporters that the target does not want. */
  filtered: number;
  /** Not sent, because the system did not take them fast enough. */
  dropped: number;
  /** Not sent, because no socket could be had for the exporter. */
  unopened: number;
  /** Handed over, and answered with "port unreachable": nobody listens. */
  refused: number;
  /** Handed over, and not taken by the system. */
  failed: number;
  lastError: string | undefined;
}

/** Octets of one target that the system has not taken yet; with more, datagrams are dropped. */
const MOST_WAITING = 16 << 20;
/** Exporters with a socket, and so a source port, of their own; further ones share them. */
const MOST_SOCKETS = 512;
/** Datagrams kept while the socket of a new exporter is being opened. */
const MOST_EARLY = 64;

/** An exporter's way to one target. */
interface Route {
  /** Number of the socket; −1 while it is being opened, −2 when there is none. */
  socket: number;
  readonly early: Uint8Array[];
}

/**
 * Passes datagrams on to several targets. Every exporter keeps a source port of its own, so that collectors tell exporters apart; the source address is this
 * host's. Inert until `start`.
 */
export class Forwarder {
  readonly #targets: readonly TargetQueue[];

  constructor(targets: readonly ForwardTarget[]) {
    this.#targets = targets.map((target) => new TargetQueue(target));
  }

  /** Checks that every target can be reached by a socket. Throws WEIR_SEND when a name does not resolve. */
  async start(): Promise<void> {
    for (const target of this.#targets) await target.start();
  }

  /** Passes a datagram on; its octets must not change afterwards. */
  forward(datagram: Uint8Array, sender: Sender): void {
    for (const target of this.#targets) target.forward(datagram, sender);
  }

  /** Counters by target, in the order of the targets. */
  counters(): readonly { readonly target: ForwardTarget; readonly counters: ForwardCounters }[] {
    return this.#targets.map((queue) => ({ target: queue.target, counters: queue.counters() }));
  }

  /** Waits until the system has taken what waits, and closes the sockets. */
  async close(): Promise<void> {
    await Promise.all(this.#targets.map((target) => target.close()));
  }
}

class TargetQueue {
  readonly target: ForwardTarget;
  readonly #sender: UdpSender;
  readonly #routes = new Map<Sender, Route>();
  readonly #shared: number[] = [];
  #opening = new Set<Promise<void>>();
  #octets = 0;
  #filtered = 0;
  #dropped = 0;
  #unopened = 0;
  #forwarded = 0;

  constructor(target: ForwardTarget) {
    this.target = target;
    this.#sender = createUdpSender(target);
  }

  async start(): Promise<void> {
    this.#shared.push(await this.#sender.open());
  }

  forward(datagram: Uint8Array, sender: Sender): void {
    const { exporters } = this.target;
    const { address, port } = sender;
    if (exporters !== undefined && !exporters.allows(address[0], address[1], address[2], address[3], port)) {
      this.#filtered++;
      return;
    }
    const route = this.#routes.get(sender) ?? this.#open(sender);
    if (route.socket >= 0) this.#send(datagram, route.socket);
    else if (route.socket === -2) this.#unopened++;
    else if (route.early.length < MOST_EARLY) route.early.push(datagram);
    else this.#dropped++;
  }

  #send(datagram: Uint8Array, socket: number): void {
    if (this.#sender.backlogOctets() >= MOST_WAITING) {
      this.#dropped++;
      return;
    }
    this.#sender.send(datagram, socket);
    this.#forwarded++;
    this.#octets += datagram.length;
  }

  #open(sender: Sender): Route {
    const route: Route = { socket: -1, early: [] };
    // The table of senders is bounded, but forgets and makes anew; so does this one.
    if (this.#routes.size >= 65_536) this.#routes.clear();
    this.#routes.set(sender, route);
    const { length } = this.#shared;
    if (length + this.#opening.size >= MOST_SOCKETS) {
      const [, w1, , w3] = sender.address;
      route.socket = this.#shared[(((w1 ^ w3) * 31 + sender.port) >>> 0) % length] as number;
      return route;
    }
    const opened = this.#sender
      .open()
      .then(
        (socket) => {
          this.#shared.push(socket);
          route.socket = socket;
        },
        () => {
          route.socket = -2;
          this.#unopened += route.early.length;
          route.early.length = 0;
        },
      )
      .finally(() => {
        this.#opening.delete(opened);
        for (const datagram of route.early.splice(0)) this.#send(datagram, route.socket);
      });
    this.#opening.add(opened);
    return route;
  }

  counters(): ForwardCounters {
    const { refused, failed, lastError } = this.#sender.counters;
    return {
      forwarded: this.#forwarded,
      octets: this.#octets,
      filtered: this.#filtered,
      dropped: this.#dropped,
      unopened: this.#unopened,
      refused,
      failed,
      lastError,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#opening);
    await this.#sender.close();
  }
}
