import { Document, isMap, isScalar } from 'yaml';
import type { Bounds } from '../store/retention.ts';
import { formatAddress } from '../util/address.ts';
import { formatPrefix } from '../util/prefix.ts';
import type { CollectConfig } from './collect-config.ts';
import { SETTINGS } from './settings.ts';
import { formatDuration, formatSize } from './units.ts';

/**
 * The configuration as YAML, complete, with a comment on each setting that says where it comes from. It is a configuration file itself: read again,
 * it gives the same configuration.
 */
export function explain(config: CollectConfig): string {
  const document = new Document(plain(config));
  document.commentBefore = ' The configuration that is in force, and where each setting comes from.';
  const missing: string[] = [];
  for (const [path, origin] of Object.entries(config.from.settings)) {
    const keys = path.split('.');
    const mapping = document.getIn(keys.slice(0, -1), true);
    const pair = isMap(mapping)
      ? mapping.items.find(({ key }) => isScalar(key) && key.value === keys.at(-1))
      : undefined;
    // A list is told about above its key, all else beside the value.
    if (pair === undefined) missing.push(path);
    else if (isScalar(pair.value)) pair.value.comment = ` ${origin}`;
    else if (isScalar(pair.key)) pair.key.commentBefore = ` ${origin}`;
  }
  document.comment = missing
    .map((path) => ` ${path}: not set. ${SETTINGS.find((one) => one.path === path)?.about ?? ''}`.trimEnd())
    .join('\n');
  return document.toString({ lineWidth: 0 });
}

/** In the form of the file; what is not set is left out. */
function plain(config: CollectConfig): Record<string, unknown> {
  const { allow, identity, sampling, sessions, store, live, tls } = config;
  const some = <T>(list: readonly T[]) => (list.length === 0 ? undefined : list);
  return {
    listen: config.listen.map(({ text }) => text),
    data: config.data,
    receive_buffer: formatSize(config.receiveBufferBytes),
    allow: some(allow.entries.map(({ text }) => text)),
    allow_file: allow.file,
    tls: {
      cert: tls.cert,
      key: tls.key,
      ca: tls.ca,
      client_certificates: tls.clientCertificates,
      minimum_version: tls.minimumVersion,
    },
    sessions: {
      connections: sessions.connections,
      per_address: sessions.connectionsPerAddress,
      idle: formatDuration(sessions.idle),
      handshake: formatDuration(sessions.handshake),
      message: formatDuration(sessions.message),
      buffer: formatSize(sessions.bufferBytes),
    },
    templates: { persist: config.templates.persist, shared: withoutPassword(config.templates.shared) },
    identity: {
      sflow_agent: identity.sflowAgent,
      exporter_elements: identity.exporterElements,
      exporters: some(
        identity.exporters.map(({ network, domain, exporter, name }) => ({
          network: formatPrefix(network),
          domain,
          exporter: exporter === undefined ? undefined : formatAddress(...exporter),
          name,
        })),
      ),
    },
    sampling: group({
      default: sampling.default || undefined,
      exporters: some(
        sampling.exporters.map((one) => ({
          network: formatPrefix(one.network),
          default: one.default || undefined,
          override: one.override || undefined,
        })),
      ),
    }),
    store: {
      rotate: formatDuration(store.rotateMs),
      segment: formatDuration(store.segmentMs),
      queue: formatSize(store.queueBytes),
      rollups: store.rollups.length > 1 ? 'all' : (store.rollups[0] ?? 'off'),
      retention: group({
        ...bounds(store.retention),
        minute: group(bounds(store.retention.minute)),
        hour: group(bounds(store.retention.hour)),
      }),
    },
    live: {
      enabled: live.enabled,
      subscribers: live.subscribers,
      rate: live.flowsPerSecond,
      queue: formatSize(live.queueBytes),
    },
    elements: some(config.elements),
    lists: group(config.lists),
    networks: group(
      Object.fromEntries(Object.entries(config.networks).map(([name, list]) => [name, list.map(formatPrefix)])),
    ),
    log: { level: config.log.level, format: config.log.format },
    status_interval: formatDuration(config.statusIntervalMs),
  };
}

function bounds({ maxAgeMs, maxBytes }: Bounds = {}): Record<string, string | undefined> {
  return {
    age: maxAgeMs === undefined ? undefined : formatDuration(maxAgeMs),
    size: maxBytes === undefined ? undefined : formatSize(maxBytes),
  };
}

function group(members: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.values(members).every((value) => value === undefined) ? undefined : members;
}

/** A URL as it may be shown. */
function withoutPassword(url: string | undefined): string | undefined {
  return url?.replace(/^(\w+:\/\/[^:@/]*):[^@/]*@/, '$1:***@');
}
