import type { InformationElement } from './element.ts';

/** The enterprise number under which every reversible IANA element is sent again for the other direction (RFC 5103 section 6.1). */
export const REVERSE_ENTERPRISE = 29305;

/** Elements without a reverse (RFC 5103 section 6.1): they tell of the record or of a process, not of one direction of a flow. */
const NOT_REVERSIBLE: ReadonlySet<number> = new Set([
  // Identifiers (RFC 5102 section 5.1) that cannot be reversed:
  // commonPropertiesId, templateId, flowId, observationDomainId.
  137, 145, 148, 149,
  // Configuration of metering and exporting processes (RFC 5102 section 5.2): exporterIPv4Address, exporterIPv6Address,
  // flowKeyIndicator, collectorIPv4Address to exporterTransportPort.
  130, 131, 173, 211, 212, 213, 214, 215, 216, 217,
  // Statistics of metering and exporting processes (RFC 5102 section 5.3): exportedOctetTotalCount, exportedMessageTotalCount,
  // exportedFlowRecordTotalCount, observedFlowTotalCount to notSentOctetTotalCount.
  40,
  41, 42, 163, 164, 165, 166, 167, 168,
  // Padding (RFC 5102 section 5.12): paddingOctets.
  210,
  // The direction itself, which RFC 5103 defines: biflowDirection.
  239,
]);

/** The reverse of an IANA element: the same number under enterprise 29305, `reverse` before its capitalised name; else undefined. */
export function reverseOf(element: InformationElement): InformationElement | undefined {
  if (element.enterprise !== 0 || element.id > 32767 || NOT_REVERSIBLE.has(element.id)) return undefined;
  const name = `reverse${element.name.charAt(0).toUpperCase()}${element.name.slice(1)}`;
  return { ...element, enterprise: REVERSE_ENTERPRISE, name };
}
