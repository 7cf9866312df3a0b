/** A message that waits, and what would be lost with it. */
export interface QueuedMessage {
  readonly message: Uint8Array;
  /** Data records in it. */
  readonly records: number;
}

/** Messages first in, first out, with the octets that they take. */
export class MessageQueue {
  #messages: QueuedMessage[] = [];
  /** Index of the first that has not been taken. */
  #head = 0;
  /** Octets and data records of all that wait. */
  octets = 0;
  records = 0;

  get length(): number {
    return this.#messages.length - this.#head;
  }

  push(message: Uint8Array, records: number): void {
    this.#messages.push({ message, records });
    this.octets += message.length;
    this.records += records;
  }

  shift(): QueuedMessage | undefined {
    const first = this.#messages[this.#head];
    if (first === undefined) return undefined;
    this.#head++;
    this.octets -= first.message.length;
    this.records -= first.records;
    // Not one by one, which would move all the others each time.
    if (this.#head > 1024 && this.#head * 2 > this.#messages.length) {
      this.#messages = this.#messages.slice(this.#head);
      this.#head = 0;
    } else if (this.length === 0) this.clear();
    return first;
  }

  clear(): void {
    this.#messages = [];
    this.#head = 0;
    this.octets = 0;
    this.records = 0;
  }
}
