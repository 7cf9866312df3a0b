/** Abstract data types of RFC 7012 section 3.1, the structured types of RFC 6313, and unsigned256 of RFC 9740. */
export const ABSTRACT_TYPES = [
  'octetArray',
  'unsigned8',
  'unsigned16',
  'unsigned32',
  'unsigned64',
  'unsigned256',
  'signed8',
  'signed16',
  'signed32',
  'signed64',
  'float32',
  'float64',
  'boolean',
  'macAddress',
  'string',
  'dateTimeSeconds',
  'dateTimeMilliseconds',
  'dateTimeMicroseconds',
  'dateTimeNanoseconds',
  'ipv4Address',
  'ipv6Address',
  'basicList',
  'subTemplateList',
  'subTemplateMultiList',
] as const;

export type AbstractType = (typeof ABSTRACT_TYPES)[number];

/** Data type semantics of RFC 7012 section 3.2, with `list` of RFC 6313 and the two of RFC 8038. */
export const SEMANTICS = [
  'default',
  'quantity',
  'totalCounter',
  'deltaCounter',
  'identifier',
  'flags',
  'list',
  'snmpCounter',
  'snmpGauge',
] as const;

export type Semantics = (typeof SEMANTICS)[number];

/** An information element (RFC 7012 section 2.1): what a field of a template record means. */
export interface InformationElement {
  /** Private enterprise number; 0 for IANA's elements and for the field types of NetFlow v9. */
  readonly enterprise: number;
  /** The number in the template record, without the enterprise bit: 1–32767, in NetFlow v9 up to 65535. */
  readonly id: number;
  readonly name: string;
  readonly type: AbstractType;
  readonly semantics: Semantics;
  /** As IANA spells it (`octets`, `packets`, `milliseconds` …); undefined for an element without units. */
  readonly units: string | undefined;
}

/** A row of a generated table: number, name, type, then semantics and units where they are not `default` and none. */
export type ElementRow = readonly [id: number, name: string, type: AbstractType, semantics?: Semantics, units?: string];

/** The element that a row of the table of `enterprise` describes. */
export function elementOf(enterprise: number, [id, name, type, semantics, units]: ElementRow): InformationElement {
  return { enterprise, id, name, type, semantics: semantics ?? 'default', units };
}
