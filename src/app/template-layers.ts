import { FileTemplates, TemplateLayers, type TemplateStore } from '../session/template-store.ts';
import { type SharedTemplateCounters, SharedTemplates } from '../session/template-store-shared.ts';
import type { StoreLog } from '../store/flow-store.ts';
import { messageOf } from '../util/errors.ts';

export interface TemplateLayersOptions {
  /** The data folder. */
  readonly data: string;
  /** Keep templates in the data folder. */
  readonly persist: boolean;
  /** URL of a Redis server that collectors share templates over. */
  readonly shared: string | undefined;
  readonly now: () => number;
  readonly log: StoreLog;
}

/** The stores of templates that a configuration asks for: the decoder's memory ← a file ← a server. */
export function createTemplateLayers({ data, persist, shared, now, log }: TemplateLayersOptions): {
  readonly store: TemplateStore;
  /** Of the shared store, where there is one. */
  readonly counters: SharedTemplateCounters | undefined;
} {
  const layers: TemplateStore[] = [];
  if (persist) {
    const failed = (error: unknown) => log.warn({ error: messageOf(error) }, 'templates could not be saved or loaded');
    layers.push(new FileTemplates(data, now, failed));
  }
  let counters: SharedTemplateCounters | undefined;
  if (shared !== undefined) {
    const failed = (error: unknown) =>
      log.warn({ error: messageOf(error) }, 'the shared templates cannot be had; this collector goes on with its own');
    const store = new SharedTemplates({ url: shared, now, onError: failed });
    counters = store.counters;
    layers.push(store);
  }
  return { store: new TemplateLayers(layers), counters };
}
