import { join } from 'node:path';
import type { TemplateEvent } from '../wire/template.ts';
import type { Domain } from './domain.ts';
import type { MessageDecoder } from './message-decoder.ts';
import { loadState, saveState } from './saved-state.ts';
import { StateFile } from './state-file.ts';

/**
 * Where templates are kept beyond the memory of the decoder, which asks there for what it does not know: a file for the next start
 * (`FileTemplates`), a server that several collectors share (`SharedTemplates`), or both (`TemplateLayers`). None of it may hold up or fail a collector:
 * without it templates come from the exporters, later.
 */
export interface TemplateStore {
  /** Gives the decoder what is there. Returns how many templates. */
  start(decoder: MessageDecoder): Promise<number>;
  /** An exporter sent a template from `port`, known or new, or withdrew one. */
  heard(domain: Domain, event: TemplateEvent, port: number): void;
  /** Templates or sampling rates have changed. */
  changed(): void;
  /** Data came whose template the decoder does not know. */
  missing(domain: Domain, templateId: number): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

/** Templates and sampling rates in a file of the data folder, so that a restart does not wait for them. */
export class FileTemplates implements TemplateStore {
  readonly #file: StateFile;
  #decoder: MessageDecoder | undefined;

  /** `now` is ms since the epoch; `onError` hears of a file that cannot be read or written. */
  constructor(dir: string, now: () => number, onError: (error: unknown) => void) {
    const produce = (): unknown => (this.#decoder === undefined ? undefined : saveState(this.#decoder, now()));
    this.#file = new StateFile(join(dir, 'state', 'templates.json'), produce, onError);
  }

  async start(decoder: MessageDecoder): Promise<number> {
    const count = loadState(decoder, await this.#file.load());
    this.#decoder = decoder;
    return count;
  }

  heard(): void {}

  changed(): void {
    if (this.#decoder !== undefined) this.#file.changed();
  }

  missing(): void {}

  async close(): Promise<void> {
    if (this.#decoder !== undefined) await this.#file.close();
  }
}

/** Several stores as one, asked in order. */
export class TemplateLayers implements TemplateStore {
  readonly #layers: readonly TemplateStore[];

  constructor(layers: readonly TemplateStore[]) {
    this.#layers = layers;
  }

  async start(decoder: MessageDecoder): Promise<number> {
    let count = 0;
    for (const layer of this.#layers) count += await layer.start(decoder);
    return count;
  }

  heard(domain: Domain, event: TemplateEvent, port: number): void {
    for (const layer of this.#layers) layer.heard(domain, event, port);
  }

  changed(): void {
    for (const layer of this.#layers) layer.changed();
  }

  missing(domain: Domain, templateId: number): void {
    for (const layer of this.#layers) layer.missing(domain, templateId);
  }

  async close(): Promise<void> {
    for (const layer of this.#layers) await layer.close();
  }
}
