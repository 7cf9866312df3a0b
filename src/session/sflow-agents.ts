import { type Address, formatAddress } from '../util/address.ts';
import type { SflowHeader } from '../wire/sflow/datagram.ts';
import type { FlowSample } from '../wire/sflow/flow-sample.ts';
import { SFLOW_DOMAIN } from './begin-message.ts';
import type { Domain } from './domain.ts';
import type { DomainTable } from './domain-table.ts';
import { SequenceTracker } from './sequence.ts';
import type { DatagramSource } from './stream-table.ts';

/** Agents before all are forgotten and found anew: forged senders and agents must not fill memory. */
const MAX_AGENTS = 65_536;
/** Data sources of one sub-agent; a switch has as many as interfaces. */
const MAX_SOURCES = 4_096;
/** A counter that has gone back, modulo 2³². */
const BACK = 0x8000_0000;
/** More drops for one sample than an agent in its right mind has: the counter is another one now. */
const MOST_DROPS = 1_000;

/** What the last flow sample of a data source said. */
interface SourceState {
  sequence: number;
  drops: number;
}

/** One sub-agent of one agent, as one sender brings it. */
export interface SflowAgent {
  readonly domain: Domain;
  /** Datagrams are numbered by sub-agent. */
  readonly sequence: SequenceTracker;
  readonly address: Address;
  readonly text: string;
  /** By sFlowDataSource: class × 2³² + index; and for discarded packets, which count on their own, its negative. */
  readonly sources: Map<number, SourceState>;
}

/** Finds the agent that a datagram is of, with the last one at hand. */
export class SflowAgents {
  readonly #domains: DomainTable;
  #agents = new WeakMap<DatagramSource, Map<string, SflowAgent>>();
  #count = 0;
  #lastSource: DatagramSource | undefined = undefined;
  #last: SflowAgent | undefined = undefined;

  constructor(domains: DomainTable) {
    this.#domains = domains;
  }

  /** The agent of a datagram, made when it is new. */
  open(source: DatagramSource, header: SflowHeader): SflowAgent {
    const last = this.#last;
    if (
      last !== undefined &&
      source === this.#lastSource &&
      last.domain.id === header.subAgent &&
      last.address[3] === header.agent3 &&
      last.address[2] === header.agent2 &&
      last.address[1] === header.agent1 &&
      last.address[0] === header.agent0 &&
      last.domain.version === SFLOW_DOMAIN + header.version &&
      !last.domain.forgotten
    )
      return last;
    const agent = this.#find(source, header);
    this.#lastSource = source;
    this.#last = agent;
    return agent;
  }

  #find(source: DatagramSource, header: SflowHeader): SflowAgent {
    const { agent0, agent1, agent2, agent3, version, subAgent } = header;
    let agents = this.#agents.get(source);
    if (agents === undefined) this.#agents.set(source, (agents = new Map()));
    const key = `${version} ${subAgent} ${agent0} ${agent1} ${agent2} ${agent3}`;
    const known = agents.get(key);
    if (known !== undefined && !known.domain.forgotten) return known;
    if (known === undefined && ++this.#count > MAX_AGENTS) {
      agents = new Map();
      this.#agents = new WeakMap([[source, agents]]);
      this.#count = 1;
    }
    const address: Address = [agent0, agent1, agent2, agent3];
    const agent: SflowAgent = {
      domain: this.#domains.open(source.address, SFLOW_DOMAIN + version, subAgent, source.session, address),
      // As in NetFlow v9, numbers count datagrams and uptime tells restarts.
      sequence: new SequenceTracker(9),
      address,
      text: formatAddress(...address),
      sources: new Map(),
    };
    agents.set(key, agent);
    return agent;
  }
}

/**
 * How many samples of its data source this sample stands for: 1, and its share of those that the agent says (in `drops`) it could not make since
 * the last one. Drops are added to the domain's counters. The sum of all such weights is what the agent would have sent.
 */
export function sampleWeight(agent: SflowAgent, sample: FlowSample): number {
  const { sources, domain } = agent;
  const key = sample.sourceClass * 4_294_967_296 + sample.sourceIndex;
  const id = sample.reason < 0 ? key : -1 - key;
  const state = sources.get(id);
  if (state === undefined) {
    if (sources.size >= MAX_SOURCES) sources.clear();
    sources.set(id, { sequence: sample.sequence, drops: sample.drops });
    return 1;
  }
  const made = (sample.sequence - state.sequence) >>> 0;
  // A late sample: what it tells has been counted.
  if (made >= BACK && 4_294_967_296 - made < MOST_DROPS) return 1;
  const dropped = (sample.drops - state.drops) >>> 0;
  state.sequence = sample.sequence;
  state.drops = sample.drops;
  if (made === 0 || made >= BACK || dropped === 0 || dropped > made * MOST_DROPS) return 1;
  domain.counters.samplesDropped += dropped;
  return 1 + dropped / made;
}
