import type { Socket } from 'node:net';
import type { Address } from '../util/address.ts';
import { StreamFramer } from '../wire/ipfix-stream.ts';
import type { StreamEnd } from './stream-causes.ts';

/** Where a connection comes from. */
export interface StreamPeer {
  readonly address: Address;
  readonly port: number;
  /** Address and port as text. */
  readonly text: string;
  /** TLS: the subject of the certificate that the exporter showed, on one line; empty when it showed none. */
  readonly subject: string;
}

/** Takes the messages of one transport session. Neither function may throw. */
export interface SessionHandler {
  /** A whole message; the memory is not used again. */
  message(bytes: Uint8Array): void;
  /** The session is over: no message follows. */
  end(): void;
}

/** One accepted connection from its first octet to its end. Times are ms of the listener's clock. */
export class StreamConnection {
  /** The socket that was accepted; over TLS, the one below it. */
  readonly socket: Socket;
  /** Tells it from the listener's other connections. */
  readonly key: string;
  readonly address: Address;
  readonly port: number;
  readonly text: string;
  readonly opened: number;
  readonly framer = new StreamFramer();
  /** When octets last came. */
  heard: number;
  /** When the message began that is not complete yet; −1 when there is none. */
  begun = -1;
  messages = 0;
  octets = 0;
  /** Undefined during the TLS handshake, and after the end. */
  handler: SessionHandler | undefined = undefined;
  subject = '';
  /** `TLSv1.3`, once the handshake is done; empty over TCP. */
  protocol = '';
  /** Why it ends, from the moment that is known. */
  cause: StreamEnd | undefined = undefined;

  constructor(socket: Socket, key: string, peer: { address: Address; port: number; text: string }, now: number) {
    this.socket = socket;
    this.key = key;
    this.address = peer.address;
    this.port = peer.port;
    this.text = peer.text;
    this.opened = now;
    this.heard = now;
  }

  /** Hands the messages on that these octets complete. A fault of the framing is the end of the connection. */
  take(chunk: Uint8Array, now: number): void {
    const { framer, messages } = this;
    this.heard = now;
    this.octets += chunk.length;
    const fault = framer.push(chunk, this.#message);
    if (framer.pending === 0) this.begun = -1;
    else if (this.begun < 0 || this.messages > messages) this.begun = now;
    if (fault !== undefined) this.close(fault);
  }

  /** The stream pauses or ends. */
  flush(): void {
    this.framer.flush(this.#message);
    if (this.framer.pending === 0) this.begun = -1;
  }

  /** Ends the connection, for the first cause that is given. What the exporter has sent and was not read yet is lost. */
  close(cause: StreamEnd): void {
    this.cause ??= cause;
    this.socket.destroy();
  }

  readonly #message = (bytes: Uint8Array): void => {
    this.messages++;
    this.handler?.message(bytes);
  };
}
