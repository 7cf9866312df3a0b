import type { ElementRegistry } from '../elements/registry.ts';
import type { DatagramSource } from '../session/message-decoder.ts';
import { formatAddress, parseAddress } from '../util/address.ts';
import { isRecord, listOf } from '../util/json-shape.ts';
import type { ImportedDatagram } from './import-datagrams.ts';
import { fixedDatagram, type Header, type PythonRecord, templatedDatagram } from './python-netflow-datagrams.ts';

/** What came of the lines of a file, filled while it is read. */
export interface PythonNetflowStats {
  /** Lines that could not be read; the first of them, and what was wrong with it. */
  faulty: number;
  firstFault: { readonly number: number; readonly what: string } | undefined;
  /** Fields that have no information element. */
  readonly unknownFields: Set<string>;
}

/** A datagram has 64 KiB; as JSON, with names of fields, it is longer. */
const LONGEST = 8 << 20;

/** Whether a text begins as a file of the Python netflow collector does: an object whose one key is a time, with the sender in it. */
export function isPythonNetflow(start: Uint8Array): boolean {
  return /^\{"\d{9,11}(\.\d+)?":\s*\{"client":\s*\[/.test(Buffer.from(start).toString('latin1'));
}

/** An empty account. */
export function createPythonNetflowStats(): PythonNetflowStats {
  return { faulty: 0, firstFault: undefined, unknownFields: new Set() };
}

/**
 * The datagrams that the collector of Python's `netflow` package has kept: a JSON object a line, `{"TIME": {"client": [ADDRESS, PORT], "header": {…}, "flows": [{…}]}}`. They are made anew
 * from what was parsed, so that everything that holds for datagrams (times by sysUptime, sampling, sequence numbers) holds for these.
 */
export async function* readPythonNetflow(
  source: AsyncIterable<Uint8Array>,
  registry: ElementRegistry,
  stats: PythonNetflowStats,
): AsyncGenerator<ImportedDatagram[], void, undefined> {
  const sources = new Map<string, DatagramSource>();
  const decoder = new TextDecoder();
  let rest = '';
  let number = 0;
  const read = (line: string): ImportedDatagram[] => {
    number++;
    if (line.trim() === '') return [];
    const found = line.length > LONGEST ? 'it is too long' : readLine(line, registry, stats.unknownFields);
    if (typeof found === 'string') {
      stats.faulty++;
      stats.firstFault ??= { number, what: found };
      return [];
    }
    const { port, address, payload, micros } = found;
    const key = `${formatAddress(...address)} ${port}`;
    let known = sources.get(key);
    if (known === undefined) sources.set(key, (known = { address, port }));
    return [{ payload, source: known, micros }];
  };
  for await (const chunk of source) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST + 1);
    yield lines.flatMap(read);
  }
  yield read(rest);
}

/** Reads a line; or says what is wrong with it. */
function readLine(line: string, registry: ElementRegistry, unknownFields: Set<string>) {
  const [[time, entry] = []] = Object.entries(parseExact(line) ?? {});
  if (time === undefined || !isRecord(entry)) return 'no JSON object of a time';
  const micros = Math.round(Number(time) * 1e6);
  const [sender, port] = listOf(entry['client']);
  const address = typeof sender === 'string' ? parseAddress(sender, { zone: 'strip' }) : undefined;
  if (!(micros > 0) || address === undefined || typeof port !== 'number')
    return 'no time, or no address and port of the sender';
  if (!isRecord(entry['header'])) return 'no header';
  const header = entry['header'] as Header;
  const flows = listOf(entry['flows']).filter(isRecord) as PythonRecord[];
  const version = header['version'];
  const payload =
    version === 1 || version === 5
      ? fixedDatagram(version, header, flows)
      : version === 9 || version === 10
        ? templatedDatagram(version, header, flows, registry, unknownFields)
        : undefined;
  if (payload === undefined) return `version ${String(version)} is none that the package knows`;
  return { port, address, payload, micros };
}

/** JSON in which whole numbers of 16 digits and more are texts: they may be addresses and counters that no double holds. */
function parseExact(text: string): Record<string, unknown> | undefined {
  const exact = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^\d{16,}$/.test(token) ? `"${token}"` : token,
  );
  try {
    const value: unknown = JSON.parse(exact);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
