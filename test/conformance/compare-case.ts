import type { CorpusCase } from '../session/corpus-cases.ts';

/** What is compared of a record: counters and 5-tuple, by our columns' names. Records of other programs have no more. */
export type ComparedRecord = Readonly<Record<string, unknown>>;

/** Protocols with ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
const WITH_PORTS = new Set<unknown>([6, 17, 33, 132, 136]);

/** Its template carries addresses of zero, which the expectation calls absent. RFC 3954 section 5.3: a field that is there has a value. */
const ZERO_ADDRESSES = 'logstash/27 Netflow 9 nprobe DPI L7';

/** In how far `records` are not what the case expects, a line each; nothing when all is as expected. */
export function disagreements(one: CorpusCase, records: readonly ComparedRecord[]): string[] {
  const found: string[] = [];
  if (!accepted(one, records.length)) found.push(`${records.length} records, expected ${one.accept.join(' or ')}`);
  if (!one.decode) return found;
  if (records.length === 0) found.push('no record');
  if (one.sums !== null && records.length === one.records) {
    for (const name of ['packets', 'bytes'] as const) {
      const sum = records.reduce((total, record) => total + Number(record[name] ?? 0), 0);
      if (sum !== one.sums[name]) found.push(`${sum} ${name}, expected ${one.sums[name]}`);
    }
  }
  if (one.keys !== null) found.push(...differingKeys(one, records));
  return found;
}

function accepted({ accept, records }: CorpusCase, count: number): boolean {
  const [lowest = records, highest = records] = accept;
  return accept.includes(count) || (accept.length === 2 && count >= lowest && count <= highest);
}

/** 5-tuples that are not there as often as listed. The list leaves out what the source aggregated; more records than it has are no fault. */
function differingKeys(one: CorpusCase, records: readonly ComparedRecord[]): string[] {
  const found = new Map<string, number>();
  for (const record of records) {
    const key = keyOf(record, one.case === ZERO_ADDRESSES);
    found.set(key, (found.get(key) ?? 0) + 1);
  }
  return (one.keys ?? []).flatMap(([source, destination, proto, sourcePort, destinationPort, count]) => {
    const key = JSON.stringify([source, destination, proto, sourcePort, destinationPort]);
    return found.get(key) === count ? [] : [`${key}: ${found.get(key) ?? 0} times, expected ${count}`];
  });
}

function keyOf(record: ComparedRecord, zeroIsNull: boolean): string {
  const address = (name: string): unknown => {
    const value = record[name];
    return value === undefined || (zeroIsNull && value === '0.0.0.0') ? null : value;
  };
  const proto = record['proto'] ?? 0;
  const port = (name: string): unknown => (WITH_PORTS.has(proto) ? (record[name] ?? 0) : 0);
  return JSON.stringify([address('src_addr'), address('dst_addr'), proto, port('src_port'), port('dst_port')]);
}
