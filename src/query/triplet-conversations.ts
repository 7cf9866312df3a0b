import { JITTER } from './triplet.ts';

/*
 * A NAT that tells of its connections in triplets (nfflowd; see trace/triplets.ts) makes two conversations of one: what was sent before translation, which
 * nobody answers, and what was sent after it, with the way back. They are the same where nothing else can be meant: all their records are of formats without a field for
 * translated addresses, both ends are alike but for the address that was translated, both begin and end at the same time, and the unanswered one has just the
 * records, packets and bytes that the other one has from that side. Where two fit, neither is taken.
 */

/** Of a conversation seen from its side `own`: the columns of both sides under the names of their parts. */
function seenFrom(own: 'a' | 'b', halves: readonly string[]): string {
  const other = own === 'a' ? 'b' : 'a';
  const names = [...halves, 'port'];
  return [
    'id',
    `'${own}' AS side`,
    ...names.map((name) => `${own}_${name} AS own_${name}`),
    ...names.map((name) => `${other}_${name} AS peer_${name}`),
    'proto',
    'flows',
    `${own}_packets AS packets`,
    `${own}_bytes AS bytes`,
    'least(a_first, b_first) AS first',
    'last',
  ].join(', ');
}

/**
 * What to put behind FROM for the conversations of the statement `pairs`, those of a triplet as one: its translated end has the inside address, and the
 * public one as `a_public_hi`, `a_public_lo` or `b_public_hi`, `b_public_lo`.
 */
export function sqlJoinTriplets(pairs: string, onlyV4: boolean): string {
  const halves = onlyV4 ? ['lo'] : ['hi', 'lo'];
  const sides = ['a', 'b'] as const;
  const seen = (condition: (own: 'a' | 'b', other: 'a' | 'b') => string) =>
    sides
      .map((own) => {
        const other = own === 'a' ? 'b' : 'a';
        return `SELECT ${seenFrom(own, halves)} FROM pairs WHERE is_plain AND ${condition(own, other)}`;
      })
      .join(' UNION ALL ');
  const equal = [...halves.map((half) => `peer_${half}`), 'peer_port', 'own_port', 'proto', 'packets', 'bytes'];
  const differ = halves.map((half) => `o.own_${half} <> t.own_${half}`).join(' OR ');
  const near = (first: string, second: string) => `abs(${first} - ${second}) <= ${JITTER}`;
  const matches = `SELECT o.id AS one_way, t.id, t.side, o.first, o.last, ${halves.map((half) => `o.own_${half}`).join(', ')}
    FROM one_way o JOIN both_ways t ON ${equal.map((name) => `o.${name} = t.${name}`).join(' AND ')} AND t.flows = 2 * o.flows
    WHERE (${differ}) AND ${near('epoch_us(o.first)', 'epoch_us(t.first)')} AND ${near('o.last', 't.last')}
    QUALIFY count(*) OVER (PARTITION BY o.id) = 1 AND count(*) OVER (PARTITION BY t.id) = 1`;
  const translated = (half: string, side: 'a' | 'b') =>
    `CASE WHEN m.side = '${side}' THEN ${half === 'hi' && onlyV4 ? '0::UBIGINT' : `p.${side}_${half}`} END`;
  const ofSide = (side: 'a' | 'b', own: string, value: string) =>
    `CASE WHEN m.side = '${side}' THEN ${value} ELSE p.${own} END AS ${own}`;
  const replaced = [
    'CASE WHEN m.id IS NULL THEN p.flows ELSE p.flows + p.flows // 2 END AS flows',
    'greatest(p.last, m.last) AS last',
    ...sides.flatMap((side) => [
      ofSide(side, `${side}_first`, `least(p.${side}_first, m.first)`),
      ...halves.map((half) => ofSide(side, `${side}_${half}`, `m.own_${half}`)),
    ]),
  ];
  const added = sides.flatMap((side) =>
    ['hi', 'lo'].map((half) => `${translated(half, side)} AS ${side}_public_${half}`),
  );
  return `(WITH pairs AS MATERIALIZED (SELECT row_number() OVER () AS id, * FROM (${pairs})),
    one_way AS (${seen((_, other) => `${other}_first IS NULL`)}), both_ways AS (${seen(() => 'a_first IS NOT NULL AND b_first IS NOT NULL')}),
    matches AS MATERIALIZED (${matches})
    SELECT p.* REPLACE (${replaced.join(', ')}), ${added.join(', ')}
    FROM pairs p LEFT JOIN matches m ON m.id = p.id WHERE p.id NOT IN (SELECT one_way FROM matches))`;
}
