import { filterFileColumns } from '../filter/sql.ts';
import type { FilterNode } from '../filter/tree.ts';
import { type QueryDuck, stringAt } from '../query/duck.ts';
import { ADDRESS_MACROS } from '../query/macros.ts';
import { namesSelect } from '../query/small-tables.ts';
import { type Source, spanColumns, sqlSource } from '../query/source.ts';
import type { NameKind } from '../session/name-row.ts';
import type { StreamNames } from './name-options.ts';
import { rowConditions } from './stored-batches.ts';

/** One name, and since when it holds. */
export interface StoredName {
  /** Observation domain whose flows it is for. */
  readonly domain: number;
  /** Address of who told it. */
  readonly sender: string;
  readonly kind: NameKind;
  readonly key: string;
  readonly name: string;
  readonly description: string | null;
  /** µs since the epoch. */
  readonly since: number;
}

/** The names of one thing, the oldest first. */
type History = StoredName[];

/** Names kept of a range of time; what a collector knows at a time is a quarter of it at most. */
const MOST_NAMES = 262_144;

/**
 * The names of the exporters and domains that rows of the source come from, as of the time that `advance` was told last. As in queries, the first name known
 * of a thing stands for the time before it, and what domain 0 told for domains that told nothing of the thing.
 */
export class StoredNames {
  /** By domain, then by kind and key, then by sender. */
  readonly #domains = new Map<number, Map<string, History[]>>();
  /** Times at which a name takes the place of another, ascending, µs. */
  readonly #changes: readonly number[];
  #told = new Map<number, StreamNames>();
  #micros = 0;
  #next = 0;
  readonly #ambiguous = new Set<string>();

  /** `rows` of one sender, domain, kind and key stand together, ordered by `since`. */
  constructor(rows: Iterable<StoredName>) {
    const changes: number[] = [];
    let last: StoredName | undefined;
    let history: History = [];
    for (const row of rows) {
      const { domain, sender, kind, key } = row;
      if (last?.domain === domain && last.sender === sender && last.kind === kind && last.key === key) {
        changes.push(row.since);
        history.push(row);
      } else {
        history = [row];
        this.#historiesOf(domain, `${kind} ${key}`).push(history);
      }
      last = row;
    }
    this.#changes = changes.sort((a, b) => a - b);
  }

  #historiesOf(domain: number, id: string): History[] {
    let byId = this.#domains.get(domain);
    if (byId === undefined) this.#domains.set(domain, (byId = new Map()));
    let histories = byId.get(id);
    if (histories === undefined) byId.set(id, (histories = []));
    return histories;
  }

  /** Names that were left out, because exporters whose flows go out in one domain call the same thing differently. */
  get ambiguous(): number {
    return this.#ambiguous.size;
  }

  /** Goes on to a time, ms since the epoch, not before the last one. Returns true when a name changed on the way. */
  advance(millis: number): boolean {
    this.#micros = millis * 1000 + 999;
    const before = this.#next;
    while (this.#next < this.#changes.length && (this.#changes[this.#next] as number) <= this.#micros) this.#next++;
    if (this.#next === before) return false;
    this.#told = new Map();
    return true;
  }

  /** The names of a domain; the same object until a name changes. */
  of(domain: number): StreamNames {
    let told = this.#told.get(domain);
    if (told === undefined) this.#told.set(domain, (told = this.#find(domain)));
    return told;
  }

  #find(domain: number): StreamNames {
    const found: Record<NameKind, StoredName[]> = {
      interface: [],
      application: [],
      vrf: [],
      user: [],
      sampler: [],
      exporter: [],
    };
    for (const [id, histories] of this.#domains.get(domain) ?? []) {
      const now = histories.map((history) => nameAt(history, this.#micros));
      const first = now[0] as StoredName;
      if (now.every(({ name, description }) => name === first.name && description === first.description))
        found[first.kind].push(first);
      else this.#ambiguous.add(`${domain} ${id}`);
    }
    const more = ({ name, description }: StoredName) => (description === null ? { name } : { name, description });
    return {
      interfaces: found.interface.map((one) => ({ index: Number(one.key), ...more(one) })),
      applications: found.application.map((one) => ({ id: one.key, ...more(one) })),
      vrfs: found.vrf.map(({ key, name }) => ({ id: Number(key), name })),
      samplers: found.sampler.map(({ key, name }) => ({ id: Number(key), name })),
      users: found.user.map(({ key, name }) => ({ address: key, name })),
    };
  }
}

function nameAt(history: History, micros: number): StoredName {
  const after = history.findIndex(({ since }) => since > micros);
  return history[after < 0 ? history.length - 1 : Math.max(0, after - 1)] as StoredName;
}

/**
 * Reads the names of the exporters and domains that have rows in the source which match the filter; the first `MOST_NAMES`. Throws what DuckDB does.
 */
export async function readStoredNames(duck: QueryDuck, source: Source, filter: FilterNode): Promise<StoredNames> {
  if (source.segments.length === 0 || source.nameFiles.length === 0) return new StoredNames([]);
  for (const macro of ADDRESS_MACROS) await duck.read(macro, () => {});
  const rows: StoredName[] = [];
  await duck.read(statement(source, filter), (found) => {
    const { bytes } = found.values(0, 16);
    for (let row = 0; row < found.count; row++) rows.push(JSON.parse(stringAt(bytes, row)) as StoredName);
  });
  return new StoredNames(rows);
}

function statement(source: Source, filter: FilterNode): string {
  const pair = ['sender_hi', 'sender_lo', 'exporter_hi', 'exporter_lo', 'observation_domain'];
  const needs = [...pair, 'time_received', ...spanColumns(source), ...filterFileColumns(filter)];
  // Names are the sender's, which is the exporter unless a flow says otherwise.
  const flows = `SELECT coalesce(sender_hi, exporter_hi) AS hi, coalesce(sender_lo, exporter_lo) AS lo, observation_domain AS domain, min(time_received)::TIMESTAMP AS first
    FROM ${sqlSource(source, needs)}${rowConditions(source, filter)} GROUP BY ALL`;
  const names = `SELECT *, addr_hi(sender) AS hi, addr_lo(sender) AS lo FROM (${namesSelect(source.nameFiles)})
    WHERE kind <> 'exporter'`;
  // A domain's own names go before those of domain 0, for all of a thing's history.
  const joined = `SELECT f.domain, n.*, f.domain = n.observation_domain AS own,
      bool_or(f.domain = n.observation_domain) OVER (PARTITION BY f.domain, n.sender, n.kind, n.key) AS has_own
    FROM (${flows}) f JOIN (${names}) n ON n.hi = f.hi AND n.lo = f.lo AND n.observation_domain IN (0, f.domain)
    WHERE n.valid_until IS NULL OR n.valid_until >= f.first`;
  return `SELECT to_json({domain: domain, sender: sender, kind: kind, key: key, name: name, description: description,
      since: epoch_us(valid_from)})::VARCHAR
    FROM (${joined}) WHERE own OR NOT has_own ORDER BY domain, sender, kind, key, valid_from LIMIT ${MOST_NAMES}`;
}
