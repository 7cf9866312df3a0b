import { FlowBatch } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { SLOTS } from '../flow/slots.ts';

/** Reads values of one row at a time, for formats that are written row by row; what the rows at hand do not have is 0. */
export class RowReader {
  readonly #has = new Uint8Array(SLOTS.length);
  #batch: FlowBatch = new FlowBatch(0);

  /** The rows read from now on are of this batch and layout. */
  bind(batch: FlowBatch, layout: Layout): void {
    this.#batch = batch;
    this.#has.fill(0);
    for (const slot of layout.slots) this.#has[slot] = 1;
  }

  /** Gives the batch up. */
  release(): void {
    this.#batch = new FlowBatch(0);
  }

  has(slot: number): boolean {
    return this.#has[slot] === 1;
  }

  /** The number at `index` of a slot's array: for columns of up to 32 bits the row. */
  number(slot: number, index: number): number {
    return this.#has[slot] === 1 ? (this.#batch.arrays[slot]?.[index] ?? 0) : 0;
  }

  lower(slot: number, row: number): number {
    return this.number(slot, row * 2);
  }

  upper(slot: number, row: number): number {
    return this.number(slot, row * 2 + 1);
  }

  /** A 64-bit column; above 2⁵³ the nearest double. */
  wide(slot: number, row: number): number {
    return this.upper(slot, row) * 4_294_967_296 + this.lower(slot, row);
  }

  text(slot: number, row: number): string {
    return this.#batch.texts[this.number(slot, row)] ?? '';
  }

  /** An address column as four words; ::ffff:0.0.0.0 where the rows have none. */
  address(slot: number, row: number, into: Uint32Array): void {
    into[0] = this.upper(slot, row);
    into[1] = this.lower(slot, row);
    into[2] = this.has(slot) ? this.upper(slot + 1, row) : 0xffff;
    into[3] = this.lower(slot + 1, row);
  }
}
