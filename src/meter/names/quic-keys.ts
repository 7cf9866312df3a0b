import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

/**
 * Protection of Initial packets (RFC 9001 section 5, RFC 9369 section 3.3): everybody who sees the client's first packet can derive its keys, from the
 * Destination Connection ID in it.
 */
export interface QuicKeys {
  /** AES-128-GCM. */
  readonly key: Buffer;
  readonly iv: Buffer;
  /** AES-128, for header protection. */
  readonly hp: Buffer;
}

export interface QuicVersion {
  readonly version: number;
  /** Bits 5 and 4 of the first octet of an Initial packet. */
  readonly initialType: number;
  readonly salt: Buffer;
  readonly labels: { readonly key: Buffer; readonly iv: Buffer; readonly hp: Buffer };
}

const KEY_LENGTH = 16;
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
const CLIENT_IN = label('client in', 32);

export const QUIC_VERSIONS: readonly QuicVersion[] = [
  {
    version: 1,
    initialType: 0,
    salt: Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex'),
    labels: {
      key: label('quic key', KEY_LENGTH),
      iv: label('quic iv', IV_LENGTH),
      hp: label('quic hp', KEY_LENGTH),
    },
  },
  {
    version: 0x6b3343cf,
    initialType: 1,
    salt: Buffer.from('0dede3def700a6db819381be6e269dcbf9bd2ed9', 'hex'),
    labels: {
      key: label('quicv2 key', KEY_LENGTH),
      iv: label('quicv2 iv', IV_LENGTH),
      hp: label('quicv2 hp', KEY_LENGTH),
    },
  },
];

/** HkdfLabel (RFC 8446 section 7.1) without context, and the counter of HKDF-Expand's first block (RFC 5869 section 2.3), which is all that is needed. */
function label(name: string, length: number): Buffer {
  const text = Buffer.from(`tls13 ${name}`);
  return Buffer.concat([Buffer.from([0, length, text.length]), text, Buffer.from([0, 1])]);
}

/** Keys of what the client sends in Initial packets; `connectionId` is the Destination Connection ID of its first. */
export function clientInitialKeys({ salt, labels }: QuicVersion, connectionId: Uint8Array): QuicKeys {
  const initial = hmac(salt, connectionId);
  const client = hmac(initial, CLIENT_IN);
  return {
    key: hmac(client, labels.key).subarray(0, KEY_LENGTH),
    iv: hmac(client, labels.iv).subarray(0, IV_LENGTH),
    hp: hmac(client, labels.hp).subarray(0, KEY_LENGTH),
  };
}

/** HKDF-Extract, and HKDF-Expand to at most 32 octets. */
function hmac(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** Octets of cipher text that the mask is made of, and where they begin behind the start of the packet number (RFC 9001 section 5.4.2). */
const SAMPLE_LENGTH = 16;
const SAMPLE_OFFSET = 4;

/** An Initial packet's header as it was before protection, and where it ends. */
interface PlainHeader {
  readonly header: Buffer;
  readonly packetNumber: number;
}

/**
 * Octets of the frames in the Initial packet `bytes[start, end)` whose packet number begins at `numberAt`; undefined where the keys are not its keys, or it
 * was changed or cut. `bytes` stay as they are.
 */
export function openInitial(
  bytes: Uint8Array,
  start: number,
  numberAt: number,
  end: number,
  keys: QuicKeys,
): Buffer | undefined {
  if (numberAt + SAMPLE_OFFSET + SAMPLE_LENGTH > end) return undefined;
  const { header, packetNumber } = unprotectHeader(bytes, start, numberAt, keys.hp);
  const payload = start + header.length;
  const tag = end - TAG_LENGTH;
  if (tag <= payload) return undefined;
  const nonce = Buffer.from(keys.iv);
  nonce.writeUInt32BE((nonce.readUInt32BE(IV_LENGTH - 4) ^ packetNumber) >>> 0, IV_LENGTH - 4);
  const decipher = createDecipheriv('aes-128-gcm', keys.key, nonce).setAAD(header).setAuthTag(bytes.subarray(tag, end));
  const plain = decipher.update(bytes.subarray(payload, tag));
  try {
    decipher.final();
  } catch {
    // Node tells a wrong tag by an exception.
    return undefined;
  }
  return plain;
}

function unprotectHeader(bytes: Uint8Array, start: number, numberAt: number, hp: Buffer): PlainHeader {
  const sample = bytes.subarray(numberAt + SAMPLE_OFFSET, numberAt + SAMPLE_OFFSET + SAMPLE_LENGTH);
  const mask = createCipheriv('aes-128-ecb', hp, null).update(sample);
  const first = (bytes[start] as number) ^ ((mask[0] as number) & 0x0f);
  const length = (first & 0x03) + 1;
  const header = Buffer.from(bytes.subarray(start, numberAt + length));
  header[0] = first;
  let packetNumber = 0;
  for (let i = 0; i < length; i++) {
    const octet = (bytes[numberAt + i] as number) ^ (mask[1 + i] as number);
    header[numberAt - start + i] = octet;
    packetNumber = ((packetNumber << 8) | octet) >>> 0;
  }
  return { header, packetNumber };
}
