import { connect, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { WeirError } from '../util/errors.ts';
import { type LiveAnswer, PROTOCOL, type RequestLine } from './protocol.ts';
import { findSocket, unreachable } from './socket-place.ts';

/** A connection to the collector that has a data folder. */
export class LiveClient {
  readonly #socket: Socket;
  readonly #answers: AsyncGenerator<LiveAnswer>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#answers = answersOf(socket);
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
    const { value: first, done } = await client.#answers.next();
    if (done === true) throw unreachable(data, undefined);
    if (first.type === 'hello' && first.protocol === PROTOCOL) return client;
    client.close();
    if (first.type === 'error') throw errorOf(first);
    throw new WeirError('WEIR_LIVE', `the collector on ${data} is of another version of weir`, {
      hint: 'Restart it with the version that asks.',
    });
  }

  /** Asks; what was asked before is not answered any more. */
  ask(request: RequestLine): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(request)}\n`);
  }

  /** Answers as they come, to the end of the connection; when the reader is slow, they wait at the collector. Errors are thrown as such. */
  async *answers(): AsyncGenerator<LiveAnswer> {
    for await (const answer of this.#answers) {
      if (answer.type === 'error') throw errorOf(answer);
      if (answer.type === 'end') return;
      yield answer;
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Throws nothing: a connection that breaks ends. */
async function* answersOf(socket: Socket): AsyncGenerator<LiveAnswer> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const octets of socket as AsyncIterable<Buffer>) {
      const lines = (rest + decoder.write(octets)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line) as LiveAnswer;
    }
  } catch (error) {
    if (error instanceof SyntaxError) throw new WeirError('WEIR_LIVE', 'the collector answers what is no JSON');
  }
}

function errorOf(answer: LiveAnswer & { readonly type: 'error' }): WeirError {
  // Codes of a newer collector are told as they are.
  return new WeirError(answer.code as WeirError['code'], answer.message, { hint: answer.hint });
}
