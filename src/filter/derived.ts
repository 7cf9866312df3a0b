/** A measure that is computed from columns of a flow, and takes comparisons as a column does. */
export interface Derived {
  /** The columns it is computed from. */
  readonly needs: readonly string[];
  readonly about: string;
  readonly value: 'number' | 'duration';
  /** Greatest value. */
  readonly max: bigint;
}

const U64 = (1n << 64n) - 1n;
/** Labels that a stack is asked for one by one, as nfdump does. */
const MPLS_LABELS = 10;

const LABEL = { needs: ['mpls_labels'], value: 'number', max: (1n << 20n) - 1n } as const;

/** Rates are compared as whole numbers, rounded down, as nfdump does. */
export const DERIVED: Readonly<Record<string, Derived>> = {
  duration: {
    needs: ['time_start', 'time_end'],
    about: 'Time from first to last packet; a plain number is milliseconds.',
    value: 'duration',
    max: U64,
  },
  pps: {
    needs: ['packets', 'time_start', 'time_end'],
    about: 'Packets per second; 0 when the duration is 0.',
    value: 'number',
    max: U64,
  },
  bps: {
    needs: ['bytes', 'time_start', 'time_end'],
    about: 'Bits per second; 0 when the duration is 0.',
    value: 'number',
    max: U64,
  },
  bpp: { needs: ['bytes', 'packets'], about: 'Octets per packet; 0 without packets.', value: 'number', max: U64 },
  flows: {
    needs: ['flow_count'],
    about: 'Original flows in the record; 1 where it does not say.',
    value: 'number',
    max: U64,
  },
  dscp: {
    needs: ['tos'],
    about: 'Differentiated services code point: tos without its lower two bits.',
    value: 'number',
    max: 63n,
  },
  ecn: {
    needs: ['tos'],
    about: 'Explicit congestion notification: the lower two bits of tos.',
    value: 'number',
    max: 3n,
  },
  ...Object.fromEntries(
    Array.from({ length: MPLS_LABELS }, (_, i) => [
      `mpls_label${i + 1}`,
      { ...LABEL, about: `Label ${i + 1} of the MPLS label stack, counted from the top.` },
    ]),
  ),
  mpls_eos: { ...LABEL, about: 'The label at the bottom of the MPLS label stack.' },
};

/** Which label of the stack a derived measure is: from 1, or -1 for the last; undefined for other measures. */
export function labelIndex(name: string): number | undefined {
  if (name === 'mpls_eos') return -1;
  const match = /^mpls_label(\d+)$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}
