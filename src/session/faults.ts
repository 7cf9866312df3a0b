/** Why something that came could not be decoded: a closed list, counted per exporter and domain, never an exception. */
const FAULTS = [
  'short_message',
  'unknown_version',
  'unknown_aggregation',
  'message_length',
  'record_count',
  'set_length',
  'set_truncated',
  'set_reserved',
  'template_truncated',
  'template_id',
  'template_empty',
  'template_zero_length',
  'record_truncated',
  'held_expired',
  'held_overflow',
  'sflow_count',
  'sflow_truncated',
  'sflow_unknown_sample',
] as const;

export type Fault = (typeof FAULTS)[number];

/** One sentence per fault, for status lines and the documentation. */
export const FAULT_TEXT: Readonly<Record<Fault, string>> = {
  short_message: 'message shorter than its header',
  unknown_version: 'first two octets are no version that weir knows',
  unknown_aggregation: 'NetFlow v8 aggregation scheme, or version of its records, that weir does not know',
  message_length: 'IPFIX message length differs from the datagram (RFC 7011 section 9.1: discarded)',
  record_count: 'count of records in a NetFlow v1 or v5 to v8 header does not fit the datagram',
  set_length: 'set length below 4',
  set_truncated: 'set goes past the end of the message; complete records were used',
  set_reserved: 'set id that the standard reserves',
  template_truncated: 'template record goes past its set',
  template_id: 'template id below 256',
  template_empty: 'template record without fields',
  template_zero_length: 'template whose records would have no octets',
  record_truncated: 'data record goes past its set',
  held_expired: 'data set whose template did not come in time',
  held_overflow: 'data set given up because too many wait for templates',
  sflow_count: 'sFlow datagram ends before the number of samples in its header',
  sflow_truncated: 'sFlow sample or record goes past its end; what could be read was used',
  sflow_unknown_sample:
    'sFlow sample of a format that weir does not know (a vendor’s own, or versions 2 and 4: the rest of the datagram)',
};
