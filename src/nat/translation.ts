import {
  type Connection,
  ORIGINAL_DESTINATION,
  ORIGINAL_SOURCE,
  REPLY_DESTINATION,
  REPLY_SOURCE,
} from './connection.ts';

/** Bits of what is translated. */
export const SOURCE_TRANSLATED = 1;
export const DESTINATION_TRANSLATED = 2;

/** What of a connection is translated: SOURCE_TRANSLATED, DESTINATION_TRANSLATED, both or 0. Another port alone counts. */
export function translationOf(connection: Connection): number {
  const { addresses } = connection;
  const isSource =
    connection.originalSourcePort !== connection.replyDestinationPort ||
    differ(addresses, ORIGINAL_SOURCE, REPLY_DESTINATION);
  const isDestination =
    connection.originalDestinationPort !== connection.replySourcePort ||
    differ(addresses, ORIGINAL_DESTINATION, REPLY_SOURCE);
  return (isSource ? SOURCE_TRANSLATED : 0) | (isDestination ? DESTINATION_TRANSLATED : 0);
}

function differ(addresses: Uint32Array, a: number, b: number): boolean {
  return (
    addresses[a + 3] !== addresses[b + 3] ||
    addresses[a + 2] !== addresses[b + 2] ||
    addresses[a + 1] !== addresses[b + 1] ||
    addresses[a] !== addresses[b]
  );
}

export const TRANSLATION_CHOICES = ['all', 'translated', 'snat', 'dnat'] as const;
export type TranslationChoice = (typeof TRANSLATION_CHOICES)[number];

/** Which connections are told of. */
export interface ConnectionSelection {
  readonly translation: TranslationChoice;
  /** Zones (of either direction); undefined for all. */
  readonly zones?: readonly number[] | undefined;
  /** `mark & mask` must be `value`; undefined for all marks. */
  readonly mark?: { readonly value: number; readonly mask: number } | undefined;
}

const WANTED: Readonly<Record<TranslationChoice, number>> = {
  all: 0,
  translated: SOURCE_TRANSLATED | DESTINATION_TRANSLATED,
  snat: SOURCE_TRANSLATED,
  dnat: DESTINATION_TRANSLATED,
};

/** A function that says whether a connection is selected, of which `translation` is translated. */
export function createSelector({ translation, zones, mark }: ConnectionSelection) {
  const wanted = WANTED[translation];
  return (connection: Connection, translated: number): boolean =>
    (wanted === 0 || (translated & wanted) !== 0) &&
    (zones === undefined || zones.includes(connection.zone) || zones.includes(connection.replyZone)) &&
    (mark === undefined || (connection.mark & mark.mask) >>> 0 === mark.value);
}
