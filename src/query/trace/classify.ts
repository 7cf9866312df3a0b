import { type Candidate, type Evidence, isOpen } from './evidence.ts';

/**
 * `exact`: one inside endpoint. `block`: one inside host, known by its port block or address alone. `overlapping`: several, the nearest in time first.
 * `none`: none.
 */
export type ResultClass = 'exact' | 'block' | 'overlapping' | 'none';

interface Group {
  address: string;
  port: number | null;
  vrf: number | null;
  evidence: Evidence[];
}

/**
 * Groups evidence by inside endpoint, or by host where `byHost`. Evidence that does not tell port or VRF goes to every endpoint of its address: a block
 * speaks for the session in it.
 */
export function candidatesOf(evidence: readonly Evidence[], byHost: boolean): Candidate[] {
  const portOf = (one: Evidence): number | null => (byHost ? null : one.inside_port);
  const telling = (one: Evidence): number => Number(portOf(one) !== null) + Number(one.ingress_vrf !== null);
  const byAddress = new Map<string, Group[]>();
  for (const one of [...evidence].sort((a, b) => telling(b) - telling(a))) {
    const groups = byAddress.get(one.inside_addr) ?? [];
    byAddress.set(one.inside_addr, groups);
    const port = portOf(one);
    const vrf = one.ingress_vrf;
    const same = groups.filter((group) => agrees(group.port, port) && agrees(group.vrf, vrf));
    if (same.length === 0) groups.push({ address: one.inside_addr, port, vrf, evidence: [one] });
    for (const group of same) {
      group.evidence.push(one);
      group.port ??= port;
      group.vrf ??= vrf;
    }
  }
  return [...byAddress.values()].flat().map(toCandidate).sort(compare);
}

function agrees(a: number | null, b: number | null): boolean {
  return a === null || b === null || a === b;
}

function toCandidate({ address, port, vrf, evidence }: Group): Candidate {
  const sorted = [...evidence].sort((a, b) => a.distance - b.distance || Number(isOpen(a)) - Number(isOpen(b)));
  const distance = sorted[0]?.distance ?? 0;
  return {
    inside_addr: address,
    inside_port: port,
    ingress_vrf: vrf,
    user_name: sorted.find(({ user_name }) => user_name !== null)?.user_name ?? null,
    distance,
    open: sorted.filter((one) => one.distance === distance).every(isOpen),
    port_told: sorted.some(({ port_told }) => port_told),
    evidence: sorted,
  };
}

/** The nearest in time first; of equals those whose end is known, those that tell the port, and those with most records. */
function compare(a: Candidate, b: Candidate): number {
  return (
    a.distance - b.distance ||
    Number(a.open) - Number(b.open) ||
    Number(b.port_told) - Number(a.port_told) ||
    records(b) - records(a) ||
    a.inside_addr.localeCompare(b.inside_addr) ||
    (a.inside_port ?? 0) - (b.inside_port ?? 0) ||
    (a.ingress_vrf ?? 0) - (b.ingress_vrf ?? 0)
  );
}

function records({ evidence }: Candidate): number {
  return evidence.reduce((sum, one) => sum + one.records, 0);
}

export function classOf(candidates: readonly Candidate[]): ResultClass {
  const [first, ...others] = candidates;
  if (first === undefined) return 'none';
  if (others.length > 0) return 'overlapping';
  return first.evidence.every(({ kind }) => kind === 'block' || kind === 'address') ? 'block' : 'exact';
}
