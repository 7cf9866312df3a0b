import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { systemCode, WeirError } from '../../util/errors.ts';

/** tcpdump's words about itself that are kept. */
const MOST_SAID = 10_000;

/**
 * The packets of a capture that match a filter in tcpdump's language, as a pcap capture: tcpdump chooses them.
 *
 * @param content octets of a pcap or pcapng capture
 * @throws WeirError WEIR_USAGE for a filter that tcpdump does not understand; WEIR_INPUT where there is no tcpdump
 */
export async function* filterCapture(
  content: AsyncIterable<Uint8Array>,
  filter: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const child = spawn('tcpdump', ['-n', '-r', '-', '-w', '-', filter], { stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = child;
  let said = '';
  let failure: unknown;
  stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < MOST_SAID) said += text;
  });
  child.on('error', (error) => {
    failure = error;
  });
  // tcpdump ends early when the filter is wrong, or when nobody reads its output any more.
  stdin.on('error', () => {});
  const closed = new Promise<number | null>((resolve) => void child.on('close', (code) => resolve(code)));
  const feeding = feed(content, child).catch((error: unknown) => {
    failure ??= error;
    stdin.destroy();
  });
  try {
    for await (const chunk of stdout) yield chunk as Uint8Array;
    const code = await closed;
    await feeding;
    if (failure !== undefined) throw failed(failure);
    if (code === 1) throw misunderstood(filter, said);
  } finally {
    child.kill();
  }
}

async function feed(
  content: AsyncIterable<Uint8Array>,
  { stdin }: { readonly stdin: NodeJS.WritableStream & { readonly writable: boolean } },
): Promise<void> {
  for await (const chunk of content) {
    if (!stdin.writable) return;
    // A chunk is valid until the next one is asked for.
    if (!stdin.write(new Uint8Array(chunk))) await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
  }
  stdin.end();
}

function failed(error: unknown): unknown {
  if (systemCode(error) !== 'ENOENT') return error;
  return new WeirError('WEIR_INPUT', 'Packets of a capture are filtered by tcpdump, which is not installed.', {
    hint: 'apt-get install tcpdump, or leave the filter out.',
    cause: error,
  });
}

function misunderstood(filter: string, said: string): WeirError {
  const sentence = /tcpdump: (.*)/.exec(said)?.[1] ?? said.trim();
  return new WeirError('WEIR_USAGE', `tcpdump says of '${filter.slice(0, 100)}': ${sentence}.`, {
    hint: 'man pcap-filter has the language of filters.',
  });
}
