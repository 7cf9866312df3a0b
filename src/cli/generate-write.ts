import { type FileHandle, open } from 'node:fs/promises';
import { createTraffic } from '../generate/traffic.ts';
import { parseAddress } from '../util/address.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { LINK_TYPE } from '../wire/packet/link-types.ts';
import { PCAP_OVERHEAD, pcapFileHeader, writePcapRecord } from '../wire/pcap/writer.ts';
import { type GenerateFlags, summary, tell } from './generate-output.ts';
import { EXIT, type Io, write } from './io.ts';
import { createProgress, parseTarget } from './sending.ts';

const WRITE_CHUNK = 1024 * 1024;
/** Source addresses in a file: 198.18.0.1 on, the network for benchmarks (RFC 2544). */
const FIRST_SOURCE = 0xc6120001;

/** Writes generated flows to a pcap file. Resolves to the exit code. */
export async function writeTraffic(path: string, target: string, flags: GenerateFlags, io: Io): Promise<number> {
  const { host, port } = parseTarget(target);
  const destination = parseAddress(host);
  if (destination === undefined) {
    throw new WeirError('WEIR_USAGE', `--write needs an IP address as the target, not ${host}.`, {
      hint: 'For instance udp://192.0.2.1:2055.',
    });
  }
  if (path === '-' && flags.format === 'json') {
    throw new WeirError('WEIR_USAGE', '--write - and --format json both want standard output.', {
      hint: 'Write to a file.',
    });
  }
  if (flags.rateDatagrams !== undefined || flags.seconds !== undefined) {
    throw new WeirError('WEIR_USAGE', '--rate-datagrams and --seconds are for sending.', {
      hint: 'With --write use --flows and --duration.',
    });
  }
  const { flows, duration } = plan(flags);
  const from = Math.floor(flags.from ?? io.now() - duration);
  const traffic = createTraffic({ ...flags, flows });
  const begun = performance.now();
  const output = await openOutput(path, io);
  const progress = createProgress(io);
  try {
    let buffer = Buffer.allocUnsafe(WRITE_CHUNK);
    buffer.set(pcapFileHeader(LINK_TYPE.ethernet));
    let at = 24;
    const { totals } = traffic;
    for (;;) {
      const now = from + Math.floor((duration * totals.flows) / flows);
      const payload = traffic.next(now);
      if (payload === undefined) break;
      if (at + PCAP_OVERHEAD + payload.length > WRITE_CHUNK) {
        if (!(await output.write(buffer.subarray(0, at)))) break;
        buffer = Buffer.allocUnsafe(WRITE_CHUNK);
        at = 0;
        progress.show(() => summary(traffic, (performance.now() - begun) / 1000));
      }
      const source = [0, 0, 0xffff, FIRST_SOURCE + traffic.exporter] as const;
      const sourcePort = 50_000 + (traffic.exporter % 10_000);
      const datagram = { time: now * 1000, source, sourcePort, destination, destinationPort: port, payload };
      at = writePcapRecord(buffer, at, datagram, LINK_TYPE.ethernet);
    }
    await output.write(buffer.subarray(0, at));
  } finally {
    progress.clear();
    await output.close();
  }
  await tell(traffic, (performance.now() - begun) / 1000, flags, io, {});
  return EXIT.ok;
}

/** How many flows a file gets, over how many ms. */
function plan({ flows, rate, duration }: GenerateFlags): { readonly flows: number; readonly duration: number } {
  if (flows === undefined && rate === undefined) {
    throw new WeirError('WEIR_USAGE', 'How many flows is the file to hold?', {
      hint: 'Give --flows, or --rate and --duration.',
    });
  }
  if (flows !== undefined)
    return { flows, duration: duration ?? (rate === undefined ? 3600e3 : (flows / rate) * 1000) };
  const span = duration ?? 3600e3;
  return { flows: Math.max(1, Math.round(((rate ?? 1) * span) / 1000)), duration: span };
}

interface Output {
  /** Resolves false when nobody reads any more. */
  write(bytes: Uint8Array): Promise<boolean>;
  close(): Promise<void>;
}

async function openOutput(path: string, io: Io): Promise<Output> {
  if (path === '-') return { write: (bytes) => write(io.stdout, bytes), close: () => Promise.resolve() };
  const failed = (error: unknown) =>
    new WeirError('WEIR_SEND', `Cannot write ${path}: ${messageOf(error)}.`, {
      hint: 'Is there such a folder, and room on the disk?',
      cause: error,
    });
  let file: FileHandle;
  try {
    file = await open(path, 'w');
  } catch (error) {
    throw failed(error);
  }
  return {
    async write(bytes) {
      try {
        await file.writeFile(bytes);
        return true;
      } catch (error) {
        throw failed(error);
      }
    },
    close: () => file.close(),
  };
}
