import { createHash, type Hash } from 'node:crypto';
import { type DatagramImport, type ImportedDatagram, importDatagrams } from '../app/import-datagrams.ts';
import { importRecords, type RecordImport } from '../app/import-records.ts';
import { nfdumpForm, readNfdumpCsv, readNfdumpJson } from '../app/nfdump-text.ts';
import { createPythonNetflowStats, isPythonNetflow, readPythonNetflow } from '../app/python-netflow.ts';
import { loadElements } from '../config/elements.ts';
import { grouped } from '../query/output/humanize.ts';
import type { ImportTarget } from '../store/import.ts';
import type { Address } from '../util/address.ts';
import { WeirError } from '../util/errors.ts';
import type { CommandModule } from './command.ts';
import { createSources, readExporter } from './datagram-sources.ts';
import { type Content, datagramsOf, openContent } from './datagrams.ts';
import { type Io, write } from './io.ts';
import { counted, createProgress } from './sending.ts';
import { addStoreFlags, type StoreFlags } from './store-output.ts';
import { addZone, type ZoneFlags, zoneOf } from './zone.ts';

const EXAMPLES = `
FILE is a pcap or pcapng capture of export datagrams, an IPFIX file (RFC 5655), what nfdump -o csv or -o json printed (of 1.6 and 1.7), or a file
of Python netflow's collector (TIME.gz), plain or gzipped; - is standard input. Times stay as they are: datagrams count as received when they were captured, nfdump's records when nfcapd received them.
Works while a collector writes to the folder. All files are imported, or, when something fails, nothing is. A file that was imported
before is refused, so that an import of which it is not known whether it came to its end can be run again. What is older than the collector's retention keeps is given up again at the end of its next slot.

Examples:
  weir store import export.pcap other.pcap.gz
  nfdump -R /var/cache/nfdump -o csv | weir store import --data ./weir-data --utc -
  weir store import flows.ipfix --exporter 192.0.2.1
`;

interface Flags extends StoreFlags, ZoneFlags {
  readonly exporter?: string;
  readonly elements: readonly string[];
  readonly again?: boolean;
}

/** What came of a file. */
type Imported = { readonly file: string } & (
  | DatagramImport
  | RecordImport
  | (DatagramImport & Pick<RecordImport, 'faulty' | 'firstFault'>)
) & { readonly notes: readonly string[] };

/** Adds the flags of `weir store import` and its action. */
export const build: CommandModule['build'] = (command, io) => {
  addZone(addStoreFlags(command), 'zone of nfdump’s times')
    .argument('<file...>', 'captures, IPFIX files, nfdump’s CSV or JSON, Python netflow’s files, or -')
    .option('--exporter <address>', 'exporter of IPFIX files, and of nfdump’s records that name none')
    .option('--elements <file>', 'a file with information elements of your own (repeatable)', more, [])
    .option('--again', 'also what was imported before: its flows are there twice then')
    .addHelpText('after', EXAMPLES)
    .action((files: string[], flags: Flags) => importFiles(files, flags, io));
};

async function importFiles(files: readonly string[], flags: Flags, io: Io): Promise<void> {
  const { importInto } = await import('../store/import.ts');
  const exporter = readExporter(flags.exporter);
  const progress = createProgress(io);
  let isStopped = false;
  const stopListening = io.onSignal((kind) => {
    isStopped ||= kind === 'stop';
  });
  // All are opened before anything is written: a name that was misspelt costs nothing.
  const contents: Content[] = [];
  for (const file of files) contents.push(await openContent(file, io.stdin));
  const fill = async (target: ImportTarget): Promise<Imported[]> => {
    const watched: ImportTarget = {
      ...target,
      ready: () => {
        if (isStopped) throw new WeirError('WEIR_INPUT', 'stopped: nothing was imported', { hint: 'Run it again.' });
        progress.show(() => `${grouped(target.store.stats().rowsAppended)} flows read`);
        return target.ready();
      },
    };
    const done: Imported[] = [];
    for (const content of contents) {
      const hash = createHash('sha256');
      done.push(await importOne(watched, { ...content, all: hashed(content.all, hash) }, exporter, flags));
      target.read({ name: content.name, sha256: hash.digest('hex') });
    }
    return done;
  };
  const results = await importInto(flags.data, io.now, fill, { again: flags.again }).finally(() => {
    progress.clear();
    stopListening();
  });
  if (flags.format === 'json') await write(io.stdout, `${JSON.stringify({ files: results })}\n`);
  else for (const result of results) await tell(result, io);
}

async function* hashed(chunks: Content['all'], hash: Hash): Content['all'] {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

async function importOne(
  target: ImportTarget,
  content: Content,
  exporter: Address | undefined,
  flags: Flags,
): Promise<Imported> {
  const { name: file, all, start } = content;
  const form = nfdumpForm(start);
  if (form !== undefined) {
    const records = form === 'csv' ? readNfdumpCsv(all) : readNfdumpJson(all);
    const result = await importRecords(target, records, { zone: zoneOf(flags), exporter });
    return { file, ...result, notes: damageOf(content) };
  }
  if (isPythonNetflow(start)) {
    const registry = loadElements(flags.elements);
    const stats = createPythonNetflowStats();
    const result = await importDatagrams(target, registry, readPythonNetflow(all, registry, stats));
    const { faulty, firstFault, unknownFields } = stats;
    const notes =
      unknownFields.size === 0 ? [] : [`fields of no known element were left out: ${[...unknownFields].join(', ')}`];
    return { file, ...result, faulty, firstFault, notes: [...notes, ...damageOf(content)] };
  }
  const source = datagramsOf(content);
  if (source.format === 'hex') {
    throw new WeirError('WEIR_INPUT', `${file} is hex text, which tells no times`, {
      hint: 'A capture does: tcpdump -w FILE.pcap udp port 2055',
    });
  }
  const sourceOf = createSources(source.format === 'pcap' || source.format === 'pcapng' ? undefined : exporter);
  async function* datagrams(): AsyncGenerator<ImportedDatagram[], void, undefined> {
    for await (const batch of source.batches)
      yield batch.map((one) => ({ payload: one.payload, source: sourceOf(one), micros: one.time }));
  }
  const result = await importDatagrams(target, loadElements(flags.elements), datagrams());
  return { file, ...result, notes: source.notes() };
}

function damageOf({ capture }: Content): string[] {
  return capture.damage === undefined ? [] : [capture.damage];
}

async function tell(result: Imported, io: Io): Promise<void> {
  const { file, records, notes } = result;
  const from = 'datagrams' in result ? ` from ${counted(result.datagrams, 'datagram')}` : '';
  await write(io.stdout, `${file}: ${counted(records, 'flow')}${from}\n`);
  if ('datagrams' in result) {
    const faults = Object.entries(result.faults).map(([cause, count]) => `${cause} ${grouped(count)}`);
    if (faults.length > 0) io.stderr.write(`  could not be decoded: ${faults.join(', ')}\n`);
  }
  if ('firstFault' in result && result.firstFault !== undefined) {
    const { number, what } = result.firstFault;
    io.stderr.write(
      `  ${counted(result.faulty, 'record')} could not be read, the first of them number ${number}: ${what}\n`,
    );
  }
  for (const note of notes) io.stderr.write(`  ${note}\n`);
}

function more(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}
