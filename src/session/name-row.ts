/** What a name is of. */
export const NAME_KINDS = ['interface', 'application', 'vrf', 'user', 'sampler', 'exporter'] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** Names in force are written again so often, µs. */
export const RENEWAL_MICROS = 86_400_000_000;

/**
 * One name of one exporter's domain, and since when: a row of the table `names`. A change of name gives two rows, the old name with its end and
 * the new one. Names in force are written again once a day and at every start, so that they outlive retention; rows that agree in all but
 * `time_received` and `valid_until` tell of one name.
 */
export interface NameRow {
  /** When the row was made, µs since the epoch. */
  readonly time_received: number;
  /** Address texts of the exporter and of who sent for it. Names are told apart by the sender and its domain, as interfaces and templates are. */
  readonly exporter: string;
  readonly sender: string;
  readonly observation_domain: number;
  readonly kind: NameKind;
  /** What the name is of: ifIndex, VRF number, sampler number, `engine:selector` of an application, address of a user or an exporter. */
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  /** From when on the name holds: arrival of the options data that said so first, µs since the epoch. */
  readonly valid_from: number;
  /** When another name took its place, µs since the epoch; null while it holds. */
  readonly valid_until: number | null;
}
