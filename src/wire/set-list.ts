import { u16 } from '../util/octets.ts';

/** Most sets looked at in one message; a datagram of 65,535 octets cannot hold more than 16,383. */
const MAX_SETS = 16_384;

/**
 * The sets (v9: FlowSets) of a message, read once into numbers: id, and first and last octet of the content. Reused from message to message.
 *
 *     | set id 16 | length 16, with these four octets | records … |   RFC 7011 section 3.3.2, RFC 3954 section 5
 */
export class SetList {
  count = 0;
  readonly ids = new Uint16Array(MAX_SETS);
  readonly starts = new Uint32Array(MAX_SETS);
  readonly ends = new Uint32Array(MAX_SETS);

  /**
   * Reads the set headers between `offset` and `end`. Returns why it stopped early, or undefined: `set_length` for a length below 4,
   * `set_truncated` for a set that goes past the message; the latter is kept in the list as far as it is there.
   */
  read(bytes: Uint8Array, offset: number, end: number): 'set_length' | 'set_truncated' | undefined {
    this.count = 0;
    let p = offset;
    while (p + 4 <= end && this.count < MAX_SETS) {
      const id = u16(bytes, p);
      const length = u16(bytes, p + 2);
      if (length < 4) {
        // A rest of zeros is padding of the datagram; some exporters send much of it.
        return id === 0 && length === 0 ? undefined : 'set_length';
      }
      const stop = p + length;
      const i = this.count++;
      this.ids[i] = id;
      this.starts[i] = p + 4;
      this.ends[i] = Math.min(stop, end);
      if (stop > end) return 'set_truncated';
      p = stop;
    }
    return undefined;
  }
}
