/** What part of the time something is busy. */
export class LoadMeter {
  #busyMillis = 0;
  #begun: number | undefined;
  #since = performance.now();

  begin(): void {
    this.#begun = performance.now();
  }

  end(): void {
    if (this.#begun !== undefined) this.#busyMillis += performance.now() - this.#begun;
    this.#begun = undefined;
  }

  /** The busy part of the time since the last call, 0 to 1. */
  take(): number {
    const now = performance.now();
    const busy = this.#busyMillis + (this.#begun === undefined ? 0 : now - this.#begun);
    const load = busy / Math.max(1, now - this.#since);
    this.#busyMillis = 0;
    this.#since = now;
    if (this.#begun !== undefined) this.#begun = now;
    return Math.min(1, load);
  }
}
