import { connect, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { WeirError } from '../util/errors.ts';
import { type LiveAnswer, PROTOCOL, type RequestLine } from './protocol.ts';
import { findSocket, unreachable } from './socket-place.ts';

/** A connection to the collector that has a data folder. */
export class LiveClient {
  readonly #socket: Socket;
  readonly #lines: AsyncGenerator<readonly string[]>;
  #first: readonly string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = linesOf(socket);
  }

  /** Throws WEIR_LIVE when there is no collector, it refuses, or it is of another version. */
  static async open(data: string): Promise<LiveClient> {
    const path = findSocket(data);
    const socket = await new Promise<Socket>((resolve, reject) => {
      const attempt = connect(path);
      attempt.once('connect', () => resolve(attempt));
      attempt.once('error', (error) => reject(unreachable(data, error)));
    });
    socket.removeAllListeners('error').on('error', () => socket.destroy());
    const client = new LiveClient(socket);
    const { value: lines, done } = await client.#lines.next();
    if (done === true) throw unreachable(data, undefined);
    const [line = '', ...others] = lines;
    const first = parseAnswer(line);
    client.#first = others;
    if (first.type === 'hello' && first.protocol === PROTOCOL) return client;
    client.close();
    throw new WeirError('WEIR_LIVE', `the collector on ${data} is of another version of weir`, {
      hint: 'Restart it with the version that asks.',
    });
  }

  /** Asks; what was asked before is not answered any more. */
  ask(request: RequestLine): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  /** Answers as they come, several at a time, to the end of the connection; `parseAnswer` reads them. When the reader is slow, they wait at the collector. */
  async *lines(): AsyncGenerator<readonly string[]> {
    if (this.#first.length > 0) yield this.#first;
    yield* this.#lines;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Reads an answer; one that is an error is thrown. */
export function parseAnswer(line: string): LiveAnswer {
  let answer: LiveAnswer;
  try {
    answer = JSON.parse(line) as LiveAnswer;
  } catch {
    throw new WeirError('WEIR_LIVE', 'the collector answers what is no JSON');
  }
  // Codes of a newer collector are told as they are.
  if (answer.type === 'error')
    throw new WeirError(answer.code as WeirError['code'], answer.message, { hint: answer.hint });
  return answer;
}

/** A connection that breaks ends. */
async function* linesOf(socket: Socket): AsyncGenerator<readonly string[]> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const octets of socket as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.write(octets)).split('\n');
      rest = lines.pop() ?? '';
      if (lines.length > 0) yield lines.filter((line) => line !== '');
    }
  } catch {
    // As if it had ended.
  }
}
