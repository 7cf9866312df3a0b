import type { FlowBatch } from '../flow/batch.ts';
import { columnIndex } from '../flow/schema.ts';
import { FIRST_SLOT } from '../flow/slots.ts';
import type { Plan } from '../wire/plan.ts';
import { VARIABLE } from '../wire/template.ts';
import { SAMPLING } from './sampling-source.ts';

/** A mistake, or a habit of its own, of some exporters, and what is done about it. `docs/quirks.md` is made from these. */
export interface Quirk {
  readonly name: string;
  /** Devices and programs that are known for it. */
  readonly exporters: string;
  /** What it is recognised by; a name or a vendor is never asked for. */
  readonly signature: string;
  readonly wrong: string;
  readonly remedy: string;
  /** Where it is documented: a project's issue or pull request, or a capture. */
  readonly source: string;
  /** The test that shows it: file, and the words of its title. */
  readonly test: readonly [file: string, title: string];
}

type Row = [
  name: string,
  exporters: string,
  signature: string,
  wrong: string,
  remedy: string,
  source: string,
  test: [string, string],
];

const OWN = 'test/session/quirks.test.ts';

// biome-ignore format: one quirk, one row
const ROWS: readonly Row[] = [
  ['sampling-byte-order', 'MikroTik RouterOS', 'samplingInterval (34) of four octets in a data record that names no sampler, of 2²⁴ or more and below it turned round, which no options data of the domain tell as well', 'The interval has its lowest octet first: 100 reads as 1,677,721,600.', 'The octets are turned round.', 'pavel-odintsov/fastnetmon#985, netsampler/goflow2#113, akvorado/akvorado#417', [OWN, 'MikroTik: an interval with its lowest octet first']],
  ['sampling-odd-length', 'FortiGate', 'a sampling field of more than eight octets in options data', 'Read as a number it gives flows that are 69 or 1,713 times too large.', 'It is no rate: only fields of one to eight octets are.', 'phaag/nfdump#77', [OWN, 'FortiGate: a sampling field of nine octets is no rate']],
  ['sampling-in-options', 'Juniper MX', 'samplingInterval (34) in options data of IPFIX that name no sampler', 'No sampler is named, and IPFIX has newer elements for the rate.', 'It is the rate of the observation domain.', 'phaag/nfdump#231, phaag/nfdump#237', ['test/session/sampling.test.ts', 'the rate in options data']],
  ['sampling-without-space', 'Nokia SR OS', 'samplingPacketInterval (305) without samplingPacketSpace (306)', 'By RFC 5477 a rate needs both.', 'The interval is taken for the rate itself.', 'phaag/nfdump#410', ['test/session/sampling.test.ts', '305 alone']],
  ['sampling-in-domain-0', 'Cisco NCS 5500', 'options data of domain 0, data of other domains', 'Samplers of all domains are told in domain 0.', 'The rates of domain 0 count for all domains of the exporter that have none of their own.', 'akvorado/akvorado#997', ['test/session/sampling.test.ts', 'told in domain 0 for all domains of the exporter, and of no other']],
  ['sampling-never-told', 'Cisco ASR 9010', 'records that name a sampler which no options data describe', 'The rate is not exported at all.', 'The rate is unknown (0), unless sampling.default or an override is configured; it is never taken for 1.', 'phaag/nfdump#101', ['test/session/sampling.test.ts', 'sampler, interface, domain, default, unknown']],
  ['templates-of-another-port', 'several, behind address translation too', 'data from a port of the exporter that sent no templates', 'Templates and options come from another port than the data.', 'While all ports of an address agree on a template, each uses it; once they disagree, each has its own.', 'netsampler/goflow2#207, netdata/netdata#23201', ['test/session/templates.test.ts', 'the same layout is shared, and each use of another port’s is counted']],
  ['variable-length-v9', 'H3C NetStream', 'a field of length 65535 in a template of NetFlow v9', 'Only IPFIX knows fields of variable length.', 'They are read as in IPFIX.', 'repeatedly/fluent-plugin-netflow#34', ['test/wire/fields.test.ts', 'in version %i, lengths of one and of three octets']],
  ['nat-without-event', 'Nokia BNG', 'translated addresses without natEvent (230) and without counters', 'The record does not say that it is a NAT event.', 'It is stored as one (record_kind nat_event).', 'phaag/nfdump#533', ['test/wire/vendor-fields.test.ts', 'without an event code, as Nokia’s BNG sends them']],
  ['events-as-flows', 'Cisco ASA (NSEL)', 'firewall events (233, 40005) without counters', 'Events come as flow records, whose octets and packets are zero.', 'They are stored as events (record_kind firewall_event), which sums of traffic leave out.', 'phaag/nfdump#37, pmacct/pmacct#182', ['test/wire/vendor-fields.test.ts', 'a create or denied: an event, and no flow']],
  ['uptime-without-boot', 'softflowd', 'times relative to the boot in IPFIX, without systemInitTimeMilliseconds (160)', 'Nobody can say when the flow was.', 'It ends when the message was exported and keeps its length; time_source says so.', 'irino/softflowd#58', ['test/wire/times.test.ts', 'without any idea of the boot tells how long the flow was']],
  ['uptime-of-another-boot', 'Cisco Meraki', 'sysUptime stamps that lie far from that of the header', 'Header and records count from different boots.', 'The flow ends when the message was exported and keeps its length.', 'phaag/nfdump#14', ['test/wire/times.test.ts', 'whose header counts from another boot tells how long the flow was']],
  ['clock-off', 'Palo Alto', 'an export time more than a week from the arrival', 'The exporter’s clock is wrong.', 'Times stay as they were sent; the difference is in quality.clock_skew_ms, and time_received is right.', 'pmacct/pmacct#432', [OWN, 'Palo Alto: a clock that is weeks off is shown, not corrected']],
  ['sequence-after', 'softflowd 1.1 (IPFIX)', 'sequence numbers that are ahead by the message’s own records, message after message', 'The number counts the records of the message itself (RFC 7011 section 3.1: those before it).', 'The exporter’s way of counting is found out, so that it fakes no loss.', 'test/captures/softflowd-ipfix.pcap', [OWN, 'softflowd: sequence numbers that count the message’s own records are no loss']],
];

/** Every quirk that is dealt with. How often each was met is counted by exporter (`Domain.quirks`, `quality.quirks`). */
export const QUIRKS: readonly Quirk[] = ROWS.map(([name, exporters, signature, wrong, remedy, source, test]) => ({
  name,
  exporters,
  signature,
  wrong,
  remedy,
  source,
  test,
}));

/** The quirks that all records of a plan have. */
export function quirksOf({ version, fields, layout, recordKind }: Plan): string[] {
  const quirks: string[] = [];
  if (version === 9 && fields.some(({ length }) => length === VARIABLE)) quirks.push('variable-length-v9');
  if (recordKind === NAT_EVENT && !layout.columns.includes(columnIndex('nat_event'))) quirks.push('nat-without-event');
  if (recordKind === FIREWALL_EVENT) quirks.push('events-as-flows');
  return quirks;
}

/** Whether records of a plan carry a rate of their own: samplingInterval, samplerRandomInterval. */
export function tellsRate({ fields }: Plan): boolean {
  return fields.some(({ enterprise, id }) => enterprise === 0 && (id === 34 || id === 50));
}

/** Puts records right after they were decoded. */
export interface Repair {
  /** Name of the quirk. */
  readonly quirk: string;
  /** Looks at rows [first, end) of a batch that came from `domain`. Returns how many it changed. */
  readonly apply: (batch: FlowBatch, first: number, end: number, domain: RepairedDomain) => number;
}

/** What a repair may ask of a domain. */
export interface RepairedDomain {
  /** Whether its options data told this rate. */
  hasToldRate(rate: number): boolean;
}

/** What has to be looked at in records of a plan; undefined for most. */
export function repairOf({ fields, samplerSlot }: Plan): Repair | undefined {
  const tellsInterval = fields.some(({ enterprise, id, length }) => enterprise === 0 && id === 34 && length === 4);
  return tellsInterval && samplerSlot < 0 ? SAMPLING_BYTE_ORDER : undefined;
}

/** Codes of RECORD_KINDS. */
const NAT_EVENT = 2;
const FIREWALL_EVENT = 3;
const RATE = FIRST_SLOT[columnIndex('sampling_rate')] as number;
const SOURCE = FIRST_SLOT[columnIndex('sampling_source')] as number;
/** One packet in more than 16 million is no sampling rate. */
const ABSURD = 2 ** 24;

const SAMPLING_BYTE_ORDER: Repair = {
  quirk: 'sampling-byte-order',
  apply: (batch, first, end, domain) => {
    const rates = batch.arrays[RATE];
    const sources = batch.arrays[SOURCE];
    if (rates === undefined || sources === undefined) return 0;
    let count = 0;
    // The rate looked up last, which is that of most rows.
    let asked = 0;
    let isTold = false;
    for (let row = first; row < end; row++) {
      const rate = rates[row] as number;
      if (rate < ABSURD || sources[row] !== SAMPLING.record) continue;
      const turned = ((rate << 24) | ((rate & 0xff00) << 8) | ((rate >>> 8) & 0xff00) | (rate >>> 24)) >>> 0;
      if (turned === 0 || turned >= ABSURD) continue;
      if (rate !== asked) {
        asked = rate;
        isTold = domain.hasToldRate(rate);
      }
      if (isTold) continue;
      rates[row] = turned;
      count++;
    }
    return count;
  },
};
