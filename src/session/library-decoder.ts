import { createElementRegistry, type ElementRegistry } from '../elements/registry.ts';
import { FlowBatch } from '../flow/batch.ts';
import { type FlowRecord, records } from '../flow/record.ts';
import { parseAddress } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import type { AwaitedTemplate } from './held-sets.ts';
import { type DatagramSource, type DecodeObserver, MessageDecoder } from './message-decoder.ts';

/** Who sent a datagram. Templates are kept per address (and port where they disagree). */
export interface Exporter {
  /** IPv4 or IPv6 address; default 0.0.0.0. */
  readonly address?: string;
  /** UDP source port; default 0. */
  readonly port?: number;
  /** When it arrived, ms since the epoch; default now. */
  readonly receivedAt?: number;
}

export interface DecoderOptions {
  /** Elements to know beside the built-in ones; see `parseUserElements`. */
  readonly registry?: ElementRegistry;
  /** Milliseconds since the epoch; default Date.now. */
  readonly now?: () => number;
  readonly observer?: DecodeObserver;
  /** False interprets all templates: for processes that forbid code generation. */
  readonly mayCompile?: boolean;
}

export interface Decoder {
  /**
   * Decodes one datagram (NetFlow v1, v5 to v9 or IPFIX), octets or hexadecimal digits, and returns its flow records, together with those of earlier data sets that
   * waited for a template it brought. Damaged input gives fewer records and is counted in `faults()`; nothing is thrown for it.
   */
  decode(datagram: Uint8Array | string, exporter?: Exporter): FlowRecord[];
  /** The same as a batch of columns, valid until the next call. */
  decodeBatch(datagram: Uint8Array | string, exporter?: Exporter): FlowBatch;
  /** How many messages and sets could not be used, by cause. */
  faults(): Record<string, number>;
  /** Templates that data sets wait for. */
  awaited(): (AwaitedTemplate & { exporter: string; observationDomain: number })[];
}

/** Rows of the batch that a library decoder works with; it grows when a datagram sets many held records free. */
const ROWS = 8_192;

/**
 * A decoder with the state that NetFlow v9 and IPFIX need (templates, sampling), for one process's use. Throws WEIR_INPUT for an exporter address
 * or hexadecimal text that is none.
 */
export function createDecoder(options: DecoderOptions = {}): Decoder {
  const now = options.now ?? Date.now;
  let batches: FlowBatch[] = [];
  const decoder = new MessageDecoder({
    registry: options.registry ?? createElementRegistry(),
    sink: {
      batch: () => {
        let last = batches.at(-1);
        if (last === undefined || !last.hasRoom(1)) {
          last = new FlowBatch(ROWS);
          batches.push(last);
        }
        return last;
      },
    },
    ...(options.observer === undefined ? {} : { observer: options.observer }),
    mayCompile: options.mayCompile ?? true,
  });
  const sources = new Map<string, DatagramSource>();

  const sourceOf = ({ address = '0.0.0.0', port = 0 }: Exporter): DatagramSource => {
    const key = `${address} ${port}`;
    const known = sources.get(key);
    if (known !== undefined) return known;
    const parsed = parseAddress(address);
    if (parsed === undefined) throw new WeirError('WEIR_INPUT', `'${address}' is not an IP address`);
    const source = { address: parsed, port };
    if (sources.size >= 65_536) sources.clear();
    sources.set(key, source);
    return source;
  };

  const run = (datagram: Uint8Array | string, exporter: Exporter): void => {
    const bytes = typeof datagram === 'string' ? hexOctets(datagram) : datagram;
    const [first] = batches;
    first?.clear();
    batches = first === undefined ? [] : [first];
    decoder.decode(bytes, sourceOf(exporter), (exporter.receivedAt ?? now()) * 1000);
  };

  return {
    decode(datagram, exporter = {}) {
      run(datagram, exporter);
      return batches.flatMap((batch) => [...records(batch)]);
    },
    decodeBatch(datagram, exporter = {}) {
      run(datagram, exporter);
      if (batches.length <= 1) return batches[0] ?? new FlowBatch(ROWS);
      throw new WeirError('WEIR_INPUT', 'the datagram set free more records than one batch holds; use decode()');
    },
    faults() {
      const total: Record<string, number> = {};
      for (const domain of decoder.domains) {
        for (const [fault, count] of domain.faults) total[fault] = (total[fault] ?? 0) + count;
      }
      return total;
    },
    awaited() {
      return [...decoder.awaited()].map(([domain, template]) => ({
        ...template,
        exporter: domain.exporter,
        observationDomain: domain.id,
      }));
    },
  };
}

function hexOctets(text: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, '').replace(/^0x/i, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) {
    throw new WeirError('WEIR_INPUT', 'the datagram is not hexadecimal text: expected pairs of the digits 0-9 a-f');
  }
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(i * 2, i * 2 + 2), 16));
}
