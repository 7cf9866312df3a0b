/**
 * How far reading the beginning of a stream has come: `none` it is something else; `more` it goes on behind the octets that are there; `done` nothing
 * further is to be learnt from it.
 */
export type Progress = 'none' | 'more' | 'done';

/** Octets of the beginning of a stream that are kept at most: no TLS record is longer (RFC 8446 section 5.1). */
export const LONGEST_PREFIX = 16_384;
