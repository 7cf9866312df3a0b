import { type ClientHello, readClientHello } from './client-hello.ts';
import { CryptoStream } from './crypto-stream.ts';
import type { Progress } from './progress.ts';
import { readQuicPacket } from './quic-header.ts';
import { clientInitialKeys, openInitial, type QuicKeys, type QuicVersion } from './quic-keys.ts';

/** Packets in one datagram (RFC 9000 section 12.2) that are looked at. */
const MAX_PACKETS = 4;
/** A datagram with a client's Initial packet is padded to this (RFC 9000 section 14.1): shorter ones need no keys to be derived. */
const LEAST_DATAGRAM = 1200;
/** Octets that a `QuicClient` takes besides its stream. */
const STATE_OCTETS = 1024;

/** A QUIC client's first flight: one or more datagrams with Initial packets, in any order, until its ClientHello is whole. */
export class QuicClient {
  #version: QuicVersion | undefined;
  #keys: QuicKeys | undefined;
  #stream = new CryptoStream();
  /** Source port of the client, once a packet of it has been opened: what comes back cannot be opened with its keys. */
  #port = -1;

  /** Octets of memory it takes. */
  get octets(): number {
    return this.#stream.bytes.length + STATE_OCTETS;
  }

  /** Reads a datagram of either side. `none`: no Initial packet of a client, so far. */
  read(bytes: Uint8Array, start: number, end: number, port: number, out: ClientHello): Progress {
    if (this.#port >= 0 && port !== this.#port) return 'more';
    if (end - start < LEAST_DATAGRAM) return this.#port < 0 ? 'none' : 'more';
    let at = start;
    let isOpened = false;
    for (let packets = 0; packets < MAX_PACKETS; packets++) {
      const packet = readQuicPacket(bytes, at, end);
      if (packet === undefined) break;
      if (packet.isInitial) {
        const id = bytes.subarray(packet.idStart, packet.idEnd);
        const frames = this.#open(bytes, at, packet.numberAt, packet.end, packet.version, id);
        if (frames !== undefined) {
          isOpened = true;
          this.#stream.addFrames(frames);
        }
      }
      at = packet.end;
    }
    if (isOpened) this.#port = port;
    if (this.#port < 0) return 'none';
    return readClientHello(this.#stream.bytes, 0, this.#stream.contiguous, out);
  }

  /** Keys are those of the first packet, until the server has asked the client to begin again: with another connection id (Retry) or version. */
  #open(bytes: Uint8Array, start: number, numberAt: number, end: number, version: QuicVersion, id: Uint8Array) {
    if (this.#keys !== undefined && version === this.#version) {
      const frames = openInitial(bytes, start, numberAt, end, this.#keys);
      if (frames !== undefined) return frames;
    }
    const keys = clientInitialKeys(version, id);
    const frames = openInitial(bytes, start, numberAt, end, keys);
    if (frames === undefined) return undefined;
    if (this.#keys !== undefined) this.#stream = new CryptoStream();
    this.#version = version;
    this.#keys = keys;
    return frames;
  }
}
