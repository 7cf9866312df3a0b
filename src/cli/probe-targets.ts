import { isIPv6 } from 'node:net';
import type { networkInterfaces } from 'node:os';
import type { Protocol } from '../export/encoder.ts';
import { type ExportTarget, parseExportTarget } from '../export/target.ts';
import { WeirError } from '../util/errors.ts';

/** A collector as it was given, and what it means. */
export interface GivenTarget {
  readonly text: string;
  readonly target: ExportTarget;
}

/** What `-v` may be. */
export const EXPORT_VERSIONS = ['1', '5', '7', '9', '10', 'sflow'] as const;
export type ExportVersion = (typeof EXPORT_VERSIONS)[number];
/** What `-P` may be. */
export const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;
export type Transport = (typeof TRANSPORTS)[number];

const PROTOCOL: Readonly<Record<ExportVersion, Protocol>> = {
  1: 'netflow1',
  5: 'netflow5',
  7: 'netflow7',
  9: 'netflow9',
  10: 'ipfix',
  sflow: 'sflow',
};

/**
 * Reads what `-n` was given: `HOST:PORT` as softflowd has it, which `-v` and `-P` tell the format and the transport of, or a whole target such as
 * `ipfix+tls://HOST:PORT` or `ipfix:FILE`. Commas separate several. Throws WEIR_USAGE.
 */
export function parseTargets(texts: readonly string[], version: ExportVersion, transport: Transport): GivenTarget[] {
  const protocol = PROTOCOL[version];
  if (transport !== 'udp' && protocol !== 'ipfix') {
    throw new WeirError('WEIR_USAGE', `-P ${transport} is for IPFIX (-v 10), not for -v ${version}.`, {
      hint: 'Only IPFIX is defined over TCP and TLS.',
    });
  }
  return texts
    .flatMap((text) => text.split(','))
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const text = isWhole(part) ? part : `${transport === 'udp' ? protocol : `ipfix+${transport}`}://${part}`;
      try {
        return { text, target: parseExportTarget(text) };
      } catch (error) {
        if (isWhole(part) || !(error instanceof WeirError)) throw error;
        throw new WeirError('WEIR_USAGE', `-n ${part.slice(0, 100)}: expected HOST:PORT.`, {
          hint: 'For instance 192.0.2.7:2055, [2001:db8::7]:4739, or with format and transport ipfix+tls://collector.example:4740.',
        });
      }
    });
}

function isWhole(text: string): boolean {
  return text.includes('://') || /^(?:file|ipfix):(?!\d{1,5}$)/.test(text);
}

/** Our address on the interface of this name, of the family that the target's host has. Throws WEIR_USAGE where there is none. */
export function addressOfInterface(
  name: string,
  host: string,
  interfaces: ReturnType<typeof networkInterfaces>,
): string {
  const family = isIPv6(host) ? 'IPv6' : 'IPv4';
  const found = interfaces[name]?.find((one) => one.family === family);
  if (found !== undefined) return found.address;
  const known = Object.keys(interfaces).join(', ');
  throw new WeirError(
    'WEIR_USAGE',
    interfaces[name] === undefined
      ? `-S ${name}: there is no such interface.`
      : `-S ${name}: it has no ${family} address.`,
    { hint: `There are ${known}.` },
  );
}
