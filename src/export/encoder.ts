import { createElementRegistry, type ElementRegistry } from '../elements/registry.ts';
import { FlowBatch } from '../flow/batch.ts';
import type { Layout } from '../flow/layout.ts';
import type { FlowRecord } from '../flow/record.ts';
import { WeirError } from '../util/errors.ts';
import { batchOfRecords } from './batch-of-records.ts';
import { ElementNumbers } from './element-numbers.ts';
import type { MessageClock } from './field-writers.ts';
import { FixedEncoder } from './fixed-encoder.ts';
import { createCounters, type EncoderCounters } from './losses.ts';
import type { StreamNames } from './name-options.ts';
import { SflowEncoder } from './sflow-encoder.ts';
import type { TimeForm } from './template-fields.ts';
import type { Emit } from './template-message.ts';
import { TemplatedEncoder } from './templated-encoder.ts';

/** The formats that are written. */
export const PROTOCOLS = ['netflow1', 'netflow5', 'netflow6', 'netflow7', 'netflow9', 'ipfix', 'sflow'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

export interface EncoderOptions {
  readonly protocol: Protocol;
  /** Octets of a message at most; default 1,472, an Ethernet frame's room over IPv4. At least 512. */
  readonly maxLength?: number;
  /**
   * How the times of records are sent. NetFlow v9: `uptime` (default) as sysUptime stamps, or absolute. IPFIX: `milliseconds` (default), `seconds`,
   * `microseconds` or `nanoseconds`. Other formats have one way only.
   */
  readonly times?: TimeForm;
  /** Templates and options are sent again after so many ms of export time (default 60,000), or so many messages of a domain (default 500). */
  readonly refreshMillis?: number;
  readonly refreshMessages?: number;
  /**
   * Names to tell as options data, for an observation domain: asked for when templates are sent, and after `renewNames`. The same object is
   * taken to have the same names. NetFlow v9 and IPFIX.
   */
  readonly names?: (domain: number) => StreamNames;
  /** Elements that `extra` is written by; default the built-in ones. NetFlow v9 and IPFIX. */
  readonly registry?: ElementRegistry;
  /** ms since the epoch at which sysUptime is 0; default 20 days before the first message. */
  readonly bootMillis?: number;
  /** sFlow: the agent's address; default the record's own agent or exporter. */
  readonly agent?: string;
  /** sFlow: what describes the packet: its `header`, rebuilt (default), or the structures sampled_ipv4 and sampled_ipv6. */
  readonly sample?: 'header' | 'ip';
  /** Milliseconds since the epoch; default Date.now. */
  readonly now?: () => number;
}

export interface EncodeOptions {
  /** The time of the messages, ms since the epoch; default now. Stamps by sysUptime reach a week before it. */
  readonly exportMillis?: number;
}

/** One exporting process. */
export interface Encoder {
  readonly counters: EncoderCounters;
  /**
   * Encodes records, as a batch of columns or as objects with schema names, and returns the messages in the order in which they are to be sent; they stay
   * valid. What the format cannot carry is refused, changed or left out by the rules in docs/encode.md, and counted. Throws WEIR_INPUT for objects
   * with values that no record can have.
   */
  encode(records: FlowBatch | readonly FlowRecord[], options?: EncodeOptions): Uint8Array[];
  /** The same, handing each message to `emit`. */
  encodeTo(records: FlowBatch | readonly FlowRecord[], emit: Emit, options?: EncodeOptions): void;
  /** Begins a new transport session: sequence numbers start at 0, and templates are sent again. For TCP and TLS after a new connection. */
  reset(): void;
  /** Names have changed: each domain tells them again, before its next record. */
  renewNames(): void;
  /** Templates and options are sent again before the next record of each domain. */
  renewTemplates(): void;
}

const UPTIME = 20 * 86_400e3;
const SHORTEST = 512;
const LONGEST = 65_535;

/**
 * An encoder for one transport session: batches or records in, export messages out. Throws WEIR_USAGE for options that contradict each other.
 *
 * ```ts
 * const encoder = createEncoder({ protocol: 'ipfix' });
 * for (const message of encoder.encode(records)) socket.send(message, 4739, 'collector.example');
 * ```
 */
export function createEncoder(options: EncoderOptions): Encoder {
  const { now = Date.now } = options;
  const counters = createCounters();
  const clock: MessageClock = { exportMillis: 0, uptime: 0 };
  const elements = elementNumbers(options.protocol, options.registry);
  const format = createFormat(options, clock, elements, counters);
  const wholeSeconds = options.protocol === 'netflow9' || options.protocol === 'ipfix';
  const layouts = new Map<string, Layout>();
  let boot = options.bootMillis;
  const encodeTo: Encoder['encodeTo'] = (records, emit, { exportMillis = now() } = {}) => {
    clock.exportMillis = wholeSeconds ? Math.floor(exportMillis / 1000) * 1000 : Math.floor(exportMillis);
    boot ??= Math.floor(clock.exportMillis / 1000) * 1000 - UPTIME;
    clock.uptime = (clock.exportMillis - Math.floor(boot)) >>> 0;
    format.encode(records instanceof FlowBatch ? records : batchOfRecords(records, elements, layouts), emit);
  };
  return {
    counters,
    encode(records, encodeOptions) {
      const messages: Uint8Array[] = [];
      encodeTo(records, (message) => messages.push(message), encodeOptions);
      return messages;
    },
    encodeTo,
    reset: () => format.reset(),
    renewNames: () => format.renewNames?.(),
    renewTemplates: () => format.renewTemplates?.(),
  };
}

interface Format {
  encode(batch: FlowBatch, emit: Emit): void;
  reset(): void;
  /** Of formats that have options data. */
  renewNames?(): void;
  renewTemplates?(): void;
}

/** No names, always the same. */
const NAMELESS: StreamNames = {};

/** The elements that `extra` has in a protocol's messages. */
export function elementNumbers(protocol: Protocol, registry = createElementRegistry()): ElementNumbers {
  return new ElementNumbers(registry, protocol === 'netflow9' ? 9 : 10);
}

function createFormat(
  options: EncoderOptions,
  clock: MessageClock,
  elements: ElementNumbers,
  counters: EncoderCounters,
): Format {
  const { protocol, maxLength: longest = 1472 } = options;
  if (!PROTOCOLS.includes(protocol)) {
    throw new WeirError('WEIR_USAGE', `there is no protocol '${protocol as string}' to encode`, {
      hint: `There are ${PROTOCOLS.join(', ')}.`,
    });
  }
  if (!(longest >= SHORTEST && longest <= LONGEST)) {
    throw new WeirError('WEIR_USAGE', `messages of ${longest} octets: expected ${SHORTEST} to ${LONGEST}`);
  }
  switch (protocol) {
    case 'netflow9':
    case 'ipfix': {
      const version = protocol === 'ipfix' ? 10 : 9;
      const { times = version === 9 ? 'uptime' : 'milliseconds' } = options;
      if (version === 10 && times === 'uptime') {
        throw new WeirError('WEIR_USAGE', 'IPFIX is not written with sysUptime stamps', {
          hint: "Use times: 'seconds', 'milliseconds', 'microseconds' or 'nanoseconds'.",
        });
      }
      const { refreshMillis = 60_000, refreshMessages = 500, names = () => NAMELESS } = options;
      const refresh = { refreshMillis, refreshMessages };
      return new TemplatedEncoder({ version, longest, times, ...refresh, names, elements, clock, counters });
    }
    case 'sflow':
      return new SflowEncoder({ longest, agent: options.agent, sample: options.sample ?? 'header', clock, counters });
    default:
      return new FixedEncoder({ version: FIXED[protocol], longest, clock, counters });
  }
}

const FIXED = { netflow1: 1, netflow5: 5, netflow6: 6, netflow7: 7 } as const;
