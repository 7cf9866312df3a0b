import type { StatisticsRow } from './exporter-statistics.ts';

/**
 * What one exporter's domain sent in one minute and how much of it arrived: the rows of the table `quality`, which says how much of the truth an
 * answer rests on. Counters are increments of that minute. Socket-wide rows (kernel drops) have an empty exporter.
 * What exporters tell of themselves (StatisticsRow) is null where they do not.
 */
export interface QualityRow extends StatisticsRow {
  /** Start of the minute, ms since the epoch. */
  readonly minute: number;
  /** Address texts of the exporter (that of records which do not name theirs) and of who sent for it; '' for what belongs to no exporter. */
  readonly exporter: string;
  readonly sender: string;
  readonly observation_domain: number;
  /** A word of FLOW_TYPES, or '' . */
  readonly flow_type: string;
  readonly datagrams: number;
  readonly octets: number;
  /** Flow records decoded. */
  readonly records: number;
  /** Options data records decoded. */
  readonly options_records: number;
  /** Structures of sFlow's counter samples. */
  readonly counter_records: number;
  /** Packets that sFlow agents say they chose and could not make samples of. */
  readonly samples_dropped: number;
  /** Sequence units (v5 flows, v9 packets, IPFIX records) that the exporter's numbers say were sent, and those that arrived. */
  readonly sequence_expected: number;
  readonly sequence_received: number;
  readonly sequence_resets: number;
  readonly out_of_order: number;
  /** Templates that one port of the exporter sent otherwise than another; from then on each has its own (docs/templates.md). */
  readonly template_conflicts: number;
  /** Data sets that waited for their template, were decoded when it came, were given up. */
  readonly sets_held: number;
  readonly sets_released: number;
  readonly sets_dropped: number;
  /** Undecodable sets and messages by cause. */
  readonly undecodable: Readonly<Record<string, number>>;
  /** Datagrams the kernel dropped for want of buffer. */
  readonly kernel_drops: number;
  /** Records decoded but not stored, because the store could not follow or the disk was full. */
  readonly records_dropped: number;
  /** Exporter's clock minus ours at its last message, ms (includes the time on the way). */
  readonly clock_skew_ms: number;
  /** How often a known mistake or habit of the exporter was met, by the name of the quirk (docs/quirks.md). */
  readonly quirks: Readonly<Record<string, number>>;
  /** Distinct sampling rates applied, at most 16. */
  readonly sampling_rates: readonly number[];
}
