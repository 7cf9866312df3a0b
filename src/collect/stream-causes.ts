/** Why a connection was not taken: a closed list, counted per listener. */
export const STREAM_REFUSALS = ['allow_list', 'connections', 'connections_per_address'] as const;

/** Why a connection that was taken has ended: a closed list, counted per listener. */
export const STREAM_ENDS = [
  'ended',
  'reset',
  'framing_version',
  'framing_length',
  'idle',
  'stalled',
  'buffer',
  'crowded_out',
  'handshake',
  'handshake_timeout',
  'client_certificate',
  'disallowed',
  'stopped',
] as const;

export type StreamRefusal = (typeof STREAM_REFUSALS)[number];
export type StreamEnd = (typeof STREAM_ENDS)[number];

/** One phrase per cause, for status lines and the documentation. */
export const STREAM_CAUSE_TEXT: Readonly<Record<StreamRefusal | StreamEnd, string>> = {
  allow_list: 'refused: not on the allow-list',
  connections: 'refused: as many connections as are allowed',
  connections_per_address: 'refused: as many connections of one address as are allowed',
  ended: 'ended by the exporter',
  reset: 'broken off by the exporter or the network',
  framing_version: 'closed: no message began where one should',
  framing_length: 'closed: a message length that cannot be',
  idle: 'closed: silent for longer than the idle time',
  stalled: 'closed: a message was not complete in time',
  buffer: 'closed: unfinished messages took too much memory, and this was the oldest',
  crowded_out: 'closed: no message yet, and its place was needed',
  handshake: 'closed: the TLS handshake failed',
  handshake_timeout: 'closed: the TLS handshake was not complete in time',
  client_certificate: 'closed: no client certificate, or one that no trusted authority signed',
  disallowed: 'closed: no longer on the allow-list',
  stopped: 'closed because weir stops',
};

/** Ends that are nobody's fault. */
export const ORDINARY_ENDS: ReadonlySet<string> = new Set<StreamEnd>(['ended', 'idle', 'stopped']);
