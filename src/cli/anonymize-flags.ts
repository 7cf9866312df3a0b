import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { type Anonymity, parseKeep } from '../flow/anonymity.ts';
import { CRYPTO_PAN_KEY, CryptoPan } from '../util/crypto-pan.ts';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import type { Io } from './io.ts';

/** The flags that `addAnonymizeFlags` adds. */
export interface AnonymizeFlags {
  readonly anonymize?: boolean;
  readonly keyFile?: string;
  readonly keep?: string;
}

/** Adds the flags of anonymizing. */
export function addAnonymizeFlags(command: Command): Command {
  return command
    .option('--anonymize', 'replace addresses, prefixes preserved (Crypto-PAn), and drop MAC addresses and texts')
    .option('--key-file <file>', 'the key for it')
    .option('--keep <columns>', 'with --anonymize: what stays as it is, such as exporter,app_name');
}

/** Makes a key file that only its owner reads. Throws WEIR_USAGE where there is a file already: what was anonymized with a lost key cannot be joined. */
export async function createKeyFile(path: string, io: Io): Promise<void> {
  try {
    await writeFile(path, `${randomBytes(CRYPTO_PAN_KEY).toString('hex')}\n`, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if (systemCode(error) === 'EEXIST') {
      throw new WeirError('WEIR_USAGE', `There is a file ${path} already; nothing was written.`, {
        hint: 'Use it with --key-file, or give the new key another name.',
      });
    }
    throw new WeirError('WEIR_USAGE', `Cannot write ${path}: ${messageOf(error)}.`, { cause: error });
  }
  io.stderr.write(`made the key ${path}; who has it can undo what is anonymized with it\n`);
}

/** How to anonymize, or undefined. Throws WEIR_USAGE for flags that contradict each other and for a file that holds no key. */
export async function readAnonymity(flags: AnonymizeFlags, io: Io): Promise<Anonymity | undefined> {
  const { anonymize, keyFile, keep } = flags;
  if (anonymize !== true) {
    const other = keyFile !== undefined ? '--key-file' : keep !== undefined ? '--keep' : undefined;
    if (other === undefined) return undefined;
    throw new WeirError('WEIR_USAGE', `${other} is for --anonymize.`, { hint: 'Add --anonymize, or leave it out.' });
  }
  if (keyFile === undefined) {
    throw new WeirError('WEIR_USAGE', '--anonymize needs a key.', {
      hint: 'Make one with: weir export --new-key weir.key; then add --key-file weir.key',
    });
  }
  return { pan: new CryptoPan(await readKey(keyFile, io)), keep: keep === undefined ? new Set() : parseKeep(keep) };
}

/** The key in a file: 64 hexadecimal digits, or 32 octets as nfanon takes them. What is in the file is never told. */
async function readKey(path: string, io: Io): Promise<Uint8Array> {
  let content: Buffer;
  let mode: number;
  try {
    [content, { mode }] = await Promise.all([readFile(path), stat(path)]);
  } catch (error) {
    throw new WeirError('WEIR_USAGE', `Cannot read ${path}: ${messageOf(error)}.`, {
      hint: `Make a key with: weir export --new-key ${path}`,
      cause: error,
    });
  }
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    io.stderr.write(`note: others may read the key ${path}: chmod 600 ${path}\n`);
  const text = content.toString('latin1').trim();
  const hex = /^(?:0x)?([0-9a-f]{64})$/i.exec(text)?.[1];
  if (hex !== undefined) return Buffer.from(hex, 'hex');
  for (const octets of [content, Buffer.from(text, 'latin1')]) if (octets.length === CRYPTO_PAN_KEY) return octets;
  throw new WeirError('WEIR_USAGE', `${path} holds no key.`, {
    hint: `A key is 64 hexadecimal digits, or ${CRYPTO_PAN_KEY} octets. Make one with: weir export --new-key FILE`,
  });
}
