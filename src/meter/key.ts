import { WeirError } from '../util/errors.ts';
import { hasEqualEnds, MOST_FURTHER, swapEnds, WORD } from './observation.ts';
import { TRACKING_LEVELS, type TrackingLevel } from './options.ts';

/** Columns that every key may have, in the words of `observation.ts`. */
const BASE_COLUMNS = ['src_addr', 'dst_addr', 'src_port', 'dst_port', 'proto'] as const;

/** Further columns: the word they are taken from, and the bits. MAC addresses take three words for both. */
const FURTHER_COLUMNS: Readonly<Record<string, readonly [word: number, mask: number]>> = {
  tos: [WORD.tos, 0xff],
  flow_label: [WORD.tos, 0x0fff_ff00],
  src_vlan: [WORD.vlans, 0x1fff],
  customer_vlan: [WORD.vlans, 0x1fff_0000],
  ethernet_type: [WORD.link, 0x0001_ffff],
  in_if: [WORD.interface, 0xffff_ffff],
  tunnel: [WORD.tunnel, 0xff],
  tunnel_id: [WORD.tunnelId, 0xffff_ffff],
};
const MACS = ['src_mac', 'dst_mac'] as const;
const PAIRS = [['src_addr', 'dst_addr'], ['src_port', 'dst_port'], MACS] as const;

/** Columns that a flow key may be made of. Ports stand for ICMP's type and code too; the IP version is always in the key. */
export const KEY_COLUMNS: readonly string[] = [...BASE_COLUMNS, ...MACS, ...Object.keys(FURTHER_COLUMNS)];

/** Which columns make a flow key, ready for use. Made by `createFlowKey`. */
export interface FlowKey {
  readonly columns: ReadonlySet<string>;
  /** Words that the cache compares: the first so many of an observation. */
  readonly words: number;
  /** True when one direction has another key than the other (only one address, say): then each record tells of one direction. */
  readonly isDirectional: boolean;
  /** Brings an observation's words into the form of this key: what is not in the key becomes 0, further columns are put behind. */
  readonly apply: ((words: Int32Array) => void) | undefined;
}

/**
 * The key of a tracking level or of columns chosen freely.
 *
 * @throws WeirError WEIR_USAGE for a column that a key cannot have, none at all, or too many
 */
export function createFlowKey(keys: TrackingLevel | readonly string[]): FlowKey {
  const given: readonly string[] = typeof keys === 'string' ? TRACKING_LEVELS[keys] : keys;
  const columns = new Set(given);
  const unknown = given.find((name) => !KEY_COLUMNS.includes(name));
  if (unknown !== undefined || columns.size === 0)
    throw new WeirError(
      'WEIR_USAGE',
      unknown === undefined ? 'The flow key has no column.' : `'${unknown}' is no column that a flow key can have.`,
      { hint: `Give a level (${Object.keys(TRACKING_LEVELS).join(', ')}) or some of ${KEY_COLUMNS.join(', ')}.` },
    );
  const further = Object.entries(FURTHER_COLUMNS).filter(([name]) => columns.has(name));
  const hasMacs = MACS.some((name) => columns.has(name));
  const furtherWords = further.length + (hasMacs ? 3 : 0);
  if (furtherWords > MOST_FURTHER)
    throw new WeirError('WEIR_USAGE', `A flow key of ${columns.size} columns is too long.`, {
      hint: 'Leave out columns that others decide, such as ethernet_type.',
    });
  // Without addresses nothing tells who is who.
  const isDirectional =
    !columns.has('src_addr') || PAIRS.some(([one, other]) => columns.has(one) !== columns.has(other));
  const isPlain = furtherWords === 0 && BASE_COLUMNS.every((name) => columns.has(name));
  return {
    columns,
    words: WORD.further + furtherWords,
    isDirectional,
    apply: isPlain
      ? undefined
      : keyWriter(
          columns,
          isDirectional,
          further.map(([, place]) => place),
        ),
  };
}

function keyWriter(
  columns: ReadonlySet<string>,
  isDirectional: boolean,
  further: readonly (readonly [word: number, mask: number])[],
): (words: Int32Array) => void {
  const hasSource = columns.has('src_addr');
  const hasDestination = columns.has('dst_addr');
  const ports = (columns.has('src_port') ? 0xffff_0000 : 0) | (columns.has('dst_port') ? 0xffff : 0);
  const protocol = columns.has('proto') ? 0xffff : 0xff00;
  const hasSourceMac = columns.has('src_mac');
  const hasDestinationMac = columns.has('dst_mac');
  return (words) => {
    if (isDirectional) {
      // The source stands at the lower end, whatever its address is.
      if (words[WORD.direction] === 1) {
        swapEnds(words);
        words[WORD.direction] = 0;
      }
      if (!hasSource) clearEnd(words, WORD.lower, WORD.lowerUpper);
      if (!hasDestination) clearEnd(words, WORD.higher, WORD.higherUpper);
    } else if (ports === 0 && words[WORD.direction] === 1 && hasEqualEnds(words)) {
      words[WORD.direction] = 0;
    }
    words[WORD.ports] = (words[WORD.ports] as number) & ports;
    words[WORD.protocol] = (words[WORD.protocol] as number) & protocol;
    let at: number = WORD.further;
    for (const [from, mask] of further) words[at++] = (words[from] as number) & mask;
    if (hasSourceMac || hasDestinationMac) writeMacs(words, at, hasSourceMac, hasDestinationMac);
  };
}

/** The MAC addresses of the lower and the higher end. */
function writeMacs(words: Int32Array, at: number, hasSource: boolean, hasDestination: boolean): void {
  const upper = words[WORD.macs] as number;
  const source = hasSource ? upper >>> 16 : 0;
  const destination = hasDestination ? upper & 0xffff : 0;
  const srcMac = hasSource ? (words[WORD.srcMac] as number) : 0;
  const dstMac = hasDestination ? (words[WORD.dstMac] as number) : 0;
  const isSwapped = words[WORD.direction] === 1;
  words[at] = isSwapped ? (destination << 16) | source : (source << 16) | destination;
  words[at + 1] = isSwapped ? dstMac : srcMac;
  words[at + 2] = isSwapped ? srcMac : dstMac;
}

function clearEnd(words: Int32Array, last: number, upper: number): void {
  words[last] = 0;
  words.fill(0, upper, upper + 3);
}
