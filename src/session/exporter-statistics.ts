import { hex, unsigned } from '../util/octets.ts';
import type { LocatedField } from '../wire/data-record.ts';
import type { FieldSpecifier } from '../wire/template.ts';
import type { Specification } from './specification.ts';

/** Totals of metering and exporting processes (RFC 7011 sections 4.1 to 4.3), and the columns of `quality` that say by how much they grew. */
export const STATISTICS = [
  [40, 'exported_octet_count'],
  [41, 'exported_message_count'],
  [42, 'exported_flow_record_count'],
  [163, 'observed_flow_count'],
  [164, 'ignored_packet_count'],
  [165, 'ignored_octet_count'],
  [166, 'not_sent_flow_count'],
  [167, 'not_sent_packet_count'],
  [168, 'not_sent_octet_count'],
] as const;

type Statistic = (typeof STATISTICS)[number][1];

/** What an exporter's own statistics came to; null for what it did not tell. */
export type StatisticsRow = { readonly [column in Statistic]: number | null } & {
  /** Messages and flow records that arrived in the time for which `exported_…` count them; null where the two cannot be compared. */
  readonly exported_message_received_count: number | null;
  readonly exported_flow_record_received_count: number | null;
};

type Mutable = { -readonly [column in keyof StatisticsRow]: number | null };

/** The columns of a row that statistics give, without any. */
export const NO_STATISTICS: StatisticsRow = {
  ...(Object.fromEntries(STATISTICS.map(([, column]) => [column, null])) as Record<Statistic, null>),
  exported_message_received_count: null,
  exported_flow_record_received_count: null,
};

/** What is counted here beside two of them. */
const COMPARED: Partial<Record<Statistic, readonly [column: keyof Mutable, arrived: 'messages' | 'records']>> = {
  exported_message_count: ['exported_message_received_count', 'messages'],
  exported_flow_record_count: ['exported_flow_record_received_count', 'records'],
};

const COLUMN: ReadonlyMap<number, Statistic> = new Map(STATISTICS);
/** Scopes of what counts all that it sends: an exporting process, an exporter, one of them towards this collector. Others count a part. */
const OF_WHOLE: ReadonlySet<number> = new Set([144, 130, 131, 211, 212]);
const OBSERVATION_DOMAIN = 149;
/** Totals followed in one domain. */
const MAX_TOTALS = 256;

/** What arrived of all domains of a sender. */
export interface SenderTotals {
  messages: number;
  records: number;
  /** Who told last how much it sent: with several, nobody knows which part of what arrived is whose. */
  reporter: string;
  /** Domains that count here. */
  domains: number;
}

/** Whether options data with these fields are statistics. */
export function carriesStatistics(fields: readonly FieldSpecifier[]): boolean {
  return fields.some(({ enterprise, id }) => enterprise === 0 && COLUMN.has(id));
}

/** Where a report came, and what it is compared with: what had arrived by then, its own message included, whose records are not counted yet. */
export interface ReportContext {
  /** The observation domain that it came in. */
  readonly domain: number;
  readonly port: number;
  /** What arrived in that domain. */
  readonly own: Pick<SenderTotals, 'messages' | 'records'>;
  readonly sender: SenderTotals;
}

/**
 * What exporters tell in one domain of their own work: by how much each total grew from report to report, and what arrived meanwhile. A total
 * that went back begins anew. By IANA, totals do not count the message that carries them; from report to report that makes no difference.
 */
export class ExporterStatistics {
  /** By reporter and column: the last total, and what had arrived then. */
  readonly #last = new Map<string, readonly [total: number, arrived: number]>();
  #reporter = '';
  #row: Mutable | undefined = undefined;

  /** Takes in one options data record. */
  learn(
    specification: Specification,
    located: readonly LocatedField[],
    bytes: Uint8Array,
    { domain, port, own, sender }: ReportContext,
  ): void {
    const scope = located.slice(0, specification.scopeCount);
    const reporter = `${port} ${scope.map(({ field, offset, length }) => `${field.id}:${hex(bytes, offset, length)}`).join(' ')}`;
    const extent = extentOf(specification, scope, bytes, domain);
    const isSame = reporter === (extent === 'sender' ? sender.reporter : this.#reporter);
    let tellsSent = false;
    for (const { field, offset, length } of located.slice(specification.scopeCount)) {
      const column = field.enterprise === 0 && length > 0 && length <= 8 ? COLUMN.get(field.id) : undefined;
      if (column === undefined) continue;
      const compared = COMPARED[column];
      const arrived = compared === undefined ? 0 : (extent === 'sender' ? sender : own)[compared[1]];
      tellsSent ||= compared !== undefined;
      const total = unsigned(bytes, offset, length);
      const key = `${reporter} ${column}`;
      const [before, arrivedBefore] = this.#last.get(key) ?? [Number.POSITIVE_INFINITY, 0];
      if (this.#last.size >= MAX_TOTALS && !this.#last.has(key)) this.#last.clear();
      this.#last.set(key, [total, arrived]);
      if (total < before) continue;
      this.#add(column, total - before);
      if (compared !== undefined)
        this.#add(compared[0], extent !== undefined && isSame ? arrived - arrivedBefore : Number.NaN);
    }
    if (!tellsSent) return;
    if (extent === 'sender') sender.reporter = reporter;
    else this.#reporter = reporter;
  }

  #add(column: keyof Mutable, more: number): void {
    this.#row ??= { ...NO_STATISTICS };
    // NaN stays what it is.
    this.#row[column] = Math.min((this.#row[column] ?? 0) + more, Number.MAX_SAFE_INTEGER);
  }

  /** What came since the last call. */
  take(): StatisticsRow {
    const row = this.#row;
    if (row === undefined) return NO_STATISTICS;
    this.#row = undefined;
    // A stretch of which it is not known what arrived spoils the sum.
    for (const column of ['exported_message_received_count', 'exported_flow_record_received_count'] as const)
      if (Number.isNaN(row[column])) row[column] = null;
    return row;
  }
}

/**
 * Whose messages and records a report counts: those of its domain, of all the sender's domains, or undefined when it counts another domain's or a part.
 * NetFlow v9 counts by observation domain, whatever the scope (RFC 3954 section 8), but exporters tell in domain 0 what is of all.
 */
function extentOf(
  { version }: Specification,
  scope: readonly LocatedField[],
  bytes: Uint8Array,
  domain: number,
): 'domain' | 'sender' | undefined {
  if (version === 9) return domain === 0 ? 'sender' : 'domain';
  let extent: 'domain' | 'sender' = 'sender';
  for (const { field, offset, length } of scope) {
    if (field.enterprise !== 0) return undefined;
    if (field.id === OBSERVATION_DOMAIN) {
      const named = unsigned(bytes, offset, length);
      if (named !== 0 && named !== domain) return undefined;
      if (named !== 0) extent = 'domain';
    } else if (!OF_WHOLE.has(field.id)) return undefined;
  }
  return extent;
}
