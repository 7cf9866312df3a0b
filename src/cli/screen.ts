import { emitKeypressEvents } from 'node:readline';
import type { ReadStream } from 'node:tty';
import type { Key } from '../live/top-state.ts';
import type { Io } from './io.ts';

const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';
/** Home; to the end of the line; to the end of the screen. */
const [HOME, CLEAR_LINE, CLEAR_BELOW] = ['\u001B[H', '\u001B[K', '\u001B[J'];

/** Where the terminal does not tell its size, or tells that it has none. */
const USUAL = { width: 80, height: 24 };

/** The whole terminal, for a command that draws on it. `open` takes it, `close` gives it back as it was. */
export class Screen {
  readonly #io: Io;
  readonly #input: ReadStream;
  readonly #onKey: (key: Key) => void;
  readonly #onResize: () => void;
  #isOpen = false;

  /** Both streams of `io` must be terminals. */
  constructor(io: Io, listeners: { readonly key: (key: Key) => void; readonly resize: () => void }) {
    this.#io = io;
    this.#input = io.stdin as ReadStream;
    this.#onKey = listeners.key;
    this.#onResize = listeners.resize;
  }

  get width(): number {
    return this.#io.stdout.columns || USUAL.width;
  }

  get height(): number {
    return this.#io.stdout.rows || USUAL.height;
  }

  /** May be called when it is open. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    emitKeypressEvents(this.#input);
    this.#input.setRawMode(true);
    this.#input.on('keypress', this.#keypress).resume();
    this.#io.stdout.on('resize', this.#onResize);
    this.#io.stdout.write(ENTER);
  }

  /** Draws lines, which must fit, over what was there; the one numbered `emphasis` in reverse. */
  draw(lines: readonly string[], emphasis: number): void {
    if (!this.#isOpen) return;
    const texts = lines.map((line, index) => `${index === emphasis ? `\u001B[7m${line}\u001B[0m` : line}${CLEAR_LINE}`);
    this.#io.stdout.write(`${HOME}${texts.join('\r\n')}${CLEAR_BELOW}`);
  }

  /** May be called at any time. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#io.stdout.off('resize', this.#onResize);
    this.#io.stdout.write(LEAVE);
    this.#input.off('keypress', this.#keypress).pause();
    this.#input.setRawMode(false);
  }

  readonly #keypress = (text: string | undefined, key: { name?: string; ctrl?: boolean } | undefined): void => {
    this.#onKey({ text, name: key?.name, ctrl: key?.ctrl === true });
  };
}
