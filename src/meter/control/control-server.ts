import { lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { messageOf, systemCode, WeirError } from '../../util/errors.ts';
import { type ControlFacts, type ControlLine, type ControlTarget, perform } from './answer.ts';
import { answerText } from './answer-text.ts';
import { CONTROL_COMMANDS, controlCommand } from './commands.ts';

/** Who talks at the same time at most, how long a command may be, and how long (ms) one may be silent or not read. */
const [MOST_CONNECTIONS, LONGEST_LINE, PATIENCE] = [16, 256, 30_000];

/**
 * The control socket of a probe, which only its user can open. Protocol: a line `COMMAND` is answered with text, and `COMMAND json` with an object a line
 * (`ControlLine`); then the connection ends. The first is what softflowctl says, so it can be used as well.
 */
export class ControlServer {
  readonly #path: string;
  readonly #target: ControlTarget;
  readonly #facts: ControlFacts;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(path: string, target: ControlTarget, facts: ControlFacts) {
    this.#path = path;
    this.#target = target;
    this.#facts = facts;
  }

  /** Listens. Takes the place of a socket on which nobody listens any more. Throws WEIR_CONTROL. */
  async start(): Promise<void> {
    const path = this.#path;
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) {
      if (await isListening(path))
        throw new WeirError('WEIR_CONTROL', `a probe listens on the control socket ${path} already`, {
          hint: 'Give this one another socket with -c, or none with -c none.',
        });
      unlinkSync(path);
    }
    const server = createServer((socket) => this.#connected(socket));
    server.maxConnections = MOST_CONNECTIONS;
    try {
      await listen(server, path);
    } catch (error) {
      throw new WeirError('WEIR_CONTROL', `cannot listen on the control socket ${path}: ${messageOf(error)}`, {
        hint: 'Give another path with -c, in a folder that this user may write, or none with -c none.',
        cause: error,
      });
    }
    this.#server = server;
  }

  /** Stops listening and takes the socket away; answers that are on their way may be read for a moment. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
    const timer = setTimeout(() => this.#sockets.forEach((socket) => void socket.destroy()), 500);
    await closed;
    clearTimeout(timer);
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    // One who does not wait for his answer is no fault of ours.
    socket.on('error', () => socket.destroy());
    socket.setTimeout(PATIENCE, () => socket.destroy());
    let line = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      line += text;
      const end = line.indexOf('\n');
      if (end < 0 && line.length <= LONGEST_LINE) return;
      socket.removeAllListeners('data').resume();
      this.#answer(socket, line.slice(0, end < 0 ? LONGEST_LINE : end).trim());
    });
  }

  #answer(socket: Socket, request: string): void {
    const [name = '', form] = request.split(/\s+/, 2);
    const command = controlCommand(name);
    const isJson = form === 'json';
    const lines = command === undefined ? [unknown(name)] : perform(command, this.#target, this.#facts);
    for (const line of lines) {
      const text = isJson ? JSON.stringify(line) : answerText(line).join('\n');
      if (!socket.destroyed) socket.write(`${text}\n`);
    }
    socket.end();
    if (command === 'shutdown' || command === 'exit') this.#target.end(command === 'exit');
  }
}

function unknown(name: string): ControlLine {
  return {
    type: 'error',
    code: 'WEIR_CONTROL',
    message: `Unknown control command "${name}"`,
    hint: `There are ${CONTROL_COMMANDS.map((command) => command.name).join(', ')}.`,
  };
}

/** The socket is made for its user only: by the mask, so that there is no moment in which others could open it. */
function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const mask = process.umask(0o177);
    try {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(mask);
    }
  });
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(systemCode(error) !== 'ECONNREFUSED'));
  });
}
