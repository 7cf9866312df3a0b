/** Scope field types of NetFlow v9 options templates, by number less one (RFC 3954 section 6.1). They are not information elements. */
const SCOPES = ['System', 'Interface', 'LineCard', 'Cache', 'Template'] as const;

export type Netflow9Scope = (typeof SCOPES)[number];

/** The scope that a scope field type of a NetFlow v9 options template names (RFC 3954 section 6.1); undefined for an unknown number. */
export function netflow9Scope(type: number): Netflow9Scope | undefined {
  return SCOPES[type - 1];
}
