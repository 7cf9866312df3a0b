import type { FlowBatch } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import { slotOf } from '../flow/slots.ts';
import type { Address } from '../util/address.ts';
import { u32 } from '../util/octets.ts';
import type { LocatedField } from '../wire/data-record.ts';
import type { RecordContext } from '../wire/record-context.ts';
import type { FieldSpecifier } from '../wire/template.ts';

/*
 * Whose records a message has. The sender, which is all that a socket shows, is a relay's or a translated address at many sites. The exporter of a record
 * is found in this order: what is configured for the sender; what the record names, or options data of its domain (exporterIPv4Address 130, exporterIPv6Address
 * 131, and in records originalExporterIPv4Address 403, originalExporterIPv6Address 404); sFlow's agent; the sender. Templates, sampling options and
 * sequence numbers stay the sender's.
 */

/** What is configured for a sender: its exporter's address, its name, or both. */
export interface ConfiguredExporter {
  readonly address: Address | undefined;
  readonly name: string | undefined;
}

export interface IdentityRules {
  /** What is configured for the domain of a sender. */
  readonly configured: (sender: Address, domain: number) => ConfiguredExporter | undefined;
  /** Whether sFlow's agent is the exporter. */
  readonly sflowAgent: boolean;
  /** Whether the elements 130, 131, 403 and 404 say who the exporter is. */
  readonly exporterElements: boolean;
}

export const DEFAULT_IDENTITY: IdentityRules = {
  configured: () => undefined,
  sflowAgent: true,
  exporterElements: true,
};

/** What says whose the records of a domain are. */
export interface IdentityClues {
  readonly sender: Address;
  readonly configured: Address | undefined;
  /** From options data. */
  readonly told: Address | undefined;
  /** sFlow's. */
  readonly agent: Address | undefined;
}

/** The exporter of a domain whose records do not name one. */
export function exporterOf({ sender, configured, told, agent }: IdentityClues, rules: IdentityRules): Address {
  if (configured !== undefined) return configured;
  if (told !== undefined && rules.exporterElements) return told;
  // Datagrams out of hexadecimal text have no sender.
  if (agent !== undefined && isUnspecified(sender)) return agent;
  return agent !== undefined && rules.sflowAgent && isIdentity(...agent) ? agent : sender;
}

/** Whether an address can tell one exporter from another: agents that do not know theirs send 0.0.0.0, `::` or a loopback address. */
function isIdentity(w0: number, w1: number, w2: number, w3: number): boolean {
  if (w0 !== 0 || w1 !== 0) return true;
  if (w2 === 0xffff) return w3 !== 0 && w3 >>> 24 !== 127;
  return w2 !== 0 || w3 > 1;
}

/** `::` and 0.0.0.0. */
export function isUnspecified([w0, w1, w2, w3]: Address): boolean {
  return w0 === 0 && w1 === 0 && (w2 === 0 || w2 === 0xffff) && w3 === 0;
}

/** exporterIPv4Address and exporterIPv6Address (RFC 7012). */
const EXPORTER_ELEMENTS: readonly number[] = [130, 131];

/** Whether options data with these fields say who the exporter is. */
export function tellsExporter(fields: readonly FieldSpecifier[]): boolean {
  return fields.some(({ enterprise, id }) => enterprise === 0 && EXPORTER_ELEMENTS.includes(id));
}

/** The exporter that an options data record names, if any. */
export function toldExporter(located: readonly LocatedField[], bytes: Uint8Array): Address | undefined {
  for (const { field, offset, length } of located) {
    if (field.enterprise !== 0 || !EXPORTER_ELEMENTS.includes(field.id)) continue;
    const address = addressAt(bytes, offset, length);
    if (address !== undefined && isIdentity(...address)) return address;
  }
  return undefined;
}

function addressAt(bytes: Uint8Array, p: number, length: number): Address | undefined {
  if (length === 4) return [0, 0, 0xffff, u32(bytes, p)];
  return length === 16 ? [u32(bytes, p), u32(bytes, p + 4), u32(bytes, p + 8), u32(bytes, p + 12)] : undefined;
}

const NAMED = slotOf('original_exporter');

/** Whether records of this layout name an exporter. */
export function namesExporter({ slots }: Layout): boolean {
  return slots.includes(NAMED);
}

/**
 * Makes the exporter that each of rows [first, end) names in `original_exporter` that row's exporter. `layout` is that of the rows, `context` is that of the
 * message and stays as it is.
 */
export function noteNamedExporters(
  batch: FlowBatch,
  layout: Layout,
  context: RecordContext,
  first: number,
  end: number,
): void {
  const high = batch.arrays[NAMED];
  const low = batch.arrays[NAMED + 1];
  if (high === undefined || low === undefined) return;
  // The upper half of IPv4 addresses is written with the run, later than this.
  const isV4 = layout.fixed.some(([slot]) => slot === NAMED);
  const { exporter0, exporter1, exporter2, exporter3 } = context;
  for (let row = first; row < end; row++) {
    const w0 = isV4 ? 0 : (high[row * 2 + 1] as number);
    const w1 = isV4 ? 0 : (high[row * 2] as number);
    const w2 = low[row * 2 + 1] as number;
    const w3 = low[row * 2] as number;
    const isNamed = isIdentity(w0, w1, w2, w3);
    context.exporter0 = isNamed ? w0 : exporter0;
    context.exporter1 = isNamed ? w1 : exporter1;
    context.exporter2 = isNamed ? w2 : exporter2;
    context.exporter3 = isNamed ? w3 : exporter3;
    batch.shared.note(row, context);
  }
  context.exporter0 = exporter0;
  context.exporter1 = exporter1;
  context.exporter2 = exporter2;
  context.exporter3 = exporter3;
}
