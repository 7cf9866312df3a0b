/*
 * Formats without a field for ICMP, whose exporters send type × 256 + code as the destination port: NetFlow v1 and v5 to v9. The type and code of such flows
 * are read from there, when they are asked for.
 */

/** Codes of `flow_type`. */
export const ICMP_IN_PORT: ReadonlySet<number> = new Set([2, 3, 11, 16, 17, 18]);
/** Protocols that it is about: ICMP and ICMPv6. */
export const ICMP_PROTOCOLS: ReadonlySet<number> = new Set([1, 58]);
