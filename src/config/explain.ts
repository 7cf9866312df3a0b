import { Document, isMap, isScalar, isSeq, type Node, YAMLMap } from 'yaml';
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
    const node = document.getIn(keys, true) as Node | undefined;
    if (node === undefined) {
      missing.push(path);
      continue;
    }
    // A list is told about above it, all else beside it.
    if (isScalar(node)) node.comment = ` ${origin}`;
    else if (isSeq(node)) node.commentBefore = ` ${origin}`;
    const parent = document.getIn(keys.slice(0, -1), true);
    if (isSeq(node) && isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && key.value === keys.at(-1));
      if (pair !== undefined && isScalar(pair.key)) {
        pair.key.commentBefore = ` ${origin}`;
        node.commentBefore = null;
      }
    }
  }
  document.comment = missing
    .map((path) => ` ${path}: not set. ${SETTINGS.find((one) => one.path === path)?.about ?? ''}`.trimEnd())
    .join('\n');
  if (!(document.contents instanceof YAMLMap)) throw new Error('a configuration is a mapping');
  return document.toString({ lineWidth: 0 });
}

/** In the form of the file; what is not set is left out. */
function plain(config: CollectConfig): Record<string, unknown> {
  const { allow, sampling, store } = config;
  const { maxAgeMs, maxBytes } = store.retention;
  const some = <T>(list: readonly T[]) => (list.length === 0 ? undefined : list);
  return {
    listen: config.listen.map(({ text }) => text),
    data: config.data,
    receive_buffer: formatSize(config.receiveBufferBytes),
    allow: some(allow.entries.map(({ text }) => text)),
    allow_file: allow.file,
    templates: { persist: config.templates.persist },
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
      retention: group({
        age: maxAgeMs === undefined ? undefined : formatDuration(maxAgeMs),
        size: maxBytes === undefined ? undefined : formatSize(maxBytes),
      }),
    },
    elements: some(config.elements),
    log: { level: config.log.level, format: config.log.format },
    status_interval: formatDuration(config.statusIntervalMs),
  };
}

function group(members: Record<string, unknown>): Record<string, unknown> | undefined {
  return Object.values(members).every((value) => value === undefined) ? undefined : members;
}
