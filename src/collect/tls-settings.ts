/** Whether exporters have to show a certificate (RFC 7011 section 11.3 asks for it). */
export const CLIENT_CERTIFICATES = ['none', 'optional', 'required'] as const;
export type ClientCertificates = (typeof CLIENT_CERTIFICATES)[number];

/** The oldest version of TLS that is spoken; older ones are out of use (RFC 8996). */
export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;
export type TlsVersion = (typeof TLS_VERSIONS)[number];

/** What a TLS listener proves itself with, and whom it trusts: contents of PEM files. */
export interface TlsCredentials {
  /** The collector's certificate, followed by those of intermediate authorities. */
  readonly cert: string;
  /** Its private key, not encrypted. */
  readonly key: string;
  /** Certificates of the authorities that sign exporters' certificates. */
  readonly ca: string | undefined;
}

export interface TlsSettings extends TlsCredentials {
  readonly clientCertificates: ClientCertificates;
  readonly minimumVersion: TlsVersion;
}
