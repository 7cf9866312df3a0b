import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { TlsSettings } from '../collect/tls-settings.ts';
import { messageOf, systemCode, WeirError } from '../util/errors.ts';
import type { CollectConfig, TlsConfig } from './collect-config.ts';

/** Throws WEIR_CONFIG when there is a tls:// listener and not all that it needs. */
export function requireTls({ listen, tls }: Pick<CollectConfig, 'listen' | 'tls'>): void {
  const url = listen.find(({ scheme }) => scheme === 'tls');
  if (url === undefined) return;
  for (const key of ['cert', 'key'] as const) {
    if (tls[key] !== undefined) continue;
    throw new WeirError('WEIR_CONFIG', `${url.text} needs a certificate and its key, and tls.${key} is not set`, {
      hint: 'Give the paths of PEM files: tls.cert and tls.key in the file, or --tls-cert FILE --tls-key FILE.',
      details: { path: `tls.${key}`, url: url.text },
    });
  }
  if (tls.clientCertificates !== 'none' && tls.ca === undefined) {
    throw new WeirError('WEIR_CONFIG', `exporters have to show a certificate to ${url.text}, and tls.ca is not set`, {
      hint: 'Give the authorities that sign their certificates with --tls-ca FILE, or let everyone connect with --tls-client-certificates none.',
      details: { path: 'tls.ca', url: url.text },
    });
  }
}

/**
 * The certificates that are configured, read anew each time, for reloading; undefined when there is no tls:// listener. Throws WEIR_CONFIG for a file
 * that cannot be read, is not PEM, or a key that is of another certificate; whoever reloads keeps what it had.
 */
export function loadTls(config: Pick<CollectConfig, 'listen' | 'tls'>): TlsSettings | undefined {
  if (!config.listen.some(({ scheme }) => scheme === 'tls')) return undefined;
  requireTls(config);
  const { tls } = config;
  const cert = textOf(tls, 'cert');
  const key = textOf(tls, 'key');
  const ca = tls.ca === undefined ? undefined : textOf(tls, 'ca');
  const certificate = parse(tls, 'cert', () => new X509Certificate(cert));
  const privateKey = parse(tls, 'key', () => createPrivateKey(key));
  if (ca !== undefined) parse(tls, 'ca', () => new X509Certificate(ca));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new WeirError('WEIR_CONFIG', `${tls.key} is not the key of the certificate ${tls.cert}`, {
      hint: 'Both must come from the same request: openssl x509 -pubkey -noout -in CERT and openssl pkey -pubout -in KEY print the same.',
      details: { path: 'tls.key' },
    });
  }
  return { cert, key, ca, clientCertificates: tls.clientCertificates, minimumVersion: tls.minimumVersion };
}

/** From when to when a certificate is valid, ms since the epoch, and whom it names. `pem` has been read by `loadTls`. */
export function validity(pem: string): { readonly from: number; readonly to: number; readonly subject: string } {
  const { validFrom, validTo, subject } = new X509Certificate(pem);
  return { from: Date.parse(validFrom), to: Date.parse(validTo), subject: subject.replaceAll('\n', ', ') };
}

function textOf(tls: TlsConfig, key: 'cert' | 'key' | 'ca'): string {
  const file = tls[key] ?? '';
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new WeirError(
      'WEIR_CONFIG',
      missing ? `there is no file ${file} (tls.${key})` : `cannot read ${file} (tls.${key}): ${messageOf(error)}`,
      {
        hint: missing
          ? `Give the path of a PEM file with --tls-${key} FILE.`
          : `Make it readable for the user that runs weir, and for nobody else: ls -l ${file}`,
        details: { path: `tls.${key}`, file },
        cause: error,
      },
    );
  }
}

function parse<T>(tls: TlsConfig, key: 'cert' | 'key' | 'ca', read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new WeirError('WEIR_CONFIG', `${tls[key]} (tls.${key}) cannot be used: ${messageOf(error)}`, {
      hint:
        key === 'key'
          ? 'Expected a private key as PEM without a passphrase, which begins with -----BEGIN PRIVATE KEY-----.'
          : 'Expected certificates as PEM, which begin with -----BEGIN CERTIFICATE-----.',
      details: { path: `tls.${key}`, file: tls[key] },
      cause: error,
    });
  }
}
