/** One captured packet. `data` is a view of the bytes that were read: copy what is to be kept. */
export interface Packet {
  /** Microseconds since the epoch, rounded down; 0 where the capture gives no time (pcapng simple packets). */
  readonly time: number;
  /** Link type (https://www.tcpdump.org/linktypes.html): see `LINK_TYPE`. */
  readonly linkType: number;
  /** The bytes that were kept, from the link-layer header on. */
  readonly data: Uint8Array;
  /** Length on the wire; more than `data.length` where the capture cut the packet. */
  readonly originalLength: number;
}

/**
 * Takes packets as they are read, without an object for each. `bytes[start, end)` is what was captured, from the link-layer header on, and is valid
 * during the call only: copy what is to be kept. Must not throw.
 */
export interface PacketHandler {
  /**
   * @param originalLength octets on the wire; more than `end - start` where the capture cut the packet
   * @param timeMicros µs since the epoch, 0 where the capture gives no time (pcapng simple packets)
   * @param linkType a number of `LINK_TYPE`
   * @param interfaceIndex of pcapng the number of the interface in its section, from 1; else as the source gives it; 0 when it is not known
   */
  packet(
    bytes: Uint8Array,
    start: number,
    end: number,
    originalLength: number,
    timeMicros: number,
    linkType: number,
    interfaceIndex: number,
  ): void;
}

/** Packets as columns: those of one stretch of memory, all of one link type. What is behind `count` is of earlier ones. */
export interface PacketColumns {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  readonly originalLengths: Uint32Array;
  /** µs since the epoch. */
  readonly times: Float64Array;
  count: number;
  linkType: number;
  interfaceIndex: number;
}

/** A handler for those who have much to do: a call for each packet costs more than the packet. */
export interface PacketsHandler extends PacketHandler {
  /** The same as `packet` for each of them, in their order. */
  packetColumns(bytes: Uint8Array, columns: PacketColumns): void;
}

/** Packets that are handed on together, at most. */
export const MOST_COLUMNS = 512;

/** Empty columns. */
export function createPacketColumns(): PacketColumns {
  return {
    starts: new Int32Array(MOST_COLUMNS),
    ends: new Int32Array(MOST_COLUMNS),
    originalLengths: new Uint32Array(MOST_COLUMNS),
    times: new Float64Array(MOST_COLUMNS),
    count: 0,
    linkType: 0,
    interfaceIndex: 0,
  };
}

/** What was met while a capture was read; counted as reading goes on. */
export interface CaptureStats {
  packets: number;
  /** Bytes of the file that were used. */
  bytes: number;
  /** Bytes at the end that are no whole record: the capture was cut off (a full disk, a killed tcpdump, a copy under way). */
  truncatedTail: number;
  /** Packets that name an interface the capture does not describe, and the like: passed over. */
  unusable: number;
  /** Why reading stopped before the end, with the offset; undefined when it did not. */
  damage: string | undefined;
}

/** Counters for one reading of one capture. */
export function createCaptureStats(): CaptureStats {
  return { packets: 0, bytes: 0, truncatedTail: 0, unusable: 0, damage: undefined };
}

/** A record or block above this is taken for damage: it bounds the memory a file can ask for. */
export const MAX_RECORD = 16 * 1024 * 1024;

/** The state of one reading of one capture format, fed with whole stretches of the file. */
export interface CaptureParser {
  /** Hands the packets of the records that are whole in `bytes[start, end)` on, and returns the offset behind the last of them; the rest is to be given again, followed by what comes next. */
  parse(bytes: Uint8Array, start: number, end: number, handler: PacketHandler): number;
  /** How many bytes (from the first unused one) the next record needs before `parse` can go on. */
  needed(): number;
  /** Set once the file cannot be followed any further: why. It begins at the offset that `parse` returned. */
  damage(): string | undefined;
}
