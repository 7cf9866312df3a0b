import { createCipheriv, createHmac } from 'node:crypto';

/** What RFC 9001 section 5.2 and RFC 9369 section 3.3 give for the versions. */
const VERSIONS = {
  1: { number: 1, type: 0, salt: '38762cf7f55934b34d179ae6a4c80cadccbb7f0a', prefix: 'quic' },
  2: { number: 0x6b3343cf, type: 1, salt: '0dede3def700a6db819381be6e269dcbf9bd2ed9', prefix: 'quicv2' },
} as const;

/** HKDF-Expand-Label (RFC 8446 section 7.1), in its general form. */
function expandLabel(secret: Buffer, label: string, length: number): Buffer {
  const text = `tls13 ${label}`;
  const info = Buffer.concat([Buffer.from([0, length, text.length]), Buffer.from(text), Buffer.from([0])]);
  let block = Buffer.alloc(0);
  let out = Buffer.alloc(0);
  for (let i = 1; out.length < length; i++) {
    block = createHmac('sha256', secret)
      .update(Buffer.concat([block, info, Buffer.from([i])]))
      .digest();
    out = Buffer.concat([out, block]);
  }
  return out.subarray(0, length);
}

/** A frame that carries a piece of a message. */
export function cryptoFrame(message: Buffer, start: number, end: number): Buffer {
  const integer = (value: number): Buffer => Buffer.from([0x40 | (value >> 8), value & 255]);
  return Buffer.concat([Buffer.from([6]), integer(start), integer(end - start), message.subarray(start, end)]);
}

export interface InitialOptions {
  readonly version?: 1 | 2;
  /** Destination Connection ID of this packet, and of the client's first one, of which the keys are made. */
  readonly id: Buffer;
  readonly firstId?: Buffer;
  readonly packetNumber?: number;
  readonly token?: Buffer;
  /** Side that sends it. */
  readonly side?: 'client' | 'server';
  /** Octets of the whole packet; padded with PADDING frames. */
  readonly size?: number;
}

/** An Initial packet with these frames, protected. */
export function initialPacket(frames: Buffer, options: InitialOptions): Buffer {
  const {
    version = 1,
    id,
    firstId = id,
    packetNumber = 0,
    token = Buffer.alloc(0),
    side = 'client',
    size = 1200,
  } = options;
  const { number, type, salt, prefix } = VERSIONS[version];
  const initial = createHmac('sha256', Buffer.from(salt, 'hex')).update(firstId).digest();
  const secret = expandLabel(initial, `${side} in`, 32);
  const key = expandLabel(secret, `${prefix} key`, 16);
  const iv = expandLabel(secret, `${prefix} iv`, 12);
  const hp = expandLabel(secret, `${prefix} hp`, 16);
  const numberLength = 2;
  const start = Buffer.concat([
    Buffer.from([0xc0 | (type << 4) | (numberLength - 1)]),
    Buffer.from([number >>> 24, (number >> 16) & 255, (number >> 8) & 255, number & 255]),
    Buffer.from([id.length]),
    id,
    Buffer.from([4, 9, 9, 9, 9]),
    Buffer.from([0x40 | (token.length >> 8), token.length & 255]),
    token,
  ]);
  const payload = Buffer.concat([
    frames,
    Buffer.alloc(Math.max(0, size - start.length - 2 - numberLength - 16 - frames.length)),
  ]);
  const length = numberLength + payload.length + 16;
  const header = Buffer.concat([
    start,
    Buffer.from([0x40 | (length >> 8), length & 255, packetNumber >> 8, packetNumber & 255]),
  ]);
  const nonce = Buffer.from(iv);
  nonce.writeUInt16BE(nonce.readUInt16BE(10) ^ packetNumber, 10);
  const cipher = createCipheriv('aes-128-gcm', key, nonce).setAAD(header);
  const sealed = Buffer.concat([cipher.update(payload), cipher.final(), cipher.getAuthTag()]);
  const mask = createCipheriv('aes-128-ecb', hp, null).update(sealed.subarray(4 - numberLength, 20 - numberLength));
  header[0] = (header[0] as number) ^ ((mask[0] as number) & 0x0f);
  for (let i = 0; i < numberLength; i++) {
    const at = header.length - numberLength + i;
    header[at] = (header[at] as number) ^ (mask[1 + i] as number);
  }
  return Buffer.concat([header, sealed]);
}
