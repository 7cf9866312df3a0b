import type { FlowBatch } from '../flow/batch.ts';
import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT, type SlotArray } from '../flow/slots.ts';
import type { Plan } from '../wire/plan.ts';
import type { OptionsFacts } from './options-data.ts';
import { SAMPLING } from './sampling-source.ts';
import { SelectionSequences } from './selection-sequences.ts';

const RATE = FIRST_SLOT[columnIndex('sampling_rate')] as number;
const SOURCE = FIRST_SLOT[columnIndex('sampling_source')] as number;

/** Samplers and interfaces remembered per domain; more is not a router. */
const MAX_ENTRIES = 4_096;

/** What the operator configured for one exporter; 0 is nothing. */
export interface ConfiguredSampling {
  readonly default: number;
  readonly override: number;
}

/**
 * Sampling rates of one observation domain, as options data told them. A record's rate is, in this order: the configured override, its own, its selection
 * sequence's, its sampler's, its ingress interface's, the domain's (or that of all sequences, or of the only sampler there is), the header's (v5), the
 * configured default, unknown.
 */
export class SamplingState {
  readonly samplers = new Map<number, number>();
  readonly interfaces = new Map<number, number>();
  readonly sequences = new SelectionSequences();
  domainRate = 0;

  /** Takes in what an options data record said. Returns true when something changed. */
  learn(found: Pick<OptionsFacts, 'rate' | 'sampler' | 'interface' | 'selection'>): boolean {
    const isNew = this.#learnSelection(found);
    // What a sequence takes is not what the domain takes, or one of several selectors.
    if (found.selection?.sequence !== undefined && found.selection.selectors.length !== 1) return isNew;
    return this.#learnRate(found) || isNew;
  }

  #learnSelection({ rate, selection }: Pick<OptionsFacts, 'rate' | 'selection'>): boolean {
    if (selection === undefined) return false;
    const { sequence, selectors, isFilter } = selection;
    const [selector, ...others] = selectors;
    const own = isFilter ? 1 : rate;
    const isOfSelector = selector !== undefined && others.length === 0;
    const isNew = isOfSelector && this.sequences.learnSelector(selector, own);
    if (sequence === undefined) return isNew;
    if (isOfSelector || !(own >= 1)) return this.sequences.learnSequence(sequence, selectors) || isNew;
    return this.sequences.learnRate(sequence, own);
  }

  #learnRate({ rate, sampler, interface: ifIndex }: Pick<OptionsFacts, 'rate' | 'sampler' | 'interface'>): boolean {
    if (!(rate >= 1)) return false;
    const value = Math.min(Math.round(rate), 4_294_967_295);
    if (sampler !== undefined) return put(this.samplers, sampler, value);
    if (ifIndex !== undefined) return put(this.interfaces, ifIndex, value);
    if (this.domainRate === value) return false;
    this.domainRate = value;
    return true;
  }

  /** The rate for records that name neither sampler nor interface, and its source; 0 when options data said nothing. */
  general(): { rate: number; source: number } {
    if (this.domainRate > 0) return { rate: this.domainRate, source: SAMPLING.domain };
    if (this.sequences.sequences.size > 0) {
      const rate = this.sequences.common();
      return { rate, source: rate > 0 ? SAMPLING.sampler : SAMPLING.unknown };
    }
    if (this.samplers.size === 1) {
      const [rate] = this.samplers.values();
      return { rate: rate ?? 0, source: SAMPLING.sampler };
    }
    return { rate: 0, source: SAMPLING.unknown };
  }

  /** Whether the rate of any sampler or selector is known, or which selectors a sequence has. */
  get knowsSamplers(): boolean {
    const { selectors, sequences } = this.sequences;
    return this.samplers.size > 0 || selectors.size > 0 || sequences.size > 0;
  }

  get isEmpty(): boolean {
    return this.domainRate === 0 && this.interfaces.size === 0 && !this.knowsSamplers;
  }

  /** Whether options data told this rate, of whatever. */
  hasTold(rate: number): boolean {
    if (this.domainRate === rate) return true;
    for (const rates of [this.samplers, this.interfaces])
      for (const told of rates.values()) if (told === rate) return true;
    return this.sequences.hasRate(rate);
  }

  /** True when records of this plan may have a rate of their selection sequence, sampler or interface. */
  concerns(plan: Plan): boolean {
    return (
      (plan.samplerSlot >= 0 && this.samplers.size > 0) ||
      (plan.interfaceSlot >= 0 && this.interfaces.size > 0) ||
      (plan.sequenceSlot >= 0 && this.sequences.sequences.size > 0)
    );
  }

  /** Puts the rates of sequences, samplers and interfaces into rows [first, end) of the batch, except where the record had its own. */
  apply(plan: Plan, batch: FlowBatch, first: number, end: number): void {
    const rates = batch.arrays[RATE];
    const sources = batch.arrays[SOURCE];
    const samplers = plan.samplerSlot >= 0 && this.samplers.size > 0 ? batch.arrays[plan.samplerSlot] : undefined;
    const interfaces =
      plan.interfaceSlot >= 0 && this.interfaces.size > 0 ? batch.arrays[plan.interfaceSlot] : undefined;
    const sequences =
      plan.sequenceSlot >= 0 && this.sequences.sequences.size > 0 ? batch.arrays[plan.sequenceSlot] : undefined;
    if (rates === undefined || sources === undefined) return;
    for (let row = first; row < end; row++) {
      if (sources[row] === SAMPLING.record) continue;
      const bySequence = sequences === undefined ? 0 : this.sequences.rate(wide(sequences, row * 2));
      const bySampler =
        bySequence > 0 ? bySequence : samplers === undefined ? undefined : this.samplers.get(samplers[row] as number);
      const rate = bySampler ?? (interfaces === undefined ? undefined : this.interfaces.get(interfaces[row] as number));
      if (rate === undefined) continue;
      rates[row] = rate;
      sources[row] = bySampler === undefined ? SAMPLING.interface : SAMPLING.sampler;
    }
  }
}

/** The 64-bit value of two words, low first. */
function wide(words: SlotArray, low: number): number {
  return (words[low + 1] as number) * 4_294_967_296 + (words[low] as number);
}

function put(map: Map<number, number>, key: number, value: number): boolean {
  if (map.get(key) === value) return false;
  if (map.size >= MAX_ENTRIES && !map.has(key)) return false;
  map.set(key, value);
  return true;
}
