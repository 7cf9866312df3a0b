import { hex, unsigned } from '../util/octets.ts';

/** Classification engine 20, PANA-L7-PEN (RFC 6759 section 4.1): an enterprise number stands before the selector. */
const PANA_L7_PEN = 20;

/**
 * applicationId (RFC 6759 section 4) as text: engine (8 bits), then the selector, as `engine:selector`; engine 20 has an enterprise number between
 * them, `20:enterprise:selector`. Selectors above six octets are hexadecimal. Empty without octets.
 */
export function applicationText(bytes: Uint8Array, offset: number, length: number): string {
  if (length === 0) return '';
  const engine = bytes[offset] as number;
  const hasEnterprise = engine === PANA_L7_PEN && length > 5;
  const from = hasEnterprise ? 5 : 1;
  // Six octets are exact as a number; what is longer is no selector that anyone writes in decimal.
  const selector =
    length - from <= 6
      ? unsigned(bytes, offset + from, length - from)
      : `0x${hex(bytes, offset + from, length - from)}`;
  return `${engine}:${hasEnterprise ? `${unsigned(bytes, offset + 1, 4)}:` : ''}${selector}`;
}
