/** What is kept of a flow until more of it comes. */
interface Kept {
  /** Octets of memory it takes; it may grow. */
  readonly octets: number;
}

interface Entry<T> {
  readonly kept: T;
  readonly octets: number;
}

/** What is kept of flows that are waited for, by flow, bounded in octets: the one that came longest ago is given up first. */
export class WaitingFlows<T extends Kept> {
  readonly #flows = new Map<number, Entry<T>>();
  readonly #maxOctets: number;
  #octets = 0;
  /** Flows given up for want of room. */
  givenUp = 0;

  constructor(maxOctets: number) {
    this.#maxOctets = maxOctets;
  }

  get size(): number {
    return this.#flows.size;
  }

  get octets(): number {
    return this.#octets;
  }

  get(flow: number): T | undefined {
    return this.#flows.get(flow)?.kept;
  }

  /** Keeps `kept` for the flow, or takes note that it has grown. */
  set(flow: number, kept: T): void {
    this.delete(flow);
    const { octets } = kept;
    this.#flows.set(flow, { kept, octets });
    this.#octets += octets;
    for (const oldest of this.#flows.keys()) {
      if (this.#octets <= this.#maxOctets) return;
      this.delete(oldest);
      this.givenUp++;
    }
  }

  delete(flow: number): void {
    const entry = this.#flows.get(flow);
    if (entry === undefined) return;
    this.#flows.delete(flow);
    this.#octets -= entry.octets;
  }
}
