import type { PacketHandler } from '../../wire/pcap/packet.ts';

/** What a source of packets has met. Counts only grow. */
export interface CaptureCounters {
  /** Packets handed on. */
  packets: number;
  /** Octets read: of files, or from the capturing program. */
  bytes: number;
  /** Packets that the kernel or the capturing program lost before they could be handed on. */
  dropped: number;
  /** Packets that the network interface lost. */
  interfaceDropped: number;
  /** Records that could not be used: of an interface that the capture does not describe, and the like. */
  unusable: number;
  /** Times that capturing broke off: a damaged or cut file, a capturing program that died. */
  interruptions: number;
  /** ms for which nothing was captured because of them, or because an interface was not up. */
  blindMillis: number;
}

/** Packets from somewhere: files, live interfaces. The constructor of a source touches nothing. */
export interface CaptureSource {
  /**
   * Begins; packets are handed over from now on, after the call as well. Resolves once capturing is under way.
   *
   * @throws WeirError when there is nothing to capture from: a file or an interface that is not there, no rights
   */
  start(handler: PacketHandler): Promise<void>;
  /** Settles when no more packets will come: all files read, or closed. Rejects with the WeirError that ended it. */
  readonly ended: Promise<void>;
  readonly counters: CaptureCounters;
  /** Ends capturing; what has been captured up to now is still handed over before it resolves. May be called twice. */
  close(): Promise<void>;
}

/** All 0. */
export function createCaptureCounters(): CaptureCounters {
  return { packets: 0, bytes: 0, dropped: 0, interfaceDropped: 0, unusable: 0, interruptions: 0, blindMillis: 0 };
}
