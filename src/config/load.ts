import { dirname, resolve } from 'node:path';
import { ROLLUP_TIERS, type RollupTier } from '../store/rollup-cubes.ts';
import { WeirError } from '../util/errors.ts';
import type { CollectConfig, ExporterSampling, ROLLUP_CHOICES } from './collect-config.ts';
import { problemsOf } from './problem.ts';
import { FILE_SCHEMA, type Settings } from './schema.ts';
import { NAT_SETTINGS, SETTINGS } from './settings.ts';
import { requireTls } from './tls.ts';
import { type ConfigFile, readConfigFile } from './yaml-file.ts';

/** Settings that flags give, by path (`store.rotate`), in the form they have in the file. */
export type FlagSettings = Readonly<Record<string, unknown>>;

export interface LoadOptions {
  /** Configuration file; none: flags and defaults alone. */
  readonly file?: string | undefined;
  readonly flags?: FlagSettings | undefined;
  /** Folder against which the file's path, paths in flags and the default data folder are taken; default the working directory. */
  readonly cwd?: string | undefined;
}

/**
 * The configuration of a collector: for each setting what its flag says, else what the file says, else the default. A list given by flags replaces
 * the file's, apart from `sampling.exporters`, to which flags add. Paths in the file count from the file's folder.
 *
 * @throws WeirError WEIR_CONFIG for the file, WEIR_USAGE for a flag
 */
export function loadConfig({ file, flags = {}, cwd = process.cwd() }: LoadOptions = {}): CollectConfig {
  const read = file === undefined ? undefined : readConfigFile(resolve(cwd, file), file);
  const inFile = read?.settings ?? {};
  const inFlags = checkFlags(flags);
  const defaults = defaultSettings();
  const folder = file === undefined ? cwd : dirname(resolve(cwd, file));

  const pick = <T>(of: (settings: Settings) => T | undefined): T | undefined =>
    of(inFlags) ?? of(inFile) ?? of(defaults);
  const always = <T>(of: (settings: Settings) => T | undefined): T => pick(of) as T;
  const paths = <T>(of: (settings: Settings) => T | undefined, make: (base: string, value: T) => T): T | undefined => {
    const flag = of(inFlags);
    if (flag !== undefined) return make(cwd, flag);
    const filed = of(inFile);
    if (filed !== undefined) return make(folder, filed);
    const fallback = of(defaults);
    return fallback === undefined ? undefined : make(cwd, fallback);
  };
  const absolute = (base: string, path: string) => resolve(base, path);

  const config: CollectConfig = {
    listen: always((s) => s.listen),
    data: paths((s) => s.data, absolute) as string,
    receiveBufferBytes: always((s) => s.receive_buffer),
    allow: {
      entries: (pick((s) => s.allow) ?? []).map((text, index) => ({
        text,
        line: inFlags.allow === undefined ? (read?.position(['allow', index]).line ?? 0) : 0,
      })),
      file: paths((s) => s.allow_file, absolute),
    },
    tls: {
      cert: paths((s) => s.tls?.cert, absolute),
      key: paths((s) => s.tls?.key, absolute),
      ca: paths((s) => s.tls?.ca, absolute),
      clientCertificates: always((s) => s.tls?.client_certificates),
      minimumVersion: always((s) => s.tls?.minimum_version),
    },
    sessions: {
      connections: always((s) => s.sessions?.connections),
      connectionsPerAddress: always((s) => s.sessions?.per_address),
      idle: always((s) => s.sessions?.idle),
      handshake: always((s) => s.sessions?.handshake),
      message: always((s) => s.sessions?.message),
      bufferBytes: always((s) => s.sessions?.buffer),
    },
    templates: { persist: always((s) => s.templates?.persist), shared: pick((s) => s.templates?.shared) },
    identity: {
      sflowAgent: always((s) => s.identity?.sflow_agent),
      exporterElements: always((s) => s.identity?.exporter_elements),
      exporters: (pick((s) => s.identity?.exporters) ?? []).map(({ network, domain, exporter, name }) => ({
        network,
        domain,
        exporter,
        name,
      })),
    },
    sampling: {
      default: pick((s) => s.sampling?.default) ?? 0,
      exporters: [...exporters(inFile), ...exporters(inFlags)],
    },
    store: {
      rotateMs: always((s) => s.store?.rotate),
      segmentMs: always((s) => s.store?.segment),
      queueBytes: always((s) => s.store?.queue),
      rollups: rollupTiers(always((s) => s.store?.rollups)),
      retention: {
        maxAgeMs: pick((s) => s.store?.retention?.age),
        maxBytes: pick((s) => s.store?.retention?.size),
        minute: {
          maxAgeMs: pick((s) => s.store?.retention?.minute?.age),
          maxBytes: pick((s) => s.store?.retention?.minute?.size),
        },
        hour: {
          maxAgeMs: pick((s) => s.store?.retention?.hour?.age),
          maxBytes: pick((s) => s.store?.retention?.hour?.size),
        },
      },
    },
    live: {
      enabled: always((s) => s.live?.enabled),
      subscribers: always((s) => s.live?.subscribers),
      queueBytes: always((s) => s.live?.queue),
      flowsPerSecond: always((s) => s.live?.rate),
    },
    elements:
      paths(
        (s) => s.elements,
        (base, files) => files.map((one) => resolve(base, one)),
      ) ?? [],
    lists: pick((s) => s.lists) ?? {},
    networks: pick((s) => s.networks) ?? {},
    log: { level: always((s) => s.log?.level), format: always((s) => s.log?.format) },
    statusIntervalMs: always((s) => s.status_interval),
    from: { file, settings: origins(file, read, inFlags) },
  };
  requireTls(config);
  return config;
}

/** The tiers that a choice stands for. */
function rollupTiers(choice: (typeof ROLLUP_CHOICES)[number]): readonly RollupTier[] {
  return choice === 'all' ? ROLLUP_TIERS : ROLLUP_TIERS.filter((tier) => tier === choice);
}

function exporters(settings: Settings): ExporterSampling[] {
  return (settings.sampling?.exporters ?? []).map(({ network, default: fallback = 0, override = 0 }) => ({
    network,
    default: fallback,
    override,
  }));
}

/** What holds where nothing is said. */
export function defaultSettings(): Settings {
  return FILE_SCHEMA.parse(
    tree(SETTINGS.filter((one) => one.default !== undefined).map((one) => [one.path, one.default])),
  );
}

/** Settings that flags give, checked and read. Throws WEIR_USAGE. */
export function checkFlags(flags: FlagSettings): Settings {
  const raw = tree(Object.entries(flags).filter(([, value]) => value !== undefined));
  const result = FILE_SCHEMA.safeParse(raw);
  if (result.success) return result.data;
  const [problem] = problemsOf(result.error.issues, raw);
  const path = problem?.path ?? [];
  throw new WeirError('WEIR_USAGE', `${flagOf(path, raw)}: ${problem?.text}`, {
    hint: problem?.hint,
    details: {
      path: path.join('.'),
      found: problem?.found,
      expected: problem?.expected,
      suggestion: problem?.suggestion,
    },
  });
}

/** The flag that gives the setting at a path. */
function flagOf(path: readonly PropertyKey[], raw: object): string {
  const text = path.filter((key) => typeof key !== 'number').join('.');
  if (text.startsWith('sampling.exporters')) {
    const entry = (raw as { sampling: { exporters: { override?: unknown }[] } }).sampling.exporters[Number(path[2])];
    return entry?.override === undefined ? '--sampling-default' : '--sampling-override';
  }
  return SETTINGS.find((one) => one.path === text)?.flag ?? text;
}

/** `[['store.rotate', '5m']]` as `{ store: { rotate: '5m' } }`. */
function tree(entries: Iterable<readonly [path: string, value: unknown]>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, value] of entries) {
    const keys = path.split('.');
    const last = keys.pop() as string;
    let node = root;
    for (const key of keys) node = (node[key] ??= {}) as Record<string, unknown>;
    node[last] = value;
  }
  return root;
}

function valueAt(settings: Settings, path: string): unknown {
  return path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], settings);
}

function origins(file: string | undefined, read: ConfigFile | undefined, flags: Settings): Record<string, string> {
  const found: Record<string, string> = {};
  const own = SETTINGS.filter(({ path }) => !path.startsWith(NAT_SETTINGS));
  const paths = new Set(own.map(({ path }) => path.replace(/\[\].*/, '')));
  for (const path of paths) {
    const flag = SETTINGS.find((one) => one.path === path)?.flag ?? '--sampling-default, --sampling-override';
    const filed = read !== undefined && valueAt(read.settings, path) !== undefined;
    const here = filed ? `${file}:${read.position(path.split('.'), true).line}` : undefined;
    if (valueAt(flags, path) === undefined) found[path] = here ?? 'default';
    else found[path] = path === 'sampling.exporters' && here !== undefined ? `${here}, ${flag}` : flag;
  }
  return found;
}
