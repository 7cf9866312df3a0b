/** Datagrams whose fragments are waited for at once; beyond that the oldest is given up. */
const MAX_PENDING = 64;
/** A datagram of 64 KiB over links of the smallest MTU anyone uses (576) is 119 fragments. */
const MAX_PIECES = 256;
/** RFC 791 section 3.2 and RFC 8200 section 4.5: what is not whole after this long never will be (µs of capture time). */
const LIFETIME = 60_000_000;

interface Pending {
  readonly begun: number;
  readonly pieces: { offset: number; bytes: Uint8Array }[];
  /** Length of the whole, known once the last fragment has come. */
  total: number;
}

/** Puts IP fragments together (RFC 791 section 3.2, RFC 8200 section 4.5), bounded in number, size and capture time. */
export interface FragmentTable {
  /**
   * Takes one fragment; `key` names the datagram it belongs to. Returns the whole IP payload when this was the last one missing.
   * Bytes are copied: the capture's chunk need not outlive the call.
   */
  add(key: string, time: number, offset: number, more: boolean, bytes: Uint8Array): Uint8Array | undefined;
  /** Datagrams given up so far because they were never whole. */
  lost(): number;
  /** Datagrams still waited for. */
  pending(): number;
}

/** An empty table. */
export function createFragmentTable(): FragmentTable {
  const table = new Map<string, Pending>();
  let lost = 0;
  const giveUp = (key: string) => {
    table.delete(key);
    lost++;
  };
  return {
    lost: () => lost,
    pending: () => table.size,
    add(key, time, offset, more, bytes) {
      let entry = table.get(key);
      if (entry !== undefined && time - entry.begun > LIFETIME) {
        giveUp(key);
        entry = undefined;
      }
      if (entry === undefined) {
        const oldest = table.size >= MAX_PENDING ? table.keys().next().value : undefined;
        if (oldest !== undefined) giveUp(oldest);
        entry = { begun: time, pieces: [], total: -1 };
        table.set(key, entry);
      }
      if (!more) entry.total = offset + bytes.length;
      entry.pieces.push({ offset, bytes: bytes.slice() });
      if (entry.pieces.length > MAX_PIECES || offset + bytes.length > 65_535) {
        giveUp(key);
        return undefined;
      }
      const whole = join(entry);
      if (whole !== undefined) table.delete(key);
      return whole;
    },
  };
}

/** The whole payload when no byte of it is missing. Where fragments overlap, the later offset wins: captures hold no attackers' targets. */
function join(entry: Pending): Uint8Array | undefined {
  if (entry.total < 0) return undefined;
  entry.pieces.sort((a, b) => a.offset - b.offset);
  let reached = 0;
  for (const piece of entry.pieces) {
    if (piece.offset > reached) return undefined;
    reached = Math.max(reached, piece.offset + piece.bytes.length);
  }
  if (reached < entry.total) return undefined;
  const whole = new Uint8Array(reached);
  for (const piece of entry.pieces) whole.set(piece.bytes, piece.offset);
  return whole.subarray(0, entry.total);
}
