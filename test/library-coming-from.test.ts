import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freeUdpPort } from './helpers/free-port.ts';
import { runProcess, spawnProcess } from './helpers/processes.ts';
import { repositoryPath } from './helpers/repository.ts';
import { describeUnless } from './helpers/skip.ts';
import { message, type Specifier, set, templateSet, u16, u32 } from './wire/build.ts';

/* The programs of docs/coming-from.md: ours, and Python's where it is installed, get the same datagrams and must say the same. */

const page = readFileSync(repositoryPath('docs/coming-from.md'), 'utf8');
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '');
const ours = blocks('js').filter((code) => code.includes("from 'netweir'"));
const [single = '', ...collectors] = ours;
const [pythonSingle = '', pythonCollector = ''] = blocks('python');

const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
const python = join(cache, 'netweir/py/bin/python');

const FIELDS: Specifier[] = [
  [8, 4],
  [7, 2],
  [1, 4],
];
const flow = (port: number, bytes: number): number[] => [192, 0, 2, 7, ...u16(port), ...u32(bytes)];
/** Data before its template, the template, and data behind it. */
const DATAGRAMS = [
  message(10, [set(256, flow(53, 100))]),
  message(10, [templateSet(10, 256, FIELDS)], { sequence: 1 }),
  message(10, [set(256, flow(443, 2000), flow(80, 3000))], { sequence: 1 }),
];

/** With a template of its own; sent until it is answered with a line: then the socket is there. */
const READY = message(10, [templateSet(10, 300, FIELDS), set(300, flow(1, 987_654))]);

/** The `count` lines that a collector prints for the datagrams. */
async function collected(command: string, args: (port: number) => string[], count: number): Promise<string[]> {
  const port = await freeUdpPort('127.0.0.1');
  const child = spawnProcess(command, args(port), { cwd: repositoryPath() });
  const socket = createSocket('udp4');
  const send = (datagram: Uint8Array): Promise<unknown> =>
    new Promise((resolve) => socket.send(datagram, port, '127.0.0.1', resolve));
  const lines = (): string[] =>
    child
      .stdout()
      .split('\n')
      .slice(0, -1)
      .filter((line) => !line.includes('987654'));
  const pause = async (): Promise<void> => {
    if (child.stderr() !== '') throw new Error(child.stderr());
    await new Promise((resolve) => setTimeout(resolve, 20));
  };
  try {
    while (!child.stdout().includes('987654')) {
      await send(READY);
      await pause();
    }
    for (const datagram of DATAGRAMS) await send(datagram);
    while (lines().length < count) await pause();
    return lines();
  } finally {
    socket.close();
    child.kill();
  }
}

const collectOurs = (code: string, lines: number): Promise<string[]> =>
  collected(process.execPath, (port) => ['--input-type=module', '-e', code.replace('2055', String(port))], lines);

describe('docs/coming-from.md', () => {
  it('has the programs that are run here', () => {
    expect(single).toContain('decode(');
    expect(collectors).toHaveLength(4);
  });

  it('decodes one datagram as it says', async () => {
    const result = await runProcess(process.execPath, ['--input-type=module', '-e', single], { cwd: repositoryPath() });
    expect(result).toMatchObject({ code: 0, stdout: '5 6 10000\n', stderr: '' });
  });

  it('collects with a state, and what came before its template', async () => {
    expect(await collectOurs(collectors[0] ?? '', 3)).toEqual(['53 100', '443 2000', '80 3000']);
  });

  it('collects with createDecoder', async () => {
    expect(await collectOurs(collectors[1] ?? '', 3)).toEqual(['53 100', '443 2000', '80 3000']);
  });

  it('writes lines of JSON as goflow2 does', async () => {
    const lines = await collectOurs(collectors[2] ?? '', 3);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { sampler_address: '127.0.0.1', sampling_rate: 0, src_addr: '192.0.2.7', src_port: 53, bytes: 100 },
      { src_port: 443, bytes: 2000 },
      { src_port: 80, bytes: 3000 },
    ]);
  });

  it('collects as node-netflowv9 does, which drops what came before its template', async () => {
    expect(await collectOurs(collectors[3] ?? '', 2)).toEqual(['10 192.0.2.7 2000', '10 192.0.2.7 3000']);
  });
});

describeUnless(
  existsSync(python) ? undefined : 'Python netflow not installed',
  'Python’s programs in docs/coming-from.md',
  () => {
    it('decode one datagram as ours does', async () => {
      expect(await runProcess(python, ['-c', pythonSingle])).toMatchObject({ code: 0, stdout: '5 6 10000\n' });
    });

    it('collect as ours does', async () => {
      const lines = await collected(python, (port) => ['-c', pythonCollector.replace('2055', String(port))], 3);
      expect(lines).toEqual(['53 100', '443 2000', '80 3000']);
    });
  },
);
