import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCaptureReader } from '#weir/wire/pcap/capture-reader.js';
import { type CaptureStats, createCaptureStats, type PacketHandler } from '#weir/wire/pcap/packet.js';

/**
 * Folders of the corpus whose captures are metered: all that have packets, but for `cases` and `reference-decodes`, whose captures hold the datagrams of other
 * folders once more.
 */
const FOLDERS = ['akvorado', 'graylog-plugin-netflow', 'ndpi', 'pmacct', 'scapy', 'tcpdump', 'zeek'];

/** A packet trace of the corpus. */
export interface Trace {
  /** Path inside the corpus. */
  readonly name: string;
  readonly path: string;
}

/** Every packet trace of these folders, in order of name. */
export function listTraces(corpus: string, folders: readonly string[] = FOLDERS): Trace[] {
  return folders
    .flatMap((folder) => readdirSync(join(corpus, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.(pcap|pcapng|cap)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ name: path.slice(corpus.length + 1), path }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Hands the packets of a trace on. Returns what reading it met. */
export function readTrace({ path }: Trace, handler: PacketHandler): CaptureStats {
  const stats = createCaptureStats();
  const reader = createCaptureReader(handler, stats);
  if (reader.push(readFileSync(path))) reader.end();
  return stats;
}
