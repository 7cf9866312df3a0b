// What is known of nfflowd's triplets before any is looked for; see trace/triplets.ts.

/** Codes of flow_type: the formats without a field for translated addresses, v1, v5, v6 and v7. */
export const TRIPLET_TYPES = '2, 11, 16, 17';
/** Records of one connection may come in two messages, whose clocks are read apart, µs. */
export const JITTER = 10_000;
