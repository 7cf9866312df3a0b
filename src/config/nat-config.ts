import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { RecordForm } from '../nat/record-layouts.ts';
import type { ConnectionSelection } from '../nat/translation.ts';
import type { Retention } from '../store/retention.ts';
import { type Address, parseAddress } from '../util/address.ts';
import { messageOf, WeirError } from '../util/errors.ts';
import { checkFlags, defaultSettings, type FlagSettings } from './load.ts';
import type { NatSyslogSetting, NatTargetSetting } from './nat-values.ts';
import { convertNfflowd, isNfflowdConfig } from './nfflowd-conf.ts';
import type { Settings } from './schema.ts';
import { parseConfig } from './yaml-file.ts';

/** The configuration of `weir nat`, complete and checked: times in ms, paths absolute. */
export interface NatConfig {
  readonly to: readonly NatTargetSetting[];
  readonly source: Address | undefined;
  readonly records: readonly RecordForm[] | undefined;
  readonly data: string | undefined;
  /** Of the data folder. */
  readonly retention: Retention;
  readonly exporter: Address;
  readonly domain: number;
  readonly selection: ConnectionSelection;
  readonly activeMs: number;
  readonly ttlMs: number;
  readonly listingMs: number;
  readonly bufferBytes: number;
  readonly maxConnections: number;
  readonly conntrack: readonly string[];
  readonly syslog: readonly NatSyslogSetting[];
  /** Paths, or `-`. */
  readonly csv: readonly string[];
  readonly hasIpv6Lines: boolean;
  readonly tls: { readonly cert?: Buffer; readonly key?: Buffer; readonly ca?: Buffer };
  /** Sentences about what of an nfflowd.conf is not carried over, or differs. */
  readonly notes: readonly string[];
}

type NatSettings = NonNullable<Settings['nat']>;

const LOCALHOST = parseAddress('127.0.0.1') as Address;

/**
 * The configuration of `weir nat`: for each setting what its flag says, else what the file says, else the default. The file is ours, with a `nat:` section, or
 * an nfflowd.conf. Lists of flags replace the file's. Paths in the file count from the file's folder.
 *
 * @throws WeirError WEIR_CONFIG for the file, WEIR_USAGE for a flag
 */
export function loadNatConfig(file: string | undefined, flags: FlagSettings, cwd = process.cwd()): NatConfig {
  const { settings: inFile, notes } = file === undefined ? { settings: {}, notes: [] } : readNatFile(file, cwd);
  const inFlags: NatSettings = checkFlags(flags).nat ?? {};
  const defaults: NatSettings = defaultSettings().nat ?? {};
  const folder = file === undefined ? cwd : dirname(resolve(cwd, file));

  const pick = <T>(of: (settings: NatSettings) => T | undefined): T | undefined =>
    of(inFlags) ?? of(inFile) ?? of(defaults);
  const always = <T>(of: (settings: NatSettings) => T | undefined): T => pick(of) as T;
  const path = (of: (settings: NatSettings) => string | undefined): string | undefined => {
    const [flag, filed] = [of(inFlags), of(inFile)];
    if (flag !== undefined) return resolve(cwd, flag);
    return filed === undefined ? undefined : resolve(folder, filed);
  };
  const pem = (key: 'cert' | 'key' | 'ca'): Partial<Record<typeof key, Buffer>> => {
    const found = path((s) => s.tls?.[key]);
    return found === undefined ? {} : { [key]: readPem(found) };
  };
  const source = pick((s) => s.source);
  return {
    to: pick((s) => s.to) ?? [],
    source,
    records: pick((s) => s.records),
    data: path((s) => s.data),
    retention: retentionOf(
      pick((s) => s.retention?.age),
      pick((s) => s.retention?.size),
    ),
    exporter: pick((s) => s.exporter) ?? source ?? LOCALHOST,
    domain: always((s) => s.domain),
    selection: { translation: always((s) => s.select), zones: pick((s) => s.zones), mark: pick((s) => s.mark) },
    activeMs: always((s) => s.active),
    ttlMs: always((s) => s.ttl),
    listingMs: always((s) => s.listing),
    bufferBytes: always((s) => s.buffer),
    maxConnections: always((s) => s.connections),
    conntrack: always((s) => s.conntrack),
    syslog: pick((s) => s.syslog) ?? [],
    csv: inFlags.csv?.map((one) => absolute(cwd, one)) ?? inFile.csv?.map((one) => absolute(folder, one)) ?? [],
    hasIpv6Lines: always((s) => s.csv_ipv6),
    tls: { ...pem('cert'), ...pem('key'), ...pem('ca') },
    notes,
  };
}

/** The `nat:` section of a configuration file, or what an nfflowd.conf means. Throws WEIR_CONFIG. */
function readNatFile(file: string, cwd: string): { settings: NatSettings; notes: readonly string[] } {
  const text = readText(resolve(cwd, file), file);
  if (!isNfflowdConfig(text)) return { settings: parseConfig(text, file).settings.nat ?? {}, notes: [] };
  const { yaml, notes } = convertNfflowd(text, file);
  return { settings: parseConfig(yaml, file).settings.nat ?? {}, notes };
}

/** An nfflowd.conf as our configuration file. Throws WEIR_CONFIG. */
export function convertFile(file: string): { readonly yaml: string; readonly notes: readonly string[] } {
  const text = readText(resolve(file), file);
  if (isNfflowdConfig(text)) return convertNfflowd(text, file);
  throw new WeirError('WEIR_CONFIG', `${file} is no configuration of nfflowd.`, {
    hint: 'It has sections such as <flow_send>, as Config::General writes them, or the same keys as YAML or JSON.',
    details: { file },
  });
}

/** Sums outlive flows in a collector's store. Here what is to be gone is gone. */
function retentionOf(maxAgeMs: number | undefined, maxBytes: number | undefined): Retention {
  return { maxAgeMs, maxBytes, minute: { maxAgeMs }, hour: { maxAgeMs } };
}

function absolute(folder: string, path: string): string {
  return path === '-' ? path : resolve(folder, path);
}

function readText(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/^\uFEFF/, '');
  } catch (error) {
    throw new WeirError('WEIR_CONFIG', `Cannot read ${name}: ${messageOf(error)}.`, {
      hint: 'Give a YAML file with a nat: section, or an nfflowd.conf, with -c FILE.',
      details: { file: name },
      cause: error,
    });
  }
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new WeirError('WEIR_CONFIG', `Cannot read ${path}: ${messageOf(error)}.`, {
      hint: 'Give the path of a PEM file that this user may read.',
      cause: error,
    });
  }
}
