import type { PacketHeaders } from '../../wire/packet/packet-fields.ts';
import type { ClientHello } from './client-hello.ts';
import { type HttpRequest, readHttpRequest } from './http-request.ts';
import type { NameKind } from './name-kinds.ts';
import type { Progress } from './progress.ts';
import { QuicClient } from './quic-client.ts';
import { StreamPrefix } from './stream-prefix.ts';
import { readTlsStream } from './tls-records.ts';
import type { WaitingFlows } from './waiting.ts';

const HANDSHAKE = 22;
/** First octets of a method of HTTP. */
const LETTER_A = 0x41;
const LETTER_Z = 0x5a;

/** What is kept of a flow that goes on. */
export type Kept = StreamPrefix | QuicClient;

/**
 * What a client says of where it wants to: TLS ClientHello and HTTP request at the beginning of a TCP segment, whatever the port, and QUIC's Initial packets.
 * What needs more than one packet is put together in `waiting`.
 */
export class ClientNames {
  /** What the last `readTcp` or `readUdp` has found, where it did not answer `none`. */
  readonly names: ClientHello & HttpRequest = { serverName: '', alpn: '', method: '', target: '', host: '' };
  /** Whether names of these kinds are read at all. */
  readonly readsTcp: boolean;
  readonly readsUdp: boolean;
  readonly #hasTls: boolean;
  readonly #hasHttp: boolean;
  readonly #waiting: WaitingFlows<Kept>;
  readonly #counts: Record<NameKind, number>;
  /** Flows given up because they went on for too long. */
  tooLong = 0;

  constructor(kinds: ReadonlySet<NameKind>, waiting: WaitingFlows<Kept>, counts: Record<NameKind, number>) {
    this.#hasTls = kinds.has('tls');
    this.#hasHttp = kinds.has('http');
    this.readsTcp = this.#hasTls || this.#hasHttp;
    this.readsUdp = kinds.has('quic');
    this.#waiting = waiting;
    this.#counts = counts;
  }

  /** Looks into the payload of a TCP segment of the flow. */
  readTcp(bytes: Uint8Array, start: number, end: number, flow: number, fields: PacketHeaders): Progress {
    const kept = this.#waiting.size === 0 ? undefined : this.#waiting.get(flow);
    if (kept instanceof StreamPrefix) {
      if (!kept.append(bytes, start, end, fields.tcpSequence)) return 'more';
      const progress = this.#readStream(kept.bytes, 0, kept.length);
      if (progress === 'more' && !kept.isFull) {
        this.#waiting.set(flow, kept);
        return 'more';
      }
      if (progress === 'more') this.tooLong++;
      this.#waiting.delete(flow);
      return this.#isTunnel() ? 'more' : 'done';
    }
    const progress = this.#readStream(bytes, start, end);
    if (progress === 'more') this.#waiting.set(flow, new StreamPrefix(bytes, start, end, fields.tcpSequence));
    return progress === 'done' && this.#isTunnel() ? 'more' : progress;
  }

  /** Looks into the payload of a UDP datagram of the flow. */
  readUdp(bytes: Uint8Array, start: number, end: number, flow: number, fields: PacketHeaders): Progress {
    if (!this.readsUdp || ((bytes[start] as number) & 0xc0) !== 0xc0) return 'none';
    const kept = this.#waiting.size === 0 ? undefined : this.#waiting.get(flow);
    const client = kept instanceof QuicClient ? kept : new QuicClient();
    this.#reset();
    const progress = client.read(bytes, start, end, fields.srcPort, this.names);
    if (progress === 'more') this.#waiting.set(flow, client);
    else {
      if (progress === 'done') this.#counts.quic++;
      if (kept !== undefined) this.#waiting.delete(flow);
    }
    return progress;
  }

  #readStream(bytes: Uint8Array, start: number, end: number): Progress {
    const first = bytes[start] as number;
    this.#reset();
    if (this.#hasTls && first === HANDSHAKE) {
      const progress = readTlsStream(bytes, start, end, this.names);
      if (progress === 'done') this.#counts.tls++;
      return progress;
    }
    if (this.#hasHttp && first >= LETTER_A && first <= LETTER_Z) {
      const progress = readHttpRequest(bytes, start, end, this.names);
      if (progress === 'done') this.#counts.http++;
      return progress;
    }
    return 'none';
  }

  /** Whether the request was for a tunnel: TLS may follow. */
  #isTunnel(): boolean {
    return this.#hasTls && this.names.method === 'CONNECT';
  }

  #reset(): void {
    const { names } = this;
    names.serverName = '';
    names.alpn = '';
    names.method = '';
    names.target = '';
    names.host = '';
  }
}
