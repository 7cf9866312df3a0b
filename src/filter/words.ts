import type { NumberRange } from './tree.ts';

/* Words that stand for numbers in a filter beside those of the schema: facts of IANA's registries, and nfdump's spellings. */

/** IANA: "Differentiated Services Field Codepoints". */
// biome-ignore format: pairs
const DSCP: Readonly<Record<string, number>> = {
  df: 0, be: 0, cs0: 0, le: 1, cs1: 8, af11: 10, af12: 12, af13: 14, cs2: 16, af21: 18, af22: 20, af23: 22, cs3: 24,
  af31: 26, af32: 28, af33: 30, cs4: 32, af41: 34, af42: 36, af43: 38, cs5: 40, 'voice-admit': 44, va: 44, ef: 46, cs6: 48, cs7: 56,
};

/** RFC 3168, section 5. */
const ECN: Readonly<Record<string, number>> = { 'not-ect': 0, 'ect-1': 1, 'ect-0': 2, ce: 3 };

/** IANA: forwardingStatus (89), and the short words nfdump prints. */
// biome-ignore format: pairs
const FORWARDING_STATUS: Readonly<Record<string, number>> = {
  unknown: 0, ukwn: 0, forw: 64, fragmented: 65, frag: 65, not_fragmented: 66, drop: 128, acl_deny: 129, dacld: 129, acl_drop: 130,
  daclp: 130, unroutable: 131, noroute: 131, adjacency: 132, fragmentation_df: 133, bad_header_checksum: 134, bad_total_length: 135,
  bad_header_length: 136, bad_ttl: 137, policer: 138, wred: 139, rpf: 140, for_us: 141, bad_output_interface: 142, hardware: 143,
  punt_adjacency: 193, incomplete_adjacency: 194, terminate_for_us: 195,
};

/** Words for numbers of a column, or of a derived measure. */
export const MORE_WORDS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  dscp: DSCP,
  ecn: ECN,
  forwarding_status: FORWARDING_STATUS,
  nat_event: { add: 1 },
  firewall_event: { create: 1, term: 2, delete: 2, deny: 3 },
  // Cisco: the reasons of a denied flow, NF_F_FW_EXT_EVENT.
  firewall_extended_event: { ingress: 1001, egress: 1002, interface: 1003, nosyn: 1004 },
};

/** Words for ranges of numbers of a column. */
export const RANGE_WORDS: Readonly<Record<string, Readonly<Record<string, NumberRange>>>> = {
  // The upper two bits of forwardingStatus are the status, the lower six the reason.
  forwarding_status: {
    forwarded: { from: 64n, to: 127n },
    dropped: { from: 128n, to: 191n },
    consumed: { from: 192n, to: 255n },
  },
};
