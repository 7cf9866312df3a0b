/**
 * What a piece of evidence is: a NAT session or a binding (RFC 8158 sections 5.2 to 5.4), an address binding, a port block, an event of a firewall,
 * a flow with translated addresses, or three records of one connection as nfflowd sends them.
 */
export type EvidenceKind = 'session' | 'binding' | 'address' | 'block' | 'firewall' | 'flow' | 'triplet';

/** One translation that was seen. Addresses are text, times µs since the epoch. */
export interface Evidence {
  readonly kind: EvidenceKind;
  readonly exporter: string;
  readonly proto: number | null;
  readonly inside_addr: string;
  /** null where the record does not tell it, and of blocks and addresses. */
  readonly inside_port: number | null;
  /** VRF that the inside address belongs to: another VRF may have the same address. */
  readonly ingress_vrf: number | null;
  readonly user_name: string | null;
  readonly public_addr: string;
  readonly public_port: number | null;
  /** Of a port block. `block_step` 1 means all ports from start to end. */
  readonly block_start: number | null;
  readonly block_end: number | null;
  readonly block_step: number | null;
  /** The other end of the connection, as the public side sees it. */
  readonly peer_addr: string | null;
  readonly peer_port: number | null;
  /** null where the beginning was not seen. */
  readonly start: number | null;
  /** null where no end was seen: the translation is open. */
  readonly end: number | null;
  /** How an event's translation ended: it was deleted, or another one took its place. */
  readonly ended_by: 'delete' | 'reuse' | null;
  /** Until when it counts where no end was seen: the beginning and `--ttl`; else as `end`. The same of the beginning. */
  readonly from: number;
  readonly until: number;
  /** How far it is from the time asked about, µs; 0 when it held then. */
  readonly distance: number;
  /** Whether the record tells the translated port; where it does not, the port of the other side was taken for it. */
  readonly port_told: boolean;
  /** Counters as exported, exact: decimal digits. */
  readonly packets: string | null;
  readonly bytes: string | null;
  /** Records of this kind and exporter for the same inside endpoint at that time, of which this is one. */
  readonly records: number;
}

/** An inside endpoint that may be meant, and why. */
export interface Candidate {
  readonly inside_addr: string;
  readonly inside_port: number | null;
  readonly ingress_vrf: number | null;
  readonly user_name: string | null;
  /** The least of its evidence, µs. */
  readonly distance: number;
  /** Whether no end (or beginning) was seen of all of its evidence that is that near. */
  readonly open: boolean;
  /** Whether some of it tells both ports. */
  readonly port_told: boolean;
  readonly evidence: readonly Evidence[];
}

/** Whether a translation is known to have an end and a beginning. */
export function isOpen({ start, end }: Evidence): boolean {
  return start === null || end === null;
}
