import { Connection, type ConnectionListener } from '#weir/nat/connection.js';
import { readConntrackLine } from '#weir/nat/conntrack-line.js';

/** The connection that a line of conntrack tells of. */
export function connectionOf(line: string): Connection {
  const connection = new Connection();
  const bytes = Buffer.from(line);
  if (!readConntrackLine(bytes, 0, bytes.length, connection)) throw new Error(`no connection: ${line}`);
  return connection;
}

export interface Told {
  readonly what: 'begun' | 'continues' | 'ended';
  readonly source: string;
  readonly port: number;
  readonly start: number;
  readonly from: number;
  readonly end: number;
  readonly bytes: number;
  readonly reason: number;
}

/** A listener that keeps what it is told. Times in s. */
export function keeper(): ConnectionListener & { readonly told: Told[] } {
  const told: Told[] = [];
  const keep = (what: Told['what']) => (one: Connection) => {
    const before = what === 'begun' ? 0 : one.bytesBefore;
    told.push({
      what,
      source: one.addressText(0),
      port: one.originalSourcePort,
      start: one.startMicros / 1e6,
      from: one.fromMicros / 1e6,
      end: one.endMicros / 1e6,
      bytes: one.bytes - before,
      reason: one.endReason,
    });
  };
  return { told, begun: keep('begun'), continues: keep('continues'), ended: keep('ended') };
}
