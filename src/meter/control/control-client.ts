import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { systemCode, WeirError } from '../../util/errors.ts';
import type { ControlLine } from './answer.ts';
import type { ControlCommand } from './commands.ts';

/**
 * Tells the probe that listens on `path` a command; the lines of its answer, as they come.
 *
 * @throws WeirError WEIR_CONTROL when there is no probe, it belongs to somebody else, refuses, or does not answer
 */
export async function* askProbe(
  path: string,
  command: ControlCommand,
): AsyncGenerator<Exclude<ControlLine, { type: 'error' }>, void, undefined> {
  const socket = await open(path);
  let failure: unknown;
  socket.on('error', (error) => {
    failure = error;
  });
  let answers = 0;
  try {
    socket.write(`${command} json\n`);
    for await (const text of createInterface({ input: socket })) {
      const line = parse(path, text);
      answers++;
      if (line.type === 'error') throw new WeirError('WEIR_CONTROL', line.message, { hint: line.hint });
      yield line;
    }
  } finally {
    socket.destroy();
  }
  if (answers === 0 || failure !== undefined)
    throw new WeirError('WEIR_CONTROL', `the probe on ${path} went away before it had answered`, {
      hint: 'Look at what it said last.',
      cause: failure,
    });
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', (error) => reject(unreachable(path, error)));
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function parse(path: string, text: string): ControlLine {
  try {
    return JSON.parse(text) as ControlLine;
  } catch (error) {
    throw new WeirError('WEIR_CONTROL', `what listens on ${path} is no weir probe`, {
      hint: 'softflowd is talked to with softflowctl.',
      cause: error,
    });
  }
}

function unreachable(path: string, error: unknown): WeirError {
  const code = systemCode(error);
  if (code === 'EACCES' || code === 'EPERM') {
    return new WeirError('WEIR_CONTROL', `the probe on ${path} belongs to another user`, {
      hint: 'Only the user who runs it may tell it something: sudo -u USER weir ctl …',
      cause: error,
    });
  }
  const found = code === 'ECONNREFUSED' ? 'the probe that was there has ended' : 'there is no such socket';
  return new WeirError('WEIR_CONTROL', `no probe listens on ${path}: ${found}`, {
    hint: 'Start one with weir probe -i IFACE -c SOCKET, or name the socket of the one that runs: weir ctl -c SOCKET …',
    cause: error,
  });
}
