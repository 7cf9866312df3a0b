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

/** What became of the datagrams for one target; `forwarded`, `filtered` and `dropped` together are all that were received. */
export interface ForwardCounters {
  /** Handed to the system. */
  forwarded: number;
  octets: number;
  /** Of them, those that left from the source port that exporters without one of their own share. */
  shared: number;
  /** Of exporters that the target does not want. */
  filtered: number;
  /** Not sent, because the system did not take them fast enough. */
  dropped: number;
  /** Handed over, and answered with "port unreachable": nobody listens. */
  refused: number;
  /** Handed over, and not taken by the system. */
  failed: number;
  lastError: string | undefined;
  /** Sockets open now: one for each exporter heard lately, and the shared one. */
  sockets: number;
}

export interface ForwarderOptions {
  /** An exporter that was silent for so many ms gives its socket back; default half an hour. */
  readonly silentMillis?: number;
  /** Exporters with a socket, and so a source port, of their own at each target; further ones share one. */
  readonly mostSockets?: number;
}

/** Longer than exporters usually take to send their templates again: after that, receivers have to learn them anyway. */
const SILENT = 30 * 60_000;
const MOST_SOCKETS = 4096;
/** Silence is looked at so many times in its length. */
const SWEEPS = 10;
/** Octets of one target that the system has not taken yet; with more, datagrams are dropped. */
const MOST_WAITING = 16 << 20;
/** Datagrams kept while the socket of a new exporter is being opened. */
const MOST_EARLY = 64;
const OPENING = -1;
/** The socket that exporters share: the one opened first. */
const SHARED = 0;

/** An exporter's way to one target. */
interface Route {
  /** Number of the socket, or OPENING. */
  socket: number;
  /** Sweeps since its last datagram. */
  silent: number;
  readonly early: Uint8Array[];
}

/**
 * Passes datagrams on to several targets. Every exporter keeps a source port of its own, so that collectors tell exporters apart; the source address is this
 * host's. Inert until `start`.
 */
export class Forwarder {
  readonly #targets: readonly TargetQueue[];
  readonly #silentMillis: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(targets: readonly ForwardTarget[], options: ForwarderOptions = {}) {
    const { silentMillis = SILENT, mostSockets = MOST_SOCKETS } = options;
    this.#silentMillis = silentMillis;
    this.#targets = targets.map((target) => new TargetQueue(target, mostSockets));
  }

  /** Checks that every target can be reached by a socket. Throws WEIR_SEND when a name does not resolve. */
  async start(): Promise<void> {
    for (const target of this.#targets) await target.start();
    this.#timer = setInterval(() => {
      for (const target of this.#targets) target.sweep();
    }, this.#silentMillis / SWEEPS);
    this.#timer.unref();
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
    clearInterval(this.#timer);
    await Promise.all(this.#targets.map((target) => target.close()));
  }
}

class TargetQueue {
  readonly target: ForwardTarget;
  readonly #mostSockets: number;
  readonly #sender: UdpSender;
  readonly #routes = new Map<Sender, Route>();
  readonly #opening = new Set<Promise<void>>();
  /** Sockets of exporters. */
  #own = 0;
  #octets = 0;
  #shared = 0;
  #filtered = 0;
  #dropped = 0;
  #forwarded = 0;

  constructor(target: ForwardTarget, mostSockets: number) {
    this.target = target;
    this.#mostSockets = mostSockets;
    this.#sender = createUdpSender(target);
  }

  async start(): Promise<void> {
    await this.#sender.open();
  }

  forward(datagram: Uint8Array, sender: Sender): void {
    const { exporters } = this.target;
    const { address, port } = sender;
    if (exporters !== undefined && !exporters.allows(address[0], address[1], address[2], address[3], port)) {
      this.#filtered++;
      return;
    }
    let route = this.#routes.get(sender);
    if (route === undefined) {
      // An exporter that shares has no route: it gets a socket as soon as one is given back.
      if (this.#routes.size >= this.#mostSockets) {
        this.#send(datagram, SHARED);
        return;
      }
      route = this.#open(sender);
    }
    route.silent = 0;
    if (route.socket !== OPENING) this.#send(datagram, route.socket);
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
    if (socket === SHARED) this.#shared++;
  }

  #open(sender: Sender): Route {
    const route: Route = { socket: OPENING, silent: 0, early: [] };
    this.#routes.set(sender, route);
    const opened = this.#sender
      .open()
      .then(
        (socket) => {
          this.#own++;
          route.socket = socket;
        },
        // The system has no more sockets to give.
        () => {
          route.socket = SHARED;
        },
      )
      .finally(() => {
        this.#opening.delete(opened);
        for (const datagram of route.early.splice(0)) this.#send(datagram, route.socket);
      });
    this.#opening.add(opened);
    return route;
  }

  /** Gives the sockets of silent exporters back. */
  sweep(): void {
    for (const [sender, route] of this.#routes) {
      if (++route.silent <= SWEEPS || route.socket === OPENING) continue;
      this.#routes.delete(sender);
      if (route.socket === SHARED) continue;
      this.#own--;
      this.#sender.closeSocket(route.socket);
    }
  }

  counters(): ForwardCounters {
    const { refused, failed, lastError } = this.#sender.counters;
    return {
      forwarded: this.#forwarded,
      octets: this.#octets,
      shared: this.#shared,
      filtered: this.#filtered,
      dropped: this.#dropped,
      refused,
      failed,
      lastError,
      sockets: this.#own + 1,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#opening);
    await this.#sender.close();
  }
}
