import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../util/errors.ts';

/** JSON state in a file that is replaced as a whole: a reader, or a restart after kill -9, finds the old state or the new one. */
export class StateFile {
  readonly #path: string;
  readonly #minimumMillis: number;
  readonly #produce: () => unknown;
  readonly #onError: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();

  /** `produce` gives the state when it is to be saved, at most every `minimumMillis`. */
  constructor(path: string, produce: () => unknown, onError: (error: unknown) => void, minimumMillis = 1000) {
    this.#path = path;
    this.#produce = produce;
    this.#onError = onError;
    this.#minimumMillis = minimumMillis;
  }

  /** What was saved, or undefined when there is nothing or it cannot be read (which `onError` is told). */
  async load(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8')) as unknown;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#onError(error);
      return undefined;
    }
  }

  /** The state has changed; it will be saved soon. */
  changed(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#save();
    }, this.#minimumMillis);
  }

  /** Saves now and waits for it. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#save();
  }

  #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      const temporary = `${this.#path}.tmp`;
      try {
        await mkdir(dirname(this.#path), { recursive: true });
        const file = await open(temporary, 'w');
        try {
          await file.writeFile(JSON.stringify(this.#produce()));
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, this.#path);
      } catch (error) {
        await rm(temporary, { force: true }).catch(() => undefined);
        this.#onError(error);
      }
    });
    return this.#saving;
  }
}
