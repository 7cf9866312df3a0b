/** Where a sampling rate is from: codes of SAMPLING_SOURCES. */
export const SAMPLING = {
  unknown: 0,
  header: 1,
  record: 2,
  sampler: 3,
  interface: 4,
  domain: 5,
  default: 6,
  override: 7,
} as const;
